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
    const ChainTime target = protocol::beacon_target(timing, slot);
    const ChainTime turn(target.value + turn_seconds(desk, protocol::electorate(state, round),
                                                     deadline.value - target.value));
    return participant::Duty{
        "prove-beacon", round, turn, deadline,
        [&desk, slot, round, deadline, now] { return prove(desk, slot, round, deadline, now); }};
}

}  // namespace

OptionalDuty prove_beacon_duty(Desk& desk, const participant::Moment& moment,
                               std::optional<Round> current) {
    const bool genesis =
        !current ||
        (current->value == 0 && !moment.state->beacons.contains(BeaconSlot(0)) &&
         moment.now < protocol::beacon_deadline(desk.node.seat().spec.timing, BeaconSlot(0)));
    if (genesis) {
        return duty(desk, *moment.state, BeaconSlot(0), Round(0), moment.now);
    }
    return duty(desk, *moment.state, protocol::beacon_slot_of(*current), *current, moment.now);
}

}  // namespace covenant::validator
