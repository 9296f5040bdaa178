// What a transaction may cost: fees from the last blocks, gas from the node's estimate.
#pragma once

#include "chain/rpc/types.hpp"

namespace covenant::chain {

struct Fees {
    Uint128 max_priority_fee = 0;  // wei per gas
    Uint128 max_fee = 0;
};

struct FeePolicy {
    Uint128 minimum_tip = 100'000'000;                     // wei: 0.1 gwei
    Uint128 maximum_fee = Uint128{1'000} * 1'000'000'000;  // wei: never offer more than 1000 gwei
};

// tip = median of the 20th percentiles of 10 blocks, zero without a history that reads, at least
// minimum_tip; cap = 2 * base fee + tip.
Result<Fees> suggest_fees(RpcClient& rpc, const FeePolicy& policy);
// At least an eighth more on both fields, and at least `suggested`; capped by maximum_fee.
Fees bump_fees(const Fees& paid, const Fees& suggested, const FeePolicy& policy);

inline constexpr std::uint64_t kTransactionGasCap = 16'777'216;  // EIP-7825
// estimate * 1.2 + 20000, at most kTransactionGasCap.
std::uint64_t gas_limit_for(std::uint64_t estimate);
// What the dearest path of a vote takes: it is the first of its round, so it stores the electorate
// out of `validators`, and it decides, so it stores what was decided. An estimate sees the path of
// now only; another vote that comes in between makes it the dear one.
std::uint64_t vote_gas_bound(std::size_t validators);

struct CallRequest {
    Address from;
    std::optional<Address> to;
    Uint128 value = 0;
    Bytes data;
};
codec::Json to_json(const CallRequest& request);

// An estimate, or the error reply (kReverted has the revert data). Asked against the pending block,
// so that it sees what the account sent before.
struct GasEstimate {
    std::uint64_t gas = 0;
    std::optional<RpcError> error;
};
Result<GasEstimate> estimate_gas(RpcClient& rpc, const CallRequest& request);

}  // namespace covenant::chain
