#include "chain/participant/housekeeping.hpp"
#include "common/base/hex.hpp"
#include "common/base/log.hpp"
#include "common/node/journal.hpp"
#include "common/store/state_store.hpp"
#include "miner/stages/duties.hpp"
#include "miner/stages/publish.hpp"

namespace covenant::miner {
namespace {

// What the store was told depends on the beacon, and a reorganised chain can have another.
std::string opening_row(const RoundMoment& at) {
    return participant::stage_key(at->view.round,
                                  "openings-published/" + to_hex(at->view.sigma->view()));
}

participant::Step finish(const Desk& desk, RoundWork& work, const RoundMoment& at) {
    const auto drawn = work.openings.take();
    const protocol::Round round = at->view.round;
    if (!drawn) {
        if (!store::is_lost(drawn.error().code)) {
            return drawn.error().retryable ? participant::waits()
                                           : participant::Step(fail(Error(drawn.error())));
        }
        work.lost = true;
        log::warn("round",
                  "cannot show what an audit may draw, so an audit fails the round: " +
                      drawn.error().context,
                  {{"round", round.value}});
        return participant::waits();
    }
    COVENANT_CHECK(desk.node.journal().put(opening_row(at), {}));
    log::debug("round", *drawn ? "openings published" : "not drawn for audit",
               {{"round", round.value}});
    return participant::did(*drawn ? "openings" : "not drawn");
}

participant::Step publish(const Desk& desk, RoundWork& work, const RoundMoment& at) {
    if (work.sigma != *at->view.sigma) {
        work.openings.reset();
        work.sigma = *at->view.sigma;
    }
    if (!work.openings.started()) {
        COVENANT_TRY(const bool done, desk.node.journal().contains(opening_row(at)));
        if (done) {
            return participant::waits();
        }
        work.openings.start(
            desk.background, "openings of round " + std::to_string(at->view.round.value),
            participant::Lane::kTransfer, at->view.times.score_commit, [&node = desk.node, at] {
                return publish_openings(node.seat(), node.artifacts(), node.training(), at->view,
                                        *at->view.sigma);
            });
    }
    return work.openings.done() ? finish(desk, work, at) : participant::waits();
}

}  // namespace

std::optional<participant::Duty> publish_openings_duty(Desk& desk, RoundWork& work,
                                                       const RoundMoment& at) {
    const protocol::RoundView& view = at->view;
    if (work.lost || !view.sigma || !view.keys.contains(desk.node.seat().uid)) {
        return std::nullopt;
    }
    return participant::Duty{"publish-openings", view.round, view.times.t1, view.times.score_commit,
                             [&desk, &work, at] { return publish(desk, work, at); }};
}

}  // namespace covenant::miner
