#include "chain/tx/gas.hpp"

#include "common/base/hex.hpp"

#include <algorithm>

namespace covenant::chain {
using codec::Json;

namespace {

constexpr std::uint64_t kVoteGas = 320'000;
constexpr std::uint64_t kGasPerValidator = 12'000;

// Median of the 20th percentiles of the blocks that have one: an empty block may have none.
Result<Uint128> suggest_tip(RpcClient& rpc) {
    Json percentiles = Json::array();
    percentiles.push(20);
    Json params = Json::array();
    params.push("0xa").push("latest").push(percentiles);
    COVENANT_TRY(const RpcReply reply, rpc.ask("eth_feeHistory", params, OnTransient::kReturn));
    std::vector<Uint128> tips;
    if (reply.error || !reply.result.has("reward")) return Uint128{0};
    const auto rows = reply.result.items("reward");
    if (!rows) return Uint128{0};
    for (const Json& row : *rows) {
        const auto value = row.at_index(0);
        if (!value) continue;
        if (const auto tip = parse_quantity128(*value)) tips.push_back(*tip);
    }
    if (tips.empty()) return Uint128{0};
    std::nth_element(tips.begin(), tips.begin() + static_cast<std::ptrdiff_t>(tips.size() / 2),
                     tips.end());
    return tips[tips.size() / 2];
}

Uint128 raised(Uint128 value) {
    return value + value / 8 + 1;  // 12.5 %: geth asks for 10 %
}

}  // namespace

Result<Fees> suggest_fees(RpcClient& rpc, const FeePolicy& policy) {
    COVENANT_TRY(const BlockHeader head, latest_block(rpc));
    COVENANT_TRY(const Uint128 tip, suggest_tip(rpc));
    Fees out;
    out.max_priority_fee = std::min(std::max(tip, policy.minimum_tip), policy.maximum_fee);
    const Uint128 base = std::min(head.base_fee.value_or(0), policy.maximum_fee);
    out.max_fee = std::min(2 * base + out.max_priority_fee, policy.maximum_fee);
    return out;
}

Fees bump_fees(const Fees& paid, const Fees& suggested, const FeePolicy& policy) {
    Fees out;
    out.max_priority_fee = std::min(
        std::max(raised(paid.max_priority_fee), suggested.max_priority_fee), policy.maximum_fee);
    out.max_fee = std::min(std::max(raised(paid.max_fee), suggested.max_fee), policy.maximum_fee);
    return out;
}

std::uint64_t gas_limit_for(std::uint64_t estimate) {
    const std::uint64_t bounded = std::min(estimate, kTransactionGasCap);
    return std::min(bounded + bounded / 5 + 20'000, kTransactionGasCap);
}

std::uint64_t vote_gas_bound(std::size_t validators) {
    return std::min(kVoteGas + validators * kGasPerValidator, kTransactionGasCap);
}

Json to_json(const CallRequest& request) {
    Json out = Json::object();
    out.set("from", to_0x(request.from));
    if (request.to) out.set("to", to_0x(*request.to));
    if (request.value != 0) out.set("value", to_quantity(request.value));
    out.set("data", to_0x(request.data));
    return out;
}

Result<GasEstimate> estimate_gas(RpcClient& rpc, const CallRequest& request) {
    Json params = Json::array();
    params.push(to_json(request)).push("pending");
    COVENANT_TRY(RpcReply reply, rpc.ask("eth_estimateGas", params));
    GasEstimate out;
    if (reply.error) {
        out.error = std::move(reply.error);
        return out;
    }
    COVENANT_TRY(out.gas, from_node(parse_quantity(reply.result), "eth_estimateGas"));
    return out;
}

}  // namespace covenant::chain
