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
    // The entropy of the payload's own symbols (gaps of indices, codes, levels), each drawn on its
    // own from how often it occurs here, in bits per kept value.
    double entropy_per_kept_value = 0.0;
    double entropy_ratio = 0.0;       // that over bits_per_kept_value
    double bits_per_value = 0.0;      // of the whole plaintext: headers, trace and levels included
    double bits_per_parameter = 0.0;  // of what is on the wire
    double compression_ratio = 0.0;   // 4 bytes a parameter over what is on the wire
    Levels low;                       // smaller magnitudes of the chunks
    Levels high;
    std::uint64_t zero_chunks = 0;  // both levels are 0
};

ArtifactSummary summarize(const protocol::Artifact& artifact, const protocol::RunSpec& spec,
                          std::uint64_t plaintext_bytes, std::uint64_t wire_bytes);
codec::Json artifact_json(const protocol::Artifact& artifact, const ArtifactSummary& summary);
std::string artifact_text(const protocol::Artifact& artifact, const ArtifactSummary& summary);

}  // namespace covenant::commands
