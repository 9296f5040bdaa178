// The client against servers that misbehave.
#include "tests/unit/common/net/raw_server.hpp"

#include "common/net/http_client.hpp"
#include "common/net/service_url.hpp"

#include <chrono>

#include <gtest/gtest.h>

namespace covenant::net {
namespace {

HttpClient client_for(const std::string& url, std::uint32_t timeout_ms = 5000,
                      std::size_t limit = 1 << 20) {
    initialize(2);
    HttpClientOptions options;
    options.base_url = url;
    options.timeout_ms = timeout_ms;
    options.max_response_bytes = limit;
    return HttpClient::create(options).value();
}

TEST(HttpClientAgainst, AServerThatClosesAfterEachReply) {
    // The reply promises keep-alive and the socket closes behind it: every later call meets a dead
    // connection.
    RawServer server([](RawServer&, int fd, int) {
        if (!RawServer::read_request(fd).empty()) RawServer::send_all(fd, RawServer::ok("{}"));
    });
    HttpClient client = client_for(server.url());
    const std::string body(2000, 'x');
    for (int i = 0; i < 50; ++i) {
        const auto reply = client.post("/", as_bytes(body));
        ASSERT_TRUE(reply) << i << ": " << reply.error().context;
        EXPECT_EQ(reply->text(), "{}");
    }
    EXPECT_GE(server.connections(), 50);
}

TEST(HttpClientAgainst, AServerThatNeverAnswers) {
    RawServer server([](RawServer&, int fd, int) { RawServer::wait_for_close(fd); });
    HttpClient client = client_for(server.url(), 60);
    const auto start = std::chrono::steady_clock::now();
    const auto reply = client.get("/");
    ASSERT_FALSE(reply);
    EXPECT_EQ(reply.error().code, Errc::kTimeout);
    EXPECT_TRUE(reply.error().retryable);
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(3));
}

TEST(HttpClientAgainst, AServerThatStallsInTheMiddleOfTheBody) {
    RawServer server([](RawServer&, int fd, int) {
        RawServer::read_request(fd);
        RawServer::send_all(fd, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf");
        RawServer::wait_for_close(fd);
    });
    HttpClient client = client_for(server.url(), 60);
    const auto reply = client.get("/");
    ASSERT_FALSE(reply);
    EXPECT_EQ(reply.error().code, Errc::kTimeout);
}

TEST(HttpClientAgainst, AnAnnouncedOversizedBody) {
    RawServer server([](RawServer&, int fd, int) {
        RawServer::read_request(fd);
        RawServer::send_all(fd, "HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n");
        RawServer::wait_for_close(fd);
    });
    HttpClient client = client_for(server.url(), 3000, 1000);
    const auto reply = client.get("/");
    ASSERT_FALSE(reply);
    EXPECT_EQ(reply.error().code, Errc::kMalformed);
    EXPECT_NE(reply.error().context.find("limit of 1000"), std::string::npos)
        << reply.error().context;
}

TEST(HttpClientAgainst, AnEndlessChunkedBody) {
    RawServer server([](RawServer&, int fd, int) {
        RawServer::read_request(fd);
        RawServer::send_all(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        const std::string chunk = "1000\r\n" + std::string(0x1000, 'x') + "\r\n";
        for (int i = 0; i < 4096; ++i) {
            if (::send(fd, chunk.data(), chunk.size(), MSG_NOSIGNAL) <= 0) return;
        }
        RawServer::wait_for_close(fd);
    });
    HttpClient client = client_for(server.url(), 3000, 10'000);
    const auto reply = client.get("/");
    ASSERT_FALSE(reply);
    EXPECT_EQ(reply.error().code, Errc::kMalformed) << reply.error().context;
}

TEST(HttpClientAgainst, SomethingThatIsNoHttp) {
    RawServer server([](RawServer&, int fd, int) {
        RawServer::read_request(fd);
        RawServer::send_all(fd, "SSH-2.0-OpenSSH_9.2\r\n\r\n");
    });
    HttpClient client = client_for(server.url(), 2000);
    const auto reply = client.get("/");
    ASSERT_FALSE(reply);
    EXPECT_EQ(reply.error().code, Errc::kUnavailable) << reply.error().context;
    EXPECT_NE(reply.error().context.find("does not speak HTTP"), std::string::npos)
        << reply.error().context;
}

TEST(HttpClientAgainst, ABodyCutShort) {
    RawServer server([](RawServer&, int fd, int) {
        RawServer::read_request(fd);
        RawServer::send_all(fd, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
    });
    HttpClient client = client_for(server.url(), 2000);
    const auto reply = client.get("/");
    ASSERT_FALSE(reply);
    EXPECT_TRUE(reply.error().retryable) << reply.error().context;
}

TEST(HttpClientAgainst, ARedirectIsHandedOverNotFollowed) {
    RawServer server([](RawServer&, int fd, int) {
        RawServer::read_request(fd);
        RawServer::send_all(
            fd, "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n");
    });
    HttpClient client = client_for(server.url(), 2000);
    const auto reply = client.get("/");
    ASSERT_TRUE(reply) << reply.error().context;
    EXPECT_EQ(reply->status, 302);
    EXPECT_FALSE(reply->ok());
}

TEST(HttpClientAgainst, APageWhereJsonWasExpected) {
    RawServer server([](RawServer&, int fd, int) {
        RawServer::read_request(fd);
        RawServer::send_all(
            fd,
            "HTTP/1.1 502 Bad Gateway\r\nContent-Type: Text/HTML; charset=x\r\nContent-Length: "
            "6\r\n\r\n<html>");
    });
    HttpClient client = client_for(server.url(), 2000);
    const auto reply = client.get("/");
    ASSERT_TRUE(reply) << reply.error().context;
    EXPECT_EQ(reply->status, 502);
    EXPECT_EQ(reply->content_type, "text/html");
    EXPECT_EQ(reply->text(), "<html>");
}

TEST(HttpClientAgainst, APortWhereNobodyListens) {
    std::string url;
    {
        RawServer gone([](RawServer&, int, int) {});
        url = gone.url();
    }
    HttpClient client = client_for(url, 2000);
    const auto reply = client.get("/x");
    ASSERT_FALSE(reply);
    EXPECT_EQ(reply.error().code, Errc::kUnavailable);
    EXPECT_NE(reply.error().context.find(url), std::string::npos);
    EXPECT_NE(reply.error().context.find("nothing listens there"), std::string::npos);
    EXPECT_EQ(reply.error().context.find("113"), std::string::npos) << reply.error().context;
}

TEST(HttpClientAgainst, ASilentServerWhenAskedToStop) {
    std::stop_source stop;
    RawServer server([&](RawServer&, int fd, int) {
        RawServer::read_request(fd);
        stop.request_stop();
        RawServer::wait_for_close(fd);
    });
    HttpClient client = client_for(server.url(), 60'000);
    client.set_stop(stop.get_token());
    const auto start = std::chrono::steady_clock::now();
    const auto reply = client.get("/");
    ASSERT_FALSE(reply);
    EXPECT_EQ(reply.error().code, Errc::kInterrupted);
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(2));
}

TEST(HttpClient, RefusesBadOptions) {
    for (const char* url : {"", "ftp://x", "127.0.0.1:80", "http://", "http://a b", "http://u:p@",
                            "http://::1:80", "http://[::1", "http://[x]", "http://h:0",
                            "http://h:x", "http://h:70000", "http://u%zz:p@h",
                            "user:SECRET@host/v3/SECRET", "http://u:SECRET@h:port/SECRET?SECRET"}) {
        HttpClientOptions options;
        options.base_url = url;
        const auto client = HttpClient::create(options);
        ASSERT_FALSE(client) << url;
        EXPECT_EQ(client.error().code, Errc::kInvalidArgument);
        EXPECT_EQ(client.error().context.find("SECRET"), std::string::npos);
    }
    HttpClientOptions zero;
    zero.base_url = "http://127.0.0.1";
    zero.timeout_ms = 0;
    EXPECT_FALSE(HttpClient::create(zero));
}

TEST(ServiceUrl, IsTakenApart) {
    const ServiceUrl all =
        ServiceUrl::parse("https://a%3ab:c@d@[fe80::1]:8545/v3/K?x=1#fragment").value();
    EXPECT_EQ(all.user_info, "a:b:c@d");
    EXPECT_EQ(all.host, "fe80::1");
    EXPECT_EQ(all.shown(), "https://[fe80::1]:8545");
    EXPECT_EQ(all.target(""), "/v3/K?x=1");
    EXPECT_EQ(all.target("/more?y=2"), "/v3/K/more?x=1&y=2");
    const ServiceUrl bare = ServiceUrl::parse("http://h?k=1").value();
    EXPECT_EQ(bare.shown(), "http://h");
    EXPECT_EQ(bare.target(""), "/?k=1");
    EXPECT_EQ(ServiceUrl::parse("http://h/").value().target("/x"), "/x");
}

}  // namespace
}  // namespace covenant::net
