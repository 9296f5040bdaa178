// Strangers' GGUF files.
#include "common/model_files/gguf.hpp"

#include "tests/unit/common/model_files/checkpoint_fixture.hpp"

#include <algorithm>
#include <bit>

#include <gtest/gtest.h>

namespace covenant::model_files {
namespace {

Result<GgufHeader> read(const Bytes& bytes) {
    return read_gguf_header(*memory_input(bytes));
}

const Bytes& good() {
    static const Bytes bytes = testing::gguf_bytes();
    return bytes;
}

std::size_t after(const Bytes& bytes, std::string_view text) {
    const auto found = std::search(bytes.begin(), bytes.end(), text.begin(), text.end());
    EXPECT_NE(found, bytes.end()) << text;
    return static_cast<std::size_t>(found - bytes.begin()) + text.size();
}

template <typename T>
Bytes with(std::size_t at, T value) {
    Bytes out = good();
    store_le<T>(value, out.data() + at);
    return out;
}

// The value of a key follows its name and its type.
template <typename T>
Bytes with_key(std::string_view key, T value) {
    return with<T>(after(good(), key) + 4, value);
}

Errc config_error(const Bytes& bytes) {
    const auto file = CheckpointFile::from_gguf(memory_input(bytes));
    EXPECT_FALSE(file);
    return file ? Errc::kInterrupted : file.error().code;
}

TEST(GgufReader, ReadsWhatWasWritten) {
    const auto header = read(good());
    ASSERT_TRUE(header) << header.error().context;
    EXPECT_EQ(header->text("general.architecture"), "llama");
    EXPECT_EQ(header->text("tokenizer.ggml.model"), "llama");
    EXPECT_EQ(std::get<std::uint64_t>(header->values.at("llama.context_length")), 8U);
    EXPECT_EQ(std::get<bool>(header->values.at("tokenizer.ggml.add_bos_token")), false);
    EXPECT_EQ(std::get<GgufArray>(header->values.at("tokenizer.ggml.scores")).items, 400U);
    for (const StoredTensor& tensor : header->tensors)
        EXPECT_EQ(tensor.offset % kGgufAlignment, 0U) << tensor.name;
    EXPECT_EQ(gguf_model_config(*header).value(), testing::small_config());
}

TEST(GgufReader, RefusesCountsAndLengthsBeforeItAllocates) {
    const std::size_t info = after(good(), "token_embd.weight");
    const std::size_t tokens = after(good(), "tokenizer.ggml.tokens");
    const Bytes cases[] = {
        with<std::uint32_t>(0, 0x46554748),          // magic
        with<std::uint32_t>(4, 2),                   // version
        with<std::uint64_t>(8, 0),                   // tensors
        with<std::uint64_t>(8, ~std::uint64_t{0}),   //
        with<std::uint64_t>(16, ~std::uint64_t{0}),  // keys
        with<std::uint64_t>(24, ~std::uint64_t{0}),  // length of the first key
        with<std::uint64_t>(24, 300),                //
        with_key<std::uint64_t>("general.name", ~std::uint64_t{0}),
        with_key<std::uint64_t>("general.name", kMaxGgufText + 1),
        with<std::uint32_t>(tokens, 13),                     // type of a value
        with<std::uint32_t>(tokens + 4, 9),                  // array of arrays
        with<std::uint64_t>(tokens + 8, ~std::uint64_t{0}),  // items
        with_key<std::uint64_t>("tokenizer.ggml.scores", 6 | (~std::uint64_t{0} << 32)),
        with<std::uint64_t>(after(good(), "tokenizer.ggml.scores") + 8, std::uint64_t{1} << 62),
        with_key<std::uint8_t>("tokenizer.ggml.add_bos_token", 2),
        with_key<std::uint32_t>("general.alignment", 0),
        with_key<std::uint32_t>("general.alignment", 48),
        with_key<std::uint32_t>("general.alignment", 1U << 20),
        with<std::uint32_t>(info, 0),                           // dimensions
        with<std::uint32_t>(info, 5),                           //
        with<std::uint64_t>(info + 4, 0),                       // a length
        with<std::uint64_t>(info + 4, std::uint64_t{1} << 62),  //
        with<std::uint32_t>(info + 20, 2),                      // Q4_0
        with<std::uint64_t>(info + 24, 32),                     // offset
        with<std::uint64_t>(info + 24, ~std::uint64_t{31}),     //
    };
    for (std::size_t i = 0; i < std::size(cases); ++i) {
        const auto header = read(cases[i]);
        ASSERT_FALSE(header) << i;
        EXPECT_EQ(header.error().code, Errc::kMalformed) << i;
    }
}

TEST(GgufReader, EveryTruncationAndEveryTailIsNoticed) {
    for (std::size_t size = 0; size < good().size(); size += 379) {
        const Bytes cut(good().begin(), good().begin() + static_cast<std::ptrdiff_t>(size));
        EXPECT_FALSE(read(cut)) << size;
    }
    Bytes longer = good();
    longer.push_back(0);
    EXPECT_FALSE(read(longer));
}

TEST(GgufReader, TakesFilesWithoutPaddingAtTheEnd) {
    // The last tensor of this model ends on the alignment; a norm last does not.
    StoredTensor tensor;
    tensor.name = "token_embd.weight";
    tensor.shape = {3};
    tensor.bytes = 12;
    Bytes bytes = encode_gguf_header(testing::small_config(), testing::vocabulary(), {},
                                     std::span(&tensor, 1));
    const std::size_t start = bytes.size();
    bytes.resize(start + 12);
    EXPECT_TRUE(read(bytes));
    bytes.resize(start + 32);
    EXPECT_TRUE(read(bytes));
    bytes.resize(start + 33);
    EXPECT_FALSE(read(bytes));
    bytes.resize(start + 11);
    EXPECT_FALSE(read(bytes));
}

TEST(GgufReader, RefusesTheSameNameTwice) {
    EXPECT_FALSE(read(testing::replaced(good(), "llama.embedding_length",
                                        "llama.expert_countlngth")));  // another length
    EXPECT_FALSE(read(testing::replaced(good(), "general.name", "general.type")));
    EXPECT_EQ(
        config_error(testing::replaced(good(), "blk.0.attn_norm.weight", "blk.1.attn_norm.weight")),
        Errc::kMalformed);
}

// A file with more keys in front of its own. The data stays on its alignment.
class MoreKeys {
  public:
    template <typename T>
    MoreKeys& put(std::string_view key, std::uint32_t type, T value) {
        ++keys_;
        text(key);
        number(type);
        number(value);
        return *this;
    }
    MoreKeys& put(std::string_view key, std::string_view value) {
        ++keys_;
        text(key);
        number(std::uint32_t{8});
        text(value);
        return *this;
    }
    Bytes file() {
        const std::size_t filler = bytes_.size() + 8 + 6 + 4 + 8;  // of a text under "filler"
        put("filler",
            std::string((kGgufAlignment - filler % kGgufAlignment) % kGgufAlignment, 'x'));
        Bytes out = good();
        store_le<std::uint64_t>(load_le<std::uint64_t>(out.data() + 16) + keys_, out.data() + 16);
        out.insert(out.begin() + 24, bytes_.begin(), bytes_.end());
        return out;
    }

