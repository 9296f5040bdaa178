#include "common/net/http_client.hpp"

#include "common/base/mutex.hpp"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <system_error>

#include <boost/asio/error.hpp>
#include <boost/asio/ssl.hpp>
#include <cpprest/http_client.h>
#include <fmt/format.h>
#include <pplx/threadpool.h>

namespace covenant::net {
namespace {

namespace http = web::http;

// What the library's threads hand to the caller. The caller may leave at its deadline; whoever is
// last frees it.
struct Exchange {
    std::mutex mutex;
    std::condition_variable changed;
    std::optional<Result<HttpResponse>> outcome;
    bool stale = false;  // the connection was dead before the request was out
    std::atomic<bool> too_large{false};
    std::atomic<bool> headers_in{false};
    pplx::cancellation_token_source cancel;

    void finish(Result<HttpResponse> result) {
        const std::scoped_lock lock(mutex);
        if (outcome) return;
        outcome = std::move(result);
        changed.notify_all();
    }
};

// The library's texts mislead ("Request canceled by user" for a timeout): the code decides, the
// text is added.
Error classify(const http::http_exception& failure) {
    const std::error_code code = failure.error_code();
    const std::string text = failure.what();
    Errc kind = Errc::kUnavailable;
    if (code == std::errc::timed_out) {
        kind = Errc::kTimeout;
    } else if (text.find("certificate") != std::string::npos ||
               text.find("SSL") != std::string::npos || text.find("TLS") != std::string::npos) {
        kind = Errc::kMismatch;
    } else if (text.find("parse") != std::string::npos ||
               text.find("Invalid HTTP") != std::string::npos) {
        kind = Errc::kMalformed;
    }
    return fail(kind, fmt::format("{} (code {})", text, code.value())).value();
}

// The failures of a kept-alive connection that the server had already closed: nothing of a response
// came.
bool looks_stale(const http::http_exception& failure) {
    const std::string_view text = failure.what();
    return text.find("Failed to write request") != std::string_view::npos ||
           text.find("Failed to read HTTP status line") != std::string_view::npos ||
           failure.error_code() == std::errc::broken_pipe ||
           failure.error_code() == std::errc::connection_reset;
}

HttpResponse to_response(http::http_response& reply, std::vector<unsigned char> body) {
    HttpResponse out;
    out.status = reply.status_code();
    for (const auto& [name, value] : reply.headers())
        out.headers.emplace_back(name, value);
    out.content_type = media_type(header_value(out.headers, "content-type"));
    out.body = std::move(body);
    return out;
}

}  // namespace

void initialize(std::size_t threads) {
    static std::once_flag once;
    std::call_once(once, [&] {
        try {
            crossplat::threadpool::initialize_with_threads(threads == 0 ? 1 : threads);
        } catch (const std::exception&) {
            // The pool is running: someone sent a request first, and its size stays.
        }
    });
}

class HttpClient::Impl {
  public:
    explicit Impl(HttpClientOptions options) : options_(std::move(options)) {
        config_.set_timeout(std::chrono::milliseconds(options_.timeout_ms));
        config_.set_max_redirects(0);
        if (!options_.ca_file.empty()) {
            config_.set_ssl_context_callback(
                [file = options_.ca_file](boost::asio::ssl::context& context) {
                    boost::system::error_code
                        ignored;  // an unread authority makes the handshake fail, with a text
                    context.load_verify_file(file, ignored);
                });
        }
    }

    // Throws uri_exception or invalid_argument on a bad address.
    void connect() { client(); }

    const HttpClientOptions& options() const { return options_; }

