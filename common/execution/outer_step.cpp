#include "common/execution/outer_step.hpp"

#include "common/execution/spec_conversion.hpp"

#include <vector>

namespace covenant::execution {

Result<engine::AggregateReport> outer_step(const engine::ParameterLayout& layout,
                                           const protocol::RunSpec& spec, protocol::Round round,
                                           std::span<const AggregatedArtifact> artifacts,
                                           engine::ParameterBuffer& theta, ThreadPool* pool) {
    std::vector<engine::Contribution> contributions;
    for (const AggregatedArtifact& artifact : artifacts) {
        if (Status status = engine::check_update(layout, spec.sparsity(round), artifact.update);
            !status) {
            return fail(std::move(status).error().within("artifact of uid " +
                                                         std::to_string(artifact.uid.value)));
        }
        contributions.push_back(
            {.uid = artifact.uid.value, .segments = artifact.segments, .update = &artifact.update});
    }
    return engine::aggregate(layout, outer_hyper(spec), contributions, theta, pool);
}

}  // namespace covenant::execution
