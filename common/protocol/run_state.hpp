// The fold of the chain's events (R10), and the facts that follow from it. Pure: the same events in
// the same order give the same state.
#pragma once

#include "common/protocol/event.hpp"
#include "common/protocol/schedule.hpp"
#include "common/protocol/segment.hpp"

#include <map>
#include <optional>
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

// Nothing before a beacon is proven.
std::optional<Hash256> rho(const RunState& state, Round round);
// Root of Theta_r.
Hash256 base_root(const RunState& state, Round round);
// Agreed held-out loss of Theta_r, if any round was accepted.
std::optional<float> base_loss(const RunState& state, Round round);
// Null when that miner did not commit in that round.
const RecordedCommitment* recorded_commitment(const RunState& state, Round round, Uid uid);
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

}  // namespace covenant::protocol
