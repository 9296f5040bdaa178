#include "common/model_files/llama_config.hpp"

#include "common/codec/json.hpp"

#include <charconv>
#include <limits>

#include <fmt/format.h>

namespace covenant::model_files {
namespace {

using codec::Json;

tl::unexpected<Error> not_ours(std::string reason) {
    return fail(Errc::kMalformed, "config.json: " + std::move(reason));
}

Result<std::uint32_t> u32(const Json& json, std::string_view key) {
    COVENANT_TRY(const std::uint64_t value, json.u64(key));
    if (value > std::numeric_limits<std::uint32_t>::max()) {
        return not_ours(fmt::format("{} is {}", key, value));
    }
    return static_cast<std::uint32_t>(value);
}

bool given(const Json& json, std::string_view key) {
    if (!json.has(key)) return false;
    const auto value = json.at(key);
    return value && !value->is_null();
}

Status check_architecture(const Json& json) {
    COVENANT_TRY(const std::string type, json.string("model_type"));
    if (type != "llama") return not_ours("model_type is '" + type + "', only llama is read");
    if (given(json, "architectures")) {
        COVENANT_TRY(const std::vector<Json> names, json.items("architectures"));
        if (names.size() != 1) return not_ours("architectures must be [\"LlamaForCausalLM\"]");
        COVENANT_TRY(const std::string name, names[0].as_string());
        if (name != "LlamaForCausalLM") return not_ours("architecture '" + name + "' is not read");
    }
    COVENANT_TRY(const std::string activation, json.string_or("hidden_act", "silu"));
    if (activation != "silu") return not_ours("hidden_act is '" + activation + "', not silu");
    for (const std::string_view key : {"attention_bias", "mlp_bias", "tie_word_embeddings"}) {
        COVENANT_TRY(const bool set, json.boolean_or(key, false));
        if (set) return not_ours(std::string(key) + " is true: this model has none");
    }
    if (given(json, "rope_scaling")) return not_ours("rope_scaling is set: this model has none");
    return {};
}

Result<float> rope_theta(const Json& json) {
    if (!json.has("rope_theta") && given(json, "rope_parameters")) {
        COVENANT_TRY(const Json rope, json.at("rope_parameters"));
        COVENANT_TRY(const std::string type, rope.string_or("rope_type", "default"));
        if (type != "default") return not_ours("rope_type is '" + type + "', only default is read");
        COVENANT_TRY(const double value, rope.number_or("rope_theta", 10000.0));
        return static_cast<float>(value);
    }
    COVENANT_TRY(const double value, json.number_or("rope_theta", 10000.0));
    return static_cast<float>(value);
}

}  // namespace

double shortest(float value) {
    const std::string text = fmt::format("{}", value);
    double out = 0.0;
    std::from_chars(text.data(), text.data() + text.size(), out);
    return out;
}

std::string llama_config_json(const engine::ModelConfig& config, TensorType type) {
    Json architectures = Json::array();
    architectures.push("LlamaForCausalLM");
    Json out = Json::object();
    out.set("architectures", std::move(architectures))
        .set("attention_bias", false)
        .set("attention_dropout", 0.0)
        .set("bos_token_id", 1)
        .set("eos_token_id", 2)
        .set("head_dim", config.head_dim())
        .set("hidden_act", "silu")
        .set("hidden_size", config.d_model)
        .set("initializer_range", 0.02)
        .set("intermediate_size", config.d_ff)
        .set("max_position_embeddings", config.seq_len)
        .set("mlp_bias", false)
        .set("model_type", "llama")
        .set("num_attention_heads", config.heads)
        .set("num_hidden_layers", config.layers)
        .set("num_key_value_heads", config.kv_heads)
        .set("pretraining_tp", 1)
        .set("rms_norm_eps", shortest(config.norm_eps))
        .set("rope_scaling", nullptr)
        .set("rope_theta", shortest(config.rope_theta))
        .set("tie_word_embeddings", false)
        .set("torch_dtype", torch_name(type))
        .set("use_cache", true)
        .set("vocab_size", config.vocab_size);
    return out.dump(Json::Style::kPretty) + "\n";
}

Result<engine::ModelConfig> parse_llama_config(std::string_view text) {
    auto parsed = Json::parse(text, {.max_bytes = kMaxConfigBytes});
    if (!parsed) return fail(std::move(parsed).error().within("config.json"));
    const Json& json = *parsed;
    COVENANT_CHECK(check_architecture(json));
    engine::ModelConfig config;
    COVENANT_TRY(config.vocab_size, u32(json, "vocab_size"));
    COVENANT_TRY(config.d_model, u32(json, "hidden_size"));
    COVENANT_TRY(config.layers, u32(json, "num_hidden_layers"));
    COVENANT_TRY(config.heads, u32(json, "num_attention_heads"));
    config.kv_heads = config.heads;
    if (given(json, "num_key_value_heads")) {
        COVENANT_TRY(config.kv_heads, u32(json, "num_key_value_heads"));
    }
    COVENANT_TRY(config.d_ff, u32(json, "intermediate_size"));
    COVENANT_TRY(config.seq_len, u32(json, "max_position_embeddings"));
    COVENANT_TRY(const double eps, json.number_or("rms_norm_eps", 1e-6));
    config.norm_eps = static_cast<float>(eps);
    COVENANT_TRY(config.rope_theta, rope_theta(json));
    if (auto valid = config.validate(); !valid) return not_ours(valid.error().context);
    if (given(json, "head_dim")) {
        COVENANT_TRY(const std::uint32_t head_dim, u32(json, "head_dim"));
        if (head_dim != config.head_dim()) {
            return not_ours(fmt::format("head_dim is {}, hidden_size over heads is {}", head_dim,
                                        config.head_dim()));
        }
    }
    return config;
}

}  // namespace covenant::model_files
