#include "chain/participant/housekeeping.hpp"
#include "common/base/log.hpp"
#include "common/node/journal.hpp"
#include "validator/round_work.hpp"
#include "validator/stages/duties.hpp"

#include <algorithm>

namespace covenant::validator {

using participant::Step;
using protocol::Uid;
using protocol::Verdict;

namespace {

using Artifact = std::shared_ptr<const store::FetchedArtifact>;

// Null unless the draw gives the miner to this validator.
const protocol::AuditDuty* drawn_for_me(const Desk& desk, const protocol::RoundView& view,
                                        const protocol::MinerView& miner) {
    const auto found = view.duties.find(miner.uid);
    if (found == view.duties.end()) {
        return nullptr;
    }
    const std::vector<Uid>& auditors = found->second.auditors;
    const bool mine = std::ranges::find(auditors, desk.node.seat().uid) != auditors.end();
    return mine ? &found->second : nullptr;
}

// A key after the inclusion votes is as good as none, or a miner could wait for the draw.
bool key_came_too_late(const RoundWork& work, const protocol::RoundView& view, Uid uid) {
    return !view.included.test(uid.value) &&
           std::ranges::any_of(*work.screened, [&](const Screened& one) {
               return one.uid == uid && one.verdict == Verdict::kUnavailable;
           });
}

// What the audit judges. Null while it may still come.
Artifact to_judge(const RoundWork& work, const protocol::RoundView& view, Uid uid, bool final) {
    const auto known = work.collected.find(uid);
    if (known != work.collected.end() && !key_came_too_late(work, view, uid)) {
        return known->second;
    }
    return final || key_came_too_late(work, view, uid)
               ? std::make_shared<const store::FetchedArtifact>(
                     store::FetchedArtifact{Verdict::kUnavailable, {}, 0})
               : nullptr;
}

void start_replay(const Desk& desk, RoundWork& work, const RoundMoment& at,
                  const protocol::AuditDuty& duty, bool final) {
    const Artifact artifact = to_judge(work, at->view, duty.miner, final);
    if (!artifact) {
        return;
    }
    final = final || key_came_too_late(work, at->view, duty.miner);
    const protocol::ChainTime closes = at->view.times.score_commit;
    work.replays[duty.miner].start(
        desk.background, "audit of uid " + std::to_string(duty.miner.value),
        participant::Lane::kEngine, closes,
        [&node = desk.node, &background = desk.background, at, duty, artifact, final, closes] {
            return audit(node.seat(), node.artifacts(), node.training(),
                         {.state = *at->state,
                          .view = at->view,
                          .duty = duty,
                          .fetched = *artifact,
                          .final = final,
                          .between_steps = [&] { background.give_way(closes); }});
        });
}

Step conclude(const Desk& desk, RoundWork& work, const RoundMoment& at, const std::string& row,
              const AuditResult& result) {
    COVENANT_CHECK(desk.node.journal().put(row, encode_audit(result)));
    work.audits[result.finding.uid] = result;
    const bool passed = result.finding.verdict == protocol::kFindingPass;
    log::info("audit", passed ? "passed" : "FAILED",
              {{"round", at->view.round.value},
               {"uid", result.finding.uid.value},
               {"verdict", protocol::to_string(result.verdict)},
               {"segment", result.finding.segment.value}});
    return participant::did(std::string(protocol::to_string(result.verdict)));
}

// One miner's audit: from the journal, on its way, or to be started.
Step go_on(const Desk& desk, RoundWork& work, const RoundMoment& at,
           const protocol::AuditDuty& duty, bool final) {
    const std::string row =
        participant::stage_key(at->view.round, "audit/" + std::to_string(duty.miner.value));
    auto& replay = work.replays[duty.miner];
    if (!replay.started()) {
        COVENANT_TRY(const auto journalled, desk.node.journal().get(row));
        if (journalled) {
            COVENANT_TRY(work.audits[duty.miner], decode_audit(*journalled));
            return participant::waits();
        }
        start_replay(desk, work, at, duty, final);
    }
    if (!replay.done()) {
        return participant::waits();
    }
    auto result = replay.take();
    if (!result) {
        return abstain(work, at->view.round, std::move(result).error());
    }
    // Nothing: an opening is not there yet. It is looked for again.
    return *result ? conclude(desk, work, at, row, **result) : participant::waits();
}

Step audit_drawn(const Desk& desk, RoundWork& work, const RoundMoment& at) {
    COVENANT_TRY(const bool complete, keep_collecting(desk, work, at));
    static_cast<void>(complete);  // what is still missing is judged as such
    COVENANT_TRY(const auto* screened, keep_screening(desk, work, at));
    if (screened == nullptr) {
        return participant::waits();
    }
    // What is not open by TO is absent: waiting longer would cost this validator its ballot.
    const bool final = at->now >= at->view.times.openings;
    for (const protocol::MinerView& miner : at->view.miners) {
        const protocol::AuditDuty* duty = drawn_for_me(desk, at->view, miner);
        if (duty == nullptr || work.audits.contains(miner.uid)) {
            continue;
        }
        COVENANT_TRY(auto done, go_on(desk, work, at, *duty, final));
        if (done) {
            return done;
        }
    }
    return participant::waits();
}

}  // namespace

bool audits_done(const Desk& desk, const RoundWork& work, const RoundMoment& at) {
    return std::ranges::all_of(at->view.miners, [&](const protocol::MinerView& miner) {
        return work.audits.contains(miner.uid) || drawn_for_me(desk, at->view, miner) == nullptr;
    });
}

OptionalDuty audit_duty(Desk& desk, RoundWork& work, const RoundMoment& at) {
    const protocol::RoundView& view = at->view;
    if (!view.sigma || view.settled || !anybody_opened(view) || !has_a_say(desk, view) ||
        (work.screened && audits_done(desk, work, at))) {
        return std::nullopt;
    }
    return participant::Duty{"audit", view.round, view.times.t2, view.times.score_commit,
                             [&desk, &work, at] { return audit_drawn(desk, work, at); }};
}

}  // namespace covenant::validator
