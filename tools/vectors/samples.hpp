// Fixed examples that vectors, tests and fuzz targets share. Keys are bytes 0x01, 0x02, ...: test
// keys, worth nothing.
#pragma once

#include "common/protocol/run_spec.hpp"

#include <bit>
#include <cstdint>

namespace covenant::vectors {

inline std::uint32_t bits_of(float value) {
    return std::bit_cast<std::uint32_t>(value);
}

// 32 bytes of one value.
inline Hash256 filled_hash(std::uint8_t byte) {
    Hash256 out;
    out.bytes.fill(byte);
    return out;
}
inline Address filled_address(std::uint8_t byte) {
    Address out;
    out.bytes.fill(byte);
    return out;
}

// A valid run of toy size: 12 inner steps in 6 segments, rounds of 100 seconds from second 100000.
//   T1 +40, beacon +45, T2 +70, T3 +100, scores committed until +130, revealed until +160.
inline protocol::RunSpec sample_spec() {
    return {
        .name = "sample run",
        .chain_id = 31337,
        .profile = "name=sample-1\nkernels=none\n",
        .genesis_root = filled_hash(0xa0),
        .model = {.vocab_size = 64,
                  .d_model = 16,
                  .layers = 2,
                  .heads = 4,
                  .kv_heads = 2,
                  .d_ff = 24,
                  .seq_len = 8,
                  .norm_eps_bits = bits_of(1e-5F),
                  .rope_theta_bits = bits_of(10000.0F)},
        .inner = {.steps_per_round = 12,
                  .steps_per_segment = 2,
                  .windows_per_step = 3,
                  .beta1_bits = bits_of(0.9F),
                  .beta2_bits = bits_of(0.95F),
                  .epsilon_bits = bits_of(1e-8F),
                  .weight_decay_bits = bits_of(0.1F),
                  .clip_norm_bits = bits_of(1.0F),
                  .learning_rate = {{.step = 0, .rate_bits = bits_of(0.0F)},
                                    {.step = 120, .rate_bits = bits_of(4e-3F)},
                                    {.step = 600, .rate_bits = bits_of(2e-3F)}}},
        .outer = {.alpha_bits = bits_of(1.0F),
                  .feedback_decay_bits = bits_of(0.95F),
                  .density = {{.round = 0, .kept_per_chunk = 64},
                              {.round = 100, .kept_per_chunk = 32}},
                  .code_bits = 2,
                  .support_exponent_halves = 1,
                  .max_artifacts = 4},
        .audit = {.probability_ppm = 500000, .segments = 2, .auditors = 2, .chunks = 2},
        .score = {.assigned_windows = 4,
                  .heldout_windows = 8,
                  .monitor_windows = 16,
                  .probe_step_bits = bits_of(0.2F)},
        .data = {.dataset_root = filled_hash(0xa1),
                 .heldout_root = filled_hash(0xa2),
                 .tokenizer_hash = filled_hash(0xa3),
                 .window_count = 5000,
                 .heldout_count = 100},
        .timing = {.start_time = 100000,
                   .round_seconds = 100,
                   .commit_seconds = 40,
                   .key_seconds = 45,
                   .beacon_seconds = 50,
                   .inclusion_seconds = 70,
                   .opening_seconds = 80,
                   .score_commit_seconds = 130,
                   .score_reveal_seconds = 160,
                   .genesis_lead_seconds = 20,
                   .block_seconds = 1,
                   .jail_rounds = 8,
                   .last_round = 9999},
        .emission = {.per_round = Amount{Uint128{100} * kOneToken},
                     .miner_share_bps = 6000,
                     .validator_share_bps = 3000,
                     .miner_bond = Amount{Uint128{10} * kOneToken},
                     .validator_stake = Amount{Uint128{10} * kOneToken}},
    };
}

}  // namespace covenant::vectors
