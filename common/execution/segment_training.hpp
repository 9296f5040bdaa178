// How a segment is trained, with the one place where a dishonest miner departs from the rules.
// Internal: execute_segment() is the honest use, round_executor.cpp the other one.
#pragma once

#include "common/execution/segment_executor.hpp"

#include <functional>
#include <vector>

namespace covenant::execution {

// Given the step in the round (from 0) and the assigned tokens, changes what is trained on. Empty:
// the rules.
using BatchChange =
    std::function<Status(std::uint32_t step_in_round, std::vector<data::Token>& tokens)>;

Result<protocol::SegmentRecord> train_segment(engine::Engine& engine, engine::TrainState& state,
                                              const SegmentJob& job, const BatchChange& change);

}  // namespace covenant::execution
