// Stage 2, execute: the H inner steps and the compression. Every boundary and buffer that an audit
// can ask for is durable before the stage ends.
#pragma once

#include "common/execution/round_executor.hpp"
#include "miner/stages/plan.hpp"

#include <functional>

namespace covenant::miner {

// After each inner step: its number in the round, from 1, and its loss.
using OnStep = std::function<void(std::uint32_t step, float loss)>;

// kInterrupted when asked to stop; kRejected when the training became NaN or infinite. Both leave
// nothing that the next try would trip over.
Result<execution::RoundResult> execute_plan(const participant::Seat& seat,
                                            const participant::Artifacts& artifacts,
                                            const participant::Training& training, Plan plan,
                                            const execution::Conduct& conduct, OnStep on_step = {});

}  // namespace covenant::miner
