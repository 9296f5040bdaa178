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

// The contract settles no round without a result, nor one whose electors kept silent (R9.1).
bool can_be_settled(const protocol::RoundView& view) {
    Uint128 all = 0;
    Uint128 revealed = 0;
    for (const protocol::ValidatorStake& elector : view.electorate) {
        all += elector.stake.units;
        if (view.reveals.contains(elector.uid)) {
            revealed += elector.stake.units;
        }
    }
    return view.sigma && view.accepted && 2 * revealed > all;
}

}  // namespace

OptionalDuty settle_duty(Desk& desk, RoundWork& /*work*/, const RoundMoment& at) {
    const protocol::RoundView& view = at->view;
    if (view.settled || !can_be_settled(view)) {
        return std::nullopt;
    }
    const protocol::ChainTime turn(
        view.times.score_reveal.value +
        turn_seconds(desk, view.electorate, desk.node.seat().spec.timing.round_seconds));
    return participant::Duty{"settle", view.round, turn, end_of_flight(desk, view.round),
                             [&desk, at] { return settle(desk, at); }};
}

}  // namespace covenant::validator
