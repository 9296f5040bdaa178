// From the run's consensus parameters to the engine's plain structs, and between the two forms of a
// compressed chunk. The only place where the bits of a RunSpec become floats.
#pragma once

#include "common/engine/aggregate.hpp"
#include "common/engine/compressor.hpp"
#include "common/engine/engine.hpp"
#include "common/protocol/artifact_format.hpp"
#include "common/protocol/run_spec.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace covenant::execution {

engine::ModelConfig model_config(const protocol::ModelSpec& model);
engine::InnerHyper inner_hyper(const protocol::RunSpec& spec);  // micro-batch = windows_per_step
engine::CompressHyper compress_hyper(const protocol::RunSpec& spec);
engine::OuterHyper outer_hyper(const protocol::RunSpec& spec);  // full_tokens = H * B * T

// Elements of each chunk of the layout, as artifact_format wants them.
std::vector<std::uint16_t> chunk_elements(const engine::ParameterLayout& layout);

engine::SparseChunk to_sparse_chunk(const protocol::PayloadChunk& chunk);
protocol::PayloadChunk to_payload_chunk(const engine::SparseChunk& chunk);
std::vector<engine::SparseChunk> to_sparse_chunks(std::span<const protocol::PayloadChunk> chunks);
std::vector<protocol::PayloadChunk> to_payload_chunks(std::span<const engine::SparseChunk> chunks);

}  // namespace covenant::execution
