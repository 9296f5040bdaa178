// The consensus parameters of one training run (R2). Their canonical bytes hash to the run id,
// which is on chain together with the bytes: nothing that decides consensus is a local setting.
//
// Floating-point parameters are kept as the bits of IEEE binary32, so that this layer stays
// integer.
#pragma once

#include "common/base/bytes.hpp"
#include "common/base/safe_math.hpp"
#include "common/base/sparse_update.hpp"
#include "common/protocol/ids.hpp"
#include "common/protocol/verdict.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace covenant::protocol {

struct ModelSpec {
    std::uint32_t vocab_size = 0;  // token ids are below this
    std::uint32_t d_model = 0;
    std::uint32_t layers = 0;
    std::uint32_t heads = 0;
    std::uint32_t kv_heads = 0;
    std::uint32_t d_ff = 0;
    std::uint32_t seq_len = 0;  // T; a window holds T + 1 tokens
    std::uint32_t norm_eps_bits = 0;
    std::uint32_t rope_theta_bits = 0;
    bool operator==(const ModelSpec&) const = default;
};

// Learning rate at inner step `step` = accepted rounds before * H + step in the round, the same
// for all miners;
// linear between points, constant after the last.
struct LearningRatePoint {
    std::uint64_t step = 0;
    std::uint32_t rate_bits = 0;
    bool operator==(const LearningRatePoint&) const = default;
};

struct InnerSpec {
    std::uint32_t steps_per_round = 0;    // H
    std::uint32_t steps_per_segment = 0;  // K, divides H
    std::uint32_t windows_per_step = 0;   // B
    std::uint32_t beta1_bits = 0;
    std::uint32_t beta2_bits = 0;
    std::uint32_t epsilon_bits = 0;
    std::uint32_t weight_decay_bits = 0;
    std::uint32_t clip_norm_bits = 0;
    std::vector<LearningRatePoint> learning_rate;  // 1..1024 points, steps ascending, first at 0
    bool operator==(const InnerSpec&) const = default;
};

// From this round on k of 4096 values are sent, until the next point.
struct DensityPoint {
    std::uint64_t round = 0;
    std::uint16_t kept_per_chunk = 0;  // k
    bool operator==(const DensityPoint&) const = default;
};

struct OuterSpec {
    std::uint32_t alpha_bits = 0;           // outer learning rate
    std::uint32_t feedback_decay_bits = 0;  // beta of the error feedback
    std::vector<DensityPoint> density;      // 1..64 points, rounds ascending, first at 0
    std::uint8_t code_bits = 2;  // of a sent value: its sign and one of 2^(bits - 1) levels
    std::uint8_t support_exponent_halves = 1;  // 2p: 0, 1 or 2
    std::uint16_t max_artifacts = 0;           // R_max
    bool operator==(const OuterSpec&) const = default;
};

struct AuditSpec {
    std::uint32_t probability_ppm = 0;  // q
    std::uint16_t segments = 0;         // n_a
    std::uint16_t auditors = 0;         // m
    std::uint16_t chunks = 0;           // compression chunks opened per audit
    bool operator==(const AuditSpec&) const = default;
};

struct ScoreSpec {
    std::uint16_t assigned_windows = 0;  // LossScore windows among the miner's own
    std::uint16_t heldout_windows = 0;   // LossScore windows among the held-out split
    std::uint16_t monitor_windows =
        0;  // held-out windows of the loss posted with the parameters root
    std::uint32_t probe_step_bits = 0;  // the probe moves by this fraction of alpha (0.2)
    bool operator==(const ScoreSpec&) const = default;
};

struct DataSpec {
    Hash256 dataset_root;  // PROTOCOL data section: shards, tokeniser hash, split table
    Hash256 heldout_root;
    Hash256 tokenizer_hash;           // SHA-256 of the SentencePiece model file
    std::uint64_t window_count = 0;   // N, assignable windows
    std::uint64_t heldout_count = 0;  // held-out windows, never assigned
    bool operator==(const DataSpec&) const = default;
};

