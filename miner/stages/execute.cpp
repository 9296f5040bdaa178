#include "miner/stages/execute.hpp"

#include "common/crypto/sha256.hpp"
#include "common/execution/state_digest.hpp"
#include "common/store/trace_record.hpp"

namespace covenant::miner {

Result<execution::RoundResult> execute_plan(MinerContext& context, const protocol::RoundView& view,
                                            Plan plan) {
    const engine::ParameterBuffer base = plan.start.theta.clone();
    const auto keep = [&context](const Hash256& root, const engine::ParameterBuffer& buffer) {
        return context.states.put(root, buffer.floats());
    };
    execution::RoundJob job{
        .spec = context.spec,
        .windows = context.windows,
        .assignment = plan.assignment,
        .uid = context.uid,
        .hotkey = context.hotkey.address(),
        .base_root = plan.base_root,
        .previous_commitment = plan.previous_commitment,
        .profile = {protocol::profile_id(context.spec.profile), {}, ""},
        .arrived = std::move(plan.arrived),
        .cheat = context.cheat,
        .stop = context.stop,
        .on_step = {},
        .on_boundary = [&keep](protocol::Segment, const engine::TrainState& state,
                               const protocol::SegmentRecord& record) -> Status {
            COVENANT_CHECK(keep(record.theta_root, state.theta));
            COVENANT_CHECK(keep(record.m_root, state.m));
            return keep(record.v_root, state.v);
        },
    };
    COVENANT_TRY(execution::RoundResult result,
                 execution::execute_round(context.engine, base, std::move(plan.start),
                                          std::move(plan.feedback), job));
    COVENANT_CHECK(keep(result.artifact.feedback.sum_root, result.sum));
    COVENANT_CHECK(
        store::put_trace_record(context.index, view.round, context.uid,
                                store::trace_record(result.artifact, result.commitment_root)));
    return result;
}

}  // namespace covenant::miner
