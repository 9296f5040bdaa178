// How a segment is trained. Internal: execute_segment() is the honest use, Conduct::record() the
// other one.
#pragma once

#include "common/execution/conduct.hpp"

namespace covenant::execution {

// As execute_segment(), on what the conduct leaves of each step's batch.
Result<protocol::SegmentRecord> train_segment(engine::Engine& engine, engine::TrainState& state,
                                              const SegmentJob& job, const Conduct& conduct);

}  // namespace covenant::execution
