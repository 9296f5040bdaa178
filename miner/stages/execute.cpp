#include "miner/stages/execute.hpp"

#include "common/store/state_store.hpp"
#include "common/store/trace_record.hpp"

namespace covenant::miner {

Result<execution::RoundResult> execute_plan(const participant::Seat& seat,
                                            const participant::Artifacts& artifacts,
                                            const participant::Training& training, Plan plan,
                                            const execution::Conduct& conduct, OnStep on_step) {
    const engine::ParameterBuffer base = plan.start.theta.clone();
    const auto keep = [&training](const Hash256& root, const engine::ParameterBuffer& buffer) {
        return training.states.put(root, buffer.floats());
    };
    execution::RoundJob job{
        .spec = seat.spec,
        .windows = training.windows,
        .assignment = plan.assignment,
        .uid = seat.uid,
        .base_root = plan.base_root,
        .previous_commitment = plan.previous_commitment,
        .arrived = std::move(plan.arrived),
        .conduct = conduct,
        .stop = training.stop,
        .on_step = std::move(on_step),
        .on_boundary = [&keep](protocol::Segment, const engine::TrainState& state,
                               const protocol::SegmentRecord& record) -> Status {
            COVENANT_CHECK(keep(record.theta_root, state.theta));
            COVENANT_CHECK(keep(record.m_root, state.m));
            return keep(record.v_root, state.v);
        },
    };
    COVENANT_TRY(execution::RoundResult result,
                 execution::execute_round(training.engine, base, std::move(plan.start),
                                          std::move(plan.feedback), job));
    COVENANT_CHECK(keep(result.artifact.feedback.sum_root, result.sum));
    COVENANT_CHECK(
        store::put_trace_record(artifacts.index, result.artifact.round, seat.uid,
                                store::trace_record(result.artifact, result.commitment_root)));
    return result;
}

}  // namespace covenant::miner
