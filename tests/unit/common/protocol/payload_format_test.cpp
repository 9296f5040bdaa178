// The chunks of a payload, bit by bit (R1.3, R4.16).
#include "common/protocol/payload_format.hpp"

#include "common/base/counter_rng.hpp"
#include "common/protocol/ids.hpp"

#include <numeric>
#include <tuple>

#include <gtest/gtest.h>

namespace covenant::protocol {
namespace {

constexpr std::uint32_t kWhole = kChunkElements;

PayloadChunk random_chunk(CounterRng& rng, std::uint32_t kept, std::uint32_t elements) {
    PayloadChunk chunk{.low = 100, .high = 117, .indices = {}, .codes = {}};
    for (std::uint32_t i = 0; i < elements && chunk.indices.size() < kept; ++i) {
        if (rng.below(elements - i) >= kept - chunk.indices.size()) continue;
        chunk.indices.push_back(static_cast<std::uint16_t>(i));
        chunk.codes.push_back(static_cast<std::uint8_t>(rng.below(4)));
    }
    return chunk;
}

void expect_round_trip(std::uint32_t kept_per_chunk, std::uint32_t elements,
                       const PayloadChunk& chunk) {
    const PayloadCodec codec(kept_per_chunk);
    const Bytes bytes = codec.encode(chunk);
    const ChunkSizes sizes = codec.sizes(elements);
    EXPECT_GE(bytes.size(), sizes.least);
    EXPECT_LE(bytes.size(), sizes.most);
    EXPECT_EQ(codec.decode(bytes, elements), chunk) << kept_per_chunk << " of " << elements;
    // In a stream, whatever follows.
    Bytes stream = bytes;
    stream.insert(stream.end(), 700, 0xff);
    const auto read = codec.read(stream, elements);
    ASSERT_TRUE(read.has_value());
    EXPECT_EQ(read->size, bytes.size());
    EXPECT_EQ(read->chunk, chunk);
}

TEST(PayloadFormat, KeptValuesAreRounded) {
    EXPECT_EQ(kept_in_chunk(64, 4096), 64U);
    EXPECT_EQ(kept_in_chunk(64, 100), 2U);  // 1.5625 + 0.5
    EXPECT_EQ(kept_in_chunk(64, 95), 1U);   // 1.484 + 0.5
    EXPECT_EQ(kept_in_chunk(64, 96), 2U);   // exactly 1.5 + 0.5
    EXPECT_EQ(kept_in_chunk(1, 1), 1U);
    EXPECT_EQ(kept_in_chunk(4096, 4096), 4096U);
}

TEST(PayloadFormat, BitsStandAsTheTableSays) {
    // k = 1024: M = 2, B = 1, C = 0. Of 8 elements two are kept.
    const PayloadCodec two(1024);
    const PayloadChunk pair{.low = 3, .high = 9, .indices = {0, 6}, .codes = {0b01, 0b10}};
    // codes 10 01 | gap 0: 1 0 | gap 5 = 2 * 2 + 1: 00 1 1, in order of the bits
    EXPECT_EQ(two.encode(pair), (Bytes{3, 9, 0b00011001, 0b00000011}));
    // k = 64: M = 44, B = 6, C = 20. Of 100 elements two are kept.
    const PayloadCodec six(64);
    const PayloadChunk sparse{.low = 3, .high = 9, .indices = {19, 98}, .codes = {0, 0b11}};
    // codes 00 11 | gap 19: 1, 19 in 5 bits: 11001 | gap 78 = 44 + 34: 0 1, u = 54, so 27 in 5
    // bits: 11011, then 0; each in order of the bits
    EXPECT_EQ(six.encode(sparse), (Bytes{3, 9, 0b01111100, 0b10111010, 0b00000001}));
    // k = 4096: M = 1, a gap is its zeros and a one.
    const PayloadCodec dense(4096);
    const PayloadChunk all{.low = 0, .high = 1, .indices = {0, 1, 2}, .codes = {1, 2, 3}};
    EXPECT_EQ(dense.encode(all), (Bytes{0, 1, 0b11111001, 0b00000001}));
    for (const auto& [codec, chunk, elements] :
         {std::tuple{&two, &pair, 8U}, {&six, &sparse, 100U}, {&dense, &all, 3U}}) {
        EXPECT_EQ(codec->decode(codec->encode(*chunk), elements), *chunk);
    }
}

TEST(PayloadFormat, RandomChunksRoundTrip) {
    CounterRng rng(5);
    for (const std::uint32_t k : {1U, 2U, 7U, 64U, 128U, 256U, 700U, 1024U, 2048U, 4095U, 4096U}) {
        for (const std::uint32_t elements : {1U, 2U, 3U, 17U, 100U, 2048U, 4095U, 4096U}) {
            expect_round_trip(k, elements, random_chunk(rng, kept_in_chunk(k, elements), elements));
        }
    }
}

TEST(PayloadFormat, ExtremeSelectionsRoundTrip) {
    for (const std::uint32_t k : {1U, 64U, 256U, 1024U, 3000U, 4096U}) {
        for (const std::uint32_t elements : {1U, 5U, 97U, 4096U}) {
            const std::uint32_t kept = kept_in_chunk(k, elements);
            PayloadChunk chunk{.low = 0, .high = 255, .indices = {}, .codes = {}};
            chunk.indices.resize(kept);
            chunk.codes.assign(kept, 3);
            std::iota(chunk.indices.begin(), chunk.indices.end(), std::uint16_t{0});
            expect_round_trip(k, elements, chunk);
            EXPECT_EQ(PayloadCodec(k).encode(chunk).size(), PayloadCodec(k).sizes(elements).least);
            // All at the end, and only the last one there.
            std::iota(chunk.indices.begin(), chunk.indices.end(),
                      static_cast<std::uint16_t>(elements - kept));
            expect_round_trip(k, elements, chunk);
            std::iota(chunk.indices.begin(), chunk.indices.end(), std::uint16_t{0});
            chunk.indices.back() = static_cast<std::uint16_t>(elements - 1);
            expect_round_trip(k, elements, chunk);
        }
    }
}

TEST(PayloadFormat, TheMostBytesAreReachedByAnExhaustiveSearch) {
    // Every selection of a small chunk, for an M of each kind.
    for (const std::uint32_t k : {300U, 400U, 512U, 1024U, 2048U, 4096U}) {
        const PayloadCodec codec(k);
        const std::uint32_t elements = 17;
        const std::uint32_t kept = kept_in_chunk(k, elements);
        std::size_t least = 1000;
        std::size_t most = 0;
        for (std::uint32_t set = 0; set < (1U << elements); ++set) {
            if (static_cast<std::uint32_t>(std::popcount(set)) != kept) continue;
            PayloadChunk chunk;
            for (std::uint16_t i = 0; i < elements; ++i) {
                if ((set >> i & 1U) != 0) chunk.indices.push_back(i);
            }
            chunk.codes.resize(kept);
            const std::size_t size = codec.encode(chunk).size();
            least = std::min(least, size);
            most = std::max(most, size);
        }
        EXPECT_EQ(codec.sizes(elements).least, least) << k;
        EXPECT_EQ(codec.sizes(elements).most, most) << k;
    }
}

TEST(PayloadFormat, EveryStringOfTwoBytesHasOneMeaningOrNone) {
    // n' = 3, k' = 1 at k = 1024: all bodies of two bytes after the levels.
    const PayloadCodec codec(1024);
    std::size_t accepted = 0;
    for (std::uint32_t body = 0; body < 0x10000; ++body) {
        for (const std::size_t size : {std::size_t{3}, std::size_t{4}}) {
            const Bytes bytes = {5, 6, static_cast<std::uint8_t>(body & 0xff),
                                 static_cast<std::uint8_t>(body >> 8)};
            if (size == 3 && body > 0xff) continue;
            const auto chunk = codec.decode(ByteView(bytes).first(size), 3);
            if (!chunk) continue;
            ++accepted;
            EXPECT_EQ(codec.encode(*chunk),
                      Bytes(bytes.begin(), bytes.begin() + static_cast<int>(size)));
        }
    }
    EXPECT_EQ(accepted, 3U * 4U);  // three positions, four codes
}

TEST(PayloadFormat, WhatIsNoChunkIsRefused) {
    const PayloadCodec codec(64);
    CounterRng rng(7);
    const PayloadChunk chunk = random_chunk(rng, 64, kWhole);
    const Bytes good = codec.encode(chunk);
    for (std::size_t size = 0; size < good.size(); ++size) {
        EXPECT_EQ(codec.decode(ByteView(good).first(size), kWhole).error(), Verdict::kMalformed);
    }
    Bytes longer = good;
    longer.push_back(0);
    EXPECT_EQ(codec.decode(longer, kWhole).error(), Verdict::kMalformed);
    // Only zeros: a gap without an end.
    EXPECT_EQ(codec.decode(Bytes(codec.sizes(kWhole).most, 0), kWhole).error(),
              Verdict::kMalformed);
    // Fewer elements than an index needs.
    PayloadChunk late{.low = 1, .high = 2, .indices = {5, 99}, .codes = {0, 0}};
    EXPECT_EQ(codec.decode(codec.encode(late), 100), late);
    EXPECT_EQ(codec.decode(codec.encode(late), 99).error(), Verdict::kMalformed);
    late.low = 3;
    EXPECT_EQ(codec.decode(codec.encode(late), 100).error(), Verdict::kNotCanonical);
    late.low = 2;
    EXPECT_EQ(codec.decode(codec.encode(late), 100), late);
    late.codes[1] = 1;
    EXPECT_EQ(codec.decode(codec.encode(late), 100).error(), Verdict::kNotCanonical);
    // Bits of the padding.
    const PayloadCodec two(1024);
    Bytes padded = two.encode({.low = 3, .high = 9, .indices = {0, 6}, .codes = {1, 2}});
    padded.back() |= 0x80;
    EXPECT_EQ(two.decode(padded, 8).error(), Verdict::kNotCanonical);
}

TEST(PayloadFormat, NoFlippedBitPassesAsTheSame) {
    CounterRng rng(11);
    const PayloadCodec codec(256);
    const PayloadChunk chunk = random_chunk(rng, 256, kWhole);
    const Bytes good = codec.encode(chunk);
    for (std::size_t bit = 0; bit < 8 * good.size(); ++bit) {
        Bytes changed = good;
        changed[bit / 8] = static_cast<std::uint8_t>(changed[bit / 8] ^ (1U << (bit % 8)));
        const auto decoded = codec.decode(changed, kWhole);
        if (!decoded) continue;
        ASSERT_NE(*decoded, chunk) << bit;
        ASSERT_EQ(codec.encode(*decoded), changed) << bit;
    }
}

TEST(PayloadFormat, SixtyFourOfAChunkTakeLessThanTenBits) {
    CounterRng rng(13);
    const PayloadCodec codec(64);
    std::size_t bytes = 0;
    constexpr std::size_t kChunks = 200;
    for (std::size_t i = 0; i < kChunks; ++i)
        bytes += codec.encode(random_chunk(rng, 64, kWhole)).size();
    EXPECT_LT(8.0 * static_cast<double>(bytes) / (64.0 * kChunks), 9.8);
    EXPECT_LE(codec.sizes(kWhole).most, 82U);
}

TEST(PayloadOpening, OneChunkIsCheckedWithoutTheOthers) {
    CounterRng rng(17);
    const std::vector<std::uint16_t> layout = {4096, 4096, 100, 4096, 1};
    std::vector<PayloadChunk> chunks;
    for (const std::uint16_t n : layout)
        chunks.push_back(random_chunk(rng, kept_in_chunk(64, n), n));
    const Hash256 root = payload_root(chunks, 64);
    Bytes all;
    for (const PayloadChunk& chunk : chunks)
        PayloadCodec(64).append(chunk, all);
    for (std::uint32_t i = 0; i < layout.size(); ++i) {
        const PayloadOpening good = open_payload(chunks, 64, i);
        EXPECT_EQ(decode_payload_opening(root, 64, layout, good), chunks[i]);
        EXPECT_TRUE(std::equal(good.bytes.begin(), good.bytes.end(),
                               all.begin() + static_cast<std::ptrdiff_t>(good.offset)));
        const auto refused = [&](auto change) {
            PayloadOpening opening = good;
            change(opening);
            const auto decoded = decode_payload_opening(root, 64, layout, opening);
            ASSERT_FALSE(decoded.has_value());
            EXPECT_EQ(decoded.error(), Verdict::kOpeningMismatch);
        };
        refused([](auto& o) { o.index = o.index == 0 ? 1 : 0; });
        refused([](auto& o) { o.index = 5; });
        refused([](auto& o) { o.bytes.back() ^= 1; });
        refused([](auto& o) { o.bytes.push_back(0); });
        refused([](auto& o) { o.bytes.resize(1'000'000); });
        refused([](auto& o) { o.proof.pop_back(); });
        refused([](auto& o) { o.proof.front().bytes[3] ^= 1; });
    }
}

}  // namespace
}  // namespace covenant::protocol
