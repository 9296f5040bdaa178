// Client and server against each other.
#include "common/net/http_client.hpp"
#include "common/net/http_server.hpp"
#include "tests/unit/common/net/raw_server.hpp"

#include <atomic>
#include <chrono>
#include <future>
#include <optional>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

namespace covenant::net {
namespace {

std::unique_ptr<HttpServer> serve(std::vector<Route> routes, HttpServerOptions options = {}) {
    initialize(2);
    auto server = HttpServer::start(options, std::move(routes));
    EXPECT_TRUE(server) << (server ? "" : server.error().context);
    return std::move(*server);
}

HttpClient client_of(const HttpServer& server, std::size_t limit = 1 << 20) {
    HttpClientOptions options;
    options.base_url = server.url();
    options.timeout_ms = 5000;
    options.max_response_bytes = limit;
    return HttpClient::create(options).value();
}

HttpReply describe(const HttpRequest& request) {
    HttpReply reply;
    reply.body = request.method + " " + request.path;
    for (const auto& [key, value] : request.query)
        reply.body += " " + key + "=" + value;
    reply.body += " [" + request.content_type + "] " + std::string(as_text(request.body));
    reply.content_type = "text/plain";
    return reply;
}

// Sends text as it stands and returns everything up to the close.
std::string raw_exchange(std::uint16_t port, const std::string& text) {
    const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_port = htons(port);
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    std::string out;
    if (::connect(fd, reinterpret_cast<sockaddr*>(&name), sizeof(name)) == 0) {
        RawServer::send_all(fd, text);
        char buffer[4096];
        for (ssize_t count = 0; (count = ::recv(fd, buffer, sizeof(buffer), 0)) > 0;) {
            out.append(buffer, static_cast<std::size_t>(count));
        }
    }
    ::close(fd);
    return out;
}

TEST(Http, GetAndPostArriveWhole) {
    const auto server =
        serve({get_route("/echo/{name}", describe), post_route("/echo/{name}", describe)});
    HttpClient client = client_of(*server);
    const auto got = client.get("/echo/a%20b?x=1&y=%2F");
    ASSERT_TRUE(got) << got.error().context;
    EXPECT_EQ(got->status, 200);
    EXPECT_EQ(got->content_type, "text/plain");
    EXPECT_EQ(got->text(), "GET /echo/a b x=1 y=/ [] ");
    const auto posted = client.post("/echo/z", as_bytes("{\"a\":1}"));
    ASSERT_TRUE(posted) << posted.error().context;
    EXPECT_EQ(posted->text(), "POST /echo/z [application/json] {\"a\":1}");
}

TEST(Http, ErrorsAreJsonWithTheirStatus) {
    const auto server = serve({get_route("/a", describe)});
    HttpClient client = client_of(*server);
    const auto missing = client.get("/b");
    ASSERT_TRUE(missing);
    EXPECT_EQ(missing->status, 404);
    EXPECT_EQ(missing->content_type, "application/json");
    const auto wrong = client.post("/a", as_bytes("x"));
    ASSERT_TRUE(wrong);
    EXPECT_EQ(wrong->status, 405);
    EXPECT_EQ(header_value(wrong->headers, "Allow"), "GET");
}

TEST(Http, HeadersTravelBothWays) {
    const auto server = serve({get_route("/", [](const HttpRequest& request) {
        HttpReply reply;
        reply.headers.emplace_back("X-Seen", std::string(header_value(request.headers, "x-token")));
        return reply;
    })});
    const auto reply = client_of(*server).get("/", {{"X-Token", "abc"}});
    ASSERT_TRUE(reply);
    EXPECT_EQ(header_value(reply->headers, "X-Seen"), "abc");
}

TEST(Http, HeadHasNoBody) {
    const auto server = serve({get_route("/", describe)});
    const std::string reply =
        raw_exchange(server->port(), "HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    EXPECT_EQ(reply.find("HTTP/1.1 200"), 0U) << reply;
    EXPECT_EQ(reply.substr(reply.find("\r\n\r\n")), "\r\n\r\n");
}

TEST(Http, OversizedAndUnmeasuredBodiesAreRefused) {
    HttpServerOptions options;
    options.max_body_bytes = 100;
    std::atomic<int> handled{0};
    const auto server = serve({post_route("/",
                                          [&](const HttpRequest&) {
                                              ++handled;
                                              return HttpReply{};
                                          })},
                              options);
    HttpClient client = client_of(*server);
    EXPECT_EQ(client.post("/", as_bytes(std::string(100, 'x')))->status, 200);
    EXPECT_EQ(client.post("/", as_bytes(std::string(101, 'x')))->status, 413);
    const std::string chunked =
        raw_exchange(server->port(),
                     "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: "
                     "chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
    EXPECT_EQ(chunked.find("HTTP/1.1 411"), 0U) << chunked;
    EXPECT_EQ(handled, 1);
}

TEST(Http, ResponsesBeyondTheLimitAreRefused) {
    const auto server = serve({get_route("/", [](const HttpRequest&) {
        HttpReply reply;
        reply.body.assign(5000, 'x');
        return reply;
    })});
    EXPECT_EQ(client_of(*server, 5000).get("/")->body.size(), 5000U);
    const auto reply = client_of(*server, 4999).get("/");
    ASSERT_FALSE(reply);
    EXPECT_EQ(reply.error().code, Errc::kMalformed);
}

TEST(Http, AHandlerMayBlockOnAnotherCall) {
    // With handlers on the network pool two nested calls would starve it.
    const auto inner = serve({get_route("/", describe)});
    HttpClient to_inner = client_of(*inner);
    HttpServerOptions options;
    options.handler_threads = 4;
    const auto outer = serve({get_route("/",
                                        [&](const HttpRequest&) {
                                            HttpReply reply;
                                            reply.status = to_inner.get("/")->status;
                                            return reply;
                                        })},
                             options);
    HttpClient client = client_of(*outer);
    std::vector<std::future<int>> calls;
    for (int i = 0; i < 8; ++i) {
        calls.push_back(std::async(std::launch::async, [&] {
            const auto reply = client.get("/");
            return reply ? reply->status : -1;
        }));
    }
    for (auto& call : calls)
        EXPECT_EQ(call.get(), 200);
}

TEST(Http, ATakenPortIsSaidClearly) {
    const auto first = serve({get_route("/", describe)});
    HttpServerOptions options;
    options.port = first->port();
    const auto second = HttpServer::start(options, {get_route("/", describe)});
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, Errc::kAlreadyExists);
    EXPECT_NE(second.error().context.find("in use"), std::string::npos);
    EXPECT_NE(second.error().context.find(std::to_string(first->port())), std::string::npos);
}

TEST(Http, NonLoopbackNeedsTheOperatorsWord) {
    HttpServerOptions options;
    for (const char* address : {"0.0.0.0", "::", "192.0.2.1"}) {
        options.address = address;
        const auto server = HttpServer::start(options, {get_route("/", describe)});
        ASSERT_FALSE(server) << address;
        EXPECT_EQ(server.error().code, Errc::kInvalidArgument);  // what was asked for cannot be
    }
    options.address = "example.org";
    EXPECT_EQ(HttpServer::start(options, {}).error().code, Errc::kInvalidArgument);
    options.address = "0.0.0.0";
    options.allow_non_loopback = true;
    EXPECT_TRUE(HttpServer::start(options, {get_route("/", describe)}));
}

TEST(Http, StopFreesThePortAndIsIdempotent) {
    auto server = serve({get_route("/", describe)});
    const std::uint16_t port = server->port();
    HttpClient client = client_of(*server);
    EXPECT_TRUE(client.get("/"));
    server->stop();
    server->stop();
    EXPECT_FALSE(client.get("/"));
    server.reset();
    HttpServerOptions options;
    options.port = port;
    EXPECT_TRUE(HttpServer::start(options, {get_route("/", describe)}));
}

TEST(Http, AnIpv6AddressServesAndIsCalled) {
    HttpServerOptions options;
    options.address = "::1";
    auto server =
        HttpServer::start(options, {post_route("/x", describe), get_route("/", describe)});
    if (!server && server.error().context.find("Cannot assign") != std::string::npos) {
        GTEST_SKIP() << "this machine has no IPv6: " << server.error().context;
    }
    ASSERT_TRUE(server) << server.error().context;
    const std::string url = "http://[::1]:" + std::to_string((*server)->port());
    EXPECT_EQ((*server)->url(), url);
    HttpClient client = client_of(**server);
    const auto reply = client.post("/x", as_bytes("hello"));
    ASSERT_TRUE(reply) << reply.error().context;
    EXPECT_EQ(reply->text(), "POST /x [application/json] hello");
    (*server)->stop();
    const auto gone = client.get("/");
    ASSERT_FALSE(gone);
    EXPECT_NE(gone.error().context.find(url), std::string::npos) << gone.error().context;
    options.port = 1;  // the text of a failure names the address with its brackets
    options.handler_threads = 0;
    EXPECT_EQ(HttpServer::start(options, {}).error().context.find("serve on [::1]:1"), 0U);
}

TEST(Http, TheHostHeaderHasTheAddressAsItIsWritten) {
    const auto server = serve({get_route("/", [](const HttpRequest& request) {
        HttpReply reply;
        reply.body = std::string(header_value(request.headers, "host"));
        return reply;
    })});
    EXPECT_EQ(client_of(*server).get("")->text(),
              server->url().substr(std::string("http://").size()));
}

TEST(Http, UserPathAndQueryOfTheAddressAreSentAndNeverShown) {
    const auto server = serve({post_route("/v3/{key}", [](const HttpRequest& request) {
        HttpReply reply;
        reply.body = request.capture("key") + " " + std::string(*request.parameter("apikey")) +
                     " " + std::string(header_value(request.headers, "authorization"));
        return reply;
    })});
    const std::string plain = server->url();
    HttpClientOptions options;
    options.base_url =
        "http://us%65r:SECRETPW@" + plain.substr(7) + "/v3/SECRETPATH?apikey=SECRETQUERY";
    HttpClient client = HttpClient::create(options).value();
    const auto reply = client.post("", as_bytes("{}"));
    ASSERT_TRUE(reply) << reply.error().context;
    EXPECT_EQ(reply->text(), "SECRETPATH SECRETQUERY Basic dXNlcjpTRUNSRVRQVw==");
    EXPECT_EQ(client.shown_url(), plain);
    server->stop();
    const auto failed = client.post("", as_bytes("{}"));
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().context.find("SECRET"), std::string::npos) << failed.error().context;
    EXPECT_EQ(failed.error().context.find("POST " + plain + ":"), 0U) << failed.error().context;
}

// Held by the process until it has no free descriptor.
class AllDescriptors {
  public:
    AllDescriptors() {
        ::getrlimit(RLIMIT_NOFILE, &before_);
        rlimit few = before_;
        few.rlim_cur = 200;
        ::setrlimit(RLIMIT_NOFILE, &few);
        for (int fd = 0; (fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0;) {
            held_.push_back(fd);
        }
    }
    AllDescriptors(const AllDescriptors&) = delete;
    AllDescriptors& operator=(const AllDescriptors&) = delete;
    ~AllDescriptors() {
        for (const int fd : held_)
            ::close(fd);
        ::setrlimit(RLIMIT_NOFILE, &before_);
    }

  private:
    rlimit before_{};
    std::vector<int> held_;
};

std::chrono::microseconds processor_time() {
    rusage used{};
    ::getrusage(RUSAGE_SELF, &used);
    return std::chrono::seconds(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           std::chrono::microseconds(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
}

TEST(Http, WithoutFreeDescriptorsTheServerWaitsAndGoesOn) {
    const auto server = serve({get_route("/", describe)});
    const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_port = htons(server->port());
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    char buffer[4096];
    std::optional<AllDescriptors> none(std::in_place);
    ASSERT_EQ(::connect(fd, reinterpret_cast<sockaddr*>(&name), sizeof(name)), 0);
    RawServer::send_all(fd, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    const auto before = processor_time();
    const timeval half{0, 500'000};
    ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &half, sizeof(half));
    EXPECT_LT(::recv(fd, buffer, sizeof(buffer), 0), 0);  // it waits in the queue for half a second
    EXPECT_LT(processor_time() - before, std::chrono::milliseconds(100));
    none.reset();
    const timeval long_time{10, 0};
    ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &long_time, sizeof(long_time));
    EXPECT_GT(::recv(fd, buffer, sizeof(buffer), 0), 0);
    ::close(fd);
}

TEST(Http, RefusesServersWithoutThreads) {
    HttpServerOptions options;
    options.handler_threads = 0;
    EXPECT_EQ(HttpServer::start(options, {}).error().code, Errc::kInvalidArgument);
}

}  // namespace
}  // namespace covenant::net
