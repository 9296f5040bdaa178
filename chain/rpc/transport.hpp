// One HTTP exchange with a JSON-RPC endpoint; tests script it.
#pragma once

#include "common/base/result.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace covenant::chain {

struct TransportReply {
    int status = 200;  // HTTP
    std::string body;
};

class JsonRpcTransport {
  public:
    virtual ~JsonRpcTransport() = default;
    // kUnavailable or kTimeout when nothing came back; any HTTP status is a reply.
    virtual Result<TransportReply> post(std::string_view body) = 0;
    [[nodiscard]] virtual std::string endpoint() const = 0;  // for error texts, without credentials
};

// url: http or https. kInvalidArgument for another one.
Result<std::unique_ptr<JsonRpcTransport>> make_http_transport(const std::string& url,
                                                              std::uint32_t timeout_ms = 10'000);

}  // namespace covenant::chain
