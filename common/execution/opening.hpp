// What an audited miner shows: the whole state at a drawn boundary, and the leaves of drawn
// compression chunks.
//
// State opening, little-endian: "CVSO" 4, version 1 u16, adam_t u64, then the raw bytes of theta, m
// and v, each chunk_count * 16 KiB.
// Chunk opening: "CVCO" 4, version 2 u16, u32 count, then per chunk: u32 index, theta_S leaf 16 KiB
// and its proof, the proof of a, and unless the miner started fresh the last a's leaf 16 KiB and
// its proof. A proof is u8 length and that many 32-byte hashes.
#pragma once

#include "common/base/result.hpp"
#include "common/crypto/merkle.hpp"
#include "common/engine/engine.hpp"
#include "common/protocol/artifact_format.hpp"
#include "common/protocol/run_spec.hpp"

#include <optional>
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

// What the last commitment says of the error feedback (R4.12), to everybody.
struct CommittedFeedback {
    Hash256 sum_root;                 // of its a
    std::optional<Sparsity> arrived;  // its round's, where it was included
};

struct ChunkOpening {
    std::uint32_t index = 0;
    std::vector<float> theta;     // 4096 floats of theta_S
    std::vector<float> feedback;  // 4096 floats of e, proven
    crypto::MerkleProof theta_proof;
    crypto::MerkleProof sum_proof;
};

// Indices ascending. The buffers are those of the round that was committed; last_sum: the a of the
// commitment that it continued, null after a fresh start.
Bytes encode_chunk_opening(std::span<const std::uint32_t> indices,
                           const engine::ParameterBuffer& theta, const engine::ParameterBuffer& sum,
                           const engine::ParameterBuffer* last_sum);
// kOpeningMismatch unless exactly the drawn chunks are opened, in order, canonically, and the last
// a stands under the last commitment (null after a fresh start).
protocol::Outcome<std::vector<ChunkOpening>> decode_chunk_opening(
    ByteView bytes, std::span<const std::uint32_t> drawn, const engine::ParameterLayout& layout,
    const CommittedFeedback* last);
std::uint64_t max_chunk_opening_bytes(std::size_t chunks);

}  // namespace covenant::execution
