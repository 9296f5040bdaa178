#include "chain/tx/account.hpp"

#include "chain/abi/revert.hpp"
#include "common/base/hex.hpp"

#include <algorithm>
#include <stop_token>

namespace covenant::chain {
using codec::Json;

namespace {

// What left, or may have, must not be sent anew before somebody has looked.
Error in_doubt(Error why, std::string_view what, const Hash256& hash, std::string_view fate) {
    why.context = std::string(what) + ": " + why.context + "; transaction " + to_0x(hash) + " " +
                  std::string(fate) + " and may still be mined: look before you send again";
    why.retryable = false;
    return why;
}

}  // namespace

class Account::Pulse {
  public:
    explicit Pulse(RpcClient& rpc)
        : rpc_(rpc), answered_ms_(rpc.clock().unix_ms()), moved_ms_(answered_ms_) {}

    // kUnavailable: the node is silent, or its chain stands still, for too long.
    Status check() {
        Clock& clock = rpc_.clock();
        if (clock.unix_ms() < next_look_ms_) return {};
        const auto head = latest_block(rpc_);
        const std::int64_t now = clock.unix_ms();
        next_look_ms_ = now + kLookMs;
        if (!head) {
            if (now - answered_ms_ < kSilenceMs) return {};
            return fail(Errc::kUnavailable,
                        "the node does not answer any more: start it, or name "
                        "another; " +
                            head.error().context);
        }
        answered_ms_ = now;
        if (!highest_ || head->number > *highest_) {
            highest_ = head->number;
            moved_ms_ = now;
        }
        if (now - moved_ms_ < kStillMs) return {};
        return fail(Errc::kUnavailable,
                    "the chain stands still at block " + std::to_string(*highest_) + " for " +
                        std::to_string(kStillMs / 1000) + " s: see why it makes no blocks");
    }

