// One round as a node sees it: an immutable snapshot derived from the RunState. Stages take it as
// their input.
#pragma once

#include "common/protocol/assignment.hpp"
#include "common/protocol/audit.hpp"
#include "common/protocol/run_state.hpp"

#include <optional>
#include <vector>

namespace covenant::protocol {

struct MinerView {
    Uid uid;
    Address hotkey;
    std::uint32_t rank = 0;  // among the active miners
    Continuity continuity;
    std::optional<RecordedCommitment> commitment;
};

struct RoundView {
    RunId run;
    Round round;
    RoundTimes times;
    Hash256 rho;
    Hash256 base_root;  // Theta_r
    std::uint64_t assignment_base = 0;
    std::vector<MinerView> miners;       // active set at T0, ascending uid
    std::vector<Uid> staked_validators;  // at T0, ascending
    std::vector<ValidatorStake> electorate;
    std::optional<Hash256> sigma;  // proven beacon of the round
    UidSet included;               // so far; final from T2 on
    std::vector<Uid> aggregated;
    std::map<Uid, InclusionVoted> inclusion_votes;
    std::map<Uid, ParametersVoted> parameters_votes;
    std::optional<Accepted> accepted;
    std::map<Uid, Hash256> score_commitments;
    std::map<Uid, RevealedScores> reveals;
    std::map<Uid, ChainTime> failed;  // when the failure was settled
    std::map<Uid, Amount> credits;
    std::optional<RoundSettled> settled;

    [[nodiscard]] const MinerView* miner(Uid uid) const;
    [[nodiscard]] AssignmentInput assignment(const MinerView& miner) const;
};

// Nothing when the run is unknown or rho of the round is not fixed yet.
std::optional<RoundView> round_view(const RunState& state, Round round);

}  // namespace covenant::protocol
