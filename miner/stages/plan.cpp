#include "miner/stages/plan.hpp"

#include "common/base/hex.hpp"
#include "common/engine/compressor.hpp"
#include "common/execution/parameter_follower.hpp"
#include "common/store/state_store.hpp"
#include "common/store/trace_record.hpp"

namespace covenant::miner {
namespace {

// Moments and feedback as the last commitment left them (R4.12).
Status continue_from(const participant::Seat& seat, const participant::Artifacts& artifacts,
                     const participant::Training& training, const protocol::Continuity& continuity,
                     Plan& plan) {
    const protocol::Round round = continuity.previous_round;
    COVENANT_TRY(
        const store::TraceRecord last,
        store::get_trace_record(artifacts.index, round, seat.uid, continuity.previous_root));
    const protocol::SegmentRecord& end = last.trace.back();
    COVENANT_CHECK(training.states.get(end.m_root, plan.start.m.floats()));
    COVENANT_CHECK(training.states.get(end.v_root, plan.start.v.floats()));
    plan.start.adam_t = end.adam_t;
    COVENANT_CHECK(training.states.get(last.feedback.sum_root, plan.feedback.floats()));
    if (continuity.previous_included) {
        COVENANT_TRY(plan.arrived,
                     engine::sent_of(training.engine.layout(), seat.spec.sparsity(round),
                                     plan.feedback, &training.engine.pool()));
    }
    plan.previous_commitment = continuity.previous_root;
    return {};
}

}  // namespace

Result<std::optional<Plan>> plan_round(const participant::Seat& seat,
                                       const participant::Artifacts& artifacts,
                                       const participant::Training& training,
                                       const protocol::RunState& state,
                                       const protocol::RoundView& view, std::string& why) {
    const protocol::MinerView* me = view.miner(seat.uid);
    if (me == nullptr) {
        why = "uid " + std::to_string(seat.uid.value) +
              " is not active: registered and bonded before the round's snapshot, T1 of the round "
              "before, is required";
        return std::optional<Plan>{};
    }
    COVENANT_TRY(const engine::ParameterBuffer* theta,
                 training.parameters.parameters(state, view.round));
    Plan plan{view.assignment(*me),
              view.base_root,
              {},
              engine::TrainState::fresh(theta->clone()),
              engine::ParameterBuffer(training.engine.layout()),
              std::nullopt};
    if (!me->continuity.fresh) {
        if (Status continued = continue_from(seat, artifacts, training, me->continuity, plan);
            !continued) {
            if (!store::is_lost(continued.error().code)) {
                return fail(std::move(continued).error());
            }
            why =
                "local state after round " + std::to_string(me->continuity.previous_round.value) +
                " is missing (" + continued.error().context + "); it starts fresh in round " +
                std::to_string(me->continuity.previous_round.value + protocol::kContinuityGap + 1) +
                " at the latest";
            return std::optional<Plan>{};
        }
    }
    return std::optional<Plan>(std::move(plan));
}

}  // namespace covenant::miner