  private:
    template <typename T>
    void number(T value) {
        bytes_.resize(bytes_.size() + sizeof(T));
        store_le<T>(value, bytes_.data() + bytes_.size() - sizeof(T));
    }
    void text(std::string_view value) {
        number(std::uint64_t{value.size()});
        bytes_.insert(bytes_.end(), value.begin(), value.end());
    }
    Bytes bytes_;
    std::uint64_t keys_ = 0;
};

constexpr std::uint32_t kFloat = 6;
constexpr std::uint32_t kU32 = 4;
constexpr std::uint32_t kBool = 7;

TEST(GgufKeys, AKeyThatChangesTheForwardPassIsRefusedByItsName) {
    const auto refused = [](MoreKeys keys, std::string_view words) {
        const auto file = CheckpointFile::from_gguf(memory_input(keys.file()));
        ASSERT_FALSE(file) << words;
        EXPECT_EQ(file.error().code, Errc::kMalformed) << words;
        EXPECT_NE(file.error().context.find(words), std::string::npos) << file.error().context;
    };
    refused(MoreKeys().put("llama.rope.scale_linear", kFloat, std::bit_cast<std::uint32_t>(4.0F)),
            "llama.rope.scale_linear");
    refused(MoreKeys().put("llama.rope.scaling.factor", kFloat, std::bit_cast<std::uint32_t>(8.0F)),
            "llama.rope.scaling.factor");
    refused(MoreKeys().put("llama.rope.scaling.type", "yarn"), "llama.rope.scaling.type");
    refused(MoreKeys().put("llama.expert_count", kU32, std::uint32_t{8}), "llama.expert_count");
    refused(MoreKeys().put("llama.logit_scale", kFloat, std::bit_cast<std::uint32_t>(0.5F)),
            "llama.logit_scale");
    refused(MoreKeys().put("llama.attention.causal", kBool, std::uint8_t{0}), "attention.causal");
    refused(MoreKeys().put("llama.something_new", kU32, std::uint32_t{0}), "llama.something_new");
    refused(MoreKeys().put("adapter.type", "lora"), "adapter");
    refused(MoreKeys().put("split.count", kU32, std::uint32_t{3}), "one of 3 parts");
}

TEST(GgufKeys, WhatChangesNothingIsTaken) {
    MoreKeys keys;
    keys.put("llama.rope.scale_linear", kFloat, std::bit_cast<std::uint32_t>(1.0F))
        .put("llama.rope.scaling.type", "none")
        .put("llama.expert_count", kU32, std::uint32_t{0})
        .put("llama.attention.causal", kBool, std::uint8_t{1})
        .put("split.count", kU32, std::uint32_t{1})
        .put("general.license", "mit")
        .put("quantize.imatrix.file", "x");
    const auto file = CheckpointFile::from_gguf(memory_input(keys.file()));
    ASSERT_TRUE(file) << file.error().context;
    EXPECT_EQ((*file)->layout().config(), testing::small_config());
}

TEST(GgufKeys, ASplitModelSaysSoBeforeItsTensorsAreLookedAt) {
    Bytes first = MoreKeys().put("split.count", kU32, std::uint32_t{2}).file();
    store_le<std::uint64_t>(0, first.data() + 8);  // the first part may hold no tensor
    const auto header = read(first);
    ASSERT_FALSE(header);
    EXPECT_NE(header.error().context.find("llama-gguf-split"), std::string::npos)
        << header.error().context;
}

TEST(CheckpointFile, RefusesOtherGgufModels) {
    const Bytes cases[] = {
        testing::replaced(good(), "llama.block_count", "llama.black_count"),
        testing::replaced(good(), "tokenizer.ggml.tokens", "tokenizer.ggml.takens"),
        testing::replaced(good(), "blk.1.ffn_up.weight", "blk.1.ffn_ap.weight"),
        with_key<std::uint32_t>("llama.block_count", 3),
        with_key<std::uint32_t>("llama.attention.head_count", 3),
        with_key<std::uint32_t>("llama.attention.key_length", 8),
        with_key<std::uint32_t>("llama.rope.dimension_count", 2),
        with_key<std::uint32_t>("llama.vocab_size", 401),
        with_key<std::uint32_t>("llama.embedding_length", 0x7fffffff),
        with_key<std::uint32_t>("llama.attention.layer_norm_rms_epsilon", 0x7fc00000),  // NaN
        with<std::uint32_t>(after(good(), "llama.context_length"), 6),                  // a float
    };
    for (std::size_t i = 0; i < std::size(cases); ++i) {
        SCOPED_TRACE(i);
        EXPECT_EQ(config_error(cases[i]), Errc::kMalformed);
    }
}

}  // namespace
}  // namespace covenant::model_files