    // One exchange. `stale` reports that a fresh connection may mend the failure.
    Result<HttpResponse> once(http::http_request request,
                              std::chrono::steady_clock::time_point deadline, bool& stale) {
        const auto exchange = std::make_shared<Exchange>();
        const std::size_t limit = options_.max_response_bytes;
        request.set_progress_handler(
            [weak = std::weak_ptr<Exchange>(exchange), limit](
                http::message_direction::direction direction, utility::size64_t size) {
                if (direction != http::message_direction::download || size <= limit) return;
                if (const auto shared = weak.lock()) {
                    shared->too_large = true;
                    shared->cancel.cancel();
                }
            });
        const auto too_large = [limit] {
            return fail(Errc::kMalformed,
                        fmt::format("the response exceeds the limit of {} bytes", limit));
        };
        client()
            ->request(request, exchange->cancel.get_token())
            .then([exchange, limit](http::http_response reply) {
                exchange->headers_in = true;
                const auto length = reply.headers().content_length();
                if (reply.headers().has(http::header_names::content_length) && length > limit) {
                    exchange->too_large = true;
                    exchange->cancel.cancel();
                    pplx::cancel_current_task();
                }
                return reply.extract_vector().then(
                    [exchange, reply](std::vector<unsigned char> body) mutable {
                        exchange->finish(to_response(reply, std::move(body)));
                    });
            })
            .then([exchange, too_large](const pplx::task<void>& last) {
                try {
                    last.get();  // finished: this continuation runs after it
                    return;
                } catch (const http::http_exception& failure) {
                    if (exchange->too_large) {
                        exchange->finish(too_large());
                    } else {
                        exchange->stale = !exchange->headers_in && looks_stale(failure);
                        exchange->finish(fail(classify(failure)));
                    }
                } catch (const pplx::task_canceled&) {
                    exchange->finish(exchange->too_large
                                         ? Result<HttpResponse>(too_large())
                                         : fail(Errc::kTimeout, "cancelled at the deadline"));
                } catch (const std::exception& failure) {
                    exchange->finish(fail(Errc::kUnavailable, failure.what()));
                }
            });

        std::unique_lock lock(exchange->mutex);
        if (!exchange->changed.wait_until(lock, deadline,
                                          [&] { return exchange->outcome.has_value(); })) {
            exchange->outcome =
                fail(Errc::kTimeout,
                     fmt::format("no complete response within {} ms", options_.timeout_ms));
            lock.unlock();
            exchange->cancel.cancel();
            discard();
            lock.lock();
        }
        stale = exchange->stale;
        return std::move(*exchange->outcome);
    }

    // The next call starts on fresh connections.
    void discard() {
        const MutexLock lock(mutex_);
        client_.reset();
    }

  private:
    std::shared_ptr<http::client::http_client> client() {
        const MutexLock lock(mutex_);
        if (!client_) {
            client_ =
                std::make_shared<http::client::http_client>(web::uri(options_.base_url), config_);
        }
        return client_;
    }

    HttpClientOptions options_;
    http::client::http_client_config config_;
    Mutex mutex_;
    std::shared_ptr<http::client::http_client> client_ COVENANT_GUARDED_BY(mutex_);
};

HttpClient::HttpClient(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpClient::HttpClient(HttpClient&&) noexcept = default;
HttpClient& HttpClient::operator=(HttpClient&&) noexcept = default;
HttpClient::~HttpClient() = default;

const std::string& HttpClient::base_url() const {
    return impl_->options().base_url;
}

Result<HttpClient> HttpClient::create(HttpClientOptions options) {
    const std::string& url = options.base_url;
    const bool known = url.starts_with("http://") || url.starts_with("https://");
    if (!known || options.timeout_ms == 0 || options.max_response_bytes == 0) {
        return fail(
            Errc::kInvalidArgument,
            fmt::format(
                "'{}' with timeout {} ms and limit {} bytes: need an address that starts with "
                "http:// or https:// and limits above 0",
                url, options.timeout_ms, options.max_response_bytes));
    }
    try {
        auto impl = std::make_unique<Impl>(std::move(options));
        if (web::uri(impl->options().base_url).host().empty()) {
            return fail(Errc::kInvalidArgument,
                        fmt::format("'{}' names no host", impl->options().base_url));
        }
        impl->connect();
        return HttpClient(std::move(impl));
    } catch (const std::exception& failure) {
        return fail(Errc::kInvalidArgument, fmt::format("not an address: {}", failure.what()));
    }
}

Result<HttpResponse> HttpClient::get(std::string_view path, const Headers& headers) {
    return request("GET", path, {}, {}, headers);
}

Result<HttpResponse> HttpClient::post(std::string_view path, ByteView body,
                                      std::string_view content_type, const Headers& headers) {
    return request("POST", path, body, content_type, headers);
}

Result<HttpResponse> HttpClient::request(std::string_view method, std::string_view path,
                                         ByteView body, std::string_view content_type,
                                         const Headers& headers) {
    const HttpClientOptions& options = impl_->options();
    const std::string where = fmt::format("{} {}{}", method, options.base_url, path);
    const auto deadline =
        std::chrono::steady_clock::now() + std::chrono::milliseconds(options.timeout_ms);
    try {
        for (int attempt = 0;; ++attempt) {
            http::http_request message{std::string(method)};
            if (!path.empty()) message.set_request_uri(web::uri(std::string(path)));
            message.headers().add("User-Agent", options.user_agent);
            for (const auto& [name, value] : headers)
                message.headers().add(name, value);
            if (!content_type.empty()) {
                message.set_body(std::vector<unsigned char>(body.begin(), body.end()));
                message.headers().set_content_type(std::string(content_type));
            }
            bool stale = false;
            auto result = impl_->once(message, deadline, stale);
            if (result) return result;
            if (!stale || attempt > 0) return fail(std::move(result).error().within(where));
            impl_->discard();
        }
    } catch (const std::exception& failure) {
        return fail(Errc::kInvalidArgument, fmt::format("{}: {}", where, failure.what()));
    }
}

}  // namespace covenant::net
