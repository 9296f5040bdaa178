#include "common/net/http_server.hpp"

#include "common/base/log.hpp"
#include "common/net/router.hpp"

#include <charconv>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <limits>
#include <mutex>
#include <set>
#include <thread>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <fmt/format.h>

namespace covenant::net {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using boost::system::error_code;
using tcp = asio::ip::tcp;

constexpr std::chrono::seconds kIdle{30};  // for a request to come in, or a response to leave
constexpr std::chrono::seconds kLinger{1};
constexpr std::chrono::milliseconds kAcceptPause{100};
constexpr std::uint32_t kHeaderBytes = 16 * 1024;
constexpr std::size_t kLingerBytes = std::size_t{1} << 20;

class Session;

struct Job {
    std::shared_ptr<Session> session;
    HttpRequest request;
};

// The handlers' threads and what waits for them.
class Handlers {
  public:
    Handlers(Router router, std::size_t max_queued)
        : router_(std::move(router)), max_queued_(max_queued) {}

    void start(std::size_t threads) {
        for (std::size_t i = 0; i < threads; ++i) {
            threads_.emplace_back([this] { work(); });
        }
    }

    // False when too many wait, or none will be answered any more.
    bool enqueue(Job job) {
        const std::scoped_lock lock(mutex_);
        if (stopping_ || queue_.size() >= max_queued_) return false;
        queue_.push_back(std::move(job));
        wake_.notify_one();
        return true;
    }

    // Returns when what was queued is answered.
    void stop() {
        {
            const std::scoped_lock lock(mutex_);
            stopping_ = true;
            wake_.notify_all();
        }
        threads_.clear();
    }

  private:
    void work();

    const Router router_;
    const std::size_t max_queued_;
    std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<Job> queue_;
    bool stopping_ = false;
    std::vector<std::jthread> threads_;
};

// What the sessions share. The loop's thread alone touches `sessions` and `closing`.
struct Shared {
    Shared(HttpServerOptions server_options, Router router)
        : options(std::move(server_options)), handlers(std::move(router), options.max_queued) {}

    const HttpServerOptions options;
    asio::io_context loop{1};
    asio::steady_timer grace{loop};  // what sessions get to end their answers when the server stops
    Handlers handlers;
    std::set<Session*> sessions;
    bool closing = false;
};

// One connection: a request is read whole, answered by a handler, and the next one is read. All but
// answer() runs on the loop's thread.
class Session : public std::enable_shared_from_this<Session> {
  public:
    Session(std::shared_ptr<Shared> shared, tcp::socket socket)
        : shared_(std::move(shared)), stream_(std::move(socket)) {
        shared_->sessions.insert(this);
    }
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;
    ~Session() {
        shared_->sessions.erase(this);
        if (shared_->closing && shared_->sessions.empty()) shared_->grace.cancel();
    }

    void read() {
        if (shared_->closing) return;
        parser_.emplace();
        parser_->header_limit(kHeaderBytes);
        parser_->body_limit(
            std::numeric_limits<std::uint64_t>::max());  // read_body looks at the length
        stream_.expires_after(kIdle);
        http::async_read_header(stream_, buffer_, *parser_,
                                [self = shared_from_this()](const error_code& failed, std::size_t) {
                                    self->read_body(failed);
                                });
    }

    // From any thread; the loop's thread frees the session.
    static void answer(std::shared_ptr<Session> session, HttpReply reply) {
        const auto executor = session->stream_.get_executor();
        asio::post(executor, [self = std::move(session), reply = std::move(reply)]() mutable {
            self->write(std::move(reply), self->parser_->get().keep_alive());
        });
    }

    [[nodiscard]] bool answering() const { return answering_; }
    void close() { stream_.close(); }

  private:
    void read_body(const error_code& failed) {
        if (failed == http::error::end_of_stream) return shut_down();
        if (failed) {
            const bool spoke =
                failed.category() == make_error_code(http::error::bad_version).category();
            if (spoke)
                refuse(error_reply(400, "malformed", "no HTTP request: " + failed.message()));
            return;
        }
        head_ = parser_->get().method() == http::verb::head;
        if (parser_->chunked()) {
            return refuse(error_reply(411, "length_required", "send a Content-Length"));
        }
        const std::uint64_t length = parser_->content_length().value_or(0);
        if (length > shared_->options.max_body_bytes) {
            return refuse(error_reply(413, "too_large",
                                      fmt::format("the body has {} bytes, the limit is {}", length,
                                                  shared_->options.max_body_bytes)));
        }
        http::async_read(stream_, buffer_, *parser_,
                         [self = shared_from_this()](const error_code& broken, std::size_t) {
                             if (!broken) self->hand_over();
                         });
    }

