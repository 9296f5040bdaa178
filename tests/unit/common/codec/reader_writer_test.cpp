#include "common/base/counter_rng.hpp"
#include "common/base/hex.hpp"
#include "common/codec/reader.hpp"
#include "common/codec/writer.hpp"

#include <limits>

#include <gtest/gtest.h>

namespace covenant::codec {
namespace {

using Round = StrongId<struct RoundTag, std::uint64_t>;
using Uid = StrongId<struct UidTag, std::uint16_t>;

constexpr std::uint64_t kU64Max = std::numeric_limits<std::uint64_t>::max();
constexpr std::int64_t kI64Min = std::numeric_limits<std::int64_t>::min();

TEST(Writer, LaysBytesOutAsDocumented) {
    Writer out;
    out.u8(1).u16(0x0203).u32(0x04050607).u64(0x08090A0B0C0D0E0F).i64(-2).boolean(true);
    EXPECT_EQ(to_hex(out.view()),
              "01"
              "0302"
              "07060504"
              "0f0e0d0c0b0a0908"
              "feffffffffffffff"
              "01");
    Writer lists;
    lists.var_bytes(Bytes{0xAA, 0xBB}).text("hi").count(3).raw(Bytes{0xCC}).id(Uid(0x0102));
    EXPECT_EQ(to_hex(lists.view()),
              "02000000aabb"
              "020000006869"
              "03000000"
              "cc"
              "0201");
    EXPECT_EQ(lists.size(), 19U);
    EXPECT_EQ(lists.take().size(), 19U);
    EXPECT_EQ(lists.size(), 0U);
}

TEST(Reader, ReadsWhatWasWritten) {
    Hash256 hash;
    hash.bytes[0] = 9;
    Writer out;
    out.u8(255).u16(65535).u32(1).u64(kU64Max).i64(kI64Min).boolean(false);
    out.fixed(hash)
        .id(Round(7))
        .id(Uid(8))
        .var_bytes(Bytes{1, 2})
        .text("loss")
        .count(2)
        .raw(Bytes{3, 4});
    const Bytes bytes = out.take();
    Reader in(bytes);
    EXPECT_EQ(in.u8(), 255);
    EXPECT_EQ(in.u16(), 65535);
    EXPECT_EQ(in.u32(), 1U);
    EXPECT_EQ(in.u64(), kU64Max);
    EXPECT_EQ(in.i64(), kI64Min);
    EXPECT_FALSE(in.boolean());
    EXPECT_EQ(in.fixed<Hash256>(), hash);
    EXPECT_EQ(in.id<Round>(), Round(7));
    EXPECT_EQ(in.id<Uid>(), Uid(8));
    EXPECT_EQ(in.var_bytes(2)[1], 2);
    EXPECT_EQ(in.text(4), "loss");
    EXPECT_EQ(in.count(1, 2), 2U);
    EXPECT_EQ(in.raw(2)[0], 3);
    EXPECT_TRUE(in.finish());
    EXPECT_EQ(in.error(), ReadError::kNone);
}

TEST(Reader, EveryTruncationFails) {
    Writer out;
    out.u64(1).text("four").fixed(Hash256{}).count(1).u16(5);
    const Bytes bytes = out.take();
    const auto read = [](ByteView data) {
        Reader in(data);
        in.u64();
        in.text(10);
        in.fixed<Hash256>();
        const std::size_t n = in.count(2, 10);
        for (std::size_t i = 0; i < n; ++i) {
            in.u16();
        }
        return in.finish();
    };
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        EXPECT_FALSE(read(ByteView(bytes).first(size))) << size;
    }
    EXPECT_TRUE(read(bytes));
}

TEST(Reader, FirstFailureSticksAndReadsGiveNothing) {
    const Bytes bytes{1, 2, 3, 4, 5};
    Reader in(bytes);
    EXPECT_EQ(in.u64(), 0U);
    EXPECT_EQ(in.error(), ReadError::kTruncated);
    EXPECT_EQ(in.u8(), 0);  // though a byte is there
    EXPECT_TRUE(in.raw(1).empty());
    EXPECT_TRUE(in.raw(0).empty());
    EXPECT_EQ(in.count(1, 100), 0U);
    EXPECT_EQ(in.remaining(), 0U);
    EXPECT_EQ(in.position(), 0U);
    in.fail(ReadError::kBadValue);
    EXPECT_FALSE(in.finish());
    EXPECT_EQ(in.error(), ReadError::kTruncated);
}

TEST(Reader, TrailingBytesAreRefused) {
    const Bytes bytes{1, 2};
    Reader in(bytes);
    in.u8();
    EXPECT_FALSE(in.finish());
    EXPECT_EQ(in.error(), ReadError::kTrailing);
}

TEST(Reader, LengthsAreBounded) {
    Writer out;
    out.var_bytes(Bytes(10, 1));
    const Bytes bytes = out.take();
    Reader bounded(bytes);
    EXPECT_TRUE(bounded.var_bytes(9).empty());
    EXPECT_EQ(bounded.error(), ReadError::kTooLong);
    EXPECT_EQ(bounded.position(), 0U);
    const Bytes huge{0xFF, 0xFF, 0xFF, 0xFF, 0};
    Reader lying(huge);
    EXPECT_TRUE(lying.var_bytes(kU64Max).empty());
    EXPECT_EQ(lying.error(), ReadError::kTooLong);
}

TEST(Reader, CountsAreCheckedBeforeAnyoneAllocates) {
    const auto count_of = [](std::uint32_t items, std::size_t rest, std::size_t item,
                             std::size_t max) {
        Writer out;
        out.u32(items).raw(Bytes(rest, 0));
        const Bytes bytes = out.take();
        Reader in(bytes);
        const std::size_t n = in.count(item, max);
        return std::pair(n, in.error());
    };
    EXPECT_EQ(count_of(4, 32, 8, 10), std::pair(std::size_t{4}, ReadError::kNone));
    EXPECT_EQ(count_of(5, 32, 8, 10), std::pair(std::size_t{0}, ReadError::kTooLong));
    EXPECT_EQ(count_of(4, 32, 8, 3), std::pair(std::size_t{0}, ReadError::kTooLong));
    EXPECT_EQ(count_of(0xFFFFFFFF, 64, kU64Max / 2, kU64Max).second, ReadError::kTooLong);
    EXPECT_EQ(count_of(0xFFFFFFFF, 64, 0, kU64Max).second, ReadError::kTooLong);
    EXPECT_EQ(count_of(0, 0, 8, 0), std::pair(std::size_t{0}, ReadError::kNone));
}

TEST(Reader, OnlyCanonicalBooleans) {
    const Bytes bytes{2};
    Reader in(bytes);
    EXPECT_FALSE(in.boolean());
    EXPECT_EQ(in.error(), ReadError::kBadValue);
}

TEST(Reader, ExpectsMagic) {
    const Bytes bytes{'c', 'o', 'v', 1};
    Reader good(bytes);
    EXPECT_TRUE(good.expect(as_bytes("cov")));
    EXPECT_EQ(good.u8(), 1);
    Reader bad(bytes);
    EXPECT_FALSE(bad.expect(as_bytes("cow")));
    EXPECT_EQ(bad.error(), ReadError::kBadValue);
    Reader shorter(bytes);
    EXPECT_FALSE(shorter.expect(as_bytes("covenant")));
    EXPECT_EQ(shorter.error(), ReadError::kTruncated);
}

TEST(Reader, ErrorsHaveNames) {
    EXPECT_EQ(to_string(ReadError::kNone), "none");
    EXPECT_EQ(to_string(ReadError::kTruncated), "truncated");
    EXPECT_EQ(to_string(ReadError::kTooLong), "too_long");
    EXPECT_EQ(to_string(ReadError::kBadValue), "bad_value");
    EXPECT_EQ(to_string(ReadError::kTrailing), "trailing_bytes");
}

TEST(ReaderWriter, RandomSequencesRoundTrip) {
    CounterRng rng(11);
    for (int round = 0; round < 200; ++round) {
        std::vector<Bytes> parts(rng.below(8));
        Writer out;
        out.count(parts.size());
        for (Bytes& part : parts) {
            part.resize(rng.below(40));
            for (std::uint8_t& byte : part) {
                byte = static_cast<std::uint8_t>(rng.next_u32());
            }
            out.var_bytes(part);
        }
        const Bytes bytes = out.take();
        Reader in(bytes);
        ASSERT_EQ(in.count(4, 8), parts.size());
        for (const Bytes& part : parts) {
            const ByteView read = in.var_bytes(40);
            EXPECT_EQ(Bytes(read.begin(), read.end()), part);
        }
        EXPECT_TRUE(in.finish());
    }
}

}  // namespace
}  // namespace covenant::codec
