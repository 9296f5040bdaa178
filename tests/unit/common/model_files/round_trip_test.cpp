// What is exported comes back; what comes back is what the formats' own rules say.
#include "common/base/hex.hpp"
#include "common/codec/json.hpp"
#include "common/model_files/gguf.hpp"
#include "common/model_files/llama_config.hpp"
#include "common/model_files/safetensors.hpp"
#include "tests/unit/common/model_files/checkpoint_fixture.hpp"

#include <bit>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <limits>

#include <gtest/gtest.h>

namespace covenant::model_files {
namespace {

using testing::Scratch;
using testing::small_config;
using testing::small_layout;
using testing::small_parameters;
using testing::small_source;
using testing::vocabulary;

struct Case {
    Format format;
    TensorType type;
    std::uint64_t shard_bytes;
};

TEST(DeclaredRoot, IsComparedByEveryReaderOfTheValues) {
    const Scratch scratch;
    for (const Format format : {Format::kSafetensors, Format::kGguf}) {
        ExportOptions options;
        options.format = format;
        options.root = testing::root_of(small_parameters());
        const auto out = scratch / std::string(to_string(format));
        ASSERT_TRUE(export_checkpoint(*small_source(), vocabulary(), options, out, {}));
        const auto weights = format == Format::kGguf ? out : out / kWeightsName;
        Bytes bytes = testing::bytes_of_file(weights);
        bytes[bytes.size() - 100] ^= 1;  // the lowest byte of a value: still finite
        testing::write_bytes(weights, bytes);
        const auto file = CheckpointFile::open(out);
        ASSERT_TRUE(file) << file.error().context;
        const auto scanned = scan(**file, {});
        ASSERT_FALSE(scanned);
        EXPECT_EQ(scanned.error().code, Errc::kMismatch);
        EXPECT_NE(scanned.error().context.find("the file says"), std::string::npos)
            << scanned.error().context;
        EXPECT_FALSE(write_raw(**file, scratch / "raw.f32", Overwrite::kNo, {}));
        EXPECT_FALSE(std::filesystem::exists(scratch / "raw.f32"));
    }
}

TEST(DeclaredRoot, IsNoClaimOfRoundedValuesAndMustBeARoot) {
    const Scratch scratch;
    ExportOptions options;
    options.type = TensorType::kBf16;
    options.root = testing::root_of(small_parameters());
    ASSERT_TRUE(export_checkpoint(*small_source(), vocabulary(), options, scratch / "half", {}));
    const auto half = CheckpointFile::open(scratch / "half");
    ASSERT_TRUE(half);
    EXPECT_EQ((*half)->declared_root().value(), std::nullopt);
    EXPECT_TRUE(scan(**half, {}));
    const std::string root = to_0x(options.root);
    const auto file = CheckpointFile::from_gguf(
        memory_input(testing::replaced(testing::gguf_bytes(), root, "zz" + root.substr(2))));
    ASSERT_TRUE(file);
    EXPECT_EQ(scan(**file, {}).error().code, Errc::kMalformed);
}

class RoundTrip : public ::testing::TestWithParam<Case> {};

TEST_P(RoundTrip, GivesTheParametersBack) {
    const Scratch scratch;
    const Case& one = GetParam();
    ExportOptions options;
    options.format = one.format;
    options.type = one.type;
    options.shard_bytes = one.shard_bytes;
    options.root = testing::root_of(small_parameters());
    options.run = "0xab";
    options.round = "3";
    const auto written =
        export_checkpoint(*small_source(), vocabulary(), options, scratch / "out", {});
    ASSERT_TRUE(written) << written.error().context;

    const auto file = CheckpointFile::open(scratch / "out");
    ASSERT_TRUE(file) << file.error().context;
    EXPECT_EQ((*file)->format(), one.format);
    EXPECT_EQ((*file)->layout().config(), small_config());
    EXPECT_EQ((*file)->file_bytes(), written->bytes);
    EXPECT_EQ((*file)->file_count(), written->files);
    EXPECT_EQ(written->files > 1, one.shard_bytes < 10'000);
    EXPECT_EQ((*file)->is_exact(), one.type == TensorType::kF32);
    EXPECT_EQ((*file)->metadata(kRunKey), "0xab");
    EXPECT_EQ((*file)->metadata(kRoundKey), "3");

    const auto root = write_raw(**file, scratch / "back.f32", Overwrite::kNo, {});
    ASSERT_TRUE(root) << root.error().context;
    engine::ParameterBuffer expected = small_parameters().clone();
    if (one.type == TensorType::kBf16) {
        for (const engine::TensorSlot& slot : small_layout().tensors()) {
            if (one.format == Format::kGguf && slot.is_norm) continue;
            for (float& value : expected.floats().subspan(slot.offset, slot.numel))
                value = from_bf16(to_bf16(value));
        }
    }
    EXPECT_EQ(*root, testing::root_of(expected));
    EXPECT_EQ(testing::bytes_of_file(scratch / "back.f32"),
              Bytes(expected.bytes().begin(), expected.bytes().end()));
    // Any piece of any tensor, not only whole blocks.
    for (std::size_t tensor = 0; tensor < small_layout().tensors().size(); ++tensor) {
        const engine::TensorSlot& slot = small_layout().tensors()[tensor];
        std::vector<float> part(slot.numel / 2);
        const std::size_t first = slot.numel / 3;
        ASSERT_TRUE((*file)->read(tensor, first, part));
        EXPECT_EQ(std::memcmp(part.data(), expected.floats().data() + slot.offset + first,
                              part.size() * sizeof(float)),
                  0)
            << slot.name;
    }
}

INSTANTIATE_TEST_SUITE_P(
    Formats, RoundTrip,
    ::testing::Values(Case{Format::kSafetensors, TensorType::kF32, 5'000'000'000},
                      Case{Format::kSafetensors, TensorType::kF32, 3'000},
                      Case{Format::kSafetensors, TensorType::kBf16, 5'000'000'000},
                      Case{Format::kSafetensors, TensorType::kBf16, 1},
                      Case{Format::kGguf, TensorType::kF32, 5'000'000'000},
                      Case{Format::kGguf, TensorType::kBf16, 5'000'000'000}));

TEST(Export, GgufRowsStandAsLlamaCppWantsThem) {
    const Bytes bytes = testing::gguf_bytes();
    const auto input = memory_input(bytes);
    const auto header = read_gguf_header(*input);
    ASSERT_TRUE(header) << header.error().context;
    const std::size_t head = small_config().head_dim();
    const std::size_t d = small_config().d_model;
    bool looked = false;
    for (const engine::TensorSlot& slot : small_layout().tensors()) {
        if (slot.name != "model.layers.1.self_attn.k_proj.weight") continue;
        for (const StoredTensor& tensor : header->tensors) {
            if (tensor.name != "blk.1.attn_k.weight") continue;
            looked = true;
            for (std::size_t h = 0; h < small_config().kv_heads; ++h) {
                for (std::size_t j = 0; j < head / 2; ++j) {
                    for (std::size_t k = 0; k < 2; ++k) {  // out[h, 2j+k] = in[h, k*hd/2+j]
                        const std::size_t out = h * head + 2 * j + k;
                        const std::size_t in = h * head + k * (head / 2) + j;
                        EXPECT_EQ(
                            std::memcmp(bytes.data() + tensor.offset + out * d * 4,
                                        small_parameters().floats().data() + slot.offset + in * d,
                                        d * 4),
                            0);
                    }
                }
            }
        }
    }
    EXPECT_TRUE(looked);
}

TEST(Export, SafetensorsDataIsAlignedAndHasTheMetadata) {
    const Bytes bytes = testing::safetensors_bytes();
    const auto length = load_le<std::uint64_t>(bytes.data());
    EXPECT_EQ(length % 8, 0U);
    const auto json = codec::Json::parse(as_text(ByteView(bytes).subspan(8, length)));
    ASSERT_TRUE(json) << json.error().context;
    const auto metadata = json->at("__metadata__");
    ASSERT_TRUE(metadata);
    EXPECT_EQ(metadata->string("format").value(), "pt");
    EXPECT_EQ(metadata->fixed<Hash256>(kRootKey).value(), testing::root_of(small_parameters()));
    const auto q = json->at("model.layers.0.self_attn.q_proj.weight");
    ASSERT_TRUE(q);
    EXPECT_EQ(q->string("dtype").value(), "F32");
    const auto shape = q->items("shape").value();
    EXPECT_EQ(shape[0].as_u64().value(), 16U);
    EXPECT_EQ(shape[1].as_u64().value(), 16U);
}

TEST(Export, ConfigHasEveryFieldAndReadsBack) {
    const auto json = codec::Json::parse(testing::config_text());
    ASSERT_TRUE(json);
    EXPECT_EQ(json->string("model_type").value(), "llama");
    EXPECT_EQ(json->u64("hidden_size").value(), 16U);
    EXPECT_EQ(json->u64("head_dim").value(), 4U);
    EXPECT_EQ(json->u64("num_key_value_heads").value(), 2U);
    EXPECT_EQ(json->number("rms_norm_eps").value(), 1e-5);
    EXPECT_EQ(json->string("torch_dtype").value(), "float32");
    EXPECT_EQ(parse_llama_config(testing::config_text()).value(), small_config());
}

TEST(Export, RefusesAVocabularyOfAnotherSize) {
    const Scratch scratch;
    Vocabulary other = vocabulary();
    other.pieces.pop_back();
    const auto written = export_checkpoint(*small_source(), other, {}, scratch / "hf", {});
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().code, Errc::kMismatch);
    EXPECT_TRUE(scratch.names().empty());
}

TEST(Scan, RefusesWhatIsNotFinite) {
    for (const float bad :
         {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::infinity()}) {
        engine::ParameterBuffer buffer = small_parameters().clone();
        const engine::TensorSlot& slot = small_layout().tensors().back();
        buffer.floats()[slot.offset + 7] = bad;
        const auto source = RawParameters::over(buffer, small_config()).value();
        const auto root = scan(*source, {});
        ASSERT_FALSE(root);
        EXPECT_EQ(root.error().code, Errc::kMalformed);
        EXPECT_NE(root.error().context.find("lm_head.weight: element 7"), std::string::npos);
        const Scratch scratch;
        EXPECT_FALSE(write_raw(*source, scratch / "x.f32", Overwrite::kNo, {}));
        EXPECT_TRUE(scratch.names().empty());
    }
}

TEST(RawParameters, HasExactlyTheSizeOfItsShape) {
    engine::ModelConfig other = small_config();
    other.d_ff = 1024;
    const auto source = RawParameters::over(small_parameters(), other);
    ASSERT_FALSE(source);
    EXPECT_EQ(source.error().code, Errc::kMismatch);
    other.heads = 3;
    EXPECT_EQ(RawParameters::over(small_parameters(), other).error().code, Errc::kInvalidArgument);
}

TEST(TensorType, RoundsToTheNearestEven) {
    EXPECT_EQ(to_bf16(1.0F), 0x3f80);
    EXPECT_EQ(to_bf16(std::bit_cast<float>(0x3f808000U)), 0x3f80);  // a tie, to even
    EXPECT_EQ(to_bf16(std::bit_cast<float>(0x3f818000U)), 0x3f82);
    EXPECT_EQ(to_bf16(std::bit_cast<float>(0x3f808001U)), 0x3f81);
    EXPECT_EQ(to_bf16(-0.0F), 0x8000);
    EXPECT_EQ(to_bf16(std::bit_cast<float>(0x7f7fffffU)), 0x7f80);
    EXPECT_TRUE(std::isnan(from_bf16(to_bf16(std::bit_cast<float>(0x7f800001U)))));
    EXPECT_EQ(from_f16(0x3c00), 1.0F);
    EXPECT_EQ(from_f16(0xc000), -2.0F);
    EXPECT_EQ(from_f16(0x0001), 0x1p-24F);
    EXPECT_EQ(from_f16(0x83ff), -1023 * 0x1p-24F);
    EXPECT_EQ(from_f16(0x7bff), 65504.0F);
    EXPECT_TRUE(std::isinf(from_f16(0x7c00)));
    EXPECT_TRUE(std::isnan(from_f16(0x7e00)));
}

TEST(TensorNames, RowOrdersAreInverse) {
    for (std::size_t row = 0; row < 24; ++row) {
        EXPECT_EQ(halves_row(interleaved_row(row, 6), 6), row);
        EXPECT_EQ(interleaved_row(halves_row(row, 6), 6), row);
        EXPECT_EQ(halves_row(row, 6) / 6, row / 6);
    }
    EXPECT_EQ(gguf_name("model.layers.31.mlp.down_proj.weight"), "blk.31.ffn_down.weight");
}

TEST(Export, StopsWhenAskedAndLeavesNothing) {
    for (const Format format : {Format::kSafetensors, Format::kGguf}) {
        const Scratch scratch;
        ExportOptions options;
        options.format = format;
        std::stop_source stop;
        std::uint64_t calls = 0;
        Monitor monitor;
        monitor.stop = stop.get_token();
        monitor.progress = [&](std::uint64_t done, std::uint64_t total) {
            EXPECT_LE(done, total);
            if (++calls == 3) stop.request_stop();
        };
        const auto written =
            export_checkpoint(*small_source(), vocabulary(), options, scratch / "out", monitor);
        ASSERT_FALSE(written);
        EXPECT_EQ(written.error().code, Errc::kInterrupted);
        EXPECT_EQ(calls, 3U);
        EXPECT_TRUE(scratch.names().empty());
    }
}

}  // namespace
}  // namespace covenant::model_files
