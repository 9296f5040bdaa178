#include "common/net/http_server.hpp"

#include "common/net/router.hpp"

#include <atomic>
#include <charconv>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <mutex>
#include <system_error>
#include <thread>

#include <arpa/inet.h>
#include <cpprest/http_listener.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

namespace covenant::net {
namespace {

namespace http = web::http;
using http::experimental::listener::http_listener;

// A numeric address as the sockets take it.
struct BindAddress {
    sockaddr_storage storage{};
    socklen_t size = 0;
    bool loopback = false;
    bool v6 = false;
};

Result<BindAddress> parse_address(std::string_view text) {
    const std::string address = text == "localhost" ? "127.0.0.1" : std::string(text);
    BindAddress out;
    in_addr v4{};
    in6_addr v6{};
    if (inet_pton(AF_INET, address.c_str(), &v4) == 1) {
        sockaddr_in name{};
        name.sin_family = AF_INET;
        name.sin_addr = v4;
        std::memcpy(&out.storage, &name, sizeof(name));
        out.size = sizeof(name);
        out.loopback = (ntohl(v4.s_addr) >> 24) == 127;
    } else if (inet_pton(AF_INET6, address.c_str(), &v6) == 1) {
        sockaddr_in6 name{};
        name.sin6_family = AF_INET6;
        name.sin6_addr = v6;
        std::memcpy(&out.storage, &name, sizeof(name));
        out.size = sizeof(name);
        out.loopback = std::memcmp(&v6, &in6addr_loopback, sizeof(v6)) == 0;
        out.v6 = true;
    } else {
        return fail(
            Errc::kInvalidArgument,
            fmt::format("'{}' is no IP address; write 127.0.0.1, [::1] or localhost", text));
    }
    return out;
}

void set_port(BindAddress& address, std::uint16_t port) {
    if (address.v6) {
        sockaddr_in6 name{};
        std::memcpy(&name, &address.storage, sizeof(name));
        name.sin6_port = htons(port);
        std::memcpy(&address.storage, &name, sizeof(name));
    } else {
        sockaddr_in name{};
        std::memcpy(&name, &address.storage, sizeof(name));
        name.sin_port = htons(port);
        std::memcpy(&address.storage, &name, sizeof(name));
    }
}

// Binds and closes: the port that was free a moment ago, or why it is not. The library itself
// reports every failure alike.
Result<std::uint16_t> probe_port(BindAddress address, std::uint16_t port) {
    set_port(address, port);
    const int fd = ::socket(address.v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return fail(Errc::kIo, fmt::format("socket: {}", std::generic_category().message(errno)));
    const int on = 1;
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    sockaddr_storage name = address.storage;
    int failed = 0;
    if (::bind(fd, reinterpret_cast<sockaddr*>(&name), address.size) != 0 || ::listen(fd, 1) != 0) {
        failed = errno;
    }
    socklen_t size = sizeof(name);
    if (failed == 0 && ::getsockname(fd, reinterpret_cast<sockaddr*>(&name), &size) != 0)
        failed = errno;
    ::close(fd);
    if (failed == EADDRINUSE) {
        return fail(
            Errc::kAlreadyExists,
            fmt::format(
                "port {} is in use by another process; choose another port, or 0 for any free one",
                port));
    }
    if (failed == EACCES) {
        return fail(Errc::kPermission,
                    fmt::format("port {} needs privileges; choose one above 1023", port));
    }
    if (failed != 0)
        return fail(Errc::kIo,
                    fmt::format("bind port {}: {}", port, std::generic_category().message(failed)));
    std::uint16_t network_port = 0;
    if (address.v6) {
        sockaddr_in6 bound{};
        std::memcpy(&bound, &name, sizeof(bound));
        network_port = bound.sin6_port;
    } else {
        sockaddr_in bound{};
        std::memcpy(&bound, &name, sizeof(bound));
        network_port = bound.sin_port;
    }
    return ntohs(network_port);
}

// What the library's callbacks share with the server: a callback for a client that stalls in its
// body may run after the server is gone.
class Core : public std::enable_shared_from_this<Core> {
  public:
    Core(HttpServerOptions options, Router router)
        : options_(std::move(options)), router_(std::move(router)) {}

    void accept(http::http_request message) {
        Job job;
        job.message = message;
        job.head = message.method() == http::methods::HEAD;
        job.request.method = job.head ? "GET" : message.method();
        auto path = percent_decode(message.relative_uri().path(), false);
        auto query = parse_query(message.relative_uri().query());
        if (!path || !query) {
            return send(job, error_reply(400, "malformed", "the address does not decode"));
        }
        job.request.path = std::move(*path);
        job.request.query = std::move(*query);
        for (const auto& [name, value] : message.headers()) {
            job.request.headers.emplace_back(name, value);
        }
        job.request.content_type = media_type(header_value(job.request.headers, "content-type"));
        if (!header_value(job.request.headers, "transfer-encoding").empty()) {
            return send(job, error_reply(411, "length_required", "send a Content-Length"));
        }
        const std::uint64_t length = message.headers().content_length();
        if (length > options_.max_body_bytes) {
            return send(job, error_reply(413, "too_large",
                                         fmt::format("the body has {} bytes, the limit is {}",
                                                     length, options_.max_body_bytes)));
        }
        message.extract_vector().then(
            [self = shared_from_this(),
             job = std::move(job)](const pplx::task<std::vector<unsigned char>>& done) mutable {
                try {
                    job.request.body = done.get();
                } catch (const std::exception&) {
                    return;  // the client left in the middle of its body
                }
                self->enqueue(std::move(job));
            });
    }

    // Answers queued requests until stop().
    void work() {
        for (;;) {
            std::unique_lock lock(mutex_);
            wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
            if (queue_.empty()) return;
            Job job = std::move(queue_.front());
            queue_.pop_front();
            lock.unlock();
            send(job, router_.answer(job.request));
        }
    }

    void stop() {
        const std::scoped_lock lock(mutex_);
        stopping_ = true;
        wake_.notify_all();
    }

  private:
    struct Job {
        http::http_request message;
        HttpRequest request;
        bool head = false;
    };

    static void send(const Job& job, HttpReply reply) {
        http::http_response response(static_cast<http::status_code>(reply.status));
        for (const auto& [name, value] : reply.headers)
            response.headers().add(name, value);
        response.headers().add("X-Content-Type-Options", "nosniff");
        if (job.head) {
            response.headers().set_content_type(reply.content_type);
        } else {
            response.set_body(std::move(reply.body), reply.content_type);
        }
        job.message.reply(response).then([](const pplx::task<void>& sent) {
            try {
                sent.get();
            } catch (const std::exception&) {
                // The client left before its answer.
            }
        });
    }

    void enqueue(Job job) {
        {
            const std::scoped_lock lock(mutex_);
            if (!stopping_ && queue_.size() < options_.max_queued) {
                queue_.push_back(std::move(job));
                wake_.notify_one();
                return;
            }
        }
        send(job, error_reply(503, "busy", "too many requests at once; try again"));
    }

    const HttpServerOptions options_;
    const Router router_;
    std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<Job> queue_;
    bool stopping_ = false;
};

}  // namespace

class HttpServer::Impl {
  public:
    Impl(std::size_t threads, std::shared_ptr<Core> core, std::string host, std::uint16_t port)
        : core_(std::move(core)),
          threads_(threads),
          host_(std::move(host)),
          port_(port),
          listener_(web::uri(fmt::format("http://{}:{}/", host_, port_))) {
        const auto accept = [core = core_](const http::http_request& request) {
            core->accept(request);
        };
        for (const auto* method : {"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"}) {
            listener_.support(method, accept);
        }
        listener_.support(accept);
    }

