// The protocol as a state machine (R10): RunState is the fold of the chain's events, transition()
// is what the contracts do to an intent. Pure: time, randomness and identity are arguments.
// SimLedger runs transition(); nodes on a real chain only apply() what its contracts emitted.
#pragma once

#include "common/protocol/event.hpp"
#include "common/protocol/schedule.hpp"
#include "common/protocol/segment.hpp"

#include <map>
#include <optional>
#include <span>
#include <string_view>
#include <variant>
#include <vector>

namespace covenant::protocol {

struct RecordedCommitment {
    SignedCommitment signed_commitment;
    ChainTime time;
    std::uint32_t order = 0;  // arrival among the round's commitments
};

struct Accepted {
    Hash256 root;
    std::uint32_t loss_bits = 0;
    bool operator==(const Accepted&) const = default;
};

struct RoundRecord {
    std::map<Uid, RecordedCommitment> commitments;
    std::map<Uid, InclusionVoted> inclusion_votes;
    std::map<Uid, ParametersVoted> parameters_votes;
    std::optional<Accepted> accepted;
    std::map<Uid, Hash256> score_commitments;
    std::map<Uid, RevealedScores> reveals;
    std::map<Uid, ChainTime> failed;  // when the failure was settled
    std::map<Uid, Amount> credits;
    std::optional<RoundSettled> settled;
};

struct RunState {
    RunId run;                    // the run that is followed; zero adopts the first one created
    std::optional<RunSpec> spec;  // set by RunCreated when it decodes and its terms agree
    Verdict spec_verdict = Verdict::kUnknownRun;
    Roster roster;
    std::map<BeaconSlot, BeaconProven> beacons;
    std::map<Round, RoundRecord> rounds;
    std::map<Uid, Amount> claimed;

    // The record of a round of this run, or nothing when no event has touched it.
    [[nodiscard]] const RoundRecord* record(Round round) const;
};

// Folds one event. Events of other runs are ignored; events arrive in chain order.
void apply(RunState& state, const Event& event);

// ---- derived facts, each a pure function of the state
// -------------------------------------------------------------

std::optional<Hash256> rho(const RunState& state,
                           Round round);                // nothing before a beacon is proven
Hash256 base_root(const RunState& state, Round round);  // root of Theta_r
// Null when that miner did not commit in that round.
const RecordedCommitment* recorded_commitment(const RunState& state, Round round, Uid uid);
std::optional<float> base_loss(
    const RunState& state,
    Round round);  // agreed held-out loss of Theta_r, if any round was accepted
// Validators that voted on inclusion in round - 1 or round - 2; if none, all with stake; ascending
// uid (R3.5).
std::vector<ValidatorStake> electorate(const RunState& state, Round round);
// Miners with two thirds of the electorate's stake; final from T2 on (R3.6).
UidSet included(const RunState& state, Round round);
// The included miners that get a slot in the aggregate: all, or max_artifacts of them drawn by rho
// (R3.7).
std::vector<Uid> aggregated(const RunState& state, Round round);
// Credited and not yet claimed.
Amount claimable(const RunState& state, Uid uid);
// Where the miner's local state continues from (R4.12).
Continuity continuity(const RunState& state, Round round, Uid miner);
// Positions of the data walk consumed before the round (R5.1).
std::uint64_t assignment_base(const RunState& state, Round round);

// ---- intents: what a node asks the chain to do
// ----------------------------------------------------------------------

struct RegisterHotkey {
    Address coldkey;
    Address hotkey;
    Role role = Role::kNone;
    PublicKey network_key;
};  // consent checked by the ledger
struct AddStake {
    Uid uid;
    Amount amount;
};
struct CreateRun {
    Bytes spec;
    RunTerms terms;
};
struct PostCommitment {
    SignedCommitment commitment;
};
struct ProveBeacon {
    RunId run;
    BeaconSlot slot;
};
struct VoteInclusion {
    RunId run;
    Round round;
    UidSet uids;
};
struct VoteParameters {
    RunId run;
    Round round;
    Hash256 root;
    std::uint32_t loss_bits = 0;
};
struct CommitScores {
    RunId run;
    Round round;
    Hash256 hash;
};
struct RevealScores {
    RunId run;
    Round round;
    std::vector<std::uint16_t> weights;
    std::vector<Finding> findings;
    Hash256 salt;
};
struct SettleRound {
    RunId run;
    Round round;
};
struct ClaimEmission {
    Uid uid;
};

using Intent =
    std::variant<RegisterHotkey, AddStake, CreateRun, PostCommitment, ProveBeacon, VoteInclusion,
                 VoteParameters, CommitScores, RevealScores, SettleRound, ClaimEmission>;
std::string_view intent_name(const Intent& intent);

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
