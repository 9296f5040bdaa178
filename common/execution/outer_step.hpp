// Theta_{r+1} from Theta_r and the aggregated artifacts: a pure function that every node computes
// for itself.
#pragma once

#include "common/base/result.hpp"
#include "common/engine/aggregate.hpp"
#include "common/protocol/ids.hpp"
#include "common/protocol/run_spec.hpp"

#include <span>

namespace covenant::execution {

struct AggregatedArtifact {
    protocol::Uid uid;
    std::uint64_t segments = 0;  // of the commitment
    const SparseUpdate& update;
};

// The artifacts of `round` by ascending uid; none leaves theta as it is. The pool's threads share
// the work; their number changes no bit.
Result<engine::AggregateReport> outer_step(const engine::ParameterLayout& layout,
                                           const protocol::RunSpec& spec, protocol::Round round,
                                           std::span<const AggregatedArtifact> artifacts,
                                           engine::ParameterBuffer& theta,
                                           ThreadPool* pool = nullptr);

}  // namespace covenant::execution