  private:
    RpcClient& rpc_;
    std::int64_t answered_ms_;
    std::int64_t moved_ms_;
    std::int64_t next_look_ms_ = 0;
    std::optional<std::uint64_t> highest_;
};

Error Account::too_little_ether(const std::string& name) const {
    return {Errc::kPrecondition,
            name + ": account " + to_0x(address()) + " has too little ether: send it some"};
}

Result<bool> Account::newest_block_refuses(const CallRequest& request) {
    COVENANT_TRY(const BlockHeader head, latest_block(*rpc_));
    Json params = Json::array();
    params.push(to_json(request)).push(to_quantity(std::max(head.number, mined_)));
    COVENANT_TRY(const RpcReply reply, rpc_->ask("eth_call", params, OnTransient::kReturn));
    return reply.error && reply.error->failure == RpcFailure::kReverted;
}

// A pool's member may lack the block of an earlier transaction, and refuse what the others take.
Result<std::uint64_t> Account::estimate(const std::string& name, const CallRequest& request) {
    Clock& clock = rpc_->clock();
    const std::int64_t deadline = clock.unix_ms() + kTimeoutMs;
    Pulse pulse(*rpc_);
    while (true) {
        COVENANT_TRY(const GasEstimate estimate, estimate_gas(*rpc_, request));
        if (!estimate.error) return estimate.gas;
        const RpcError& error = *estimate.error;
        if (error.failure == RpcFailure::kInsufficientFunds) {
            return fail(too_little_ether(name));
        }
        if (error.failure != RpcFailure::kReverted) return fail(rpc_failure(name, error));
        COVENANT_TRY(const bool refused, newest_block_refuses(request));
        const std::string refusal =
            "the contract refused: " +
            (error.data.empty() ? error.message : describe_revert(error.data));
        if (refused || clock.unix_ms() >= deadline) {
            return fail(Errc::kRejected, name + ": " + refusal);
        }
        if (Status alive = pulse.check(); !alive) {
            return fail(std::move(alive).error().within(name + ": nothing was sent: " + refusal));
        }
        clock.sleep_for(Millis(kLookMs), std::stop_token{});
    }
}

Result<Hash256> Account::post(std::string_view what, const std::optional<Address>& to, Bytes data,
                              Uint128 value) {
    const std::string name(what);
    const CallRequest request{address(), to, value, data};
    COVENANT_TRY(const std::uint64_t gas, estimate(name, request));
    COVENANT_TRY(const Fees fees, suggest_fees(*rpc_, FeePolicy{}));
    Json params = Json::array();
    params.push(to_0x(address())).push("pending");
    COVENANT_TRY(const Json count, rpc_->call("eth_getTransactionCount", params));
    Transaction transaction;
    transaction.chain_id = chain_id_;
    COVENANT_TRY(const std::uint64_t pending, parse_quantity(count));
    transaction.nonce = std::max(pending, next_nonce_);
    transaction.max_priority_fee = fees.max_priority_fee;
    transaction.max_fee = fees.max_fee;
    transaction.gas_limit = gas_limit_for(gas);
    transaction.to = to;
    transaction.value = value;
    transaction.data = std::move(data);
    const SignedTransaction form = sign_transaction(transaction, *key_);
    Json raw = Json::array();
    raw.push(to_0x(form.raw));
    auto reply = rpc_->ask("eth_sendRawTransaction", raw);
    if (!reply) {
        return fail(in_doubt(std::move(reply).error(), what, form.hash, "may have been sent"));
    }
    if (reply->error && reply->error->failure != RpcFailure::kAlreadyKnown) {
        if (reply->error->failure == RpcFailure::kInsufficientFunds) {
            return fail(too_little_ether(name));
        }
        Error error = rpc_failure(name, *reply->error);
        // The first try's answer may have been lost, and the transaction mined since.
        if (reply->error->failure == RpcFailure::kNonceTooLow) {
            error = in_doubt(std::move(error), what, form.hash, "may have been sent");
        }
        return fail(std::move(error));
    }
    next_nonce_ = transaction.nonce + 1;
    return form.hash;
}

Result<Receipt> Account::send(std::string_view what, const std::optional<Address>& to, Bytes data,
                              Uint128 value) {
    COVENANT_TRY(const Hash256 hash, post(what, to, std::move(data), value));
    return wait(what, hash);
}

Result<std::optional<Receipt>> Account::find_receipt(const Hash256& hash) {
    constexpr std::string_view kMethod = "eth_getTransactionReceipt";
    Json params = Json::array();
    params.push(to_0x(hash));
    COVENANT_TRY(const Json value, rpc_->call(kMethod, params));
    return from_node(parse_receipt(value), kMethod);
}

Result<Receipt> Account::wait(std::string_view what, const Hash256& hash) {
    Clock& clock = rpc_->clock();
    const std::int64_t deadline = clock.unix_ms() + kTimeoutMs;
    Pulse pulse(*rpc_);
    while (true) {
        auto found = find_receipt(hash);
        if (found && *found) {
            Receipt& receipt = **found;
            mined_ = std::max(mined_, receipt.block.value);
            if (receipt.success) return std::move(receipt);
            return fail(Errc::kRejected, std::string(what) + ": transaction " + to_0x(hash) +
                                             " failed in block " +
                                             std::to_string(receipt.block.value) + " after " +
                                             std::to_string(receipt.gas_used) + " gas");
        }
        const bool stopped = !found && found.error().code == Errc::kInterrupted;
        if (stopped || clock.unix_ms() >= deadline) {
            Error why{Errc::kTimeout,
                      "no receipt within " + std::to_string(kTimeoutMs / 1000) + " s"};
            if (!found) why.context += ": " + found.error().context;
            if (stopped) why = std::move(found).error();
            return fail(in_doubt(std::move(why), what, hash, "was sent"));
        }
        if (Status alive = pulse.check(); !alive) {
            return fail(in_doubt(std::move(alive).error(), what, hash, "was sent"));
        }
        clock.sleep_for(Millis(kPollMs), std::stop_token{});
    }
}

}  // namespace covenant::chain
