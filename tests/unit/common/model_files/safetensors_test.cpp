// Strangers' safetensors files and folders.
#include "common/model_files/safetensors.hpp"

#include "common/model_files/llama_config.hpp"
#include "tests/unit/common/model_files/checkpoint_fixture.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace covenant::model_files {
namespace {

using testing::Scratch;

// A file with this header text (padded) and so many bytes of data.
Bytes file_of(std::string_view header, std::size_t data) {
    Bytes out(8 + header.size() + data);
    store_le<std::uint64_t>(header.size(), out.data());
    std::ranges::copy(header, out.begin() + 8);
    return out;
}

Result<SafetensorsHeader> read(const Bytes& bytes) {
    return read_safetensors_header(*memory_input(bytes));
}

Errc open_error(const Bytes& bytes, const std::string& config = testing::config_text()) {
    std::vector<std::unique_ptr<Input>> files;
    files.push_back(memory_input(bytes));
    const auto file = CheckpointFile::from_safetensors(config, std::move(files));
    EXPECT_FALSE(file);
    return file ? Errc::kInterrupted : file.error().code;
}

TEST(SafetensorsReader, ReadsAHeaderByTheBook) {
    const auto header = read(file_of(
        R"({"__metadata__":{"format":"pt"},"b":{"dtype":"BF16","shape":[2,3],"data_offsets":[4,16]},"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}  )",
        16));
    ASSERT_TRUE(header) << header.error().context;
    ASSERT_EQ(header->tensors.size(), 2U);
    EXPECT_EQ(header->tensors[0].name, "a");
    EXPECT_EQ(header->tensors[1].type, TensorType::kBf16);
    EXPECT_EQ(header->tensors[1].shape, (std::vector<std::uint64_t>{2, 3}));
    EXPECT_EQ(header->tensors[1].offset, header->tensors[0].offset + 4);
    EXPECT_EQ(header->metadata, (Metadata{{"format", "pt"}}));
}

TEST(SafetensorsReader, RefusesWhatDoesNotExplainTheFile) {
    const std::string padded =
        R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})" + std::string(3, '\0');
    const std::pair<std::string_view, std::size_t> cases[] = {
        // a hole, an overlap, bytes left over, too few bytes, nothing at the front
        {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}})",
         12},
        {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})",
         8},
        {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", 5},
        {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", 3},
        {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})", 8},
        // the same tensor twice, the same bytes twice
        {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})",
         8},
        {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})",
         4},
        // sizes against shapes, overflow, the end before the begin
        {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}})", 4},
        {R"({"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}})", 0},
        {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[18446744073709551612,0]}})", 4},
        {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[18446744073709551608,18446744073709551612]}})",
         4},
        {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[8,4]}})", 8},
        {R"({"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}})", 4},
        {R"({"a":{"dtype":"F32","shape":[1.5],"data_offsets":[0,6]}})", 6},
        {R"({"a":{"dtype":"F32","shape":[1,1,1,1,1,1,1,1,1],"data_offsets":[0,4]}})", 4},
        // zero bytes in the place of spaces
        {padded, 4},
        // types, fields, JSON
        {R"({"a":{"dtype":"F8_E4M3","shape":[4],"data_offsets":[0,4]}})", 4},
        {R"({"a":{"dtype":"I64","shape":[1],"data_offsets":[0,8]}})", 8},
        {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"extra":1}})", 4},
        {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0]}})", 0},
        {R"({"a":{"dtype":"F32","data_offsets":[0,4]}})", 4},
        {R"({"a":[]})", 0},
        {R"({"__metadata__":{"format":1}})", 0},
        {R"( {"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", 4},
        {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]})", 4},
        {R"([])", 0},
        {"", 0},
        {R"({"a":{"b":{"c":{"d":{"e":{"f":{}}}}}}})", 0},
    };
    for (const auto& [header, data] : cases) {
        const auto out = read(file_of(header, data));
        ASSERT_FALSE(out) << header;
        EXPECT_EQ(out.error().code, Errc::kMalformed) << header;
    }
}

