// A decoded artifact for people. Pure.
#pragma once

#include "common/codec/json.hpp"
#include "common/protocol/artifact_format.hpp"

#include <cstdint>
#include <string>

namespace covenant::commands {

struct Levels {
    double lowest = 0.0;
    double mean = 0.0;
    double highest = 0.0;
};

struct ArtifactSummary {
    std::uint64_t parameters = 0;
    std::uint64_t plaintext_bytes = 0;
    std::uint64_t wire_bytes = 0;
    std::uint64_t payload_bytes = 0;
    std::uint64_t kept_values = 0;
    double bits_per_kept_value = 0.0;  // of the payload
    // The entropy of the payload's own symbols (gaps of indices, codes, lowest levels, steps
    // between levels), each drawn on its own from how often it occurs here, in bits per kept value.
    double entropy_per_kept_value = 0.0;
    double entropy_ratio = 0.0;       // that over bits_per_kept_value
    double bits_per_value = 0.0;      // of the whole plaintext: headers, trace and levels included
    double bits_per_parameter = 0.0;  // of what is on the wire
    double compression_ratio = 0.0;   // 4 bytes a parameter over what is on the wire
    Levels low;                       // the chunks' lowest levels
    Levels high;                      // the chunks' highest
    std::uint64_t zero_chunks = 0;    // all levels are 0
    Hash256 payload_root;             // of the chunks that are here
};

ArtifactSummary summarize(const protocol::Artifact& artifact, const protocol::RunSpec& spec,
                          std::uint64_t plaintext_bytes, std::uint64_t wire_bytes);
codec::Json artifact_json(const protocol::Artifact& artifact, const ArtifactSummary& summary);
std::string artifact_text(const protocol::Artifact& artifact, const ArtifactSummary& summary);

// One chunk as an auditor fetches it: where its bytes and the table's are, their proofs, what it
// holds, and whether both stand under the payload root of the artifact's feedback record.
struct ChunkView {
    std::uint32_t index = 0;
    protocol::PayloadOpening table;
    protocol::PayloadOpening opening;
    SparseChunk chunk{};
    bool proven = false;
};
// index < artifact.update.chunk_count()
ChunkView view_chunk(const protocol::Artifact& artifact, const protocol::RunSpec& spec,
                     std::uint32_t index);
codec::Json chunk_json(const ChunkView& view);
std::string chunk_text(const ChunkView& view);

}  // namespace covenant::commands
