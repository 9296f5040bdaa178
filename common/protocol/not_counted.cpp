#include "common/protocol/not_counted.hpp"

#include <algorithm>
#include <cmath>
#include <set>

namespace covenant::protocol {
namespace {

NotCountedBecause because(NotCounted reason) {
    return {.reason = reason, .late_seconds = std::nullopt, .rule = std::nullopt};
}

NotCountedBecause by_rule(NotCounted reason, Verdict rule, std::optional<double> late_seconds) {
    return {.reason = reason,
            .late_seconds = rule == Verdict::kWrongPhase ? late_seconds : std::nullopt,
            .rule = rule};
}

// Tenths of a second are as fine as anybody needs; integers print alike everywhere.
std::string tenths(double seconds) {
    const auto value = static_cast<std::uint64_t>(std::llround(seconds * 10));
    return std::to_string(value / 10) + "." + std::to_string(value % 10);
}

bool is_ballot(const Intent& intent) {
    return std::holds_alternative<VoteInclusion>(intent) ||
           std::holds_alternative<VoteParameters>(intent) ||
           std::holds_alternative<CommitScores>(intent) ||
           std::holds_alternative<RevealScores>(intent);
}

std::optional<NotCounted> inclusion_reason(const RoundView& view, Uid validator) {
    if (!view.votes(validator)) return NotCounted::kElectorate;
    if (!view.inclusion_votes.contains(validator)) return NotCounted::kLateBallot;
    return std::nullopt;
}

std::optional<NotCounted> parameters_reason(const RoundView& view, Uid validator) {
    const auto vote = view.parameters_votes.find(validator);
    if (vote == view.parameters_votes.end()) {
        return view.votes(validator) ? NotCounted::kLateBallot : NotCounted::kElectorate;
    }
    if (!view.accepted) return NotCounted::kNullRound;
    return view.agreed(validator) ? std::nullopt : std::optional(NotCounted::kOutvoted);
}

}  // namespace

std::string_view to_string(NotCounted reason) {
    switch (reason) {
        case NotCounted::kLateCommit:
            return "late_commit";
        case NotCounted::kLateKey:
            return "late_key";
        case NotCounted::kLateUpload:
            return "late_upload";
        case NotCounted::kNoKey:
            return "no_key";
        case NotCounted::kNotCanonical:
            return "not_canonical";
        case NotCounted::kBase:
            return "base";
        case NotCounted::kNorm:
            return "norm";
        case NotCounted::kGate:
            return "gate";
        case NotCounted::kQuorum:
            return "quorum";
        case NotCounted::kSlot:
            return "slot";
        case NotCounted::kNullRound:
            return "null_round";
        case NotCounted::kFailed:
            return "failed";
        case NotCounted::kLateBallot:
            return "late_ballot";
        case NotCounted::kElectorate:
            return "electorate";
        case NotCounted::kOutvoted:
            return "outvoted";
    }
    return "unknown_reason";
}

std::string_view to_string(Ballot ballot) {
    switch (ballot) {
        case Ballot::kInclusion:
            return "inclusion";
        case Ballot::kParameters:
            return "parameters";
        case Ballot::kScores:
            return "scores";
    }
    return "unknown_ballot";
}

std::string describe(const NotCountedBecause& why) {
    std::string out(to_string(why.reason));
    if (why.late_seconds) {
        out += " (late by " + tenths(*why.late_seconds) + " s)";
    } else if (why.rule) {
        out += " (" + std::string(to_string(*why.rule)) + ")";
    }
    return out;
}

std::string describe(const Uncounted& one) {
    const std::string whose = one.ballot ? std::string(to_string(*one.ballot)) + " " : "";
    return whose + describe(one.why);
}

std::optional<NotCounted> reason_of(Verdict verdict) {
    switch (verdict) {
        case Verdict::kWrongPhase:
            return NotCounted::kLateCommit;
        case Verdict::kUnavailable:
            return NotCounted::kLateUpload;
        case Verdict::kDecryptFailed:
            return NotCounted::kNoKey;
        case Verdict::kMalformed:
        case Verdict::kUnsupportedVersion:
        case Verdict::kNotCanonical:
        case Verdict::kBadSignature:
        case Verdict::kHashMismatch:
        case Verdict::kHeaderMismatch:
        case Verdict::kCommitmentMismatch:
        case Verdict::kNotFinite:
        case Verdict::kWrongProfile:
            return NotCounted::kNotCanonical;
        case Verdict::kWrongBeacon:
        case Verdict::kWrongBase:
        case Verdict::kBrokenContinuity:
            return NotCounted::kBase;
        case Verdict::kNormOutOfBounds:
            return NotCounted::kNorm;
        case Verdict::kLossGate:
            return NotCounted::kGate;
        case Verdict::kSegmentMismatch:
        case Verdict::kWindowMismatch:
        case Verdict::kChunkMismatch:
        case Verdict::kOpeningMissing:
        case Verdict::kOpeningMismatch:
            return NotCounted::kFailed;
        default:
            return std::nullopt;
    }
}

std::optional<NotCountedBecause> miner_not_counted(const RoundView& view, Uid miner,
                                                   ChainTime now) {
    const MinerView* one = view.miner(miner);
    if (view.failed.contains(miner)) return because(NotCounted::kFailed);
    if (one == nullptr) return std::nullopt;
    if (!one->commitment) {
        if (now < view.times.t1) return std::nullopt;
        return because(NotCounted::kLateCommit);
    }
    if (now < view.times.keys) return std::nullopt;
    if (!view.keys.contains(miner)) return because(NotCounted::kLateKey);
    if (now < view.times.t2) return std::nullopt;
    if (!view.included.test(miner.value)) return because(NotCounted::kQuorum);
    if (!std::binary_search(view.aggregated.begin(), view.aggregated.end(), miner)) {
        return because(NotCounted::kSlot);
    }
    if (view.is_null(now)) return because(NotCounted::kNullRound);
    return std::nullopt;
}

std::vector<Uncounted> ballots_not_counted(const RoundView& view, Uid validator, ChainTime now) {
    std::vector<Uncounted> out;
    const auto add = [&](Ballot ballot, std::optional<NotCounted> reason) {
        if (reason) out.push_back({validator, ballot, because(*reason)});
    };
    if (!view.has_seat(validator)) return out;
    if (now >= view.times.t2) add(Ballot::kInclusion, inclusion_reason(view, validator));
    if (now >= view.times.t3) add(Ballot::kParameters, parameters_reason(view, validator));
    if (now >= view.times.score_reveal && !view.reveals.contains(validator)) {
        add(Ballot::kScores, NotCounted::kLateBallot);
    }
    return out;
}

std::vector<Uncounted> not_counted(const RoundView& view, Uid uid, ChainTime now) {
    if (view.rho.is_zero()) return {};
    std::vector<Uncounted> out = ballots_not_counted(view, uid, now);
    if (const auto why = miner_not_counted(view, uid, now)) {
        out.insert(out.begin(), {uid, std::nullopt, *why});
    }
    return out;
}

std::vector<Uncounted> not_counted(const RoundView& view, ChainTime now) {
    std::set<Uid> everybody;
    for (const ValidatorStake& one : view.seated) {
        everybody.insert(one.uid);
    }
    for (const MinerView& miner : view.miners) {
        everybody.insert(miner.uid);
    }
    for (const auto& [uid, when] : view.failed) {
        everybody.insert(uid);
    }
    std::vector<Uncounted> out;
    for (const Uid uid : everybody) {
        const auto of_one = not_counted(view, uid, now);
        out.insert(out.end(), of_one.begin(), of_one.end());
    }
    return out;
}

std::optional<NotCountedBecause> refused_because(const Intent& intent, Verdict verdict,
                                                 std::optional<double> late_seconds) {
    std::optional<NotCounted> reason;
    if (std::holds_alternative<PostCommitment>(intent)) {
        reason = reason_of(verdict);
    } else if (std::holds_alternative<ShowKeys>(intent)) {
        if (verdict == Verdict::kWrongPhase) reason = NotCounted::kLateKey;
    } else if (is_ballot(intent)) {
        if (verdict == Verdict::kWrongPhase) reason = NotCounted::kLateBallot;
        if (verdict == Verdict::kNotValidator) reason = NotCounted::kElectorate;
    }
    return reason ? std::optional(by_rule(*reason, verdict, late_seconds)) : std::nullopt;
}

}  // namespace covenant::protocol
