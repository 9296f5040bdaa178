// One HTTP exchange with a JSON-RPC endpoint; tests script it.
#pragma once

#include "common/base/result.hpp"

#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

namespace covenant::chain {

struct TransportReply {
    int status = 200;  // HTTP
    std::string body;
    std::uint32_t retry_after_seconds = 0;  // what the node asks for; 0: it does not say
};

class JsonRpcTransport {
  public:
    virtual ~JsonRpcTransport() = default;
    // kUnavailable or kTimeout when nothing came back; any HTTP status is a reply. kMalformed: the
    // reply is larger than this client takes. kInterrupted: stop was requested.
    virtual Result<TransportReply> post(std::string_view body) = 0;
    // NOLINTNEXTLINE(performance-unnecessary-value-param): an override keeps it
    virtual void set_stop(std::stop_token /*stop*/) {}
    [[nodiscard]] virtual std::string endpoint() const = 0;  // for texts: scheme, host and port
};

// url: http or https, with user, path and query as they are. kInvalidArgument for another one.
Result<std::unique_ptr<JsonRpcTransport>> make_http_transport(const std::string& url,
                                                              std::uint32_t timeout_ms = 10'000);

}  // namespace covenant::chain
