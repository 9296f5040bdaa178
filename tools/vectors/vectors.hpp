// The golden vectors: known answers of the protocol's pure functions, written once and read by
// every implementation. The same build gives the same bytes on every machine.
#pragma once

#include "common/protocol/artifact_format.hpp"

#include <string>
#include <vector>

namespace covenant::vectors {

struct VectorFile {
    std::string name;  // "settle.json"
    std::string text;
};

std::vector<VectorFile> all_vectors();

// A valid artifact of samples.hpp's run for this layout: what artifact.json holds, for tests too.
protocol::Artifact sample_artifact(const std::vector<std::uint16_t>& chunk_elements);

// The groups, one file each.
VectorFile merkle_vectors();
VectorFile run_spec_vectors();
VectorFile beacon_vectors();
VectorFile commitment_vectors();
VectorFile score_commitment_vectors();
VectorFile assignment_vectors();
VectorFile audit_vectors();
VectorFile artifact_vectors();
VectorFile payload_vectors();
VectorFile settle_vectors();

}  // namespace covenant::vectors
