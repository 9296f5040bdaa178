#include "common/engine/compressor.hpp"

#include "common/base/level.hpp"
#include "tests/unit/common/engine/engine_fixture.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <numeric>

#include <gtest/gtest.h>

namespace covenant::engine::testing {
namespace {

std::vector<float> random_chunk(std::uint64_t seed) {
    CounterRng rng(seed);
    std::vector<float> values(kChunkFloats);
    for (float& value : values) {
        value = static_cast<float>(rng.next_u32()) / 4294967296.0F - 0.5F;
    }
    return values;
}

float closest_level(float value) {
    int best = 0;
    value = std::min(value, level_value(kMaxLevel));
    for (int code = 1; code < 256; ++code) {
        const auto off = [&](int c) {
            return std::fabs(static_cast<double>(level_value(static_cast<std::uint8_t>(c))) -
                             static_cast<double>(value));
        };
        if (off(code) < off(best) || (off(code) == off(best) && code % 2 == 0)) best = code;
    }
    return level_value(static_cast<std::uint8_t>(best));
}

// The rule by a full sort and the quantiser by its definition.
SparseChunk naive(const std::vector<float>& a, std::uint32_t live, std::uint32_t count) {
    std::vector<std::uint16_t> order(live);
    std::iota(order.begin(), order.end(), std::uint16_t{0});
    std::ranges::stable_sort(
        order, [&](std::uint16_t i, std::uint16_t j) { return std::fabs(a[i]) > std::fabs(a[j]); });
    SparseChunk out;
    out.indices.assign(order.begin(), order.begin() + count);
    std::ranges::sort(out.indices);
    double sum = 0.0;
    for (const auto i : out.indices)
        sum += static_cast<double>(std::fabs(a[i]));
    const auto threshold = static_cast<float>(sum / count);
    double low = 0.0;
    double high = 0.0;
    int lows = 0;
    int highs = 0;
    for (const auto i : out.indices) {
        const bool above = std::fabs(a[i]) > threshold;
        out.codes.push_back(
            static_cast<std::uint8_t>((std::signbit(a[i]) ? 2 : 0) + (above ? 1 : 0)));
        (above ? high : low) += static_cast<double>(std::fabs(a[i]));
        ++(above ? highs : lows);
    }
    out.low = closest_level(static_cast<float>(low / lows));
    out.high = highs == 0 ? out.low : closest_level(static_cast<float>(high / highs));
    if (out.low == out.high) {
        for (auto& code : out.codes)
            code &= 2;
    }
    return out;
}

TEST(KeepCount, RoundsHalfUpAndKeepsAtLeastOne) {
    EXPECT_EQ(keep_count(64, 4096), 64U);
    EXPECT_EQ(keep_count(64, 1), 1U);
    EXPECT_EQ(keep_count(64, 95), 1U);  // 1.484
    EXPECT_EQ(keep_count(64, 96), 2U);  // 1.5
    EXPECT_EQ(keep_count(1024, 128), 32U);
    EXPECT_EQ(keep_count(4096, 77), 77U);
    EXPECT_EQ(keep_count(1, 1), 1U);
}

TEST(CompressChunk, MatchesTheDefinition) {
    for (const std::uint32_t live : {1U, 2U, 128U, 4095U, 4096U}) {
        for (const std::uint32_t keep : {1U, 64U, 1024U, 4096U}) {
            const std::vector<float> a = random_chunk(live * 10000 + keep);
            const std::uint32_t count = keep_count(keep, live);
            EXPECT_EQ(compress_chunk(a, live, count).value(), naive(a, live, count))
                << live << " " << keep;
        }
    }
}

TEST(CompressChunk, TiesGoToTheLowerIndexWhateverTheSign) {
    std::vector<float> a(kChunkFloats, 0.5F);
    for (std::size_t i = 0; i < a.size(); i += 3)
        a[i] = -0.5F;
    a[4000] = 0.75F;
    const SparseChunk chunk = compress_chunk(a, 4096, 5).value();
    EXPECT_EQ(chunk.indices, (std::vector<std::uint16_t>{0, 1, 2, 3, 4000}));
    EXPECT_EQ(chunk.codes, (std::vector<std::uint8_t>{2, 0, 0, 2, 1}));
    EXPECT_EQ(chunk.low, 0.5F);
    EXPECT_EQ(chunk.high, 0.75F);
}

TEST(CompressChunk, EqualMagnitudesHaveOneLevel) {
    for (const float value : {0.1F, 1.0F / 3.0F, 1e-30F, 3e38F, 1e-44F}) {
        const std::vector<float> a(kChunkFloats, value);
        const SparseChunk chunk = compress_chunk(a, 4096, 1023).value();
        EXPECT_EQ(chunk.low, closest_level(value));
        EXPECT_EQ(chunk.high, chunk.low);
        EXPECT_TRUE(std::ranges::all_of(chunk.codes, [](auto code) { return code == 0; }));
    }
}

TEST(CompressChunk, ZerosDecodeToZero) {
    std::vector<float> a(kChunkFloats, 0.0F);
    a[1] = -0.0F;
    const SparseChunk chunk = compress_chunk(a, 100, 3).value();
    EXPECT_EQ(chunk.indices, (std::vector<std::uint16_t>{0, 1, 2}));
    EXPECT_EQ(std::bit_cast<std::uint32_t>(chunk.low), 0U);
    EXPECT_EQ(std::bit_cast<std::uint32_t>(chunk.high), 0U);
    EXPECT_EQ(chunk.value(0), 0.0F);
    EXPECT_EQ(chunk.value(1), 0.0F);
    EXPECT_EQ(decoded_norm(std::span(&chunk, 1)), 0.0);
}

TEST(CompressChunk, NeverSelectsPadding) {
    std::vector<float> a(kChunkFloats, 1.0F);  // larger than every live value, and refused nowhere
    for (std::size_t i = 0; i < 10; ++i)
        a[i] = 1e-6F;
    a[10] = std::numeric_limits<float>::quiet_NaN();  // not live: not looked at
    const SparseChunk chunk = compress_chunk(a, 10, 10).value();
    EXPECT_EQ(chunk.indices.back(), 9);
}

TEST(CompressChunk, RefusesNanInfinityAndBadSizes) {
    for (const float bad :
         {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
          -std::numeric_limits<float>::infinity()}) {
        std::vector<float> a = random_chunk(1);
        a[4095] = bad;
        EXPECT_EQ(compress_chunk(a, 4096, 64).error().code, Errc::kRejected);
        EXPECT_TRUE(compress_chunk(a, 4095, 64));
    }
    const std::vector<float> a = random_chunk(1);
    EXPECT_EQ(compress_chunk(a, 0, 0).error().code, Errc::kInvalidArgument);
    EXPECT_EQ(compress_chunk(a, 10, 11).error().code, Errc::kInvalidArgument);
    EXPECT_EQ(compress_chunk(a, 4097, 1).error().code, Errc::kInvalidArgument);
    EXPECT_EQ(compress_chunk(std::span(a).first(4095), 10, 1).error().code, Errc::kInvalidArgument);
}

TEST(CompressChunk, HugeValuesKeepFiniteLevels) {
    std::vector<float> a(kChunkFloats, std::numeric_limits<float>::max());
    a[7] = -std::numeric_limits<float>::denorm_min();
    const SparseChunk chunk = compress_chunk(a, 4096, 4096).value();
    EXPECT_EQ(chunk.low, 0.0F);
    EXPECT_EQ(chunk.high, 60.0F);  // the largest level: the residual keeps the rest
}

TEST(CompressChunk, MeansThatOneLevelIsNearestToAreNotToldApart) {
    std::vector<float> a(kChunkFloats, 1.0F);
    for (std::size_t i = 0; i < a.size(); i += 2)
        a[i] = -1.03F;
    const SparseChunk chunk = compress_chunk(a, 4096, 4096).value();
    EXPECT_EQ(chunk.low, 1.0F);
    EXPECT_EQ(chunk.high, 1.0F);
    EXPECT_EQ(chunk.codes[0], kCodeNegative);
    EXPECT_EQ(chunk.codes[1], 0);
}

class CompressTest : public ::testing::Test {
  protected:
    void perturb(ParameterBuffer& buffer, std::uint64_t seed, float scale) const {
        CounterRng rng(seed);
        for (const TensorSlot& slot : layout_.tensors()) {
            for (float& value : buffer.floats().subspan(slot.offset, slot.numel)) {
                value += (static_cast<float>(rng.next_u32()) / 4294967296.0F - 0.5F) * scale;
            }
        }
    }
    ParameterLayout layout_{tiny_config()};
    ParameterBuffer start_ = genesis_parameters(layout_, 1);
    ParameterBuffer end_ = start_.clone();
    ParameterBuffer error_{layout_};
};

TEST_F(CompressTest, SumSplitsIntoSentAndResidual) {
    perturb(end_, 1, 0.01F);
    perturb(error_, 2, 0.02F);
    const Compressed out = compress(layout_, {0.95F, 1024}, start_, end_, error_).value();
    EXPECT_TRUE(check_chunks(layout_, 1024, out.chunks));
    std::vector<float> sent(kChunkFloats);
    double squares = 0.0;
    for (std::size_t c = 0; c < layout_.chunk_count(); ++c) {
        decode_chunk(out.chunks[c], sent);
        for (std::size_t i = 0; i < kChunkFloats; ++i) {
            const std::size_t at = c * kChunkFloats + i;
            volatile float product = 0.95F * error_.floats()[at];
            volatile float difference = start_.floats()[at] - end_.floats()[at];
            ASSERT_EQ(out.accumulated.floats()[at], product + difference);
            ASSERT_EQ(out.residual.floats()[at], out.accumulated.floats()[at] - sent[i]);
            squares += static_cast<double>(sent[i]) * static_cast<double>(sent[i]);
        }
    }
    EXPECT_NEAR(out.norm, std::sqrt(squares), 1e-12);
    EXPECT_TRUE(check_state(layout_, out.residual));
    EXPECT_TRUE(check_state(layout_, out.accumulated));
}

TEST_F(CompressTest, KeepingEverythingWithOneLevelLeavesNothing) {
    for (const TensorSlot& slot : layout_.tensors()) {
        for (float& value : start_.floats().subspan(slot.offset, slot.numel))
            value = 1.0F;
        for (float& value : end_.floats().subspan(slot.offset, slot.numel))
            value = 0.75F;
    }
    const Compressed out = compress(layout_, {0.95F, 4096}, start_, end_, error_).value();
    for (const float value : out.residual.floats())
        ASSERT_EQ(value, 0.0F);
    EXPECT_EQ(out.norm, 0.25 * std::sqrt(static_cast<double>(layout_.parameter_count())));
    subtract_scaled(start_, out.chunks, 1.0F);
    EXPECT_TRUE(same_bits(start_, end_));
}

TEST_F(CompressTest, RefusesBadInput) {
    EXPECT_EQ(compress(layout_, {0.95F, 0}, start_, end_, error_).error().code,
              Errc::kInvalidArgument);
    EXPECT_EQ(compress(layout_, {0.95F, 4097}, start_, end_, error_).error().code,
              Errc::kInvalidArgument);
    EXPECT_EQ(compress(layout_, {1.5F, 64}, start_, end_, error_).error().code,
              Errc::kInvalidArgument);
    EXPECT_EQ(compress(layout_, {0.95F, 64}, start_, end_, ParameterBuffer()).error().code,
              Errc::kInvalidArgument);
    end_.floats()[layout_.tensors()[4].offset + 3] = std::numeric_limits<float>::infinity();
    const auto out = compress(layout_, {0.95F, 64}, start_, end_, error_);
    ASSERT_FALSE(out);
    EXPECT_EQ(out.error().code, Errc::kRejected);
    EXPECT_NE(out.error().context.find("v_proj"), std::string::npos) << out.error().context;
}

TEST_F(CompressTest, CheckChunksRefusesEachDefect) {
    perturb(end_, 1, 0.01F);
    const std::vector<SparseChunk> good =
        compress(layout_, {0.95F, 1024}, start_, end_, error_)->chunks;
    const auto refused = [&](auto change) {
        std::vector<SparseChunk> chunks = good;
        change(chunks);
        const Status status = check_chunks(layout_, 1024, chunks);
        ASSERT_FALSE(status);
        EXPECT_EQ(status.error().code, Errc::kMalformed);
    };
    EXPECT_TRUE(check_chunks(layout_, 1024, good));
    refused([](auto& c) { c.pop_back(); });
    refused([](auto& c) { c[0].indices.pop_back(); });
    refused([](auto& c) { c[0].codes.push_back(0); });
    refused([](auto& c) { std::swap(c[0].indices[0], c[0].indices[1]); });
    refused([](auto& c) { c[0].indices[1] = c[0].indices[0]; });
    refused([](auto& c) { c[0].indices.back() = 4095; });
    refused([](auto& c) { c[0].codes[0] = 4; });
    refused([](auto& c) { c[0].low = -0.0F; });
    refused([](auto& c) { c[0].low = std::nextafter(c[0].low, 0.0F); });
    refused([](auto& c) { c[0].low = c[0].high * 2.0F; });
    refused([](auto& c) { c[0].high = std::numeric_limits<float>::infinity(); });
    refused([](auto& c) { c[0].low = std::numeric_limits<float>::quiet_NaN(); });
}

}  // namespace
}  // namespace covenant::engine::testing
