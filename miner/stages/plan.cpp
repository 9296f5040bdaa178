#include "miner/stages/plan.hpp"

#include "common/base/hex.hpp"
#include "common/engine/compressor.hpp"
#include "common/store/trace_record.hpp"

namespace covenant::miner {
namespace {

// Moments and feedback as the last commitment left them (R4.12).
Status continue_from(MinerContext& context, const protocol::Continuity& continuity, Plan& plan) {
    const protocol::Round round = continuity.previous_round;
    COVENANT_TRY(const store::TraceRecord last,
                 store::get_trace_record(context.index, round, context.uid));
    if (last.commitment_root != continuity.previous_root) {
        return fail(Errc::kNotFound, "the local record of round " + std::to_string(round.value) +
                                         " is of another commitment than the chain's");
    }
    const protocol::SegmentRecord& end = last.trace.back();
    COVENANT_CHECK(context.states.get(end.m_root, plan.start.m.floats()));
    COVENANT_CHECK(context.states.get(end.v_root, plan.start.v.floats()));
    plan.start.adam_t = end.adam_t;
    COVENANT_CHECK(context.states.get(last.feedback.sum_root, plan.feedback.floats()));
    if (continuity.previous_included) {
        COVENANT_TRY(plan.arrived,
                     engine::sent_of(context.engine.layout(), context.spec.sparsity(round),
                                     plan.feedback, &context.engine.pool()));
    }
    plan.previous_commitment = continuity.previous_root;
    return {};
}

}  // namespace

Result<std::optional<Plan>> plan_round(MinerContext& context, const protocol::RunState& state,
                                       const protocol::RoundView& view, std::string& why) {
    const protocol::MinerView* me = view.miner(context.uid);
    if (me == nullptr) {
        why = "uid " + std::to_string(context.uid.value) +
              " is not active: registered and bonded before T0 is required";
        return std::optional<Plan>{};
    }
    COVENANT_TRY(const engine::ParameterBuffer* theta,
                 context.parameters.parameters(state, view.round));
    Plan plan{view.assignment(*me),
              view.base_root,
              {},
              engine::TrainState::fresh(theta->clone()),
              engine::ParameterBuffer(context.engine.layout()),
              std::nullopt};
    if (!me->continuity.fresh) {
        if (Status continued = continue_from(context, me->continuity, plan); !continued) {
            if (continued.error().code != Errc::kNotFound) {
                return fail(std::move(continued).error());
            }
            why =
                "local state after round " + std::to_string(me->continuity.previous_round.value) +
                " is missing (" + continued.error().context +
                "); a fresh start is allowed from round " +
                std::to_string(me->continuity.previous_round.value + protocol::kContinuityGap + 1);
            return std::optional<Plan>{};
        }
    }
    return std::optional<Plan>(std::move(plan));
}

}  // namespace covenant::miner