TEST(SafetensorsReader, RefusesALengthBeforeItAllocates) {
    for (const std::uint64_t length :
         {std::uint64_t{9}, kMaxSafetensorsHeader + 1, ~std::uint64_t{0}, ~std::uint64_t{0} - 7}) {
        Bytes bytes(16);
        store_le(length, bytes.data());
        const auto out = read(bytes);
        ASSERT_FALSE(out);
        EXPECT_EQ(out.error().code, Errc::kMalformed);
    }
    EXPECT_FALSE(read({}));
    EXPECT_FALSE(read(Bytes(7)));
}

TEST(SafetensorsReader, BoundsTheNumberOfTensors) {
    std::string header = "{";
    for (std::size_t i = 0; i <= kMaxTensors + 1; ++i)
        header += fmt::format(R"({}"t{}":{{"dtype":"F32","shape":[0],"data_offsets":[0,0]}})",
                              i == 0 ? "" : ",", i);
    const auto out = read(file_of(header + "}", 0));
    ASSERT_FALSE(out);
    EXPECT_EQ(out.error().code, Errc::kMalformed);
}

TEST(SafetensorsReader, EveryTruncationIsNoticed) {
    const Bytes whole = testing::safetensors_bytes();
    ASSERT_TRUE(read(whole));
    for (std::size_t size = 0; size < whole.size(); size += 487) {
        const Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
        EXPECT_FALSE(read(cut)) << size;
    }
}

TEST(CheckpointFile, RefusesOtherModels) {
    const Bytes good = testing::safetensors_bytes();
    const auto changed = [&](std::string_view from, std::string_view to) {
        return testing::replaced(good, from, to);
    };
    // Names of the same length, so that the header keeps its own.
    EXPECT_EQ(open_error(changed("model.norm.weight", "model.mono.weight")), Errc::kMalformed);
    EXPECT_EQ(open_error(changed("\"shape\":[24,16]", "\"shape\":[16,24]")), Errc::kMalformed);
    const std::pair<std::string_view, std::string_view> configs[] = {
        {"\"model_type\": \"llama\"", "\"model_type\": \"mistral\""},
        {"LlamaForCausalLM", "LlamaModel"},
        {"\"hidden_act\": \"silu\"", "\"hidden_act\": \"gelu\""},
        {"\"attention_bias\": false", "\"attention_bias\": true"},
        {"\"tie_word_embeddings\": false", "\"tie_word_embeddings\": true"},
        {"\"rope_scaling\": null", "\"rope_scaling\": {\"type\": \"linear\"}"},
        {"\"head_dim\": 4", "\"head_dim\": 8"},
        {"\"hidden_size\": 16", "\"hidden_size\": 18"},
        {"\"hidden_size\": 16", "\"hidden_size\": 4294967312"},
        {"\"vocab_size\": 400", "\"vocab_size\": 401"},
        {"\"vocab_size\": 400", "\"vocab_size\": 1048576"},
        {"\"num_hidden_layers\": 2", "\"num_hidden_layers\": 3"},
        {"\"num_key_value_heads\": 2", "\"num_key_value_heads\": 3"},
        {"\"rms_norm_eps\": 1e-05", "\"rms_norm_eps\": 1e300"},
        {"\"rms_norm_eps\": 1e-05", "\"rms_norm_eps\": \"x\""},
        {"{", "["},
    };
    for (const auto& [from, to] : configs) {
        std::string config = testing::config_text();
        ASSERT_NE(config.find(from), std::string::npos) << from;
        config.replace(config.find(from), from.size(), to);
        EXPECT_EQ(open_error(good, config), Errc::kMalformed) << to;
    }
}

