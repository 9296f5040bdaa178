// Which keys of a GGUF file this model can obey. llama.cpp reads the forward pass of a llama from
// "llama.*" alone; what stands elsewhere describes the file, the tokenizer or a part of a model.
#include "common/model_files/gguf.hpp"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace covenant::model_files {
namespace {

tl::unexpected<Error> unusable(std::string reason) {
    return fail(Errc::kMalformed, "GGUF: " + std::move(reason));
}

// Read by gguf_model_config, or of no influence.
constexpr std::string_view kRead[] = {"attention.head_count",
                                      "attention.head_count_kv",
                                      "attention.key_length",
                                      "attention.layer_norm_rms_epsilon",
                                      "attention.value_length",
                                      "block_count",
                                      "context_length",
                                      "embedding_length",
                                      "feed_forward_length",
                                      "rope.dimension_count",
                                      "rope.freq_base",
                                      "tensor_data_layout",
                                      "vocab_size"};

// Numbers that must have the value which changes nothing.
constexpr std::pair<std::string_view, double> kNeutral[] = {{"attention.clamp_kqv", 0},
                                                            {"attention.max_alibi_bias", 0},
                                                            {"attention.scale", 0},
                                                            {"attention.sliding_window", 0},
                                                            {"expert_count", 0},
                                                            {"expert_used_count", 0},
                                                            {"logit_scale", 0},
                                                            {"rope.scale_linear", 1},
                                                            {"rope.scaling.attn_factor", 1},
                                                            {"rope.scaling.factor", 1}};

std::optional<double> as_number(const GgufValue& value) {
    if (const auto* natural = std::get_if<std::uint64_t>(&value)) {
        return static_cast<double>(*natural);
    }
    if (const auto* integer = std::get_if<std::int64_t>(&value)) {
        return static_cast<double>(*integer);
    }
    if (const auto* real = std::get_if<double>(&value)) return *real;
    return std::nullopt;
}

Status check_llama_key(std::string_view name, const GgufValue& value) {
    if (std::ranges::find(kRead, name) != std::end(kRead)) return {};
    if (name == "rope.scaling.type") {
        const auto* type = std::get_if<std::string>(&value);
        if (type != nullptr && *type == "none") return {};
        return unusable("llama.rope.scaling.type is not none: this model's RoPE is not scaled");
    }
    if (name == "attention.causal") {
        const auto* causal = std::get_if<bool>(&value);
        if (causal != nullptr && *causal) return {};
        return unusable("llama.attention.causal is not true");
    }
    if (name == "rope.scaling.finetuned") {
        const auto* tuned = std::get_if<bool>(&value);
        if (tuned != nullptr && !*tuned) return {};
        return unusable("llama.rope.scaling.finetuned is not false");
    }
    const auto* neutral =
        std::ranges::find(kNeutral, name, &std::pair<std::string_view, double>::first);
    if (neutral == std::end(kNeutral)) {
        return unusable(
            fmt::format("key llama.{} is set, and this program does not know it: the "
                        "model may compute something else than a plain Llama",
                        name));
    }
    if (as_number(value) == neutral->second) return {};
    return unusable(fmt::format("llama.{} is not {}: it changes what the model computes", name,
                                neutral->second));
}

}  // namespace

Status check_gguf_keys(const GgufHeader& header) {
    if (header.text("general.architecture") != "llama") {
        return unusable("general.architecture is not llama");
    }
    if (header.text("general.type").value_or("model") != "model") {
        return unusable("general.type is not model: the file holds a part or an adapter of one");
    }
    constexpr std::string_view kOurs = "llama.";
    for (const auto& [key, value] : header.values) {
        if (key.starts_with("adapter.")) return unusable("the file is an adapter: key " + key);
        if (!key.starts_with(kOurs)) continue;
        COVENANT_CHECK(check_llama_key(std::string_view(key).substr(kOurs.size()), value));
    }
    return {};
}

}  // namespace covenant::model_files
