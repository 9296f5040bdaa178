#include "common/base/safe_math.hpp"

#include <limits>

#include <gtest/gtest.h>

namespace covenant {
namespace {

TEST(SafeMath, StopsAtTheEdges) {
    constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();
    EXPECT_EQ(checked_add<std::uint64_t>(kMax - 1, 1), kMax);
    EXPECT_FALSE(checked_add<std::uint64_t>(kMax, 1));
    EXPECT_EQ(checked_sub<std::uint64_t>(1, 1), 0U);
    EXPECT_FALSE(checked_sub<std::uint64_t>(0, 1));
    EXPECT_EQ(checked_mul<std::uint64_t>(kMax, 1), kMax);
    EXPECT_FALSE(checked_mul<std::uint64_t>(kMax, 2));
    EXPECT_FALSE(checked_sub<std::int32_t>(std::numeric_limits<std::int32_t>::min(), 1));
    EXPECT_FALSE(checked_mul<Uint128>(Uint128{1} << 127, 2));
}

TEST(SafeMath, DecimalsOf128Bits) {
    const Uint128 max = ~Uint128{0};
    EXPECT_EQ(to_decimal(0), "0");
    EXPECT_EQ(to_decimal(max), "340282366920938463463374607431768211455");
    EXPECT_EQ(*from_decimal("340282366920938463463374607431768211455"), max);
    EXPECT_FALSE(from_decimal("340282366920938463463374607431768211456"));
    EXPECT_FALSE(from_decimal("3402823669209384634633746074317682114550"));
    for (const char* bad : {"", "-1", "+1", " 1", "1 ", "0x1", "1e3", "1.0"}) {
        EXPECT_FALSE(from_decimal(bad)) << bad;
    }
}

TEST(Amount, SpeaksTokens) {
    EXPECT_EQ(to_tokens({kOneToken}), "1");
    EXPECT_EQ(to_tokens({kOneToken * 3 / 2}), "1.5");
    EXPECT_EQ(to_tokens({1}), "0.000000000000000001");
    EXPECT_EQ(to_tokens({}), "0");
    EXPECT_EQ(amount_from_tokens("1.5")->units, kOneToken * 3 / 2);
    EXPECT_EQ(amount_from_tokens("21000000")->units, kOneToken * 21000000);
    EXPECT_EQ(amount_from_tokens("0.000000000000000001")->units, Uint128{1});
    for (const char* bad : {"", ".", "1.", ".x", "1.0000000000000000001", "1,5", "-1", "1.5.0",
                            "999999999999999999999999999999"}) {
        const auto result = amount_from_tokens(bad);
        ASSERT_FALSE(result) << bad;
        EXPECT_EQ(result.error().code, Errc::kMalformed);
    }
}

TEST(Amount, Adds) {
    Amount sum{1};
    sum += Amount{2};
    EXPECT_EQ(sum + Amount{3}, Amount{6});
    EXPECT_LT(Amount{1}, Amount{2});
}

}  // namespace
}  // namespace covenant
