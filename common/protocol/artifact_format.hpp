// The artifact of one miner and round, version 1. Byte by byte, little-endian:
//
//   offset  size  field
//   0       4     magic "CVAR"
//   4       2     version = 1
//   6       32    run
//   38      8     round
//   46      2     uid
//   48      32    base_root
//   80      2     S + 1, number of segment records (2..257)
//   82      148*  segment records: theta_root 32, m_root 32, v_root 32, adam_t 8, cursor 8,
//   window_root 32, loss_bits 4
//                 (148 bytes each)
//   ..      170   feedback record: previous 32, feedback_root 32, sum_root 32, residual_root 32,
//   payload_root 32,
//                 norm_bits 8, kept_per_chunk 2
//   ..            profile record: profile_id 32, build_id 32, u32 length (0..128), hardware_class
//   ..      4     number of payload chunks, equal to the layout's
//   ..            payload chunks, each of the exact size that its k' gives:
//                   low 4, high 4     levels, binary32 bits, finite, 0 <= low <= high
//                   ceil(12 k'/8)     k' indices of 12 bits, ascending, bit-packed from the low
//                   end, padding bits 0 ceil(2 k'/8)      k' codes of 2 bits: bit 1 = sign (1
//                   negative), bit 0 = magnitude is high; padding 0
//   end: nothing may follow.
//
// k' of a chunk with n' elements is max(1, floor(k n' / 4096 + 1/2)). Every content has one
// encoding (R1.3): levels of -0 are refused, codes of a level that equals the other are 0 in bit 0.
#pragma once

#include "common/protocol/ids.hpp"
#include "common/protocol/run_spec.hpp"
#include "common/protocol/segment.hpp"

#include <span>
#include <vector>

namespace covenant::protocol {

inline constexpr std::uint16_t kArtifactVersion = 1;

struct PayloadChunk {
    std::uint32_t low_bits = 0;          // smaller magnitude, binary32 bits
    std::uint32_t high_bits = 0;         // larger magnitude
    std::vector<std::uint16_t> indices;  // ascending, below the chunk's elements
    std::vector<std::uint8_t> codes;     // 0..3, one per index
    bool operator==(const PayloadChunk&) const = default;
};

struct Artifact {
    RunId run;
    Round round;
    Uid uid;
    Hash256 base_root;
    std::vector<SegmentRecord> trace;  // S + 1
    FeedbackRecord feedback;
    ProfileRecord profile;
    std::vector<PayloadChunk> chunks;  // one per 4096-element chunk of the parameter layout
    bool operator==(const Artifact&) const = default;
};

// k' (see above); elements in 1..4096.
std::uint32_t kept_in_chunk(std::uint32_t kept_per_chunk, std::uint32_t elements);

Bytes encode_payload_chunk(const PayloadChunk& chunk);
Outcome<PayloadChunk> decode_payload_chunk(ByteView bytes, std::uint32_t elements,
                                           std::uint32_t kept_per_chunk);
// Merkle root over the encoded chunks.
Hash256 payload_root(std::span<const PayloadChunk> chunks);

Bytes encode_artifact(const Artifact& artifact);
// chunk_elements: elements of each chunk of the parameter layout, 1..4096 each; the expected size
// is computed from it and compared before anything is allocated.
Outcome<Artifact> decode_artifact(ByteView bytes, const RunSpec& spec,
                                  std::span<const std::uint16_t> chunk_elements);
// Exact plaintext size limits for fetchers, before any bytes are at hand.
std::uint64_t max_artifact_bytes(const RunSpec& spec,
                                 std::span<const std::uint16_t> chunk_elements);

}  // namespace covenant::protocol
