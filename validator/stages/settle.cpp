#include "validator/stages/duties.hpp"

namespace covenant::validator {
namespace {

participant::Step settle(const Desk& desk, const RoundMoment& at) {
    const protocol::Round round = at->view.round;
    COVENANT_TRY(const auto key,
                 desk.submitter.next_key("settle/" + std::to_string(round.value), at->now));
    if (!key) {
        return participant::waits();
    }
    COVENANT_CHECK(desk.submitter.submit(
        *key, protocol::SettleRound{desk.node.seat().run, round},
        {.what = "settles", .round = round, .deadline = end_of_flight(desk, round)}));
    return participant::did();
}

}  // namespace

OptionalDuty settle_duty(Desk& desk, RoundWork& /*work*/, const RoundMoment& at) {
    const protocol::RoundView& view = at->view;
    if (!view.sigma || view.settled || view.score_commitments.empty()) {
        return std::nullopt;
    }
    const protocol::ChainTime turn(view.times.score_reveal.value +
                                   turn_seconds(desk, view.electorate));
    return participant::Duty{"settle", view.round, turn, end_of_flight(desk, view.round),
                             [&desk, at] { return settle(desk, at); }};
}

}  // namespace covenant::validator
