// Why a commitment, an artifact or a ballot was not counted: one closed list of reasons for the
// log, the command line and the explorer.
//
// The chain shows most reasons: RoundView holds the facts. Two it cannot show. A transaction that
// the contract refused leaves no event, so only its sender knows by how much it was late. And a
// vote says which artifacts a validator accepted, not which rule the others broke: `reason_of`
// gives the validator's own verdict a name of this list.
#pragma once

#include "common/protocol/intent.hpp"
#include "common/protocol/round_view.hpp"
#include "common/protocol/verdict.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace covenant::protocol {

enum class NotCounted : std::uint8_t {
    // A miner's commitment and artifact, in the order of the round.
    kLateCommit,    // no commitment was on the chain before T1
    kLateKey,       // its key was not on the chain by TK
    kLateUpload,    // the ciphertext was not in the store before the vote
    kNoKey,         // the published key does not open the ciphertext
    kNotCanonical,  // the bytes break a rule of form, or are not what was committed
    kBase,          // it builds on another state than the chain's
    kNorm,          // its norm is wrong, or below a tenth of the round's median
    kGate,          // its LossScore is below a quarter of the round's median
    kQuorum,        // no quorum of the validators' stake had voted for it by T2
    kSlot,          // included, but the draw gave its slot in the aggregate to others
    kNullRound,     // no parameters were accepted by T3
    kFailed,        // its audit failed: the round earns nothing
    // A validator's ballots.
    kLateBallot,  // none was on the chain before its deadline
    kElectorate,  // the validator is jailed: it has a seat and no vote
    kOutvoted,    // it named other parameters than those that were accepted
};
// "late_commit": stable, it is what JSON, logs and tables show.
std::string_view to_string(NotCounted reason);

struct NotCountedBecause {
    NotCounted reason = NotCounted::kLateCommit;
    // After the deadline, at least 0. Only the sender of something late knows it.
    std::optional<double> late_seconds;
    // What refused it, where a rule did.
    std::optional<Verdict> rule;
    bool operator==(const NotCountedBecause&) const = default;
};
// For people: "late_commit (late by 0.4 s)", "gate (loss_gate)".
std::string describe(const NotCountedBecause& why);

// Nothing for kAccept, and for verdicts about something else than a round's work (a run's terms,
// a registration).
std::optional<NotCounted> reason_of(Verdict verdict);

// ---- from chain facts

// Nothing while the miner's round can still count, when it counted, and for a miner that was not
// active at the snapshot and committed nothing. The first reason in the order of the round; a
// failed audit comes before all others, because it alone takes the pay.
std::optional<NotCountedBecause> miner_not_counted(const RoundView& view, Uid miner, ChainTime now);

enum class Ballot : std::uint8_t { kInclusion, kParameters, kScores };
std::string_view to_string(Ballot ballot);

struct Uncounted {
    Uid uid;
    std::optional<Ballot> ballot;  // of a validator; nothing: a miner's round
    NotCountedBecause why;
    bool operator==(const Uncounted&) const = default;
};
// "late_commit", "inclusion late_ballot".
std::string describe(const Uncounted& one);
// The ballots whose deadline has passed and that did not count. Empty for a validator without a
// seat.
std::vector<Uncounted> ballots_not_counted(const RoundView& view, Uid validator, ChainTime now);
// All that did not count of one hotkey, or of everybody, ascending uid. Empty before a beacon is
// proven.
std::vector<Uncounted> not_counted(const RoundView& view, Uid uid, ChainTime now);
std::vector<Uncounted> not_counted(const RoundView& view, ChainTime now);

// ---- from what the sender saw

// A commitment or a ballot that the contract refused. `late_seconds` is how long after its
// deadline; it counts for kWrongPhase only, because another rule refuses in time as well. Nothing
// when the verdict is no reason of this list (a duplicate, say: the first message counts), and for
// an intent of another kind.
std::optional<NotCountedBecause> refused_because(const Intent& intent, Verdict verdict,
                                                 std::optional<double> late_seconds);

}  // namespace covenant::protocol
