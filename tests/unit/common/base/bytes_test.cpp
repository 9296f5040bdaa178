#include "common/base/bytes.hpp"

#include "common/base/safe_math.hpp"
#include "common/base/strong_id.hpp"

#include <unordered_set>

#include <gtest/gtest.h>

namespace covenant {
namespace {

static_assert(!std::is_convertible_v<Hash256, PublicKey>);
using Round = StrongId<struct RoundTag, std::uint64_t>;
using Uid = StrongId<struct UidTag, std::uint16_t>;
static_assert(!std::is_convertible_v<Round, Uid> && !std::is_convertible_v<int, Round>);

TEST(Bytes, LittleAndBigEndianAreMirrors) {
    std::uint8_t buffer[8];
    store_le(std::uint64_t{0x0102030405060708}, buffer);
    EXPECT_EQ(buffer[0], 8);
    EXPECT_EQ(buffer[7], 1);
    EXPECT_EQ(load_le<std::uint64_t>(buffer), 0x0102030405060708U);
    EXPECT_EQ(load_be<std::uint64_t>(buffer), 0x0807060504030201U);
    store_be(std::uint16_t{0xABCD}, buffer);
    EXPECT_EQ(buffer[0], 0xAB);
    EXPECT_EQ(load_be<std::uint16_t>(buffer), 0xABCD);
    EXPECT_EQ(load_le<std::uint16_t>(buffer), 0xCDAB);
}

TEST(Bytes, FixedValuesCompareByContent) {
    Hash256 a;
    Hash256 b;
    EXPECT_TRUE(a.is_zero());
    EXPECT_EQ(a, b);
    b.bytes[31] = 1;
    EXPECT_LT(a, b);
    a.bytes[0] = 1;
    EXPECT_GT(a, b);  // the first byte decides
    EXPECT_FALSE(a.is_zero());
    EXPECT_EQ((std::unordered_set<Hash256>{a, b, a}.size()), 2U);
}

TEST(Bytes, FromTakesExactlyItsBytes) {
    const Bytes source(20, 7);
    EXPECT_EQ(Address::from(source).bytes[19], 7);
}

TEST(Bytes, TextAndBytesAreTheSameMemory) {
    EXPECT_EQ(as_text(as_bytes("round")), "round");
    Bytes out{1};
    append(out, as_bytes("a"));
    EXPECT_EQ(out, (Bytes{1, 'a'}));
}

TEST(StrongId, CountsAndHashes) {
    EXPECT_EQ(Round(4).next(), Round(5));
    EXPECT_LT(Uid(1), Uid(2));
    EXPECT_EQ((std::unordered_set<Uid>{Uid(1), Uid(1)}.size()), 1U);
}

}  // namespace
}  // namespace covenant
