#include "validator/validator.hpp"

#include "chain/participant/housekeeping.hpp"
#include "chain/participant/parameter_sources.hpp"
#include "common/base/hex.hpp"
#include "common/base/log.hpp"
#include "common/execution/loss_score.hpp"
#include "common/node/journal.hpp"
#include "common/store/state_store.hpp"
#include "validator/stages/score.hpp"

#include <algorithm>
#include <bit>

namespace covenant::validator {

using protocol::ChainTime;
using protocol::Round;
using protocol::Uid;
using protocol::Verdict;

namespace {

constexpr std::uint64_t kRoundsInFlight = 3;
constexpr std::uint64_t kTurnSeconds = 2;
constexpr std::uint64_t kAttempts = 4;
constexpr std::uint64_t kSettleSeconds = 60;  // after the reveals, for all validators' turns

TickReport report(Activity activity, Round round, std::string note = {}) {
    return {activity, round, std::move(note)};
}

std::string intent_key(std::string_view what, Round round) {
    return std::string(what) + "/" + std::to_string(round.value);
}

bool votes(std::span<const protocol::ValidatorStake> electorate, Uid uid) {
    return std::any_of(electorate.begin(), electorate.end(),
                       [uid](const protocol::ValidatorStake& one) { return one.uid == uid; });
}

}  // namespace

Result<TickReport> Validator::tick(const chain::Head& head) {
    const auto state = node_.ledger().state();
    if (!state->spec) {
        return report(Activity::kWaiting, {}, "the run is not on this chain yet");
    }
    COVENANT_TRY(auto genesis, prove_beacon(*state, protocol::BeaconSlot(0), head.time));
    if (genesis) {
        return *genesis;
    }
    const auto current = protocol::round_at(node_.seat().spec.timing, head.time);
    if (!current) {
        return report(Activity::kWaiting, {}, "the run has not started");
    }
    if (pruned_ != current) {
        COVENANT_CHECK(participant::prune_journal(node_.journal(), *current));
        COVENANT_CHECK(participant::prune_states(node_.training().states, *state, *current, {}));
        std::erase_if(work_, [&](const auto& entry) {
            return entry.first.value + kRoundsInFlight < current->value;
        });
        pruned_ = current;
    }
    std::vector<Moment> moments;  // oldest first
    for (std::uint64_t back = std::min(current->value, kRoundsInFlight) + 1; back-- > 0;) {
        const Round round(current->value - back);
        if (last_round_ && round > *last_round_) {
            continue;
        }
        if (auto view = protocol::round_view(*state, round)) {
            moments.push_back({state, std::move(*view), head.time});
        }
    }
    for (auto moment = moments.rbegin(); moment != moments.rend(); ++moment) {
        COVENANT_TRY(auto done, urgent(*moment));
        if (done) {
            return *done;
        }
    }
    for (const Moment& moment : moments) {
        COVENANT_TRY(auto done, patient(moment));
        if (done) {
            return *done;
        }
    }
    return report(Activity::kWaiting, *current);
}

bool Validator::finished(const chain::Head& head) const {
    if (!last_round_) {
        return false;
    }
    const auto state = node_.ledger().state();
    const auto record = state->rounds.find(*last_round_);
    // A round in which nobody committed is never settled.
    const auto over =
        protocol::round_times(node_.seat().spec.timing, *last_round_).score_reveal.value +
        kSettleSeconds;
    return (record != state->rounds.end() && record->second.settled.has_value()) ||
           head.time.value >= over;
}

Result<std::optional<std::string>> Validator::next_key(const std::string& intent, ChainTime now) {
    std::optional<ChainTime> refused_at;
    for (std::uint64_t attempt = 0; attempt < kAttempts; ++attempt) {
        const std::string key = intent + "/" + std::to_string(attempt);
        COVENANT_TRY(const chain::IntentStatus status, node_.ledger().status(key));
        if (status.phase == chain::IntentPhase::kUnknown) {
            const bool wait = refused_at && now.value < refused_at->value + kTurnSeconds;
            return wait ? std::nullopt : std::optional(key);
        }
        if (status.phase != chain::IntentPhase::kRefused) {
            return std::optional<std::string>{};
        }
        const auto [seen, first] = refused_.try_emplace(key, now);
        if (first) {
            log::warn("chain", "refused: " + status.reason, {{"intent", key}});
        }
        refused_at = seen->second;
    }
    return std::optional<std::string>{};
}

std::uint64_t Validator::turn_seconds(std::span<const protocol::ValidatorStake> electorate) const {
    std::uint64_t turn = 0;
    for (const protocol::ValidatorStake& one : electorate) {
        if (one.uid == node_.seat().uid) {
            break;
        }
        turn += kTurnSeconds;
    }
    return turn;
}

Validator::Step Validator::prove_beacon(const protocol::RunState& state, protocol::BeaconSlot slot,
                                        ChainTime now) {
    const ChainTime target = protocol::beacon_target(node_.seat().spec.timing, slot);
    if (state.beacons.contains(slot) || now < target ||
        now >= protocol::beacon_deadline(node_.seat().spec.timing, slot)) {
        return std::optional<TickReport>{};
    }
    const auto electorate =
        protocol::electorate(state, slot.value == 0 ? Round(0) : Round(slot.value - 1));
    if (now.value < target.value + turn_seconds(electorate)) {
        return std::optional<TickReport>{};
    }
    COVENANT_TRY(const auto key, next_key("beacon/" + std::to_string(slot.value), now));
    if (!key) {
        return std::optional<TickReport>{};
    }
    if (Status submitted =
            node_.ledger().submit(*key, protocol::ProveBeacon{node_.seat().run, slot});
        !submitted) {
        // The block is not there yet, or another validator was faster; both settle by themselves.
        return submitted.error().retryable || submitted.error().code == Errc::kPrecondition
                   ? Step(std::optional<TickReport>{})
                   : Step(fail(std::move(submitted).error()));
    }
    return std::optional(report(Activity::kBeacon, Round(slot.value == 0 ? 0 : slot.value - 1)));
}

Validator::Step Validator::urgent(const Moment& moment) {
    const protocol::RoundView& view = moment.view;
    if (moment.now >= view.times.t3) {
        return checkpoint(moment);
    }
    if (moment.now >= view.times.beacon && !view.sigma) {
        return prove_beacon(*moment.state, protocol::beacon_slot_of(view.round), moment.now);
    }
    Work& work = work_[view.round];
    if (view.sigma && moment.now < view.times.t2) {
        return vote_inclusion(moment, work);
    }
    if (view.sigma && moment.now >= view.times.t2) {
        return vote_parameters(moment, work);
    }
    return std::optional<TickReport>{};
}

Result<const std::vector<Screened>*> Validator::screened(const Moment& moment, Work& work) {
    if (work.screened) {
        return &*work.screened;
    }
    const std::string row = participant::stage_key(moment.view.round, "screen");
    COVENANT_TRY(const auto journalled, node_.journal().get(row));
    if (journalled) {
        COVENANT_TRY(work.screened, decode_screened(*journalled));
        return &*work.screened;
    }
    COVENANT_TRY(auto screened, screen(node_.seat(), node_.artifacts(), node_.training(),
                                       *moment.state, moment.view, work.collected));
    COVENANT_CHECK(node_.journal().put(row, encode_screened(screened)));
    work.screened = std::move(screened);
    return &*work.screened;
}

// Without Theta_r nothing can be judged: this node abstains rather than accuses, and looks again.
Validator::Step Validator::abstain(Round round, Work& work, Error error) {
    if (!error.retryable && error.code != Errc::kMismatch) {
        return fail(std::move(error));
    }
    if (!work.disagreement) {
        work.disagreement = error.context;
        log::warn("round", "abstaining: " + *work.disagreement, {{"round", round.value}});
    }
    return std::optional<TickReport>{};
}

Validator::Step Validator::vote_inclusion(const Moment& moment, Work& work) {
    const protocol::RoundView& view = moment.view;
    const std::string intent = intent_key("inclusion", view.round);
    COVENANT_TRY(const auto key, next_key(intent, moment.now));
    if (!key || !std::any_of(view.miners.begin(), view.miners.end(),
                             [](const auto& m) { return m.commitment.has_value(); })) {
        return std::optional<TickReport>{};
    }
    COVENANT_TRY(const bool complete,
                 collect(node_.seat(), node_.artifacts(), view, work.collected));
    if (!complete && moment.now.value + options_.vote_margin_seconds < view.times.t2.value) {
        return std::optional<TickReport>{};  // keys may still come
    }
    auto verdicts = screened(moment, work);
    if (!verdicts) {
        return abstain(view.round, work, std::move(verdicts).error());
    }
    protocol::UidSet uids;
    for (const Screened& one : **verdicts) {
        if (one.verdict == Verdict::kAccept) {
            uids.set(one.uid.value);
        } else {
            log::info("screen", "refused",
                      {{"round", view.round.value},
                       {"uid", one.uid.value},
                       {"verdict", protocol::to_string(one.verdict)}});
        }
    }
    COVENANT_CHECK(
        node_.ledger().submit(*key, protocol::VoteInclusion{node_.seat().run, view.round, uids}));
    log::info("round", "votes on inclusion",
              {{"round", view.round.value},
               {"artifacts", (*verdicts)->size()},
               {"accepted", uids.count()}});
    return std::optional(report(Activity::kVoted, view.round));
}

Validator::Step Validator::vote_parameters(const Moment& moment, Work& work) {
    const protocol::RoundView& view = moment.view;
    const std::string intent = intent_key("parameters", view.round);
    COVENANT_TRY(const auto key, next_key(intent, moment.now));
    if (!key || view.aggregated.empty() || view.accepted ||
        !votes(view.electorate, node_.seat().uid)) {
        return std::optional<TickReport>{};
    }
    auto candidate = node_.training().parameters.next(*moment.state, view.round);
    if (!candidate) {
        if (!work.disagreement) {
            work.disagreement = candidate.error().context;
            log::warn("round", "cannot compute the next parameters: " + *work.disagreement,
                      {{"round", view.round.value}});
        }
        return candidate.error().retryable || candidate.error().code == Errc::kMismatch
                   ? Step(std::optional<TickReport>{})
                   : Step(fail(std::move(candidate).error()));
    }
    COVENANT_TRY(
        const std::uint32_t loss,
        execution::monitor_loss_bits(node_.training().engine, node_.seat().spec, node_.seat().run,
                                     node_.training().windows, *candidate->parameters));
    COVENANT_CHECK(node_.ledger().submit(
        *key, protocol::VoteParameters{node_.seat().run, view.round, candidate->root, loss}));
    log::info("round", "votes on parameters",
              {{"round", view.round.value},
               {"heldout_loss", std::bit_cast<float>(loss)},
               {"root", to_short_hex(candidate->root.view())}});
    return std::optional(report(Activity::kAgreed, view.round));
}

Validator::Step Validator::checkpoint(const Moment& moment) {
    const protocol::RoundView& view = moment.view;
    if (!view.accepted) {
        return std::optional<TickReport>{};
    }
    const std::string row = participant::stage_key(view.round, "checkpoint");
    COVENANT_TRY(const bool done, node_.journal().contains(row));
    if (done) {
        return std::optional<TickReport>{};
    }
    auto parameters = node_.training().parameters.parameters(*moment.state, view.round.next());
    if (!parameters) {
        if (parameters.error().retryable) {
            return std::optional<TickReport>{};
        }
        return fail(std::move(parameters).error().within("this validator must not vote"));
    }
    COVENANT_CHECK(participant::publish_checkpoint(node_.seat(), node_.artifacts().store,
                                                   view.accepted->root, **parameters));
    COVENANT_CHECK(node_.journal().put(row, {}));
    return std::optional(report(Activity::kCheckpoint, view.round));
}

Validator::Step Validator::patient(const Moment& moment) {
    const protocol::RoundView& view = moment.view;
    if (!view.sigma || view.settled) {
        return std::optional<TickReport>{};
    }
    if (moment.now >= view.times.score_reveal) {
        return settle(moment);
    }
    if (moment.now >= view.times.score_commit) {
        return reveal(moment);
    }
    if (moment.now < view.times.t2) {
        return std::optional<TickReport>{};
    }
    return commit_scores(moment, work_[view.round]);
}

Validator::Step Validator::audit_next(const Moment& moment, Work& work, bool& all_done) {
    const protocol::RoundView& view = moment.view;
    const bool final =
        moment.now.value + options_.vote_margin_seconds >= view.times.score_commit.value;
    all_done = true;
    for (const protocol::MinerView& miner : view.miners) {
        if (!miner.commitment || work.audits.contains(miner.uid)) {
            continue;
        }
        const auto duty = protocol::audit_duty(
            node_.seat().spec, *view.sigma, miner.commitment->signed_commitment.commitment.root,
            miner.uid, view.electorate,
            static_cast<std::uint32_t>(node_.seat().chunk_elements.size()));
        if (!duty || std::find(duty->auditors.begin(), duty->auditors.end(), node_.seat().uid) ==
                         duty->auditors.end()) {
            continue;
        }
        const std::string row =
            participant::stage_key(view.round, "audit/" + std::to_string(miner.uid.value));
        COVENANT_TRY(const auto journalled, node_.journal().get(row));
        if (journalled) {
            COVENANT_TRY(work.audits[miner.uid], decode_audit(*journalled));
            continue;
        }
        // A key after the inclusion votes is as good as none, or one could wait for the draw.
        const bool too_late =
            !view.included.test(miner.uid.value) &&
            std::any_of(work.screened->begin(), work.screened->end(), [&](const Screened& one) {
                return one.uid == miner.uid && one.verdict == Verdict::kUnavailable;
            });
        if (too_late) {
            work.collected[miner.uid] = {Verdict::kUnavailable, {}, 0};
        }
        COVENANT_TRY(const auto result, audit(node_.seat(), node_.artifacts(), node_.training(),
                                              {.state = *moment.state,
                                               .view = view,
                                               .duty = *duty,
                                               .fetched = work.collected.at(miner.uid),
                                               .final = final || too_late}));
        if (!result) {
            all_done = false;
            continue;
        }
        COVENANT_CHECK(node_.journal().put(row, encode_audit(*result)));
        work.audits[miner.uid] = *result;
        const bool passed = result->finding.verdict == protocol::kFindingPass;
        log::info("audit", passed ? "passed" : "FAILED",
                  {{"round", view.round.value},
                   {"uid", miner.uid.value},
                   {"verdict", protocol::to_string(result->verdict)},
                   {"segment", result->finding.segment.value}});
        return std::optional(report(Activity::kAudited, view.round,
                                    std::string(protocol::to_string(result->verdict))));
    }
    return std::optional<TickReport>{};
}

Validator::Step Validator::commit_scores(const Moment& moment, Work& work) {
    const protocol::RoundView& view = moment.view;
    const std::string intent = intent_key("scores", view.round);
    COVENANT_TRY(const auto key, next_key(intent, moment.now));
    const bool any = std::any_of(view.miners.begin(), view.miners.end(),
                                 [](const auto& m) { return m.commitment.has_value(); });
    if (!key || !any) {
        return std::optional<TickReport>{};
    }
    COVENANT_TRY(auto ballot, sealed_ballot(node_.journal(), view.round));
    if (!ballot) {
        COVENANT_TRY(const bool complete,
                     collect(node_.seat(), node_.artifacts(), view, work.collected));
        static_cast<void>(complete);  // what is still missing is judged as such
        const auto verdicts = screened(moment, work);
        if (!verdicts) {
            return abstain(view.round, work, verdicts.error());
        }
        bool audited = false;
        auto step = audit_next(moment, work, audited);
        if (!step) {
            return abstain(view.round, work, std::move(step).error());
        }
        if (*step) {
            return step;
        }
        if (!audited) {
            return std::optional<TickReport>{};
        }
        std::vector<AuditResult> audits;
        for (const auto& [uid, result] : work.audits) {
            audits.push_back(result);
        }
        COVENANT_TRY(ballot, score(node_.seat(), node_.journal(), view, **verdicts, audits));
    }
    COVENANT_CHECK(node_.ledger().submit(
        *key,
        protocol::CommitScores{node_.seat().run, view.round,
                               ballot_hash(node_.seat(), node_.ledger(), view.round, *ballot)}));
    log::info("round", "scored",
              {{"round", view.round.value}, {"findings", ballot->findings.size()}});
    return std::optional(report(Activity::kScored, view.round));
}

Validator::Step Validator::reveal(const Moment& moment) {
    const protocol::RoundView& view = moment.view;
    const auto committed = view.score_commitments.find(node_.seat().uid);
    const std::string intent = intent_key("reveal", view.round);
    if (committed == view.score_commitments.end() || view.reveals.contains(node_.seat().uid)) {
        return std::optional<TickReport>{};
    }
    COVENANT_TRY(const auto key, next_key(intent, moment.now));
    COVENANT_TRY(auto ballot, sealed_ballot(node_.journal(), view.round));
    if (!key || !ballot ||
        ballot_hash(node_.seat(), node_.ledger(), view.round, *ballot) != committed->second) {
        return std::optional<TickReport>{};
    }
    COVENANT_CHECK(node_.ledger().submit(
        *key, protocol::RevealScores{node_.seat().run, view.round, ballot->weights,
                                     ballot->findings, ballot->salt}));
    return std::optional(report(Activity::kRevealed, view.round));
}

Validator::Step Validator::settle(const Moment& moment) {
    const protocol::RoundView& view = moment.view;
    if (view.score_commitments.empty() ||
        moment.now.value < view.times.score_reveal.value + turn_seconds(view.electorate)) {
        return std::optional<TickReport>{};
    }
    const std::string intent = intent_key("settle", view.round);
    COVENANT_TRY(const auto key, next_key(intent, moment.now));
    if (!key) {
        return std::optional<TickReport>{};
    }
    COVENANT_CHECK(
        node_.ledger().submit(*key, protocol::SettleRound{node_.seat().run, view.round}));
    return std::optional(report(Activity::kSettled, view.round));
}

}  // namespace covenant::validator
