// The fold of the chain's events (R10), and the facts that follow from it. Pure: the same events in
// the same order give the same state.
#pragma once

#include "common/protocol/round_table.hpp"
#include "common/protocol/schedule.hpp"
#include "common/protocol/segment.hpp"

#include <map>
#include <optional>
#include <span>
#include <vector>

namespace covenant::protocol {

// Rounds that a state of bounded history keeps: more than any rule reads (continuity looks four
// rounds back) and than any node works on.
inline constexpr std::uint64_t kRecentRounds = 64;
// How far back the facts of a round reach: continuity by its gap and a round more.
inline constexpr std::uint64_t kFactReach = kContinuityGap + 2;

// What a hotkey did over all rounds, kept when the rounds have left the state.
struct Tally {
    std::uint64_t rounds = 0;  // committed (miner) or voted on inclusion (validator)
    std::uint64_t fails = 0;   // rounds with a settled failure
    std::optional<Round> last_active;
    Amount credited;
    Amount claimed;  // may include credits of other runs, which this state does not follow
};

// In jail, and out of it, since when: ascending in time.
struct JailChange {
    ChainTime since;
    bool jailed = false;
    bool operator==(const JailChange&) const = default;
};
struct JailRecord {
    std::vector<JailChange> changes;
    std::uint64_t times = 0;  // jailed so far
    bool operator==(const JailRecord&) const = default;

    [[nodiscard]] bool jailed_at(ChainTime time) const;
};

// A failure whose round has left the state, while continuity can still read it.
struct LateFailure {
    Uid uid;
    ChainTime settled;
};

// With `kept_rounds`, rounds that began that many rounds ago leave the state; memory and the cost
// of a copy then do not grow with the age of the run, and the facts below hold for rounds from
// `first` on.
struct RunState {
    RunId run;                      // the run that is followed; zero adopts the first one created
    std::uint64_t kept_rounds = 0;  // 0: all
    std::optional<RunSpec> spec;    // set by RunCreated when it decodes and its terms agree
    Verdict spec_verdict = Verdict::kUnknownRun;
    Roster roster;
    std::map<BeaconSlot, BeaconProven> beacons;
    RoundTable rounds;
    std::map<Uid, Tally> tallies;
    std::map<Uid, JailRecord> jail;

    // Of the rounds that have left.
    // The oldest whose facts are all known; the records of kFactReach rounds before it are here,
    // too.
    Round first;
    std::optional<Accepted> accepted_before;   // the newest accepted parameters among them
    std::uint64_t accepted_rounds_before = 0;  // how many of them were accepted
    std::vector<LateFailure> late_failures;

    // The record of a round of this run, or nothing when no event has touched it.
    [[nodiscard]] const RoundRecord* record(Round round) const;
};

// Folds one event. Events of other runs are ignored; events arrive in chain order.
void apply(RunState& state, const Event& event);

// ---- derived facts, each a pure function of the state

// Nothing before the round's own slot is proven: without it nobody commits.
std::optional<Hash256> rho(const RunState& state, Round round);
// Root of Theta_r.
Hash256 base_root(const RunState& state, Round round);
// Rounds before this one that were accepted. Their inner steps are those that the learning rate has
// seen: a round without a result is no step.
std::uint64_t accepted_rounds(const RunState& state, Round round);
// Agreed held-out loss of Theta_r, if any round was accepted.
std::optional<float> base_loss(const RunState& state, Round round);
// Null when that miner did not commit in that round.
const RecordedCommitment* recorded_commitment(const RunState& state, Round round, Uid uid);
// The key of its commitment. Null when none was shown in time.
const crypto::StreamKey* shown_key(const RunState& state, Round round, Uid uid);
// The included miners that get a slot in the aggregate: all, or max_artifacts of them drawn by rho
// (R3.7).
std::vector<Uid> aggregated(const RunState& state, Round round);
// Miners that failed, with the stake for and against them (R9.2).
std::map<Uid, FindingStake> failures(const RunState& state, Round round);
// What the round is settled from (R9): final when its reveals have closed.
SettlementInput settlement_input(const RunState& state, Round round);
// Credited and not yet claimed.
Amount claimable(const RunState& state, Uid uid);
// Where the miner's local state continues from (R4.12).
Continuity continuity(const RunState& state, Round round, Uid miner);
// Positions of the data walk consumed before the round (R5.1).
std::uint64_t assignment_base(const RunState& state, Round round);

}  // namespace covenant::protocol
