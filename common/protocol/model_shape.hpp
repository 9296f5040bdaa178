// Sizes that follow from a ModelSpec alone, so that artifacts can be checked without an engine. The
// order of tensors is that of the engine's ParameterLayout (a test holds the two together).
#pragma once

#include "common/protocol/run_spec.hpp"

#include <cstdint>
#include <vector>

namespace covenant::protocol {

// Elements of each tensor in model order: embedding; per layer input norm, q, k, v, o,
// post-attention norm, gate, up, down; final norm, head. The spec must be valid.
std::vector<std::uint64_t> tensor_elements(const ModelSpec& model);
std::uint64_t parameter_count(const ModelSpec& model);
// Chunks of 4096 elements, the last of each tensor may have fewer.
std::uint64_t chunk_count(const ModelSpec& model);
// Elements of each of these chunks, 1..4096: what the artifact format is decoded with.
std::vector<std::uint16_t> chunk_elements(const ModelSpec& model);

}  // namespace covenant::protocol
