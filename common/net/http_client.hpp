// Blocking HTTP for short calls to a known address: JSON-RPC, our own REST servers. Not for
// artifacts.
//
// Every call ends by its deadline, even when the server stalls in the middle of a body. A call that
// dies on a connection which the server closed while it idled is sent once more on a fresh client;
// callers therefore send only what may arrive twice (reads, and transactions, which the chain tells
// apart by hash). No redirects are followed. Never call this from a handler of the library's own
// thread pool: HttpServer runs handlers on threads of their own for that reason.
#pragma once

#include "common/base/result.hpp"
#include "common/net/http_message.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

namespace covenant::net {

// Sizes the network thread pool. Call first in main; later calls, and calls after the first
// request, do nothing.
void initialize(std::size_t threads = 4);

struct HttpClientOptions {
    // "http://127.0.0.1:8545", "https://[::1]:8545/v3/KEY?a=b": its path and query begin every
    // request, "user:password@" is sent as basic authorization. Error texts show scheme, host and
    // port only: the rest may be a secret.
    std::string base_url;
    std::uint32_t timeout_ms = 10'000;  // connect, send, wait and read together
    std::size_t max_response_bytes = std::size_t{16} << 20;
    std::string user_agent = "covenant";
    std::string ca_file;  // PEM of an own authority for https; "" = the system's
};

// Any status is a response, 404 and 502 included: the caller looks at status and content_type
// before it parses.
struct HttpResponse {
    int status = 0;
    std::string content_type;  // media type in lower case, without parameters
    Headers headers;
    Bytes body;  // at most max_response_bytes

    [[nodiscard]] bool ok() const { return status >= 200 && status < 300; }
    [[nodiscard]] std::string_view text() const { return as_text(body); }
};

// Thread-safe: calls may run side by side.
class HttpClient {
  public:
    // kInvalidArgument: no http(s) address, timeout 0 or response limit 0.
    static Result<HttpClient> create(HttpClientOptions options);
    HttpClient(HttpClient&&) noexcept;
    HttpClient& operator=(HttpClient&&) noexcept;
    ~HttpClient();

    // `path` is "" or starts with '/', and may hold a query; it is sent as it stands behind the
    // base address's own.
    // kTimeout: the deadline passed. kUnavailable: refused, unreachable, closed early, name
    // unknown, no HTTP. kMismatch: the certificate is not trusted. kMalformed: more than
    // max_response_bytes. kInterrupted: stop was requested.
    Result<HttpResponse> get(std::string_view path, const Headers& headers = {});
    Result<HttpResponse> post(std::string_view path, ByteView body,
                              std::string_view content_type = "application/json",
                              const Headers& headers = {});
    Result<HttpResponse> request(std::string_view method, std::string_view path, ByteView body,
                                 std::string_view content_type, const Headers& headers);

    // Calls end at once, with kInterrupted, when stop is requested. Call before the first one.
    void set_stop(std::stop_token stop);
    [[nodiscard]] std::string shown_url() const;  // scheme, host and port

  private:
    class Impl;
    explicit HttpClient(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace covenant::net
