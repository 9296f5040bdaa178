#include "common/base/counter_rng.hpp"
#include "common/engine/genesis.hpp"
#include "common/engine/parameter_buffer.hpp"
#include "common/engine/rope_table.hpp"

#include <bit>
#include <cmath>
#include <limits>

#include <gtest/gtest.h>

namespace covenant::engine {
namespace {

TEST(ModelConfig, PresetsAreValid) {
    EXPECT_TRUE(nano_config().validate());
    EXPECT_TRUE(tiny_config().validate());
    EXPECT_EQ(nano_config().parameter_count(), 887424U);
}

TEST(ModelConfig, EachFieldOutOfRangeIsNamed) {
    const auto refused = [](auto change, const char* name) {
        ModelConfig config = tiny_config();
        change(config);
        const Status status = config.validate();
        ASSERT_FALSE(status) << name;
        EXPECT_EQ(status.error().code, Errc::kInvalidArgument);
        EXPECT_NE(status.error().context.find(name), std::string::npos) << status.error().context;
    };
    refused([](ModelConfig& c) { c.vocab_size = 1; }, "vocab_size");
    refused([](ModelConfig& c) { c.d_model = 0; }, "d_model");
    refused([](ModelConfig& c) { c.d_model = 15; }, "head size");
    refused([](ModelConfig& c) { c.d_model = 6; }, "head size");
    refused([](ModelConfig& c) { c.layers = 0; }, "layers");
    refused([](ModelConfig& c) { c.heads = 0; }, "heads");
    refused([](ModelConfig& c) { c.kv_heads = 3; }, "kv_heads");
    refused([](ModelConfig& c) { c.heads = 4, c.kv_heads = 3, c.d_model = 16; }, "kv_heads");
    refused([](ModelConfig& c) { c.d_ff = 0; }, "d_ff");
    refused([](ModelConfig& c) { c.seq_len = 0; }, "seq_len");
    refused([](ModelConfig& c) { c.norm_eps = std::numeric_limits<float>::quiet_NaN(); },
            "norm_eps");
    refused([](ModelConfig& c) { c.rope_theta = 0.5F; }, "rope_theta");
    refused(
        [](ModelConfig& c) {
            c.layers = 256;
            c.d_model = 16384;
            c.d_ff = 65536;
        },
        "parameters");
}

TEST(ParameterLayout, TensorsStartOnChunksAndCoverThem) {
    const ParameterLayout layout(nano_config());
    EXPECT_EQ(layout.parameter_count(), 887424U);
    EXPECT_EQ(layout.tensors().size(), 21U);
    EXPECT_EQ(layout.tensors().front().name, "model.embed_tokens.weight");
    EXPECT_EQ(layout.tensors()[3].name, "model.layers.0.self_attn.k_proj.weight");
    EXPECT_EQ(layout.tensors()[3].rows, 64U);
    EXPECT_EQ(layout.tensors().back().name, "lm_head.weight");
    std::size_t at = 0;
    std::size_t chunk = 0;
    std::uint64_t live = 0;
    for (const TensorSlot& slot : layout.tensors()) {
        EXPECT_EQ(slot.offset, at) << slot.name;
        EXPECT_EQ(slot.offset % kChunkFloats, 0U);
        at += slot.chunks() * kChunkFloats;
        std::size_t of_tensor = 0;
        for (std::size_t i = 0; i < slot.chunks(); ++i)
            of_tensor += layout.live_floats(chunk++);
        EXPECT_EQ(of_tensor, slot.numel);
        live += of_tensor;
    }
    EXPECT_EQ(at, layout.total_floats());
    EXPECT_EQ(chunk, layout.chunk_count());
    EXPECT_EQ(live, layout.parameter_count());
}

TEST(ParameterBuffer, AlignedZeroedAndClonedByBits) {
    const ParameterLayout layout(tiny_config());
    ParameterBuffer buffer(layout);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(buffer.floats().data()) % 64, 0U);
    EXPECT_EQ(buffer.bytes().size(), layout.chunk_count() * kChunkBytes);
    for (const std::uint8_t byte : buffer.bytes())
        ASSERT_EQ(byte, 0);
    ParameterBuffer copy = buffer.clone();
    EXPECT_TRUE(same_bits(buffer, copy));
    copy.floats()[0] = -0.0F;
    EXPECT_FALSE(same_bits(buffer, copy));
    EXPECT_FALSE(same_bits(buffer, ParameterBuffer()));
    EXPECT_TRUE(same_bits(ParameterBuffer().clone(), ParameterBuffer()));
}

TEST(CheckState, RefusesWrongSizesNonFiniteValuesAndDirtyPadding) {
    const ParameterLayout layout(tiny_config());
    ParameterBuffer buffer = genesis_parameters(layout, 1);
    EXPECT_TRUE(check_state(layout, buffer));
    EXPECT_EQ(check_state(ParameterLayout(nano_config()), buffer).error().code,
              Errc::kInvalidArgument);
    const TensorSlot& last = layout.tensors().back();
    for (const float bad :
         {std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity(),
          std::numeric_limits<float>::quiet_NaN()}) {
        ParameterBuffer broken = buffer.clone();
        broken.floats()[last.offset + last.numel - 1] = bad;
        const Status status = check_state(layout, broken);
        ASSERT_FALSE(status);
        EXPECT_EQ(status.error().code, Errc::kMalformed);
        EXPECT_NE(status.error().context.find("lm_head"), std::string::npos);
    }
    ParameterBuffer dirty = buffer.clone();
    dirty.floats()[last.offset + last.numel] = -0.0F;
    EXPECT_EQ(check_state(layout, dirty).error().code, Errc::kMalformed);
}

TEST(Genesis, MeanDeviationAndRepeatability) {
    const ParameterLayout layout(nano_config());
    const ParameterBuffer theta = genesis_parameters(layout, 42);
    EXPECT_TRUE(same_bits(theta, genesis_parameters(layout, 42)));
    EXPECT_FALSE(same_bits(theta, genesis_parameters(layout, 43)));
    EXPECT_TRUE(check_state(layout, theta));
    for (const TensorSlot& slot : layout.tensors()) {
        const auto values = theta.floats().subspan(slot.offset, slot.numel);
        double sum = 0.0;
        double squares = 0.0;
        for (const float value : values) {
            sum += static_cast<double>(value);
            squares += static_cast<double>(value) * static_cast<double>(value);
        }
        const double n = static_cast<double>(slot.numel);
        if (slot.is_norm) {
            EXPECT_EQ(sum, n) << slot.name;
            continue;
        }
        const bool output =
            slot.name.ends_with("o_proj.weight") || slot.name.ends_with("down_proj.weight");
        EXPECT_NEAR(sum / n, 0.0, 5.0 * 0.02 / std::sqrt(n)) << slot.name;
        EXPECT_NEAR(std::sqrt(squares / n), output ? 0.01 : 0.02, 4e-4) << slot.name;
    }
}

// The value of the formula in genesis.hpp, worked out here once more from the generator's words.
TEST(Genesis, FirstElementFollowsTheFormula) {
    const ParameterLayout layout(tiny_config());
    const CounterRng rng(9, 2);  // third tensor: q_proj
    std::uint64_t sum = 0;
    for (std::uint64_t block = 0; block < 3; ++block) {
        for (const std::uint32_t word : rng.block(block))
            sum += word;
    }
    const double expected = (std::ldexp(static_cast<double>(sum), -32) - 6.0) * 0.02;
    const ParameterBuffer theta = genesis_parameters(layout, 9);
    EXPECT_EQ(theta.floats()[layout.tensors()[2].offset], static_cast<float>(expected));
}

TEST(RopeTable, MatchesLibm) {
    for (const std::uint32_t head_dim : {8U, 32U, 128U}) {
        const RopeTable table = rope_table(2048, head_dim, 10000.0F);
        const std::size_t half = head_dim / 2;
        for (const std::size_t t : {0U, 1U, 2U, 127U, 1000U, 2047U}) {
            for (std::size_t i = 0; i < half; ++i) {
                const double angle =
                    static_cast<double>(t) *
                    std::pow(10000.0, -static_cast<double>(i) / static_cast<double>(half));
                ASSERT_NEAR(static_cast<double>(table.cos[t * half + i]), std::cos(angle), 1e-7);
                ASSERT_NEAR(static_cast<double>(table.sin[t * half + i]), std::sin(angle), 1e-7);
            }
        }
    }
}

}  // namespace
}  // namespace covenant::engine
