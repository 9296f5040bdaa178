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
// (geth, anvil, reth, gateways). A text that nobody here knows is no reason to give up: it counts
// as transient.
enum class RpcFailure : std::uint8_t {
    kTransient,          // the same call may succeed later
    kRateLimited,        // the same, after a longer pause
    kReverted,           // code 3, or revert data: the contract said no
    kAlreadyKnown,       // the node has this very transaction: success
    kNonceTooLow,        // the nonce is used
    kUnderpriced,        // a replacement needs higher fees
    kFeeBelowBase,       // max fee is below the block's base fee
    kInsufficientFunds,  // the account cannot pay
    kGasLimitTooHigh,    // above the block's or the transaction's cap
    kTooManyResults,     // eth_getLogs: ask for fewer blocks
    kPruned,             // the node no longer has that part of the history
    kUnknownMethod,      // -32601
    kInvalid,            // the node will never take this transaction or call
};
std::string_view to_string(RpcFailure failure);

struct RpcError {
    std::int64_t code = 0;
    std::string message;  // bounded
    Bytes data;           // revert data, when there is any
    RpcFailure failure = RpcFailure::kTransient;
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
// 1) into the order of the calls. An error without an id answers a single call.
// kUnavailable: no JSON at all. kMalformed: no JSON-RPC, a missing, doubled or foreign id.
// kRejected: one error for the whole batch; retryable when it speaks of a rate limit.
Result<std::vector<RpcReply>> parse_rpc_reply(std::string_view body, std::uint64_t first_id,
                                              std::size_t count);

struct RpcOptions {
    net::RetryPolicy retry;       // attempts: passes in a row without a single new answer
    std::size_t max_batch = 100;  // calls in one request; fewer where the node takes no more
};

// Whether a transient error reply is asked for again, or is the answer.
enum class OnTransient : std::uint8_t { kRetry, kReturn };

// Thread-compatible: one thread at a time.
class RpcClient {
  public:
    RpcClient(std::unique_ptr<JsonRpcTransport> transport, Clock& clock, RpcOptions options = {});

    // The node's answer, errors included; retries what is transient, a rate limit always. A failed
    // Result means that no usable answer came: kUnavailable, kTimeout (both name the endpoint) or
    // kInterrupted. A request or reply above what the node or this client takes is the error reply
    // kTooManyResults.
    Result<RpcReply> ask(std::string_view method, const codec::Json& params,
                         OnTransient on_transient = OnTransient::kRetry);
    // The result; an error reply becomes kRejected (kUnavailable for one that may pass), naming
    // method and message.
    Result<codec::Json> call(std::string_view method, const codec::Json& params);
    // In the order of the calls; split into requests that the node takes, at last single calls.
    Result<std::vector<RpcReply>> batch(std::span<const RpcCall> calls);

    // Calls end early, with kInterrupted, once stop is requested.
    void set_stop(std::stop_token stop);
    [[nodiscard]] std::string endpoint() const { return transport_->endpoint(); }
    [[nodiscard]] Clock& clock() { return *clock_; }

  private:
    struct Exchange;
    Result<std::vector<RpcReply>> exchange(std::span<const RpcCall> calls,
                                           OnTransient on_transient);
    Status pass(Exchange& work);
    Result<std::vector<RpcReply>> request(std::span<const RpcCall> calls);
    Result<std::vector<RpcReply>> read(const TransportReply& reply, std::uint64_t first_id,
                                       std::size_t count);
    void slow_down(std::uint32_t at_least_seconds);
    void grow_batch(std::size_t size);

    std::unique_ptr<JsonRpcTransport> transport_;
    Clock* clock_;
    RpcOptions options_;
    CounterRng rng_;
    std::stop_token stop_;
    std::uint64_t next_id_ = 1;       // of the first call; ids tell calls of one request apart
    std::size_t batch_size_;          // what the node took last
    unsigned good_batches_ = 0;       // full ones since batch_size_ changed
    unsigned rate_limits_ = 0;        // in a row
    std::int64_t not_before_ms_ = 0;  // the next request, after a rate limit
};

// kRejected, or kUnavailable for what may pass.
Error rpc_failure(std::string_view method, const RpcError& error);

}  // namespace covenant::chain
