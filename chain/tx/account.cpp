#include "chain/tx/account.hpp"

#include "chain/abi/revert.hpp"
#include "common/base/hex.hpp"

#include <stop_token>

namespace covenant::chain {
using codec::Json;

Result<Hash256> Account::post(std::string_view what, const std::optional<Address>& to, Bytes data,
                              Uint128 value) {
    const std::string name(what);
    const CallRequest request{address(), to, value, data};
    COVENANT_TRY(const GasEstimate estimate, estimate_gas(*rpc_, request));
    if (estimate.error) {
        const RpcError& error = *estimate.error;
        if (error.failure == RpcFailure::kReverted) {
            return fail(Errc::kRejected,
                        name + ": the contract refused: " +
                            (error.data.empty() ? error.message : describe_revert(error.data)));
        }
        if (error.failure == RpcFailure::kInsufficientFunds) {
            return fail(Errc::kPrecondition, name + ": account " + to_0x(address()) +
                                                 " has too little ether: send it some");
        }
        return fail(rpc_failure(name, error));
    }
    COVENANT_TRY(const Fees fees, suggest_fees(*rpc_, FeePolicy{}));
    Json params = Json::array();
    params.push(to_0x(address())).push("pending");
    COVENANT_TRY(const Json count, rpc_->call("eth_getTransactionCount", params));
    Transaction transaction;
    transaction.chain_id = chain_id_;
    COVENANT_TRY(transaction.nonce, parse_quantity(count));
    transaction.max_priority_fee = fees.max_priority_fee;
    transaction.max_fee = fees.max_fee;
    transaction.gas_limit = gas_limit_for(estimate.gas);
    transaction.to = to;
    transaction.value = value;
    transaction.data = std::move(data);
    const SignedTransaction form = sign_transaction(transaction, *key_);
    Json raw = Json::array();
    raw.push(to_0x(form.raw));
    COVENANT_TRY(const RpcReply reply, rpc_->ask("eth_sendRawTransaction", raw));
    if (reply.error && reply.error->failure != RpcFailure::kAlreadyKnown) {
        if (reply.error->failure == RpcFailure::kInsufficientFunds) {
            return fail(Errc::kPrecondition, name + ": account " + to_0x(address()) +
                                                 " has too little ether: send it some");
        }
        return fail(rpc_failure(name, *reply.error));
    }
    return form.hash;
}

Result<Receipt> Account::send(std::string_view what, const std::optional<Address>& to, Bytes data,
                              Uint128 value) {
    COVENANT_TRY(const Hash256 hash, post(what, to, std::move(data), value));
    return wait(what, hash);
}

Result<Receipt> Account::wait(std::string_view what, const Hash256& hash) {
    Json params = Json::array();
    params.push(to_0x(hash));
    Clock& clock = rpc_->clock();
    const std::int64_t deadline = clock.unix_ms() + kReceiptTimeoutMs;
    while (true) {
        COVENANT_TRY(const Json value, rpc_->call("eth_getTransactionReceipt", params));
        COVENANT_TRY(std::optional<Receipt> receipt, parse_receipt(value));
        if (receipt && receipt->success) return std::move(*receipt);
        if (receipt) {
            return fail(Errc::kRejected, std::string(what) + ": transaction " + to_0x(hash) +
                                             " failed in block " +
                                             std::to_string(receipt->block.value) + " after " +
                                             std::to_string(receipt->gas_used) + " gas");
        }
        if (clock.unix_ms() >= deadline) {
            return fail(Errc::kTimeout, std::string(what) + ": no receipt of " + to_0x(hash) +
                                            " within " + std::to_string(kReceiptTimeoutMs / 1000) +
                                            " s; it may still be mined");
        }
        clock.sleep_for(Millis(kPollMs), std::stop_token{});
    }
}

}  // namespace covenant::chain
