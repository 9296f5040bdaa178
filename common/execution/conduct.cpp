#include "common/execution/conduct.hpp"

#include "common/execution/segment_training.hpp"

namespace covenant::execution {

Status Conduct::train_on(const SegmentJob& /*job*/, std::uint32_t /*step_in_round*/,
                         std::vector<data::Token>& /*tokens*/) const {
    return {};
}

Result<protocol::SegmentRecord> Conduct::record(engine::Engine& engine, engine::TrainState& state,
                                                const SegmentJob& job,
                                                const protocol::SegmentRecord& /*before*/) const {
    return train_segment(engine, state, job, *this);
}

void Conduct::send(engine::Compressed& /*compressed*/) const {}

const Conduct& honest() {
    static const Conduct conduct;
    return conduct;
}

}  // namespace covenant::execution
