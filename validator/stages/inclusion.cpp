#include "common/base/log.hpp"
#include "validator/round_work.hpp"
#include "validator/stages/duties.hpp"

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

participant::Step vote_inclusion(const Desk& desk, RoundWork& work, const RoundMoment& at) {
    const protocol::RoundView& view = at->view;
    COVENANT_TRY(const auto key,
                 desk.submitter.next_key("inclusion/" + std::to_string(view.round.value), at->now));
    if (!key) {
        return participant::waits();
    }
    COVENANT_TRY(const bool complete, keep_collecting(desk, work, at));
    if (!complete && at->now.value + desk.options.vote_margin_seconds < view.times.t2.value) {
        return participant::waits();  // keys may still come
    }
    COVENANT_TRY(const auto* screened, keep_screening(desk, work, at));
    if (screened == nullptr) {
        return participant::waits();
    }
    const protocol::UidSet uids = accepted(*screened, view.round);
    COVENANT_CHECK(desk.submitter.submit(
        *key, protocol::VoteInclusion{desk.node.seat().run, view.round, uids},
        {.what = "votes on inclusion",
         .round = view.round,
         .deadline = view.times.t2,
         .detail = fmt::format("{} of {} artifacts accepted", uids.count(), screened->size())}));
    return participant::did();
}

}  // namespace

OptionalDuty vote_inclusion_duty(Desk& desk, RoundWork& work, const RoundMoment& at) {
    const protocol::RoundView& view = at->view;
    if (!view.sigma || !anybody_committed(view) || !has_a_say(desk, view)) {
        return std::nullopt;
    }
    return participant::Duty{"vote-inclusion", view.round, view.times.beacon, view.times.t2,
                             [&desk, &work, at] { return vote_inclusion(desk, work, at); }};
}

}  // namespace covenant::validator
