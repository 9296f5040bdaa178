// The artifact of one miner and round, version 5. Byte by byte, little-endian:
//
//   offset  size  field
//   0       4     magic "CVAR"
//   4       2     version = 5
//   6       32    run
//   38      8     round
//   46      4     id of the miner
//   50      32    base_root
//   82      2     S + 1, number of segment records (2..257)
//   84      148 each  segment records: theta_root 32, m_root 32, v_root 32, adam_t 8, cursor 8,
//                 window_root 32, loss_bits 4
//   ..      106   feedback record: previous 32, sum_root 32, payload_root 32, norm_bits 8,
//                 kept_per_chunk 2
//   ..      32    profile id
//   ..      4     number of payload chunks, equal to the layout's
//   ..            the payload: its table and its chunks, one after the other (payload_format.hpp)
//   end: nothing may follow.
//
// Every content has one encoding (R1.3). Other versions are refused (R1.2).
#pragma once

#include "common/protocol/ids.hpp"
#include "common/protocol/payload_format.hpp"
#include "common/protocol/run_spec.hpp"
#include "common/protocol/segment.hpp"

#include <span>
#include <vector>

namespace covenant::protocol {

inline constexpr std::uint16_t kArtifactVersion = 5;

struct Artifact {
    RunId run;
    Round round;
    Uid uid;
    Hash256 base_root;
    std::vector<SegmentRecord> trace;  // S + 1
    FeedbackRecord feedback;
    Hash256 profile_id;
    SparseUpdate update;  // a chunk per 4096-element chunk of the parameter layout
    bool operator==(const Artifact&) const = default;
};

Bytes encode_artifact(const Artifact& artifact);
// chunk_elements: elements of each chunk of the parameter layout, 1..4096 each; the least and the
// most that they can take at the density of the artifact's round are computed from it and compared
// before anything is allocated.
Outcome<Artifact> decode_artifact(ByteView bytes, const RunSpec& spec,
                                  std::span<const std::uint16_t> chunk_elements);
// Bytes of the longest artifact of this run and round, at most: what fetchers allow before any
// bytes are at hand.
std::uint64_t max_artifact_bytes(const RunSpec& spec, Round round,
                                 std::span<const std::uint16_t> chunk_elements);

}  // namespace covenant::protocol
