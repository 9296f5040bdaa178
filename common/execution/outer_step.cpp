#include "common/execution/outer_step.hpp"

#include "common/execution/spec_conversion.hpp"

#include <vector>

namespace covenant::execution {

Result<engine::AggregateReport> outer_step(const engine::ParameterLayout& layout,
                                           const protocol::RunSpec& spec,
                                           std::span<const AggregatedArtifact> artifacts,
                                           engine::ParameterBuffer& theta) {
    const engine::CompressHyper hyper = compress_hyper(spec);
    std::vector<std::vector<engine::SparseChunk>> chunks;
    std::vector<engine::Contribution> contributions;
    chunks.reserve(artifacts.size());
    for (const AggregatedArtifact& artifact : artifacts) {
        chunks.push_back(to_sparse_chunks(artifact.chunks));
        if (Status status = engine::check_chunks(layout, hyper.keep, chunks.back()); !status) {
            return fail(std::move(status).error().within("artifact of uid " +
                                                         std::to_string(artifact.uid.value)));
        }
        contributions.push_back(
            {.uid = artifact.uid.value, .tokens = artifact.tokens, .chunks = chunks.back()});
    }
    return engine::aggregate(layout, outer_hyper(spec), contributions, theta);
}

}  // namespace covenant::execution