TEST(CheckpointFile, ReadsAConfigThatLeavesDefaultsOut) {
    const auto config = parse_llama_config(
        R"({"model_type":"llama","vocab_size":400,"hidden_size":16,"num_hidden_layers":2,
            "num_attention_heads":4,"intermediate_size":24,"max_position_embeddings":8,
            "rope_parameters":{"rope_theta":500000.0,"rope_type":"default"}})");
    ASSERT_TRUE(config) << config.error().context;
    EXPECT_EQ(config->kv_heads, 4U);
    EXPECT_EQ(config->norm_eps, 1e-6F);
    EXPECT_EQ(config->rope_theta, 500000.0F);
}

// A config of the least keys with these beside them.
Result<engine::ModelConfig> config_with(std::string_view more) {
    return parse_llama_config(
        R"({"model_type":"llama","vocab_size":400,"hidden_size":16,"num_hidden_layers":2,
            "num_attention_heads":4,"intermediate_size":24,"max_position_embeddings":8)" +
        std::string(more) + "}");
}

TEST(LlamaConfig, RefusesAKeyThatChangesTheForwardPassByItsName) {
    const std::pair<std::string_view, std::string_view> cases[] = {
        {R"(,"rope_theta":500000.0,"rope_parameters":{"rope_type":"llama3","factor":8.0,)"
         R"("rope_theta":500000.0})",
         "rope_parameters.rope_type"},
        {R"(,"rope_theta":10000.0,"rope_parameters":{"rope_type":"default","rope_theta":500000.0})",
         "rope_theta is 10000"},
        {R"(,"rope_theta":10000.0,"rope_scaling":{"rope_theta":500000})",
         "rope_scaling.rope_theta"},
        {R"(,"rope_theta":null,"rope_parameters":{"rope_type":"llama3","rope_theta":500000})",
         "rope_parameters.rope_type"},
        {R"(,"rope_parameters":{"type":"linear","factor":4.0,"rope_theta":10000.0})",
         "rope_parameters.type"},
        {R"(,"rope_parameters":{"rope_type":"default","factor":4.0})", "rope_parameters.factor"},
        {R"(,"rope_parameters":{"full_attention":{"rope_type":"default"}})", "full_attention"},
        {R"(,"rope_parameters":{"partial_rotary_factor":0.5})", "partial_rotary_factor"},
        {R"(,"rope_parameters":"default")", "rope_parameters"},
        {R"(,"rope_scaling":{"type":"dynamic","factor":2.0})", "rope_scaling.type"},
        {R"(,"partial_rotary_factor":0.5)", "partial_rotary_factor is 0.5"},
        {R"(,"rope_interleaved":true)", "rope_interleaved"},
        {R"(,"sliding_window":4096)", "sliding_window"},
        {R"(,"quantization_config":{"bits":4})", "quantization_config"},
        {R"(,"auto_map":{"AutoModelForCausalLM":"modeling_x.X"})", "auto_map"},
        {R"(,"logit_scale":0.5)", "logit_scale"},
        {R"(,"pruned_heads":{"0":[1]})", "pruned_heads"},
        {R"(,"attention_bias":1)", "attention_bias"},
        {R"(,"architectures":["LlamaForSequenceClassification"])", "architectures"},
        {R"(,"something_new":0)", "something_new"},
    };
    for (const auto& [more, name] : cases) {
        const auto config = config_with(more);
        ASSERT_FALSE(config) << more;
        EXPECT_EQ(config.error().code, Errc::kMalformed) << more;
        EXPECT_NE(config.error().context.find(name), std::string::npos) << config.error().context;
    }
}

TEST(LlamaConfig, TakesWhatChangesNothing) {
    for (const std::string_view more :
         {"", R"(,"rope_scaling":{"rope_type":"default"})", R"(,"rope_scaling":{"type":"default"})",
          R"(,"rope_theta":10000,"rope_parameters":{"rope_type":"default","rope_theta":10000.0})",
          R"(,"partial_rotary_factor":1)", R"(,"rope_parameters":{"partial_rotary_factor":1.0})",
          R"(,"sliding_window":null,"something_new":null,"pruned_heads":{})",
          R"(,"architectures":["LlamaForCausalLM"],"transformers_version":"4.46.0")",
          R"(,"use_cache":true,"pretraining_tp":1,"eos_token_id":[2,3],"_name_or_path":"x")"}) {
        const auto config = config_with(more);
        ASSERT_TRUE(config) << more << ": " << config.error().context;
        EXPECT_EQ(config->rope_theta, 10000.0F) << more;
    }
}

