#include "common/base/log.hpp"
#include "common/protocol/not_counted.hpp"
#include "validator/round_work.hpp"
#include "validator/stages/duties.hpp"

#include <algorithm>

namespace covenant::validator {
namespace {

// A vote on parameters is no loss where others had accepted them already, or where there were none
// to vote on.
bool was_needed(const protocol::RoundView& view, const protocol::Uncounted& one) {
    return one.ballot != protocol::Ballot::kParameters || view.parameters_votes.contains(one.uid) ||
           (one.why.reason == protocol::NotCounted::kLateBallot && !view.accepted &&
            !view.aggregated.empty());
}

participant::Step account(const Desk& desk, RoundWork& work, const RoundMoment& at) {
    const protocol::RoundView& view = at->view;
    for (const protocol::Uncounted& one :
         protocol::ballots_not_counted(view, desk.node.seat().uid, at->now)) {
        if (!was_needed(view, one) ||
            std::ranges::find(work.uncounted, one) != work.uncounted.end()) {
            continue;
        }
        log::warn("round", "ballot not counted: " + protocol::describe(one),
                  {{"round", view.round.value}});
        work.uncounted.push_back(one);
    }
    return participant::waits();
}

}  // namespace

OptionalDuty account_duty(Desk& desk, RoundWork& work, const RoundMoment& at) {
    const protocol::RoundView& view = at->view;
    if (!view.sigma || !anybody_opened(view)) {
        return std::nullopt;
    }
    return participant::Duty{"account", view.round, view.times.t2, end_of_flight(desk, view.round),
                             [&desk, &work, at] { return account(desk, work, at); }};
}

}  // namespace covenant::validator
