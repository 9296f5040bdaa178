#include "common/base/hex.hpp"
#include "common/base/log.hpp"
#include "miner/stages/duties.hpp"
#include "miner/stages/package.hpp"

#include <fmt/format.h>

namespace covenant::miner {

using protocol::Round;

namespace {

// Whoever mines with this hotkey elsewhere has the key; a folder that was replaced has lost it.
void say_lost(Round round) {
    log::warn(
        "round",
        fmt::format(
            "this folder has no key for the round's commitment, so the round is lost; "
            "it starts fresh in round {} at the latest. If no data were removed, another process "
            "mines with this hotkey: stop one of them",
            round.value + protocol::kContinuityGap + 1),
        {{"round", round.value}});
}

participant::Step show(const Desk& desk, RoundWork& work, const RoundMoment& at,
                       const protocol::RecordedCommitment& mine) {
    const protocol::RoundView& view = at->view;
    const Hash256& key_hash = mine.signed_commitment.commitment.key_hash;
    // Another branch of the chain can hold another commitment.
    COVENANT_TRY(const auto row, desk.submitter.next_key("key/" + std::to_string(view.round.value) +
                                                             "/" + to_hex(key_hash.view()),
                                                         at->now));
    if (!row) {
        return participant::waits();
    }
    COVENANT_TRY(const auto package, sealed_package(desk.node.journal(), view));
    if (!package || package->commitment.commitment.key_hash != key_hash) {
        work.lost = true;
        say_lost(view.round);
        return participant::waits();
    }
    const participant::Seat& seat = desk.node.seat();
    COVENANT_CHECK(desk.submitter.submit(
        *row, protocol::ShowKeys{seat.run, view.round, {{seat.uid, package->key}}},
        {.what = "key", .round = view.round, .deadline = view.times.keys}));
    return participant::did("key");
}

}  // namespace

std::optional<participant::Duty> show_key_duty(Desk& desk, RoundWork& work, const RoundMoment& at) {
    const protocol::RoundView& view = at->view;
    const protocol::Uid me = desk.node.seat().uid;
    const auto* mine = protocol::recorded_commitment(*at->state, view.round, me);
    if (mine == nullptr || work.lost || view.keys.contains(me)) {
        return std::nullopt;
    }
    return participant::Duty{"show-key", view.round, view.times.t1, view.times.keys,
                             [&desk, &work, at, mine] { return show(desk, work, at, *mine); }};
}

}  // namespace covenant::miner
