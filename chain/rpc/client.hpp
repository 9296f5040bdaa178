// JSON-RPC 2.0 to an Ethereum node: batches, retries, bounded replies, errors sorted by what one
// can do about them.
#pragma once

#include "chain/rpc/transport.hpp"
#include "common/base/clock.hpp"
#include "common/codec/json.hpp"
#include "common/net/retry.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace covenant::chain {

// What an error reply means for the caller. Nodes share no codes, so most are told by their text
// (geth, anvil, reth).
enum class RpcFailure : std::uint8_t {
    kTransient,          // -32005, -32603, 429: the same call may succeed later
    kReverted,           // code 3, or revert data: the contract said no
    kAlreadyKnown,       // the node has this very transaction: success
    kNonceTooLow,        // the nonce is used
    kUnderpriced,        // a replacement needs higher fees
    kFeeBelowBase,       // max fee is below the block's base fee
    kInsufficientFunds,  // the account cannot pay
    kGasLimitTooHigh,    // above the block's or the transaction's cap
    kTooManyResults,     // eth_getLogs: ask for fewer blocks
    kUnknownMethod,      // -32601
    kOther,
};
std::string_view to_string(RpcFailure failure);

struct RpcError {
    std::int64_t code = 0;
    std::string message;  // bounded
    Bytes data;           // revert data, when there is any
    RpcFailure failure = RpcFailure::kOther;
};
RpcFailure classify(std::int64_t code, std::string_view message, bool has_revert_data);

struct RpcCall {
    std::string method;
    codec::Json params = codec::Json::array();
};

// A node's answer: a result or its error.
struct RpcReply {
    codec::Json result;
    std::optional<RpcError> error;
};

// Parses the reply to `count` calls with ids first_id .. first_id + count - 1 (a batch when count >
// 1) into the order of the calls. kMalformed: no JSON-RPC, a missing, doubled or foreign id.
Result<std::vector<RpcReply>> parse_rpc_reply(std::string_view body, std::uint64_t first_id,
                                              std::size_t count);

struct RpcOptions {
    net::RetryPolicy retry;
    std::size_t max_batch = 100;  // calls in one request
};

// Thread-compatible: one thread at a time.
class RpcClient {
  public:
    RpcClient(std::unique_ptr<JsonRpcTransport> transport, Clock& clock, RpcOptions options = {});

    // The node's answer, errors included; retries what is transient. A failed Result means that no
    // answer came: kUnavailable, kTimeout (both name the endpoint) or kMalformed.
    Result<RpcReply> ask(std::string_view method, const codec::Json& params);
    // The result; an error reply becomes kRejected (kUnavailable for a transient one), naming
    // method and message.
    Result<codec::Json> call(std::string_view method, const codec::Json& params);
    // In the order of the calls; split into requests of max_batch.
    Result<std::vector<RpcReply>> batch(std::span<const RpcCall> calls);

    // Retrying calls end early once stop is requested.
    void set_stop(std::stop_token stop) { stop_ = std::move(stop); }
    [[nodiscard]] std::string endpoint() const { return transport_->endpoint(); }
    [[nodiscard]] Clock& clock() { return *clock_; }

  private:
    Result<std::vector<RpcReply>> exchange(std::span<const RpcCall> calls);

    std::unique_ptr<JsonRpcTransport> transport_;
    Clock* clock_;
    RpcOptions options_;
    CounterRng rng_;
    std::stop_token stop_;
    std::uint64_t next_id_ = 1;
};

// kRejected, or kUnavailable for a transient one.
Error rpc_failure(std::string_view method, const RpcError& error);

}  // namespace covenant::chain