    void hand_over() {
        const auto& message = parser_->get();
        const std::string target(message.target());
        const auto question = target.find('?');
        auto path = percent_decode(std::string_view(target).substr(0, question), false);
        auto query = parse_query(question == std::string::npos
                                     ? std::string_view{}
                                     : std::string_view(target).substr(question + 1));
        if (!path || !query) {
            return refuse(error_reply(400, "malformed", "the address does not decode"));
        }
        HttpRequest request;
        request.method = head_ ? "GET" : std::string(message.method_string());
        request.path = std::move(*path);
        request.query = std::move(*query);
        for (const auto& field : message) {
            request.headers.emplace_back(std::string(field.name_string()),
                                         std::string(field.value()));
        }
        request.content_type = media_type(header_value(request.headers, "content-type"));
        request.body = std::move(parser_->get().body());
        answering_ = true;
        stream_.expires_never();  // the handler's time is its own
        if (!shared_->handlers.enqueue({shared_from_this(), std::move(request)})) {
            refuse(error_reply(503, "busy", "too many requests at once; try again"));
        }
    }

    void refuse(HttpReply reply) { write(std::move(reply), false); }

    void write(HttpReply reply, bool keep_alive) {
        answering_ = true;
        keep_alive = keep_alive && !shared_->closing;
        auto message = std::make_shared<http::response<http::string_body>>(
            static_cast<http::status>(reply.status), parser_->get().version());
        for (const auto& [name, value] : reply.headers)
            message->insert(name, value);
        message->set(http::field::content_type, reply.content_type);
        message->set("X-Content-Type-Options", "nosniff");
        message->keep_alive(keep_alive);
        message->content_length(reply.body.size());
        if (!head_) message->body() = std::move(reply.body);
        auto serializer = std::make_shared<http::response_serializer<http::string_body>>(*message);
        const auto sent = [self = shared_from_this(), message, serializer, keep_alive](
                              const error_code& failed, std::size_t) {
            if (failed) return;
            self->answering_ = false;
            keep_alive ? self->read() : self->shut_down();
        };
        stream_.expires_after(kIdle);
        if (head_) {
            http::async_write_header(stream_, *serializer, sent);
        } else {
            http::async_write(stream_, *serializer, sent);
        }
    }

    // A close with unread bytes would reset the connection before the client has read its answer.
    void shut_down() {
        error_code ignored;
        stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
        stream_.expires_after(kLinger);
        drain();
    }

    void drain() {
        rest_.resize(4096);
        stream_.async_read_some(
            asio::buffer(rest_),
            [self = shared_from_this()](const error_code& failed, std::size_t size) {
                self->drained_ += size;
                if (!failed && self->drained_ < kLingerBytes) self->drain();
            });
    }

    std::shared_ptr<Shared> shared_;
    beast::tcp_stream stream_;
    beast::flat_buffer buffer_;
    std::optional<http::request_parser<http::vector_body<std::uint8_t>>> parser_;
    bool head_ = false;
    bool answering_ = false;
    Bytes rest_;
    std::size_t drained_ = 0;
};

void Handlers::work() {
    for (;;) {
        std::unique_lock lock(mutex_);
        wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
        if (queue_.empty()) return;
        Job job = std::move(queue_.front());
        queue_.pop_front();
        lock.unlock();
        HttpReply reply = router_.answer(job.request);
        Session::answer(std::move(job.session), std::move(reply));
    }
}

Error listen_error(const error_code& failed, std::uint16_t port) {
    if (failed == asio::error::address_in_use) {
        return fail(Errc::kAlreadyExists,
                    fmt::format("port {} is in use by another process; choose another port, or 0 "
                                "for any free one",
                                port))
            .value();
    }
    if (failed == asio::error::access_denied) {
        return fail(Errc::kPermission,
                    fmt::format("port {} needs privileges; choose one above 1023", port))
            .value();
    }
    return fail(Errc::kIo, fmt::format("listen on port {}: {}", port, failed.message())).value();
}

Result<asio::ip::address> parse_address(std::string_view text) {
    error_code failed;
    const std::string address = text == "localhost" ? "127.0.0.1" : std::string(text);
    auto out = asio::ip::make_address(address, failed);
    if (failed || (out.is_v6() && out.to_v6().scope_id() != 0)) {
        return fail(
            Errc::kInvalidArgument,
            fmt::format("'{}' is no IP address; write 127.0.0.1, [::1] or localhost", text));
    }
    return out;
}

std::string in_url(const asio::ip::address& address) {
    return address.is_v6() ? "[" + address.to_string() + "]" : address.to_string();
}

}  // namespace

