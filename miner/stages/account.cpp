#include "common/base/log.hpp"
#include "common/protocol/schedule.hpp"
#include "miner/stages/duties.hpp"

#include <fmt/format.h>

namespace covenant::miner {
namespace {

// Training that commits have overtaken is ended: the next round needs the engine.
std::string training_took(const Desk& desk, RoundWork& work, const RoundMoment& at) {
    if (!work.training_since) {
        return work.seen_at && *work.seen_at < at->view.times.t1
                   ? fmt::format(": this node came to it with {} s left before commits closed",
                                 at->view.times.t1.value - work.seen_at->value)
                   : "";
    }
    if (!work.training.started()) {
        return "";
    }
    const std::uint64_t there = at->view.times.t1.value - work.training_since->value;
    const std::uint32_t steps = desk.node.seat().spec.inner.steps_per_round;
    if (work.training.done()) {
        return fmt::format(": training and its upload took more than the {} s that were there",
                           there);
    }
    work.give_up.request_stop();
    return fmt::format(": training had done {} of {} steps after {} s, when commits closed",
                       work.steps_done->load(), steps, there);
}

participant::Step account(const Desk& desk, RoundWork& work, const RoundMoment& at) {
    const auto why = protocol::miner_not_counted(at->view, desk.node.seat().uid, at->now);
    if (!why || work.why_not == why) {
        return participant::waits();
    }
    std::string text = "round not counted: " + protocol::describe(*why);
    if (why->reason == protocol::NotCounted::kLateCommit) {
        text += training_took(desk, work, at);
    }
    log::warn("round", text, {{"round", at->view.round.value}});
    work.why_not = why;
    return participant::waits();
}

}  // namespace

std::optional<participant::Duty> account_duty(Desk& desk, RoundWork& work, const RoundMoment& at) {
    if (work.left_out || work.sits_out) {
        return std::nullopt;
    }
    const protocol::RoundView& view = at->view;
    const protocol::Round last(view.round.value + protocol::kContinuityGap + 1);
    return participant::Duty{"account", view.round, view.times.t1,
                             protocol::round_times(desk.node.seat().spec.timing, last).t0,
                             [&desk, &work, at] { return account(desk, work, at); }};
}

}  // namespace covenant::miner
