// The one function that executes a segment: the miner to train, the validator and `covenant replay`
// to check.
#pragma once

#include "common/base/result.hpp"
#include "common/data/windows.hpp"
#include "common/engine/engine.hpp"
#include "common/protocol/assignment.hpp"
#include "common/protocol/run_spec.hpp"
#include "common/protocol/segment.hpp"

#include <functional>
#include <stop_token>

namespace covenant::execution {

struct SegmentJob {
    const protocol::RunSpec& spec;
    const data::Windows& windows;
    protocol::AssignmentInput assignment;
    protocol::Segment segment;  // s: trains from boundary s to boundary s + 1
    std::stop_token
        stop;  // checked between inner steps: kInterrupted, the state is then to be discarded
    // After each inner step of the segment: its number in the round, from 1, and its loss. May be
    // empty.
    std::function<void(std::uint32_t step, float loss)> on_step;
};

// The record of the boundary that `state` is now at; window_root and loss_bits are given.
protocol::SegmentRecord record_of(const engine::TrainState& state, std::uint64_t cursor,
                                  const Hash256& window_root, std::uint32_t loss_bits);

// Trains K inner steps on the assigned windows and returns record s + 1; `state` is then boundary s
// + 1. The learning rate's step is round * H + the step in the round, the same for every miner of a
// round. kRejected: the step became NaN or infinite, which makes the round invalid by rule.
// kCorrupt, kIo: the local data.
Result<protocol::SegmentRecord> execute_segment(engine::Engine& engine, engine::TrainState& state,
                                                const SegmentJob& job);

}  // namespace covenant::execution
