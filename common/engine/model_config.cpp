#include "common/engine/model_config.hpp"

#include <array>
#include <cmath>
#include <string>

#include <fmt/format.h>

namespace covenant::engine {
namespace {

constexpr std::uint64_t kMaxParameters = std::uint64_t{1} << 33;

Status in_range(std::string_view name, std::uint32_t value, std::uint32_t low, std::uint32_t high) {
    if (value >= low && value <= high) return {};
    return fail(Errc::kInvalidArgument,
                fmt::format("model config: {} is {}, must be in [{}, {}]", name, value, low, high));
}

}  // namespace

Status ModelConfig::validate() const {
    COVENANT_CHECK(in_range("vocab_size", vocab_size, 2, 1U << 20));
    COVENANT_CHECK(in_range("d_model", d_model, 2, 1U << 14));
    COVENANT_CHECK(in_range("layers", layers, 1, 256));
    COVENANT_CHECK(in_range("heads", heads, 1, 256));
    COVENANT_CHECK(in_range("kv_heads", kv_heads, 1, heads));
    COVENANT_CHECK(in_range("d_ff", d_ff, 1, 1U << 16));
    COVENANT_CHECK(in_range("seq_len", seq_len, 1, 1U << 14));
    if (d_model % heads != 0 || head_dim() % 2 != 0) {
        return fail(
            Errc::kInvalidArgument,
            fmt::format("model config: d_model {} over heads {} must give an even head size",
                        d_model, heads));
    }
    if (heads % kv_heads != 0) {
        return fail(Errc::kInvalidArgument,
                    fmt::format("model config: kv_heads {} must divide heads {}", kv_heads, heads));
    }
    if (!(norm_eps > 0.0F && norm_eps <= 0.1F)) {
        return fail(Errc::kInvalidArgument,
                    fmt::format("model config: norm_eps is {}, must be in (0, 0.1]", norm_eps));
    }
    if (!(rope_theta >= 1.0F && rope_theta <= 1e9F)) {
        return fail(Errc::kInvalidArgument,
                    fmt::format("model config: rope_theta is {}, must be in [1, 1e9]", rope_theta));
    }
    if (parameter_count() > kMaxParameters) {
        return fail(Errc::kInvalidArgument,
                    fmt::format("model config: {} parameters, at most {} are supported",
                                parameter_count(), kMaxParameters));
    }
    return {};
}

std::uint64_t ModelConfig::parameter_count() const {
    const std::uint64_t d = d_model;
    const std::uint64_t kv = std::uint64_t{kv_heads} * head_dim();
    const std::uint64_t layer = 2 * d + 2 * d * d + 2 * d * kv + 3 * d * d_ff;
    return 2 * d * vocab_size + layers * layer + d;
}

std::span<const ModelPreset> model_presets() {
    static constexpr std::array<ModelPreset, 6> kPresets{{
        {"nano",
         {.vocab_size = 2048,
          .d_model = 128,
          .layers = 2,
          .heads = 4,
          .kv_heads = 2,
          .d_ff = 344,
          .seq_len = 128}},
        {"4M",
         {.vocab_size = 4096,
          .d_model = 192,
          .layers = 5,
          .heads = 6,
          .kv_heads = 3,
          .d_ff = 512,
          .seq_len = 256}},
        {"10M",
         {.vocab_size = 8192,
          .d_model = 256,
          .layers = 8,
          .heads = 8,
          .kv_heads = 4,
          .d_ff = 688,
          .seq_len = 256}},
        {"50M",
         {.vocab_size = 16384,
          .d_model = 512,
          .layers = 12,
          .heads = 8,
          .kv_heads = 4,
          .d_ff = 1408,
          .seq_len = 512}},
        {"150M",
         {.vocab_size = 32768,
          .d_model = 768,
          .layers = 16,
          .heads = 12,
          .kv_heads = 4,
          .d_ff = 2048,
          .seq_len = 1024}},
        {"72B",
         {.vocab_size = 262144,
          .d_model = 8192,
          .layers = 80,
          .heads = 64,
          .kv_heads = 8,
          .d_ff = 28672,
          .seq_len = 2048,
          .rope_theta = 500000.0F}},
    }};
    return kPresets;
}

Result<ModelConfig> model_preset(std::string_view name) {
    std::string known;
    for (const ModelPreset& preset : model_presets()) {
        if (preset.name == name) return preset.config;
        known += known.empty() ? "" : ", ";
        known += preset.name;
    }
    return fail(Errc::kNotFound, fmt::format("no model preset '{}'; known are {}", name, known));
}

ModelConfig nano_config() {
    return model_presets().front().config;
}

ModelConfig tiny_config() {
    return {.vocab_size = 32,
            .d_model = 16,
            .layers = 1,
            .heads = 2,
            .kv_heads = 1,
            .d_ff = 24,
            .seq_len = 8};
}

}  // namespace covenant::engine
