// Who keeps missing its duties loses its say, so that its silence stops nobody; who was jailed asks
// to come back. Anybody may send the first; validators take turns.
#include "common/base/log.hpp"
#include "common/protocol/schedule.hpp"
#include "validator/round_work.hpp"
#include "validator/stages/duties.hpp"

#include <algorithm>

namespace covenant::validator {

using participant::Step;
using protocol::Round;
using protocol::Uid;

namespace {

// The last change of a validator's standing, if there was any.
const protocol::JailChange* last_change(const protocol::RunState& state, Uid uid) {
    const auto held = state.jail.find(uid);
    return held == state.jail.end() || held->second.changes.empty() ? nullptr
                                                                    : &held->second.changes.back();
}

// The first voter of the round that has missed too much by now.
const protocol::ValidatorStake* who_misses(const RoundMoment& at, Uid me) {
    const auto found = std::ranges::find_if(at->view.electorate, [&](const auto& one) {
        const protocol::JailChange* last = last_change(*at->state, one.uid);
        const bool held = last != nullptr && (last->jailed || last->since > at->now);
        return one.uid != me && !held &&
               protocol::missed_rounds(*at->state, one.uid, at->now) >= protocol::kMissesToJail;
    });
    return found == at->view.electorate.end() ? nullptr : &*found;
}

Step jail(const Desk& desk, const RoundMoment& at, Uid uid) {
    const Round round = at->view.round;
    COVENANT_TRY(const auto key, desk.submitter.next_key("jail/" + std::to_string(uid.value) + "/" +
                                                             std::to_string(round.value),
                                                         at->now));
    if (!key) {
        return participant::waits();
    }
    COVENANT_CHECK(desk.submitter.submit(*key, protocol::JailValidator{desk.node.seat().run, uid},
                                         {.what = "jails uid " + std::to_string(uid.value),
                                          .round = round,
                                          .deadline = end_of_flight(desk, round)}));
    return participant::did();
}

Step come_back(const Desk& desk, const RoundMoment& at, std::uint64_t times) {
    const Round round = at->view.round;
    COVENANT_TRY(const auto key,
                 desk.submitter.next_key("return/" + std::to_string(times), at->now));
    if (!key) {
        return participant::waits();
    }
    log::warn("jail", "this validator missed its duties and has no vote; it asks to come back",
              {{"round", round.value}, {"times", times}});
    COVENANT_CHECK(desk.submitter.submit(
        *key, protocol::ReturnFromJail{desk.node.seat().run},
        {.what = "asks to come back", .round = round, .deadline = end_of_flight(desk, round)}));
    return participant::did();
}

}  // namespace

OptionalDuty jail_duty(Desk& desk, RoundWork& /*work*/, const RoundMoment& at) {
    const protocol::RoundView& view = at->view;
    if (!has_a_say(desk, view)) {
        return std::nullopt;
    }
    const protocol::ValidatorStake* missing = who_misses(at, desk.node.seat().uid);
    if (missing == nullptr) {
        return std::nullopt;
    }
    const std::uint64_t turn =
        turn_seconds(desk, view.electorate, desk.node.seat().spec.timing.round_seconds);
    return participant::Duty{"jail", view.round,
                             protocol::ChainTime(view.times.score_reveal.value + turn),
                             end_of_flight(desk, view.round),
                             [&desk, at, uid = missing->uid] { return jail(desk, at, uid); }};
}

OptionalDuty return_duty(Desk& desk, RoundWork& /*work*/, const RoundMoment& at) {
    const protocol::JailChange* last = last_change(*at->state, desk.node.seat().uid);
    if (last == nullptr || !last->jailed) {
        return std::nullopt;
    }
    const std::uint64_t times = at->state->jail.at(desk.node.seat().uid).times;
    return participant::Duty{"return", at->view.round, at->view.times.t0,
                             end_of_flight(desk, at->view.round),
                             [&desk, at, times] { return come_back(desk, at, times); }};
}

}  // namespace covenant::validator
