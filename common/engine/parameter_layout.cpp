#include "common/engine/parameter_layout.hpp"

#include "common/base/assert.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace covenant::engine {

ParameterLayout::ParameterLayout(const ModelConfig& config) : config_(config) {
    COVENANT_ASSERT(config.validate().has_value(), "a layout is made of a valid config");
    const auto add = [this](std::string name, std::uint32_t rows, std::uint32_t cols,
                            bool is_norm) {
        TensorSlot slot{.name = std::move(name),
                        .rows = rows,
                        .cols = cols,
                        .offset = total_floats(),
                        .numel = std::size_t{rows} * cols,
                        .is_norm = is_norm};
        parameter_count_ += slot.numel;
        for (std::size_t left = slot.numel; left > 0;) {
            const std::size_t live = std::min(left, kChunkFloats);
            live_.push_back(static_cast<std::uint16_t>(live));
            left -= live;
        }
        tensors_.push_back(std::move(slot));
    };
    const std::uint32_t d = config.d_model;
    const std::uint32_t kv = config.kv_heads * config.head_dim();
    add("model.embed_tokens.weight", config.vocab_size, d, false);
    for (std::uint32_t i = 0; i < config.layers; ++i) {
        const std::string prefix = fmt::format("model.layers.{}.", i);
        add(prefix + "input_layernorm.weight", 1, d, true);
        add(prefix + "self_attn.q_proj.weight", d, d, false);
        add(prefix + "self_attn.k_proj.weight", kv, d, false);
        add(prefix + "self_attn.v_proj.weight", kv, d, false);
        add(prefix + "self_attn.o_proj.weight", d, d, false);
        add(prefix + "post_attention_layernorm.weight", 1, d, true);
        add(prefix + "mlp.gate_proj.weight", config.d_ff, d, false);
        add(prefix + "mlp.up_proj.weight", config.d_ff, d, false);
        add(prefix + "mlp.down_proj.weight", d, config.d_ff, false);
    }
    add("model.norm.weight", 1, d, true);
    add("lm_head.weight", config.vocab_size, d, false);
    COVENANT_ASSERT(parameter_count_ == config.parameter_count(), "layout and config agree");
}

}  // namespace covenant::engine
