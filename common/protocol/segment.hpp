// What a miner's commitment is made of (R4): digests of the states between segments, of the error
// feedback and of the profile, and the one Merkle root over them.
#pragma once

#include "common/base/bytes.hpp"
#include "common/protocol/ids.hpp"

#include <span>
#include <string_view>
#include <vector>

namespace covenant::protocol {

// State at boundary s; record s > 0 also says what segment s - 1 consumed to get there.
struct SegmentRecord {
    Hash256 theta_root;        // Merkle root over the state leaves of the parameters
    Hash256 m_root;            // first moments
    Hash256 v_root;            // second moments
    std::uint64_t adam_t = 0;  // inner steps taken since the moments were zero
    std::uint64_t cursor = 0;  // segment_cursor of boundary s
    Hash256
        window_root;  // Merkle root over the window leaves consumed on the way here; zero for s = 0
    std::uint32_t loss_bits = 0;  // mean training loss of those steps, binary32 bits; 0 for s = 0
    bool operator==(const SegmentRecord&) const = default;
};

struct FeedbackRecord {
    Hash256 previous_commitment;  // C of the miner's last commitment; zero after a join, fail or
                                  // gap (R4.12)
    Hash256 sum_root;             // a = beta * e + d; e follows from the last a (R4.12)
    Hash256 payload_root;         // Merkle root over the encoded payload chunks
    std::uint64_t norm_bits = 0;  // |s|_2, binary64 bits
    std::uint16_t kept_per_chunk = 0;
    bool operator==(const FeedbackRecord&) const = default;
};

// What every leaf of a commitment begins with. The miner is its number, which outlives its hotkey;
// it is hashed as u32.
struct TraceContext {
    RunId run;
    Uid miner;
    Round round;
};

Hash256 segment_hash(const TraceContext& context, Segment index, const SegmentRecord& record);
Hash256 feedback_hash(const TraceContext& context, const FeedbackRecord& record);
// Nothing in it is the miner's to choose: free bytes below C would let it draw its audit again and
// again.
Hash256 profile_hash(const TraceContext& context, const Hash256& profile_id);
// H("profile", text) of the run's profile.
Hash256 profile_id(std::string_view profile_text);

// C = MerkleRoot(Seg_0 .. Seg_S, Ef, profile).
Hash256 commitment_root(const TraceContext& context, std::span<const SegmentRecord> trace,
                        const FeedbackRecord& feedback, const Hash256& profile_id);

// Rounds without a commitment that a miner's local state survives: a commitment can be continued
// this many rounds later (R4.12).
inline constexpr std::uint64_t kContinuityGap = 4;

// Where a miner's local state must come from at T0 (R4.12).
struct Continuity {
    bool fresh = true;     // zero moments and feedback
    Round previous_round;  // else: the round of the last commitment, its root, and whether it was
                           // included
    Hash256 previous_root;
    bool previous_included = false;
    bool operator==(const Continuity&) const = default;
};

}  // namespace covenant::protocol