// Seconds of chain time; all but the first two and the last two are offsets from the round's T0
// (schedule.hpp).
struct TimingSpec {
    std::uint64_t start_time = 0;  // T0 of round 0, unix seconds
    std::uint32_t round_seconds = 0;
    std::uint32_t commit_seconds = 0;     // T1: commitments close
    std::uint32_t key_seconds = 0;        // TK: keys close
    std::uint32_t beacon_seconds = 0;     // the first block at or after it gives the beacon
    std::uint32_t inclusion_seconds = 0;  // T2: inclusion votes close
    std::uint32_t opening_seconds = 0;    // TO: what the beacon drew is published by then
    std::uint32_t score_commit_seconds = 0;
    std::uint32_t score_reveal_seconds = 0;
    std::uint32_t genesis_lead_seconds = 0;  // slot 0 is drawn this long before the start
    std::uint32_t block_seconds = 0;         // of the chain; margins are counted in blocks
    std::uint32_t jail_rounds = 0;           // the longest wait of a validator that comes back
    std::uint64_t last_round = 0;            // nobody commits after it
    bool operator==(const TimingSpec&) const = default;
};

struct EmissionSpec {
    Amount per_round;
    std::uint16_t miner_share_bps = 0;      // of 10000
    std::uint16_t validator_share_bps = 0;  // the treasury gets the rest
    Amount miner_bond;                      // stake at the snapshot that makes a miner active
    Amount validator_stake;                 // least stake at the snapshot of a seated validator
    bool operator==(const EmissionSpec&) const = default;
};

struct RunSpec {
    std::string name;  // 1..64 printable ASCII characters
    std::uint64_t chain_id = 0;
    std::string profile;   // kernels and settings that define the bits, 1..1024 characters
    Hash256 genesis_root;  // root of Theta_0
    ModelSpec model;
    InnerSpec inner;
    OuterSpec outer;
    AuditSpec audit;
    ScoreSpec score;
    DataSpec data;
    TimingSpec timing;
    EmissionSpec emission;
    bool operator==(const RunSpec&) const = default;

    [[nodiscard]] std::uint32_t segments() const {
        return inner.steps_per_round / inner.steps_per_segment;  // S
    }
    [[nodiscard]] Sparsity sparsity(Round round) const;      // of a valid spec
    [[nodiscard]] std::uint64_t windows_per_round() const {  // of one miner
        return std::uint64_t{inner.steps_per_round} * inner.windows_per_step;
    }
};

inline constexpr std::size_t kMaxRunSpecBytes = 64 * 1024;

Bytes encode_run_spec(const RunSpec& spec);
// kMalformed, kUnsupportedVersion, kNotCanonical or kSpecInvalid (validate_run_spec is part of
// decoding).
Outcome<RunSpec> decode_run_spec(ByteView bytes);
// kAccept or kSpecInvalid (R2.2).
Verdict validate_run_spec(const RunSpec& spec);
// SHA256("covenant/run-spec" ‖ 0x00 ‖ bytes) (R2.1).
RunId run_id(ByteView run_spec_bytes);

// What the contracts enforce, as RunRegistry stores it; must equal the spec's fields (R2.3).
struct RunTerms {
    TimingSpec timing;
    std::uint16_t segments = 0;        // S
    std::uint32_t audit_rate_ppm = 0;  // q
    std::uint16_t miner_share_bps = 0;
    std::uint16_t validator_share_bps = 0;
    Amount emission_per_round;
    Amount minimum_stake;  // of a seated validator
    Hash256 genesis_root;
    Hash256 dataset_root;
    bool operator==(const RunTerms&) const = default;
};
RunTerms terms_of(const RunSpec& spec);

// Chains on which a block's time costs nobody anything: margins of two blocks are enough there.
inline constexpr std::uint64_t kDevelopmentChain = 31337;
constexpr bool is_development_chain(std::uint64_t chain_id) {
    return chain_id == kDevelopmentChain;
}

}  // namespace covenant::protocol
