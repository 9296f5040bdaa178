#include "common/base/counter_rng.hpp"

#include <map>

#include <gtest/gtest.h>

namespace covenant {
namespace {

using Words = std::array<std::uint32_t, 4>;

// The known answers of Random123 for philox4x32-10.
TEST(CounterRng, GivesThePublishedAnswers) {
    EXPECT_EQ(CounterRng(0, 0).block(0), (Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
    constexpr std::uint64_t kOnes = ~std::uint64_t{0};
    EXPECT_EQ(CounterRng(kOnes, kOnes).block(kOnes),
              (Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
    EXPECT_EQ(CounterRng(0x299f31d0a4093822, 0x0370734413198a2e).block(0x85a308d3243f6a88),
              (Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(CounterRng, SequenceWalksTheBlocks) {
    CounterRng rng(7, 9);
    const Words first = CounterRng(7, 9).block(0);
    const Words second = CounterRng(7, 9).block(1);
    EXPECT_EQ(rng.next_u32(), first[0]);
    EXPECT_EQ(rng.next_u64(), first[1] | (std::uint64_t{first[2]} << 32));
    EXPECT_EQ(rng.next_u64(), first[3] | (std::uint64_t{second[0]} << 32));
}

TEST(CounterRng, KeyAndStreamSeparate) {
    EXPECT_NE(CounterRng(1).next_u64(), CounterRng(2).next_u64());
    EXPECT_NE(CounterRng(1, 0).next_u64(), CounterRng(1, 1).next_u64());
}

TEST(CounterRng, BelowStaysBelowAndReachesAll) {
    CounterRng rng(3);
    std::map<std::uint64_t, int> seen;
    for (int i = 0; i < 7000; ++i) {
        ++seen[rng.below(7)];
    }
    ASSERT_EQ(seen.size(), 7U);
    for (const auto& [value, times] : seen) {
        EXPECT_LT(value, 7U);
        EXPECT_NEAR(times, 1000, 150);
    }
    EXPECT_EQ(rng.below(1), 0U);
}

}  // namespace
}  // namespace covenant