class HttpServer::Impl {
  public:
    Impl(HttpServerOptions options, Router router)
        : shared_(std::make_shared<Shared>(std::move(options), std::move(router))),
          acceptor_(shared_->loop),
          pause_(shared_->loop) {}
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;
    ~Impl() { stop(); }

    Status start(const asio::ip::address& address) {
        const HttpServerOptions& options = shared_->options;
        const tcp::endpoint wanted(address, options.port);
        error_code failed;
        acceptor_.open(wanted.protocol(), failed);
        if (!failed) acceptor_.set_option(tcp::acceptor::reuse_address(true), failed);
        if (!failed) acceptor_.bind(wanted, failed);
        if (!failed) acceptor_.listen(asio::socket_base::max_listen_connections, failed);
        if (!failed) endpoint_ = acceptor_.local_endpoint(failed);
        if (failed) return fail(listen_error(failed, options.port));
        shared_->handlers.start(options.handler_threads);
        accept();
        loop_ = std::jthread([shared = shared_] { shared->loop.run(); });
        return {};
    }

    void stop() {
        if (!loop_.joinable()) return;
        asio::post(shared_->loop, [this] {
            error_code ignored;
            acceptor_.close(ignored);
            pause_.cancel();
        });
        shared_->handlers.stop();
        asio::post(shared_->loop, [this] { close_sessions(); });
        loop_.join();
    }

    [[nodiscard]] std::uint16_t port() const { return endpoint_.port(); }
    [[nodiscard]] std::string url() const {
        return fmt::format("http://{}:{}", in_url(endpoint_.address()), port());
    }

  private:
    // A session that reads has nothing to lose; one that answers gets a moment.
    void close_sessions() {
        shared_->closing = true;
        for (Session* session : shared_->sessions) {
            if (!session->answering()) session->close();
        }
        if (shared_->sessions.empty()) return;
        shared_->grace.expires_after(kLinger);
        shared_->grace.async_wait([this](const error_code& cancelled) {
            if (cancelled) return;
            for (Session* session : shared_->sessions)
                session->close();
        });
    }

    void accept() {
        acceptor_.async_accept([this](const error_code& failed, tcp::socket socket) {
            if (!acceptor_.is_open()) return;
            if (!failed) {
                said_ = false;
                std::make_shared<Session>(shared_, std::move(socket))->read();
                return accept();
            }
            // Without a free descriptor the connection stays in the queue, and accepting it again
            // at once would spin.
            if (!said_) {
                log::warn("net", "cannot accept a connection, trying on",
                          {{"why", failed.message()}});
                said_ = true;
            }
            pause_.expires_after(kAcceptPause);
            pause_.async_wait([this](const error_code&) {
                if (acceptor_.is_open()) accept();
            });
        });
    }

    std::shared_ptr<Shared> shared_;
    tcp::acceptor acceptor_;
    asio::steady_timer pause_;
    tcp::endpoint endpoint_;
    bool said_ = false;
    std::jthread loop_;
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
    auto address = parse_address(options.address);
    const std::string where =
        fmt::format("serve on {}:{}", address ? in_url(*address) : options.address, options.port);
    if (options.handler_threads == 0 || options.max_queued == 0) {
        return fail(Errc::kInvalidArgument,
                    where + ": needs at least one thread and one queue slot");
    }
    if (!address) return fail(std::move(address).error().within(where));
    if (!address->is_loopback() && !options.allow_non_loopback) {
        return fail(Errc::kInvalidArgument,
                    where +
                        ": not a loopback address; this server has no "
                        "protection against the internet: serve on 127.0.0.1 or "
                        "[::1] and put a proxy in front");
    }
    auto router = Router::create(std::move(routes));
    if (!router) return fail(std::move(router).error().within(where));
    auto impl = std::make_unique<Impl>(std::move(options), std::move(*router));
    if (Status started = impl->start(*address); !started) {
        return fail(std::move(started).error().within(where));
    }
    return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
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

Status check_loopback(std::string_view endpoint) {
    COVENANT_TRY(const auto place, parse_endpoint(endpoint));
    COVENANT_TRY(const asio::ip::address address, parse_address(place.first));
    if (address.is_loopback()) return {};
    return fail(
        Errc::kInvalidArgument,
        fmt::format("'{}' is not a loopback address: this server has no protection against "
                    "the internet; listen on 127.0.0.1 or [::1] and put a proxy in front of it",
                    endpoint));
}

}  // namespace covenant::net
