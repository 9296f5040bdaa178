// What the contracts do to an intent: transition() gives the events that they would emit, or the
// rule that the intent breaks. Pure: time, randomness and identity are arguments. SimLedger runs
// it; nodes on a real chain only fold what its contracts emitted.
#pragma once

#include "common/protocol/electorate.hpp"
#include "common/protocol/intent.hpp"

#include <optional>
#include <span>
#include <vector>

namespace covenant::protocol {

// A block header as far as the beacon rule needs it.
struct BlockInfo {
    BlockNumber number;
    ChainTime time;
    ChainTime parent_time;
    Hash256 prevrandao;
};

struct TransitionContext {
    Address sender;
    ChainTime now;
    SigningDomain domain;
    Address score_ledger;                   // contract address in the score hash
    std::optional<BlockInfo> beacon_block;  // for ProveBeacon: the block that the proof shows
};

struct TransitionResult {
    Verdict verdict = Verdict::kAccept;
    std::vector<EventBody> events;  // empty unless kAccept
};

// The contracts' rules for one intent at one moment.
TransitionResult transition(const RunState& state, const Intent& intent,
                            const TransitionContext& context);

// keccak256(abi.encode(chainid, ledger, run, round, uid, weights, findings, salt)), as in
// ScoreLedger.sol.
Hash256 score_commitment(const SigningDomain& domain, const Address& score_ledger, const RunId& run,
                         Round round, Uid validator, std::span<const std::uint16_t> weights,
                         std::span<const Finding> findings, const Hash256& salt);

}  // namespace covenant::protocol
