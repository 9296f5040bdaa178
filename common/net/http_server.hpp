// A small HTTP server for JSON APIs and metrics on the loopback interface.
//
// A request comes in and a response leaves within 30 s, or the connection is closed; so is one that
// idles for so long. The server must not face the internet all the same: anything but a loopback
// address is refused unless allow_non_loopback says that a proxy stands in front. Handlers run on
// threads of the server's own behind a bounded queue, so they may block. Without a free descriptor
// the server waits and goes on when one is there.
#pragma once

#include "common/base/result.hpp"
#include "common/net/http_message.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace covenant::net {

struct HttpRequest {
    std::string method;                                        // "GET", "POST"; HEAD arrives as GET
    std::string path;                                          // decoded, without the query
    std::map<std::string, std::string, std::less<>> query;     // decoded; the last of equal names
    std::map<std::string, std::string, std::less<>> captures;  // "{name}" parts of the route
    Headers headers;
    std::string content_type;  // media type in lower case
    Bytes body;

    // The query parameter, or nullopt.
    [[nodiscard]] std::optional<std::string_view> parameter(std::string_view name) const;
    // The capture; the route must have one of that name.
    [[nodiscard]] const std::string& capture(std::string_view name) const;
};

struct HttpReply {
    int status = 200;
    std::string body;
    std::string content_type = "application/json";
    Headers headers;
};

using HttpHandler = std::function<HttpReply(const HttpRequest&)>;

// {"error":{"code":"not_found","message":"..."}} with the status, the shape of every error the
// server makes.
HttpReply error_reply(int status, std::string_view code, std::string_view message);

struct Route {
    std::string method;  // "GET" (answers HEAD too) or "POST"
    std::string
        pattern;  // "/api/rounds/{round}": whole segments; "/assets/*": the rest is capture "*"
    HttpHandler handler;
};

inline Route get_route(std::string pattern, HttpHandler handler) {
    return {"GET", std::move(pattern), std::move(handler)};
}
inline Route post_route(std::string pattern, HttpHandler handler) {
    return {"POST", std::move(pattern), std::move(handler)};
}

struct HttpServerOptions {
    std::string address = "127.0.0.1";  // an IP address or "localhost"
    std::uint16_t port = 0;             // 0: any free port
    bool allow_non_loopback = false;
    std::size_t max_body_bytes = std::size_t{1} << 20;  // 413 above; 411 without a length
    std::size_t handler_threads = 2;
    std::size_t max_queued = 256;  // 503 above
};

class HttpServer {
  public:
    // kAlreadyExists: the port is taken. kPermission: a privileged port. kInvalidArgument: no IP
    // address, one that is not loopback, no threads, a malformed or repeated route.
    static Result<std::unique_ptr<HttpServer>> start(HttpServerOptions options,
                                                     std::vector<Route> routes);
    ~HttpServer();
    HttpServer(const HttpServer&) = delete;
    HttpServer& operator=(const HttpServer&) = delete;

    [[nodiscard]] std::uint16_t port() const;
    [[nodiscard]] std::string url() const;  // "http://127.0.0.1:8600"
    // Takes no new request, answers those at hand, joins its threads. Idempotent; the destructor
    // calls it.
    void stop();

  private:
    class Impl;
    explicit HttpServer(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

// "127.0.0.1:9090", "[::1]:9090" or ":9090" (loopback) -> address and port. kInvalidArgument
// otherwise.
Result<std::pair<std::string, std::uint16_t>> parse_endpoint(std::string_view text);

// kInvalidArgument, too, for an endpoint that other machines reach.
Status check_loopback(std::string_view endpoint);

}  // namespace covenant::net
