#include "miner/miner.hpp"

#include "chain/participant/housekeeping.hpp"
#include "common/base/hex.hpp"
#include "common/base/log.hpp"
#include "common/node/journal.hpp"
#include "common/store/state_store.hpp"
#include "common/store/trace_record.hpp"
#include "miner/stages/execute.hpp"
#include "miner/stages/package.hpp"
#include "miner/stages/plan.hpp"
#include "miner/stages/publish.hpp"

#include <set>

namespace covenant::miner {

using protocol::ChainTime;
using protocol::Round;

Result<TickReport> Miner::tick(const chain::Head& head) {
    const auto state = node_.ledger().state();
    if (!state->spec) {
        return TickReport{Activity::kWaiting, {}, "the run is not on this chain yet"};
    }
    const auto current = protocol::round_at(node_.seat().spec.timing, head.time);
    if (!current) {
        return TickReport{Activity::kWaiting, {}, "the run has not started"};
    }
    // A commitment can be continued that many rounds later (R4.12), if others can read it by then.
    // Older rounds first: a key or an opening is due now, training can wait a moment.
    for (std::uint64_t back = std::min(current->value, protocol::kContinuityGap) + 1; back-- > 0;) {
        COVENANT_TRY(auto report, publish(*state, Round(current->value - back), head.time));
        if (report) {
            return *report;
        }
    }
    if (pruned_ != current) {
        COVENANT_CHECK(prune(*state, *current));
        pruned_ = current;
    }
    COVENANT_TRY(auto report, train(*state, *current, head.time));
    return report ? *report : TickReport{Activity::kWaiting, *current, {}};
}

Result<std::optional<TickReport>> Miner::train(const protocol::RunState& state, Round round,
                                               ChainTime now) {
    if ((last_round_ && round > *last_round_) || skipped_ == round ||
        protocol::recorded_commitment(state, round, node_.seat().uid) != nullptr) {
        return std::optional<TickReport>{};
    }
    const auto view = protocol::round_view(state, round);
    if (!view || now.value + options_.safety_margin_seconds >= view->times.t1.value) {
        return std::optional<TickReport>{};
    }
    const std::string intent_key =
        "commit/" + std::to_string(round.value) + "/" + to_hex(view->rho.view());
    COVENANT_TRY(const auto sealed, sealed_package(node_.journal(), *view));
    if (sealed) {
        COVENANT_TRY(const chain::IntentStatus status, node_.ledger().status(intent_key));
        if (status.phase == chain::IntentPhase::kRefused) {
            skipped_ = round;  // final, and said once
            log::warn("round", "commitment refused: " + status.reason, {{"round", round.value}});
        }
        if (status.phase != chain::IntentPhase::kUnknown) {
            return std::optional<TickReport>{};
        }
        log::info("round", "resumed: the commitment goes out as it was signed",
                  {{"round", round.value}});
        COVENANT_CHECK(
            node_.ledger().submit(intent_key, protocol::PostCommitment{sealed->commitment}));
        return std::optional(TickReport{Activity::kCommitted, round, "resumed"});
    }
    std::string why;
    auto plan = plan_round(node_.seat(), node_.artifacts(), node_.training(), state, *view, why);
    if (!plan) {
        if (plan.error().code == Errc::kUnavailable) {
            return std::optional(TickReport{Activity::kWaiting, round, plan.error().context});
        }
        return fail(std::move(plan).error());
    }
    if (!*plan) {
        skipped_ = round;
        log::warn("round", "not taking part: " + why, {{"round", round.value}});
        return std::optional(TickReport{Activity::kSkipped, round, why});
    }
    auto result = execute_plan(node_.seat(), node_.artifacts(), node_.training(), std::move(**plan),
                               options_.cheat);
    if (!result) {
        if (result.error().code != Errc::kRejected) {
            return fail(std::move(result).error());
        }
        skipped_ = round;
        log::warn("round", "training is invalid by rule: " + result.error().context,
                  {{"round", round.value}});
        return std::optional(TickReport{Activity::kSkipped, round, result.error().context});
    }
    COVENANT_TRY(Package encrypted,
                 encrypt_round(node_.seat(), node_.artifacts().store, *view, *result));
    COVENANT_TRY(const Package package,
                 seal_package(node_.seat(), node_.journal(), node_.ledger().domain(), *view,
                              std::move(encrypted)));
    COVENANT_CHECK(node_.ledger().submit(intent_key, protocol::PostCommitment{package.commitment}));
    const protocol::Commitment& commitment = package.commitment.commitment;
    log::info("round", "commitment signed, sending",
              {{"round", round.value},
               {"loss", result->mean_loss},
               {"tokens", commitment.tokens},
               {"segments", node_.seat().spec.segments()},
               {"artifact", to_short_hex(commitment.ciphertext_hash.view())},
               {"bytes", commitment.size}});
    return std::optional(TickReport{Activity::kCommitted, round, to_0x(commitment.root)});
}

Result<std::optional<TickReport>> Miner::publish(const protocol::RunState& state, Round round,
                                                 ChainTime now) {
    const protocol::RecordedCommitment* mine =
        protocol::recorded_commitment(state, round, node_.seat().uid);
    const auto view = mine == nullptr ? std::nullopt : protocol::round_view(state, round);
    if (!view || now < view->times.t1) {
        return std::optional<TickReport>{};
    }
    // Another branch of the chain can hold another commitment and another beacon.
    const std::string key_row = participant::stage_key(
        round, "key-published/" + to_hex(mine->signed_commitment.commitment.key_hash.view()));
    COVENANT_TRY(const bool key_done, node_.journal().contains(key_row));
    if (!key_done) {
        COVENANT_TRY(const auto package, sealed_package(node_.journal(), *view));
        if (!package) {
            return fail(
                Errc::kPrecondition,
                "round " + std::to_string(round.value) +
                    " is committed on chain, but this journal has no key for it: another process "
                    "mines with this hotkey, or the data directory was replaced");
        }
        COVENANT_CHECK(publish_key(node_.artifacts().store, *view, *package));
        COVENANT_CHECK(node_.journal().put(key_row, {}));
        log::debug("round", "key published", {{"round", round.value}});
        return std::optional(TickReport{Activity::kPublished, round, "key"});
    }
    if (!view->sigma || now >= view->times.score_commit) {
        return std::optional<TickReport>{};
    }
    const std::string opening_row =
        participant::stage_key(round, "openings-published/" + to_hex(view->sigma->view()));
    COVENANT_TRY(const bool openings_done, node_.journal().contains(opening_row));
    if (!openings_done) {
        COVENANT_TRY(const bool drawn, publish_openings(node_.seat(), node_.artifacts(),
                                                        node_.training(), *view, *view->sigma));
        COVENANT_CHECK(node_.journal().put(opening_row, {}));
        log::debug("round", drawn ? "openings published" : "not drawn for audit",
                   {{"round", round.value}});
        return std::optional(
            TickReport{Activity::kPublished, round, drawn ? "openings" : "not drawn"});
    }
    return std::optional<TickReport>{};
}

// Keeps the states that the last rounds' traces and the chain's parameters name; the rest of the
// buffers goes.
Status Miner::prune(const protocol::RunState& state, Round round) {
    std::set<Hash256> keep;
    for (std::uint64_t back = 0; back <= std::min(round.value, participant::kKeepRounds); ++back) {
        const Round at(round.value - back);
        if (auto record = store::get_trace_record(node_.artifacts().index, at, node_.seat().uid)) {
            for (const protocol::SegmentRecord& segment : record->trace) {
                keep.insert({segment.theta_root, segment.m_root, segment.v_root});
            }
            keep.insert(record->feedback.sum_root);
        } else if (record.error().code != Errc::kNotFound) {
            return fail(std::move(record).error());
        }
    }
    COVENANT_CHECK(participant::prune_journal(node_.journal(), round));
    return participant::prune_states(node_.training().states, state, round, std::move(keep));
}

bool Miner::finished(const chain::Head& head) const {
    return last_round_ &&
           head.time >= protocol::round_times(node_.seat().spec.timing, *last_round_).score_commit;
}

}  // namespace covenant::miner
