#include "common/base/log.hpp"
#include "validator/round_work.hpp"
#include "validator/stages/duties.hpp"
#include "validator/stages/suspect.hpp"

#include <fmt/format.h>

namespace covenant::validator {

using protocol::Verdict;

namespace {

protocol::UidSet accepted(const std::vector<Screened>& screened, protocol::Round round) {
    protocol::UidSet uids;
    for (const Screened& one : screened) {
        if (one.verdict == Verdict::kAccept) {
            uids.set(one.uid.value);
        } else {
            log::info("screen", "refused",
                      {{"round", round.value},
                       {"uid", one.uid.value},
                       {"verdict", protocol::to_string(one.verdict)}});
        }
    }
    return uids;
}

// Everything was uploaded before T1, so what is missing now was withheld, or a store is slow. Who
// withholds must not make the others' votes late: most of the window is left for screening.
protocol::ChainTime last_wait(const protocol::RoundView& view) {
    return protocol::ChainTime(view.times.beacon.value +
                               (view.times.t2.value - view.times.beacon.value) / 4);
}

participant::Step collect_early(const Desk& desk, RoundWork& work, const RoundMoment& at) {
    COVENANT_TRY(const bool complete, keep_collecting(desk, work, at));
    static_cast<void>(complete);
    return participant::waits();
}

participant::Step vote_inclusion(const Desk& desk, RoundWork& work, const RoundMoment& at) {
    const protocol::RoundView& view = at->view;
    COVENANT_TRY(const auto key,
                 desk.submitter.next_key("inclusion/" + std::to_string(view.round.value), at->now));
    if (!key) {
        return participant::waits();
    }
    COVENANT_TRY(const bool complete, keep_collecting(desk, work, at));
    if (!complete && at->now < last_wait(view)) {
        return participant::waits();
    }
    COVENANT_TRY(const auto* screened, keep_screening(desk, work, at));
    if (screened == nullptr) {
        return participant::waits();
    }
    const protocol::UidSet uids = accepted(*screened, view.round);
    COVENANT_CHECK(desk.submitter.submit(
        *key,
        protocol::VoteInclusion{desk.node.seat().run, view.round, uids,
                                suspects(view, *screened, work.collected)},
        {.what = "votes on inclusion",
         .round = view.round,
         .deadline = view.times.t2,
         .detail = fmt::format("{} of {} artifacts accepted", uids.count(), screened->size())}));
    return participant::did();
}

}  // namespace

// Ciphertexts are fetched as they are committed and opened as their keys are shown; the vote comes
// after the beacon.
OptionalDuty collect_duty(Desk& desk, RoundWork& work, const RoundMoment& at) {
    const protocol::RoundView& view = at->view;
    if (view.sigma || view.commitments.empty() || !has_a_say(desk, view)) {
        return std::nullopt;
    }
    return participant::Duty{"collect", view.round, view.times.t0, view.times.t2,
                             [&desk, &work, at] { return collect_early(desk, work, at); }};
}

OptionalDuty vote_inclusion_duty(Desk& desk, RoundWork& work, const RoundMoment& at) {
    const protocol::RoundView& view = at->view;
    if (!view.sigma || !anybody_opened(view) || !has_a_say(desk, view) ||
        view.inclusion_votes.contains(desk.node.seat().uid)) {
        return std::nullopt;
    }
    return participant::Duty{"vote-inclusion", view.round, view.times.beacon, view.times.t2,
                             [&desk, &work, at] { return vote_inclusion(desk, work, at); }};
}

}  // namespace covenant::validator
