// One round as facts: what the events said about it and all that follows from them. An immutable
// snapshot, derived from the RunState and from nothing else. A node's duties take it as their
// input; JSON and tables are renderings of it.
#pragma once

#include "common/protocol/assignment.hpp"
#include "common/protocol/audit.hpp"
#include "common/protocol/electorate.hpp"

#include <cstddef>
#include <map>
#include <optional>
#include <vector>

namespace covenant::protocol {

struct MinerView {
    Uid uid;
    Address hotkey;
    std::uint32_t rank = 0;  // among the active miners
    Continuity continuity;
    std::optional<RecordedCommitment> commitment;
    std::optional<crypto::StreamKey> key;  // of that commitment, once it is shown
};

// What a validator's revealed scores say of one audit.
struct FindingBy {
    Uid validator;
    Finding finding;
    [[nodiscard]] bool passed() const { return finding.verdict == kFindingPass; }
};

// All findings about one miner.
struct AuditOutcome {
    std::size_t passes = 0;
    std::size_t fails = 0;
    // Of the last finding that says so.
    std::optional<Segment> failed_segment;
    Hash256 evidence;
};

struct RoundView : RoundRecord {
    RunId run;
    Round round;
    RoundTimes times;
    Hash256 rho;        // zero before a beacon is proven: nobody can take part yet
    Hash256 base_root;  // Theta_r
    std::uint64_t assignment_base = 0;
    std::uint64_t step_base = 0;             // inner steps of the accepted rounds before
    std::vector<MinerView> miners;           // active at the snapshot, ascending uid
    std::vector<ValidatorStake> seated;      // at the snapshot, ascending uid
    std::vector<ValidatorStake> electorate;  // those of them that are not jailed
    std::optional<Hash256> sigma;            // proven beacon of the round
    UidSet included;                         // so far; final from T2 on
    UidSet suspected;                        // by the votes so far; final from T2 on
    std::vector<Uid> aggregated;
    std::map<Uid, AuditDuty> duties;  // drawn by sigma, by miner

    [[nodiscard]] const MinerView* miner(Uid uid) const;
    [[nodiscard]] AssignmentInput assignment(const MinerView& miner) const;
    // Null when it committed nothing.
    [[nodiscard]] const RecordedCommitment* commitment(Uid miner) const;
    // To re-execute, of this miner; empty when it was not drawn.
    [[nodiscard]] std::vector<Segment> drawn(Uid miner) const;
    [[nodiscard]] std::vector<FindingBy> findings() const;  // ascending validator
    // By miner; of those only about whom there is a finding.
    [[nodiscard]] std::map<Uid, AuditOutcome> audited() const;
    [[nodiscard]] bool has_seat(Uid validator) const;
    [[nodiscard]] bool votes(Uid validator) const;   // it is in the electorate
    [[nodiscard]] bool agreed(Uid validator) const;  // it voted for the accepted parameters
    [[nodiscard]] Amount credited(Uid uid) const;
    // T3 has passed, and no parameters were accepted.
    [[nodiscard]] bool is_null(ChainTime now) const { return !accepted && now >= times.t3; }
};

// Nothing when the run is unknown.
std::optional<RoundView> round_view(const RunState& state, Round round);

}  // namespace covenant::protocol