TEST(LlamaConfig, ReadsNothingBehindTheText) {
    std::string text = testing::config_text();
    ASSERT_TRUE(parse_llama_config(text));
    EXPECT_FALSE(parse_llama_config(text + '\0'));
    EXPECT_FALSE(parse_llama_config(text + std::string(3, '\0') + "{}"));
}

TEST(CheckpointFile, SaysWhyATensorCannotBeLeftOut) {
    const auto file = read(testing::safetensors_bytes());
    ASSERT_TRUE(file);
    const std::pair<std::string_view, std::string_view> cases[] = {
        {"rope_freqs.weight", "scaled rotary table"},
        {"model.layers.0.self_attn.rotary_emb.inv_freq", "inverse frequencies"},
        {"model.layers.0.self_attn.q_proj.bias", "a bias"},
        {"model.layers.9.mlp.up_proj.weight", "none of a model of this shape"}};
    for (const auto& [name, reason] : cases) {
        std::vector<StoredTensor> stored = file->tensors;
        stored.push_back(stored.front());
        stored.back().name = name;
        const auto matched =
            match_tensors(testing::small_layout(), std::move(stored), Naming::kHuggingFace);
        ASSERT_FALSE(matched) << name;
        EXPECT_NE(matched.error().context.find(reason), std::string::npos)
            << matched.error().context;
        EXPECT_NE(matched.error().context.find(name), std::string::npos);
    }
}

TEST(CheckpointFile, ChecksTheIndexOfShards) {
    const Scratch scratch;
    ExportOptions options;
    options.shard_bytes = 20'000;
    ASSERT_TRUE(export_checkpoint(*testing::small_source(), testing::vocabulary(), options,
                                  scratch / "hf", {}));
    const auto index = scratch / "hf/model.safetensors.index.json";
    const Bytes good = testing::bytes_of_file(index);
    ASSERT_TRUE(CheckpointFile::open(scratch / "hf"));
    const std::string_view first = "model-00001-of-";
    const std::pair<std::string_view, std::string_view> cases[] = {
        {first, "../model-00001-of-"},
        {first, "/etc/model-00001-of-"},
        {first, "model-00002-of-"},  // another shard than the one it is in
        {first, ".model-00001-of-"},
        {".safetensors\"", ".bin\""},
        {"\"lm_head.weight\"", "\"lm_hand.weight\""},
        {"\"weight_map\"", "\"weight_mop\""},
        {"\"lm_head.weight\"",
         "\"more.weight\": \"model-00001-of-00002.safetensors\", \"lm_head.weight\""},
    };
    for (const auto& [from, to] : cases) {
        testing::write_bytes(index, testing::replaced(good, from, to));
        const auto file = CheckpointFile::open(scratch / "hf");
        ASSERT_FALSE(file) << to;
        EXPECT_TRUE(file.error().code == Errc::kMalformed || file.error().code == Errc::kNotFound)
            << to << ": " << file.error().context;
    }
}

TEST(CheckpointFile, SaysWhatToNameInstead) {
    const Scratch scratch;
    EXPECT_EQ(CheckpointFile::open(scratch / "nothing").error().code, Errc::kNotFound);
    EXPECT_EQ(CheckpointFile::open(scratch.path()).error().code, Errc::kNotFound);
    testing::write_bytes(scratch / "model.safetensors", testing::safetensors_bytes());
    const auto part = CheckpointFile::open(scratch / "model.safetensors");
    EXPECT_EQ(part.error().code, Errc::kInvalidArgument);
    EXPECT_NE(part.error().context.find("folder"), std::string::npos);
    EXPECT_EQ(CheckpointFile::open("/dev/null").error().code, Errc::kInvalidArgument);
}

}  // namespace
}  // namespace covenant::model_files
