// Theta_{r+1} from Theta_r and the aggregated artifacts: a pure function that every node computes
// for itself.
#pragma once

#include "common/base/result.hpp"
#include "common/engine/aggregate.hpp"
#include "common/protocol/artifact_format.hpp"
#include "common/protocol/run_spec.hpp"

#include <span>

namespace covenant::execution {

struct AggregatedArtifact {
    protocol::Uid uid;
    std::uint64_t tokens = 0;  // of the commitment
    std::span<const protocol::PayloadChunk> chunks;
};

// artifacts by ascending uid; none leaves theta as it is.
Result<engine::AggregateReport> outer_step(const engine::ParameterLayout& layout,
                                           const protocol::RunSpec& spec,
                                           std::span<const AggregatedArtifact> artifacts,
                                           engine::ParameterBuffer& theta);

}  // namespace covenant::execution
