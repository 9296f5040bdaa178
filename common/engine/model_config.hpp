// The shape of the model: a Llama-style decoder (RMSNorm, RoPE, grouped-query attention, SwiGLU,
// untied embedding and head).
#pragma once

#include "common/base/result.hpp"

#include <cstdint>
#include <span>
#include <string_view>

namespace covenant::engine {

struct ModelConfig {
    std::uint32_t vocab_size = 0;
    std::uint32_t d_model = 0;  // width of the residual stream
    std::uint32_t layers = 0;
    std::uint32_t heads = 0;     // query heads; head size = d_model / heads, even
    std::uint32_t kv_heads = 0;  // key and value heads; divides heads
    std::uint32_t d_ff = 0;      // width of the SwiGLU
    std::uint32_t seq_len = 0;   // T: tokens predicted per window; a window holds T + 1 tokens
    float norm_eps = 1e-5F;
    float rope_theta = 10000.0F;

    // kInvalidArgument naming the field and its value. A valid config has at most 2^33 parameters,
    // so no size derived from it overflows.
    [[nodiscard]] Status validate() const;
    [[nodiscard]] std::uint32_t head_dim() const { return d_model / heads; }
    // Of a valid config, without padding.
    [[nodiscard]] std::uint64_t parameter_count() const;

    bool operator==(const ModelConfig&) const = default;
};

// The presets by name: "nano" (the devnet's, 887,424 parameters), "4M", "10M", "50M", "150M", and
// "72B", Covenant-72B's shape, for arithmetic (validate() allows no more than 2^33 parameters).
struct ModelPreset {
    std::string_view name;
    ModelConfig config;
};
[[nodiscard]] std::span<const ModelPreset> model_presets();
// kNotFound, naming those there are.
[[nodiscard]] Result<ModelConfig> model_preset(std::string_view name);
ModelConfig nano_config();
// d 16, 1 layer, 2 heads, 1 KV head, SwiGLU 24, vocabulary 32, T 8: for tests and the self-test.
ModelConfig tiny_config();

}  // namespace covenant::engine