    ~Impl() { stop(); }

    // Throws when the library cannot listen.
    void start() {
        listener_.open().get();
        open_ = true;
        for (std::size_t i = 0; i < threads_; ++i) {
            workers_.emplace_back([core = core_] { core->work(); });
        }
    }

    void stop() {
        core_->stop();
        workers_.clear();  // joins: what was queued is answered
        if (open_.exchange(false)) {
            try {
                listener_.close().get();
            } catch (const std::exception&) {
                // It is closed either way; there is nobody to tell.
            }
        }
    }

    [[nodiscard]] std::uint16_t port() const { return port_; }
    [[nodiscard]] std::string url() const { return fmt::format("http://{}:{}", host_, port_); }

  private:
    std::shared_ptr<Core> core_;
    std::size_t threads_;
    std::string host_;
    std::uint16_t port_;
    http_listener listener_;
    std::atomic<bool> open_{false};
    std::vector<std::jthread> workers_;
};

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpServer::~HttpServer() = default;
std::uint16_t HttpServer::port() const {
    return impl_->port();
}
std::string HttpServer::url() const {
    return impl_->url();
}
void HttpServer::stop() {
    impl_->stop();
}

Result<std::unique_ptr<HttpServer>> HttpServer::start(HttpServerOptions options,
                                                      std::vector<Route> routes) {
    const std::string where = fmt::format("serve on {}:{}", options.address, options.port);
    if (options.handler_threads == 0 || options.max_queued == 0) {
        return fail(Errc::kInvalidArgument,
                    where + ": needs at least one thread and one queue slot");
    }
    auto address = parse_address(options.address);
    if (!address) return fail(std::move(address).error().within(where));
    if (!address->loopback && !options.allow_non_loopback) {
        return fail(Errc::kPermission, where +
                                           ": not a loopback address; this server has no "
                                           "protection against the internet, put a "
                                           "proxy in front of 127.0.0.1 or allow it explicitly");
    }
    auto router = Router::create(std::move(routes));
    if (!router) return fail(std::move(router).error().within(where));
    const std::string host = options.address == "localhost"
                                 ? "127.0.0.1"
                                 : (address->v6 ? "[" + options.address + "]" : options.address);
    constexpr int kAttempts =
        16;  // another process may take the port between the probe and the bind
    for (int attempt = 1;; ++attempt) {
        auto port = probe_port(*address, options.port);
        if (!port) return fail(std::move(port).error().within(where));
        try {
            auto impl = std::make_unique<Impl>(
                options.handler_threads, std::make_shared<Core>(options, *router), host, *port);
            impl->start();
            return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
        } catch (const std::exception& failure) {
            if (options.port != 0 || attempt == kAttempts) {
                return fail(Errc::kIo, fmt::format("{}: {}", where, failure.what()));
            }
        }
    }
}

Result<std::pair<std::string, std::uint16_t>> parse_endpoint(std::string_view text) {
    const auto bad = [&] {
        return fail(Errc::kInvalidArgument,
                    fmt::format("'{}' is no ADDRESS:PORT; write 127.0.0.1:9090", text));
    };
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos) return bad();
    std::string_view host = text.substr(0, colon);
    const std::string_view digits = text.substr(colon + 1);
    std::uint16_t port = 0;
    const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    if (failed != std::errc{} || end != digits.data() + digits.size()) return bad();
    if (host.size() >= 2 && host.front() == '[' && host.back() == ']') {
        host = host.substr(1, host.size() - 2);
    } else if (host.find(':') != std::string_view::npos) {
        return bad();
    }
    if (host.empty()) host = "127.0.0.1";
    if (!parse_address(host)) return bad();
    return std::pair(std::string(host), port);
}

}  // namespace covenant::net
