#include "common/base/hex.hpp"

#include "common/base/counter_rng.hpp"

#include <gtest/gtest.h>

namespace covenant {
namespace {

TEST(Hex, WritesLowerCase) {
    const Bytes bytes{0x0A, 0x1B, 0xFF};
    EXPECT_EQ(to_hex(bytes), "0a1bff");
    EXPECT_EQ(to_0x(bytes), "0x0a1bff");
    EXPECT_EQ(to_hex({}), "");
    EXPECT_EQ(to_0x(Address{}), "0x" + std::string(40, '0'));
}

TEST(Hex, ShortensForPeople) {
    EXPECT_EQ(to_short_hex(Bytes{1, 2, 3, 4, 5}), "0x0102030405");
    EXPECT_EQ(to_short_hex(Bytes{0x12, 0x34, 0, 0, 0xAB, 0xCD}), "0x1234…abcd");
}

TEST(Hex, ReadsEitherCaseAndPrefix) {
    EXPECT_EQ(*from_hex("0x0A1b"), (Bytes{0x0A, 0x1B}));
    EXPECT_EQ(*from_hex("0A1B"), (Bytes{0x0A, 0x1B}));
    EXPECT_TRUE(from_hex("0x")->empty());
}

TEST(Hex, RefusesWhatIsNotHex) {
    for (const char* bad : {"0", "0x0", "0g", "0x 0", "zz", "0x0x00"}) {
        const auto result = from_hex(bad);
        ASSERT_FALSE(result) << bad;
        EXPECT_EQ(result.error().code, Errc::kMalformed);
    }
    EXPECT_FALSE(from_hex("000000", 2));
    EXPECT_TRUE(from_hex("0000", 2));
}

TEST(Hex, FixedValuesNeedTheirSize) {
    EXPECT_TRUE(fixed_from_hex<Hash256>(std::string(64, 'f')));
    EXPECT_FALSE(fixed_from_hex<Hash256>(std::string(62, 'f')));
    EXPECT_FALSE(fixed_from_hex<Hash256>(std::string(66, 'f')));
    EXPECT_FALSE(fixed_from_hex<Hash256>(""));
}

TEST(Hex, RoundTripsAnyBytes) {
    CounterRng rng(1);
    for (int i = 0; i < 100; ++i) {
        Bytes bytes(rng.below(64));
        for (std::uint8_t& byte : bytes) {
            byte = static_cast<std::uint8_t>(rng.next_u32());
        }
        EXPECT_EQ(*from_hex(to_0x(bytes)), bytes);
    }
}

}  // namespace
}  // namespace covenant
