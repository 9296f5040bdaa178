#include "common/base/hex.hpp"
#include "common/execution/loss_score.hpp"
#include "common/execution/parameter_follower.hpp"
#include "validator/round_work.hpp"
#include "validator/stages/duties.hpp"

#include <algorithm>
#include <bit>

#include <fmt/format.h>

namespace covenant::validator {
namespace {

Result<NextParameters> compute(const participant::Node& node, const RoundMoment& at) {
    const participant::Training& training = node.training();
    const participant::Seat& seat = node.seat();
    COVENANT_TRY(const auto candidate, training.parameters.next(*at->state, at->view.round));
    COVENANT_TRY(const std::uint32_t loss,
                 execution::monitor_loss_bits(training.engine, seat.spec, seat.run,
                                              training.windows, *candidate.parameters));
    return NextParameters{candidate.root, loss};
}

participant::Step vote_parameters(const Desk& desk, RoundWork& work, const RoundMoment& at) {
    const protocol::RoundView& view = at->view;
    COVENANT_TRY(const auto key, desk.submitter.next_key(
                                     "parameters/" + std::to_string(view.round.value), at->now));
    if (!key) {
        return participant::waits();
    }
    if (work.aggregated != view.aggregated) {  // another branch of the chain
        work.next_parameters.reset();
        work.aggregated = view.aggregated;
    }
    if (!work.next_parameters.started()) {
        work.next_parameters.start(desk.background,
                                   "aggregate round " + std::to_string(view.round.value),
                                   participant::Lane::kVote, view.times.t3,
                                   [&node = desk.node, at] { return compute(node, at); });
    }
    if (!work.next_parameters.done()) {
        return participant::waits();
    }
    const auto next = work.next_parameters.take();
    if (!next) {
        return abstain(work, view.round,
                       Error(next.error()).within("cannot compute the next parameters"));
    }
    COVENANT_CHECK(desk.submitter.submit(
        *key,
        protocol::VoteParameters{desk.node.seat().run, view.round, next->root, next->loss_bits},
        {.what = "votes on parameters",
         .round = view.round,
         .deadline = view.times.t3,
         .detail =
             fmt::format("held-out loss {:.5f}, root {}", std::bit_cast<float>(next->loss_bits),
                         to_short_hex(next->root.view()))}));
    return participant::did();
}

}  // namespace

OptionalDuty vote_parameters_duty(Desk& desk, RoundWork& work, const RoundMoment& at) {
    const protocol::RoundView& view = at->view;
    // Also when others have decided already: the vote is a duty, and says what this node holds.
    const protocol::Uid me = desk.node.seat().uid;
    if (!view.votes(me) || !view.sigma || view.aggregated.empty() ||
        view.parameters_votes.contains(me)) {
        return std::nullopt;
    }
    return participant::Duty{"vote-parameters", view.round, view.times.t2, view.times.t3,
                             [&desk, &work, at] { return vote_parameters(desk, work, at); }};
}

}  // namespace covenant::validator
