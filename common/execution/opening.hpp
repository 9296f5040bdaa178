// What an audited miner shows: the whole state at a drawn boundary, and the leaves of drawn
// compression chunks.
//
// State opening, little-endian: "CVSO" 4, version 1 u16, adam_t u64, then the raw bytes of theta, m
// and v, each chunk_count * 16 KiB. Chunk opening: "CVCO" 4, version 1 u16, u32 count, then per
// chunk: u32 index, theta_S leaf 16 KiB, e leaf 16 KiB, and four proofs (theta_S, e, a, a - s),
// each u8 length and that many 32-byte hashes.
#pragma once

#include "common/base/result.hpp"
#include "common/crypto/merkle.hpp"
#include "common/engine/engine.hpp"
#include "common/protocol/artifact_format.hpp"
#include "common/protocol/run_spec.hpp"

#include <span>
#include <vector>

namespace covenant::execution {

Bytes encode_state_opening(const engine::TrainState& state);
// kOpeningMismatch unless the bytes are a state of this layout, finite, whose roots and adam_t are
// those of the record.
protocol::Outcome<engine::TrainState> decode_state_opening(ByteView bytes,
                                                           const engine::ParameterLayout& layout,
                                                           const protocol::SegmentRecord& record);
std::uint64_t state_opening_bytes(const engine::ParameterLayout& layout);

struct ChunkOpening {
    std::uint32_t index = 0;
    std::vector<float> theta;     // 4096 floats of theta_S
    std::vector<float> feedback;  // 4096 floats of e
    crypto::MerkleProof theta_proof;
    crypto::MerkleProof feedback_proof;
    crypto::MerkleProof sum_proof;
    crypto::MerkleProof residual_proof;
};

// Indices ascending. The buffers are those of the round that was committed.
Bytes encode_chunk_opening(std::span<const std::uint32_t> indices,
                           const engine::ParameterBuffer& theta,
                           const engine::ParameterBuffer& feedback,
                           const engine::ParameterBuffer& sum,
                           const engine::ParameterBuffer& residual);
// kOpeningMismatch unless exactly the drawn chunks are opened, in order, canonically.
protocol::Outcome<std::vector<ChunkOpening>> decode_chunk_opening(
    ByteView bytes, std::span<const std::uint32_t> drawn, std::uint32_t chunk_count);
std::uint64_t max_chunk_opening_bytes(std::size_t chunks);

}  // namespace covenant::execution
