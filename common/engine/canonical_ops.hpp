// The operations of the canonical profiles: kernels of one instruction set, threads that share
// outputs and never sums (rules E1 to E9 of README.md). Internal to the engine.
#pragma once

#include "common/base/thread_pool.hpp"
#include "common/engine/kernels/kernels.hpp"
#include "common/engine/ops.hpp"

#include <functional>
#include <memory>

namespace covenant::engine {

// Runs body(index, worker) for index in [0, count) with the canonical float mode in force.
void for_each_canonical(ThreadPool& pool, std::size_t count,
                        const std::function<void(std::size_t index, unsigned worker)>& body);

// kernels and pool outlive the result.
[[nodiscard]] std::unique_ptr<Ops> make_canonical_ops(const ModelConfig& config,
                                                      const kernels::Kernels& kernels,
                                                      kernels::Precision precision,
                                                      ThreadPool& pool);

}  // namespace covenant::engine
