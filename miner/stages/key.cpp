#include "chain/participant/housekeeping.hpp"
#include "common/base/hex.hpp"
#include "common/base/log.hpp"
#include "common/node/journal.hpp"
#include "common/protocol/schedule.hpp"
#include "miner/stages/duties.hpp"
#include "miner/stages/publish.hpp"

#include <fmt/format.h>

namespace covenant::miner {

using protocol::ChainTime;
using protocol::Round;

namespace {

// Another branch of the chain can hold another commitment.
std::string key_row(const RoundMoment& at, const protocol::RecordedCommitment& mine) {
    return participant::stage_key(
        at->view.round,
        "key-published/" + to_hex(mine.signed_commitment.commitment.key_hash.view()));
}

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

participant::Step publish(const Desk& desk, RoundWork& work, const RoundMoment& at,
                          const protocol::RecordedCommitment& mine) {
    node::Journal& journal = desk.node.journal();
    const std::string row = key_row(at, mine);
    COVENANT_TRY(const bool done, journal.contains(row));
    if (done) {
        return participant::waits();
    }
    COVENANT_TRY(const auto package, sealed_package(journal, at->view));
    if (!package ||
        package->commitment.commitment.key_hash != mine.signed_commitment.commitment.key_hash) {
        work.lost = true;
        say_lost(at->view.round);
        return participant::waits();
    }
    COVENANT_CHECK(publish_key(desk.node.artifacts().store, at->view, *package));
    COVENANT_CHECK(journal.put(row, {}));
    log::debug("round", "key published", {{"round", at->view.round.value}});
    return participant::did("key");
}

}  // namespace

std::optional<participant::Duty> publish_key_duty(Desk& desk, RoundWork& work,
                                                  const RoundMoment& at) {
    const protocol::RoundView& view = at->view;
    const auto* mine = protocol::recorded_commitment(*at->state, view.round, desk.node.seat().uid);
    if (mine == nullptr || work.lost) {
        return std::nullopt;
    }
    // After the vote it earns nothing, but what this miner commits next continues a commitment that
    // others must be able to read.
    const Round last(view.round.value + protocol::kContinuityGap + 1);
    const ChainTime closes = at->now < view.times.t2
                                 ? view.times.t2
                                 : protocol::round_times(desk.node.seat().spec.timing, last).t0;
    return participant::Duty{"publish-key", view.round, view.times.t1, closes,
                             [&desk, &work, at, mine] { return publish(desk, work, at, *mine); }};
}

}  // namespace covenant::miner
