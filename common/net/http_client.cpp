#include "common/net/http_client.hpp"

#include "common/base/mutex.hpp"
#include "common/net/service_url.hpp"

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
    std::condition_variable_any changed;
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

// The library's texts and codes mislead ("Request canceled by user" for a timeout, 113 "no route to
// host" for a refused connection): this says what they mean.
Error classify(const http::http_exception& failure) {
    const std::string text = failure.what();
    const auto says = [&](std::string_view part) { return text.find(part) != std::string::npos; };
    if (failure.error_code() == std::errc::timed_out) {
        return fail(Errc::kTimeout, "no answer in time").value();
    }
    if (says("certificate") || says("SSL") || says("TLS")) {
        return fail(Errc::kMismatch, text).value();
    }
    if (says("Error resolving")) {
        return fail(Errc::kUnavailable, "the host's name does not resolve to an address").value();
    }
    if (says("Failed to connect")) {
        return fail(
                   Errc::kUnavailable,
                   "nothing listens there: the connection was refused, or no way leads to the host")
            .value();
    }
    if (says("parse") || says("Invalid HTTP")) {
        return fail(Errc::kUnavailable, "what answers there does not speak HTTP").value();
    }
    return fail(Errc::kUnavailable, text).value();
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
    Impl(HttpClientOptions options, ServiceUrl url)
        : options_(std::move(options)), url_(std::move(url)) {
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

    // Throws what the library throws on an address that it does not take.
    void connect() { client(); }

    const HttpClientOptions& options() const { return options_; }
    const ServiceUrl& url() const { return url_; }
    void set_stop(std::stop_token stop) { stop_ = std::move(stop); }

    http::http_request message(std::string_view method, std::string_view path,
                               const Headers& headers) const {
        http::http_request out{std::string(method)};
        out.set_request_uri(web::uri(url_.target(path)));
        out.headers().add("Host", url_.authority());
        out.headers().add("User-Agent", options_.user_agent);
        if (!url_.user_info.empty()) {
            const std::string& user = url_.user_info;
            out.headers().add("Authorization",
                              "Basic " + utility::conversions::to_base64(
                                             std::vector<unsigned char>(user.begin(), user.end())));
        }
        for (const auto& [name, value] : headers)
            out.headers().add(name, value);
        return out;
    }

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
        if (!exchange->changed.wait_until(lock, stop_, deadline,
                                          [&] { return exchange->outcome.has_value(); })) {
            exchange->outcome =
                stop_.stop_requested()
                    ? fail(Errc::kInterrupted, "stopped while waiting for the response")
                    : fail(Errc::kTimeout,
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
            // The library dials the host as it stands here: an IPv6 address without brackets.
            web::uri_builder origin;
            origin.set_scheme(url_.scheme).set_host(url_.host);
            if (url_.port != 0) origin.set_port(url_.port);
            client_ = std::make_shared<http::client::http_client>(origin.to_uri(), config_);
        }
        return client_;
    }

    HttpClientOptions options_;
    ServiceUrl url_;
    std::stop_token stop_;
    http::client::http_client_config config_;
    Mutex mutex_;
    std::shared_ptr<http::client::http_client> client_ COVENANT_GUARDED_BY(mutex_);
};

HttpClient::HttpClient(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpClient::HttpClient(HttpClient&&) noexcept = default;
HttpClient& HttpClient::operator=(HttpClient&&) noexcept = default;
HttpClient::~HttpClient() = default;

std::string HttpClient::shown_url() const {
    return impl_->url().shown();
}

void HttpClient::set_stop(std::stop_token stop) {
    impl_->set_stop(std::move(stop));
}

Result<HttpClient> HttpClient::create(HttpClientOptions options) {
    COVENANT_TRY(ServiceUrl url, ServiceUrl::parse(options.base_url));
    if (options.timeout_ms == 0 || options.max_response_bytes == 0) {
        return fail(Errc::kInvalidArgument,
                    fmt::format("{} with timeout {} ms and limit {} bytes: both must be above 0",
                                url.shown(), options.timeout_ms, options.max_response_bytes));
    }
    const std::string shown = url.shown();
    try {
        auto impl = std::make_unique<Impl>(std::move(options), std::move(url));
        impl->connect();
        return HttpClient(std::move(impl));
    } catch (const std::exception&) {  // its text repeats the address
        return fail(Errc::kInvalidArgument, shown + " is no address that can be dialled");
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
    const std::string where = fmt::format("{} {}", method, impl_->url().shown());
    const auto deadline =
        std::chrono::steady_clock::now() + std::chrono::milliseconds(options.timeout_ms);
    try {
        for (int attempt = 0;; ++attempt) {
            http::http_request message = impl_->message(method, path, headers);
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
    } catch (const std::exception&) {  // its text repeats the address
        return fail(Errc::kInvalidArgument, where + ": the path does not form a request");
    }
}

}  // namespace covenant::net
