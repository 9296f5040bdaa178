#include "common/protocol/schedule.hpp"
#include "validator/stages/duties.hpp"

namespace covenant::validator {

using participant::Step;
using protocol::BeaconSlot;
using protocol::ChainTime;
using protocol::Round;

namespace {

Step prove(const Desk& desk, BeaconSlot slot, Round round, ChainTime deadline, ChainTime now) {
    COVENANT_TRY(const auto key,
                 desk.submitter.next_key("beacon/" + std::to_string(slot.value), now));
    if (!key) {
        return participant::waits();
    }
    Status submitted =
        desk.submitter.submit(*key, protocol::ProveBeacon{desk.node.seat().run, slot},
                              {.what = "proves the beacon", .round = round, .deadline = deadline});
    if (submitted) {
        return participant::did();
    }
    // The block is not there yet, or another validator was faster; both settle by themselves.
    return submitted.error().retryable || submitted.error().code == Errc::kPrecondition
               ? participant::waits()
               : Step(fail(std::move(submitted).error()));
}

OptionalDuty duty(Desk& desk, const protocol::RunState& state, BeaconSlot slot, Round round,
                  ChainTime now) {
    if (state.beacons.contains(slot)) {
        return std::nullopt;
    }
    const protocol::TimingSpec& timing = desk.node.seat().spec.timing;
    const ChainTime deadline = protocol::beacon_deadline(timing, slot);
    const ChainTime turn(protocol::beacon_target(timing, slot).value +
                         turn_seconds(desk, protocol::electorate(state, round)));
    return participant::Duty{
        "prove-beacon", round, turn, deadline,
        [&desk, slot, round, deadline, now] { return prove(desk, slot, round, deadline, now); }};
}

}  // namespace

OptionalDuty prove_first_beacon_duty(Desk& desk, const participant::Moment& moment) {
    return duty(desk, *moment.state, BeaconSlot(0), Round(0), moment.now);
}

OptionalDuty prove_beacon_duty(Desk& desk, RoundWork& /*work*/, const RoundMoment& at) {
    return duty(desk, *at->state, protocol::beacon_slot_of(at->view.round), at->view.round,
                at->now);
}

}  // namespace covenant::validator
