// Every instruction set's loops over chunks against the plain ones, bit for bit.
#include "common/base/counter_rng.hpp"
#include "common/engine/kernels/tables.hpp"

#include <algorithm>
#include <bit>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>

namespace covenant::kernels {
namespace {

constexpr std::size_t kChunk = 4096;

class ChunkLoopsTest : public ::testing::Test {
  protected:
    void SetUp() override {
        if (available_isas().back() == Isa::kScalar) GTEST_SKIP() << "this CPU has the plain ones";
    }
    // Of every magnitude, denormals too, and zeros of both signs.
    std::vector<float> values(std::size_t count) {
        std::vector<float> out(count);
        for (float& value : out) {
            const auto bits = static_cast<std::uint32_t>(rng.below(0x7F800000U));
            const auto sign = static_cast<std::uint32_t>(rng.below(2)) << 31;
            value = std::bit_cast<float>(rng.below(16) == 0 ? sign : bits | sign);
        }
        return out;
    }
    static std::vector<std::uint32_t> bits_of(const std::vector<float>& values) {
        std::vector<std::uint32_t> out(values.size());
        std::ranges::transform(values, out.begin(),
                               [](float value) { return std::bit_cast<std::uint32_t>(value); });
        return out;
    }

    const ChunkLoops plain = chunk_loops_scalar();
    const ChunkLoops wide = chunk_loops_avx2();
    CounterRng rng{7, 0};
};

TEST_F(ChunkLoopsTest, Accumulate) {
    for (const std::size_t count : {1UL, 7UL, 255UL, 256UL, 300UL, 4095UL, kChunk}) {
        const std::vector<float> start = values(count);
        const std::vector<float> end = values(count);
        std::vector<float> a = values(count);
        std::vector<float> b = a;
        std::vector<float> peaks_a(kPeaks);
        std::vector<float> peaks_b(kPeaks);
        EXPECT_EQ(
            plain.accumulate(0.95F, start.data(), end.data(), count, a.data(), peaks_a.data()),
            wide.accumulate(0.95F, start.data(), end.data(), count, b.data(), peaks_b.data()));
        EXPECT_EQ(bits_of(a), bits_of(b)) << count;
        EXPECT_EQ(bits_of(peaks_a), bits_of(peaks_b)) << count;
    }
}

TEST_F(ChunkLoopsTest, CountsMasksAndNumbers) {
    const std::vector<float> chunk = values(kChunk);
    std::vector<float> ahead(kChunk);
    const Ahead next{.inputs = {ahead.data(), ahead.data(), ahead.data()}, .count = kChunk};
    for (const std::uint32_t least : {0U, 1U, 0x00800000U, 0x3F800000U, 0x7F000000U, 0x7F7FFFFFU}) {
        const std::uint32_t reached = plain.count_at_least(chunk.data(), kChunk, least);
        EXPECT_EQ(wide.count_at_least(chunk.data(), kChunk, least), reached) << least;
        EXPECT_EQ(wide.count_at_least(chunk.data(), 77, least),
                  plain.count_at_least(chunk.data(), 77, least));
        std::vector<std::uint64_t> masks(kChunk / 64);
        std::vector<std::uint64_t> same(kChunk / 64);
        plain.mask_at_least(chunk.data(), kChunk, least, masks.data(), next);
        wide.mask_at_least(chunk.data(), kChunk, least, same.data(), next);
        EXPECT_EQ(masks, same) << least;
        std::vector<std::uint16_t> numbers(kChunk + kMaskSlack);
        std::vector<std::uint16_t> again(kChunk + kMaskSlack);
        EXPECT_EQ(plain.numbers_of_bits(masks.data(), masks.size(), numbers.data(), next), reached);
        EXPECT_EQ(wide.numbers_of_bits(masks.data(), masks.size(), again.data(), next), reached);
        numbers.resize(reached);
        again.resize(reached);
        EXPECT_EQ(numbers, again) << least;
    }
}

TEST_F(ChunkLoopsTest, HalfSupportStep) {
    for (const std::size_t count : {1UL, 3UL, 4UL, 5UL, 1001UL}) {
        std::vector<CoordinateSum> sums(count);
        for (CoordinateSum& sum : sums) {
            sum.numerator = static_cast<double>(values(1).front());
            sum.support = 0.1 + static_cast<double>(rng.below(1000)) / 300;
        }
        std::vector<std::uint32_t> positions(count);
        std::iota(positions.rbegin(), positions.rend(), 5U);
        std::vector<float> a = values(kChunk);
        std::vector<float> b = a;
        EXPECT_EQ(plain.half_support_step(sums.data(), positions.data(), count, 0.7, 3.3, a.data()),
                  wide.half_support_step(sums.data(), positions.data(), count, 0.7, 3.3, b.data()));
        EXPECT_EQ(bits_of(a), bits_of(b)) << count;
    }
}

}  // namespace
}  // namespace covenant::kernels
