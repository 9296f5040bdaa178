#include "common/model_files/llama_config.hpp"

#include "common/codec/json.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>
#include <utility>

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

// A value in a message: a stranger's may be long.
std::string shown(const Json& value) {
    constexpr std::size_t kMost = 80;
    std::string text = value.dump();
    if (text.size() > kMost) text = text.substr(0, kMost) + "...";
    return text;
}

bool given(const Json& json, std::string_view key) {
    if (!json.has(key)) return false;
    const auto value = json.at(key);
    return value && !value->is_null();
}

// Keys that say the shape; parse_llama_config and rope_theta read them.
constexpr std::string_view kShape[] = {"head_dim",
                                       "hidden_size",
                                       "intermediate_size",
                                       "max_position_embeddings",
                                       "num_attention_heads",
                                       "num_hidden_layers",
                                       "num_key_value_heads",
                                       "rms_norm_eps",
                                       "rope_parameters",
                                       "rope_scaling",
                                       "rope_theta",
                                       "vocab_size"};

// Keys whose values must be what this model computes anyway. As JSON.
constexpr std::pair<std::string_view, std::string_view> kFixed[] = {
    {"add_cross_attention", "false"},
    {"architectures", R"(["LlamaForCausalLM"])"},
    {"attention_bias", "false"},
    {"hidden_act", R"("silu")"},
    {"is_encoder_decoder", "false"},
    {"mlp_bias", "false"},
    {"model_type", R"("llama")"},
    {"partial_rotary_factor", "1.0"},
    {"pruned_heads", "{}"},
    {"rope_interleaved", "false"},
    {"tie_encoder_decoder", "false"},
    {"tie_word_embeddings", "false"},
    {"use_bidirectional_attention", "false"}};

// Keys that no forward pass reads: how the file was made, training, what to print, how to sample.
constexpr std::string_view kHarmless[] = {"_attn_implementation",
                                          "_attn_implementation_autoset",
                                          "_flash_attn_2_enabled",
                                          "_name_or_path",
                                          "attention_dropout",
                                          "attn_implementation",
                                          "bad_words_ids",
                                          "begin_suppress_tokens",
                                          "bos_token_id",
                                          "chunk_size_feed_forward",
                                          "cross_attention_hidden_size",
                                          "decoder_start_token_id",
                                          "diversity_penalty",
                                          "do_sample",
                                          "dtype",
                                          "early_stopping",
                                          "encoder_no_repeat_ngram_size",
                                          "eos_token_id",
                                          "exponential_decay_length_penalty",
                                          "finetuning_task",
                                          "forced_bos_token_id",
                                          "forced_eos_token_id",
                                          "gradient_checkpointing",
                                          "hidden_dropout",
                                          "id2label",
                                          "initializer_range",
                                          "is_decoder",
                                          "label2id",
                                          "length_penalty",
                                          "max_length",
                                          "max_sequence_length",
                                          "min_length",
                                          "no_repeat_ngram_size",
                                          "num_beam_groups",
                                          "num_beams",
                                          "num_labels",
                                          "num_return_sequences",
                                          "output_attentions",
                                          "output_hidden_states",
                                          "output_scores",
                                          "pad_token_id",
                                          "prefix",
                                          "pretraining_tp",
                                          "problem_type",
                                          "remove_invalid_values",
                                          "repetition_penalty",
                                          "return_dict",
                                          "return_dict_in_generate",
                                          "sep_token_id",
                                          "suppress_tokens",
                                          "task_specific_params",
                                          "temperature",
                                          "tf_legacy_loss",
                                          "tokenizer_class",
                                          "top_k",
                                          "top_p",
                                          "torch_dtype",
                                          "torchscript",
                                          "transformers_version",
                                          "typical_p",
                                          "unk_token_id",
                                          "use_bfloat16",
                                          "use_cache",
                                          "use_return_dict"};

template <typename Keys>
bool holds(const Keys& keys, std::string_view key) {
    return std::ranges::find(keys, key) != std::end(keys);
}

// 1 and 1.0 are the same value.
bool same_value(const Json& value, const Json& wanted) {
    const auto number = value.as_double();
    return value == wanted || (number && Json(*number) == wanted);
}

// Nothing that could change the forward pass is passed over: a key is read, has the one value that
// this model has, or is known to be harmless. null is as a key that is not there.
Status check_keys(const Json& json) {
    COVENANT_TRY(const std::vector<std::string> keys, json.as_keys());
    for (const std::string& key : keys) {
        if (!given(json, key) || holds(kShape, key) || holds(kHarmless, key)) continue;
        COVENANT_TRY(const Json value, json.at(key));
        const auto* fixed =
            std::ranges::find(kFixed, key, &std::pair<std::string_view, std::string_view>::first);
        if (fixed == std::end(kFixed)) {
            return not_ours(key +
                            " is set, and this program does not know the key: the model may "
                            "compute something else than a Llama");
        }
        COVENANT_TRY(const Json wanted, Json::parse(fixed->second));
        if (!same_value(value, wanted)) {
            return not_ours(
                fmt::format("{} is {}, this model's is {}", key, shown(value), fixed->second));
        }
    }
    if (!given(json, "model_type")) return not_ours("model_type is missing, only llama is read");
    return {};
}

// The base that a table of rotary settings names; nullopt: none. Only the plain rotation is ours.
Result<std::optional<double>> plain_rotary(const Json& rope, std::string_view name) {
    COVENANT_TRY(const std::vector<std::string> keys, rope.as_keys());
    std::optional<double> theta;
    for (const std::string& key : keys) {
        if (!given(rope, key)) continue;
        COVENANT_TRY(const Json value, rope.at(key));
        if (key == "rope_theta") {
            COVENANT_TRY(theta, value.as_double());
        } else if ((key != "rope_type" && key != "type") || value != Json("default")) {
            if (key == "partial_rotary_factor" && same_value(value, Json(1.0))) continue;
            return not_ours(fmt::format("{}.{} is {}: this model's RoPE is not scaled", name, key,
                                        shown(value)));
        }
    }
    return theta;
}

// Older files say the base at the top, newer ones in a table of their own; some say both.
Result<float> rope_theta(const Json& json) {
    std::optional<double> theta;
    if (given(json, "rope_theta")) {
        COVENANT_TRY(theta, json.number_or("rope_theta", 0.0));
    }
    for (const std::string_view name : {"rope_scaling", "rope_parameters"}) {
        if (!given(json, name)) continue;
        COVENANT_TRY(const Json rope, json.at(name));
        COVENANT_TRY(const std::optional<double> own, plain_rotary(rope, name));
        if (own && theta && *own != *theta) {
            return not_ours(
                fmt::format("rope_theta is {} and {}.rope_theta is {}: the model has "
                            "one base",
                            *theta, name, *own));
        }
        if (own) theta = own;
    }
    return static_cast<float>(theta.value_or(10000.0));
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
    COVENANT_CHECK(check_keys(json));
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
