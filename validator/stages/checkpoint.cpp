#include "chain/participant/housekeeping.hpp"
#include "chain/participant/parameter_sources.hpp"
#include "common/engine/parameter_buffer.hpp"
#include "common/node/journal.hpp"
#include "validator/round_work.hpp"
#include "validator/stages/duties.hpp"

namespace covenant::validator {

using participant::Step;
using Agreed = std::shared_ptr<const engine::ParameterBuffer>;

namespace {

// A copy, because the follower's own changes with its next call.
Result<Agreed> agreed_parameters(const participant::Node& node, const RoundMoment& at) {
    COVENANT_TRY(const engine::ParameterBuffer* parameters,
                 node.training().parameters.parameters(*at->state, at->view.round.next()));
    return std::make_shared<const engine::ParameterBuffer>(parameters->clone());
}

Result<bool> publish(const participant::Node& node, const RoundMoment& at, const Agreed& agreed) {
    COVENANT_CHECK(participant::publish_checkpoint(node.seat(), node.artifacts().store,
                                                   at->view.accepted->root, *agreed));
    return true;
}

Step checkpoint(const Desk& desk, RoundWork& work, const RoundMoment& at) {
    const std::string row = participant::stage_key(at->view.round, "checkpoint");
    const std::string name = std::to_string(at->view.round.value);
    const protocol::ChainTime closes = end_of_flight(desk, at->view.round);
    if (!work.agreed.started()) {
        COVENANT_TRY(const bool done, desk.node.journal().contains(row));
        if (done) {
            return participant::waits();
        }
        work.agreed.start(desk.background, "parameters of round " + name,
                          participant::Lane::kEngine, closes,
                          [&node = desk.node, at] { return agreed_parameters(node, at); });
    }
    if (!work.agreed.done()) {
        return participant::waits();
    }
    if (!work.agreed.result()) {
        const auto failed = work.agreed.take();
        return failed.error().retryable
                   ? participant::waits()
                   : Step(fail(Error(failed.error()).within("this validator must not vote")));
    }
    if (!work.checkpoint.started()) {
        work.checkpoint.start(desk.background, "checkpoint of round " + name,
                              participant::Lane::kTransfer, closes,
                              [&node = desk.node, at, agreed = *work.agreed.result()] {
                                  return publish(node, at, agreed);
                              });
    }
    if (!work.checkpoint.done()) {
        return participant::waits();
    }
    COVENANT_TRY(const bool published, work.checkpoint.take());
    static_cast<void>(published);
    work.agreed.reset();
    COVENANT_CHECK(desk.node.journal().put(row, {}));
    return participant::did();
}

}  // namespace

OptionalDuty publish_checkpoint_duty(Desk& desk, RoundWork& work, const RoundMoment& at) {
    const protocol::RoundView& view = at->view;
    if (!view.accepted) {
        return std::nullopt;
    }
    return participant::Duty{"publish-checkpoint", view.round, view.times.t3,
                             end_of_flight(desk, view.round),
                             [&desk, &work, at] { return checkpoint(desk, work, at); }};
}

}  // namespace covenant::validator
