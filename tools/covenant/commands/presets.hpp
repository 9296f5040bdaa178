// What a run of a preset model would cost everyone in it, by arithmetic: nothing is allocated, so
// that 72 billion parameters are as quick as one million.
#pragma once

#include "common/codec/json.hpp"
#include "common/engine/model_config.hpp"
#include "common/node/output.hpp"

#include <cstdint>
#include <string>

namespace covenant::commands {

// k of 4096 that the reference networks send.
inline constexpr std::uint16_t kReferenceKept = 64;

struct PresetCosts {
    std::uint64_t parameters = 0;
    std::uint64_t chunks = 0;  // of 4096 floats = Merkle leaves of 16 KiB = compression chunks

    // Bytes that a training process holds: theta, m, v and the gradient, and what the passes over
    // one micro-batch keep (kernels' scratch memory, a few MB a thread, is not in it).
    std::uint64_t state_bytes = 0;
    std::uint64_t micro_batch_tokens = 0;
    std::uint64_t activation_bytes = 0;

    std::uint64_t opening_bytes =
        0;  // theta, m and v at a boundary, as an audited miner shows them

    // An artifact as it is sent: at most, with the devnet's segments; and the dense parameters over
    // it.
    struct Wire {
        std::uint16_t kept_per_chunk = 0;
        std::uint64_t bytes = 0;
        double ratio = 0.0;
    };
    Wire reference;
    Wire devnet;

    // Multiplications and additions: 6 a parameter and token in matrix products, and causal
    // attention.
    std::uint64_t step_tokens = 0;  // of one miner
    double step_flops = 0.0;
    double round_flops = 0.0;

    // The devnet's terms: each artifact with probability q, n_a of S segments.
    double audit_probability = 0.0;
    std::uint32_t audited_segments = 0;
    std::uint32_t segments = 0;
    double audit_share = 0.0;  // of a miner's compute, q n_a / S: expected cost of auditing it once
    std::uint64_t audit_bytes = 0;  // openings fetched for one audit
};

PresetCosts preset_costs(const engine::ModelConfig& config);
codec::Json preset_json(const engine::ModelPreset& preset);

// One preset in words, or "all" as a table. kInvalidArgument, naming those there are.
Status show_presets(node::Output& output, const std::string& name);

}  // namespace covenant::commands
