// Payloads, bit by bit (R1.3, R4.16).
#include "common/protocol/payload_format.hpp"

#include "tests/unit/common/protocol/payload_fixture.hpp"

#include <algorithm>
#include <bit>
#include <numeric>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace covenant::protocol {
namespace {

// ---- the format as it is written down, a character a bit

std::string low_first(std::uint32_t value, unsigned bits) {
    std::string out;
    for (unsigned i = 0; i < bits; ++i)
        out += (value >> i & 1U) != 0 ? '1' : '0';
    return out;
}

std::string rice(std::uint32_t x, unsigned r) {
    return std::string(x >> r, '0') + "1" + low_first(x % (1U << r), r);
}

unsigned shortest_rice(const std::vector<std::uint32_t>& all) {
    std::vector<std::size_t> sizes(8, 0);
    for (const std::uint32_t x : all) {
        for (unsigned r = 0; r < 8; ++r)
            sizes[r] += rice(x, r).size();
    }
    return static_cast<unsigned>(std::ranges::min_element(sizes) - sizes.begin());
}

std::vector<std::string> canonical_words(std::span<const std::uint8_t> lengths) {
    std::vector<std::string> words(lengths.size());
    std::uint32_t next = 0;
    for (std::uint8_t size = 1; size <= kLongestWord; ++size, next <<= 1U) {
        for (std::size_t i = 0; i < lengths.size(); ++i) {
            if (lengths[i] != size) continue;
            words[i] = low_first(next++, size);
            std::ranges::reverse(words[i]);
        }
    }
    return words;
}

struct Gap {
    std::size_t number = 0;
    std::string below;
};

Gap gap_of(std::uint32_t gap) {
    const std::uint32_t y = gap + 1;
    if (y < 8) return {y - 1, ""};
    unsigned e = 3;
    while (y >> (e + 1) != 0)
        ++e;
    return {7 + 4 * (e - 3) + (y >> (e - 2)) % 4, low_first(y, e - 2)};
}

unsigned three_at(const SparseView& chunk, std::size_t i, unsigned plane) {
    return (chunk.codes[i] >> plane & 1U) | (chunk.codes[i + 1] >> plane & 1U) << 1U |
           (chunk.codes[i + 2] >> plane & 1U) << 2U;
}

template <typename Body>
void each_gap(const SparseView& chunk, const Body& body) {
    std::uint32_t next = 0;
    for (const std::uint16_t index : chunk.indices) {
        body(gap_of(index - next));
        next = index + 1U;
    }
}

Bytes as_written_down(const SparseUpdate& update) {
    const unsigned planes = update.sparsity().code_bits - 1U;
    std::vector<std::uint32_t> firsts;
    std::vector<std::uint32_t> steps;
    std::vector<std::uint64_t> gaps(44, 0);
    std::vector<std::vector<std::uint64_t>> threes(planes, std::vector<std::uint64_t>(8, 0));
    for (std::size_t c = 0; c < update.chunk_count(); ++c) {
        const SparseView chunk = update.chunk(c);
        firsts.push_back(chunk.levels[0]);
        for (std::size_t i = 1; i < chunk.levels.size(); ++i)
            steps.push_back(std::uint32_t{chunk.levels[i]} - chunk.levels[i - 1]);
        each_gap(chunk, [&](const Gap& gap) { ++gaps[gap.number]; });
        for (unsigned plane = 0; plane < planes; ++plane) {
            for (std::size_t i = 0; i + 3 <= chunk.codes.size(); i += 3)
                ++threes[plane][three_at(chunk, i, plane)];
        }
    }
    const std::uint32_t least = firsts.empty() ? 0 : std::ranges::min(firsts);
    for (std::uint32_t& first : firsts)
        first -= least;
    const unsigned r_level = shortest_rice(firsts);
    const unsigned r_step = shortest_rice(steps);
    std::vector<std::uint8_t> lengths(44);
    huffman_lengths(gaps, lengths);
    const auto gap_words = canonical_words(lengths);
    std::string table = low_first(least, 8) + low_first(r_level, 4) + low_first(r_step, 4);
    for (const std::uint8_t length : lengths)
        table += low_first(length, 4);
    std::vector<std::vector<std::string>> three_words(planes);
    lengths.resize(8);
    for (unsigned plane = planes; plane-- > 0;) {
        huffman_lengths(threes[plane], lengths);
        three_words[plane] = canonical_words(lengths);
        for (const std::uint8_t length : lengths)
            table += low_first(length, 4);
    }
    Bytes out = packed(table);
    for (std::size_t c = 0; c < update.chunk_count(); ++c) {
        const SparseView chunk = update.chunk(c);
        std::string bits = rice(chunk.levels[0] - least, r_level);
        for (std::size_t i = 1; i < chunk.levels.size(); ++i)
            bits += rice(std::uint32_t{chunk.levels[i]} - chunk.levels[i - 1], r_step);
        for (const std::uint8_t code : chunk.codes)
            bits += low_first(code >> 7U, 1);
        for (unsigned plane = planes; plane-- > 0;) {
            std::size_t i = 0;
            for (; i + 3 <= chunk.codes.size(); i += 3)
                bits += three_words[plane][three_at(chunk, i, plane)];
            for (; i < chunk.codes.size(); ++i)
                bits += low_first(std::uint32_t{chunk.codes[i]} >> plane, 1);
        }
        each_gap(chunk, [&](const Gap& gap) { bits += gap_words[gap.number] + gap.below; });
        const Bytes bytes = packed(bits);
        out.insert(out.end(), bytes.begin(), bytes.end());
    }
    return out;
}

void expect_round_trip(const SparseUpdate& update, const Layout& layout) {
    const Sparsity& sparsity = update.sparsity();
    const Bytes bytes = encode_payload(update);
    const PayloadSizes sizes = payload_sizes(sparsity, layout);
    ASSERT_GE(bytes.size(), sizes.least);
    ASSERT_LE(bytes.size(), sizes.most);
    const auto decoded = decode_payload(bytes, sparsity, layout);
    ASSERT_TRUE(decoded.has_value()) << to_string(decoded.error());
    ASSERT_EQ(*decoded, update) << sparsity.keep << " in " << +sparsity.code_bits << " bits";
    // Chunk by chunk, in a stream with anything behind it, into memory that held something else.
    const PayloadTable table = table_of(bytes, sparsity);
    ASSERT_EQ(table, PayloadTable::of(update));
    const PayloadCodec codec(sparsity, table);
    Bytes stream = bytes;
    stream.insert(stream.end(), 100, 0xff);
    ByteView rest = ByteView(stream).subspan(PayloadTable::size(sparsity));
    Bytes again;
    table.append(sparsity, again);
    for (std::size_t i = 0; i < layout.size(); ++i) {
        SparseChunk out = SparseChunk::zeros(sparsity, layout[i]);
        std::ranges::fill(out.codes, std::uint8_t{0xff});
        std::ranges::fill(out.levels, std::uint8_t{0xff});
        const auto size = codec.read(rest, layout[i], out.view());
        ASSERT_TRUE(size.has_value()) << i;
        ASSERT_LE(*size, codec.longest(layout[i]));
        ASSERT_EQ(std::as_const(out).view(), view_of(update, i));
        ASSERT_EQ(codec.decode(rest.first(*size), layout[i]), out);
        codec.append(view_of(update, i), again);
        rest = rest.subspan(*size);
    }
    ASSERT_EQ(rest.size(), 100U);
    ASSERT_EQ(again, bytes);
}

TEST(PayloadFormat, BitsStandAsTheTextSays) {
    struct Case {
        Sparsity sparsity;
        Layout layout;
        std::vector<SparseChunk> chunks;
        Bytes head;
        std::string lengths;  // a digit each of the 44 classes, then of each plane
        std::vector<std::string> bits;
    };
    const std::string none(8, '0');
    const std::string first_only = "1" + std::string(43, '0');
    const std::vector<Case> cases = {
        // Of 8 elements two are kept. A step of 6 has 7, 5, 4, 4... bits for r = 0, 1, 2, 3: r is
        // 2, 6 = 1 * 4 + 2. Gaps 0 and 5, a bit each: 0 and 1. No three bits of a plane: 1, 0.
        {at(1024),
         {8},
         {{{3, 9}, {0, 6}, {1, kMinus}}},
         {3, 0x20},
         "1000010" + std::string(37, '0') + none,
         {"1 0101 | 01 | 10 | 0 1"}},
        // Two chunks. Levels 0 and 4 above the least have 6 bits for r = 0 and for 1: 0. Steps 2
        // and 0. Words of the plane: 000 three times, 100 and 110 once: 0, 10 and 11. All gaps 0.
        {at(4096),
         {12, 3},
         {{{5, 7},
           {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11},
           {0, 0, 0, 1, 0, 0, 1, 1, 0, 0, 0, kMinus}},
          {{9, 9}, {0, 1, 2}, {0, 0, 0}}},
         {5, 0x00},
         first_only + "12020000",
         {"1 001 | 000000000001 | 0 10 11 0 | 000000000000", "00001 1 | 000 | 0 | 000"}},
        // One level: no steps, no planes. Gap 9, y = 1010b: e = 3, m = 01b, class 8 and a bit 0.
        // Gap 100, y = 1100101b: e = 6, m = 10b, class 21 and 0101b. Gap 80, y = 1010001b: class
        // 20 and 0001b. The second chunk has gap 9: words 0 (class 8), 10 (20) and 11 (21).
        {at(64, 1),
         {192, 64},
         {{{3}, {9, 110, 191}, {kMinus, 0, 0}}, {{2}, {9}, {0}}},
         {2, 0x00},
         "00000000"
         "1000"
         "00000000"
         "2200" +
             std::string(20, '0'),
         {"01 | 100 | 0 0  11 1010  10 1000", "1 | 0 | 0 0"}},
        // Eight levels: six steps of 1 and one of 248 are shortest with r = 5, 248 = 7 * 32 + 24.
        // Numbers 7 0 1 2: planes 100 0, 100 1 and 101 0.
        {at(4096, 4),
         {4},
         {{{1, 2, 3, 4, 5, 6, 7, 255}, {0, 1, 2, 3}, {7, 0, 1, 2}}},
         {1, 0x50},
         first_only + "01000000" + "01000000" + "00000100",
         {"1" + std::string(" 110000 110000 110000 110000 110000 110000") +
          " 0000000 1 00011 | 0000 | 0 0 | 0 1 | 0 0 | 0000"}},
    };
    for (const Case& one : cases) {
        Bytes bytes = one.head;
        for (std::size_t i = 0; i < one.lengths.size(); i += 2) {
            bytes.push_back(static_cast<std::uint8_t>((one.lengths[i] - '0') |
                                                      (one.lengths[i + 1] - '0') << 4));
        }
        EXPECT_EQ(bytes.size(), PayloadTable::size(one.sparsity));
        for (const std::string& bits : one.bits) {
            const Bytes chunk = packed(bits);
            bytes.insert(bytes.end(), chunk.begin(), chunk.end());
        }
        const SparseUpdate update = update_of(one.sparsity, one.layout, one.chunks);
        EXPECT_EQ(encode_payload(update), bytes) << one.bits[0];
        EXPECT_EQ(as_written_down(update), bytes) << one.bits[0];
        EXPECT_EQ(decode_payload(bytes, one.sparsity, one.layout), update) << one.bits[0];
    }
}

TEST(PayloadFormat, RandomPayloadsAreWrittenAsTheTextSays) {
    CounterRng rng(5);
    for (const unsigned code_bits : {1U, 2U, 3U, 4U}) {
        for (const std::uint32_t k : {1U, 2U, 7U, 64U, 256U, 1024U, 4095U, 4096U}) {
            for (const Layout& layout : {Layout{1}, Layout{2, 17}, Layout{100, 100, 100, 3},
                                         Layout{4096}, Layout{2048, 1, 17, 4095}}) {
                // Levels far apart, and many that are equal.
                for (const std::uint64_t range : {256U, 3U}) {
                    const SparseUpdate update = random_update(rng, at(k, code_bits), layout, range);
                    ASSERT_EQ(encode_payload(update), as_written_down(update)) << k;
                    expect_round_trip(update, layout);
                }
            }
        }
    }
}

TEST(PayloadFormat, EveryDensityRoundTrips) {
    CounterRng rng(6);
    for (std::uint32_t k = 1; k <= 4096; k += k < 300 ? 3 : 97) {
        const auto elements = static_cast<std::uint16_t>(1 + rng.below(kChunkElements));
        const Layout layout = {elements, 30};
        expect_round_trip(random_update(rng, at(k, 1 + k % 4), layout), layout);
    }
    expect_round_trip(SparseUpdate(at(64), Layout{}), {});
}

TEST(PayloadFormat, ExtremeContentsRoundTrip) {
    for (const unsigned code_bits : {1U, 2U, 3U, 4U}) {
        for (const std::uint32_t k : {1U, 64U, 1024U, 3000U, 4096U}) {
            for (const Layout& layout : {Layout{1}, Layout{5, 97}, Layout{4096, 4096, 17}}) {
                const Sparsity sparsity = at(k, code_bits);
                SparseUpdate update(sparsity, layout);
                const auto each = [&](const auto& change) {
                    for (std::size_t i = 0; i < layout.size(); ++i)
                        change(update.chunk(i), layout[i]);
                    expect_round_trip(update, layout);
                };
                // All levels zero and all gaps: no payload is shorter.
                each([](const MutableSparseView& chunk, std::uint32_t) {
                    std::iota(chunk.indices.begin(), chunk.indices.end(), std::uint16_t{0});
                });
                EXPECT_EQ(encode_payload(update).size(), payload_sizes(sparsity, layout).least);
                each([](const MutableSparseView& chunk, std::uint32_t) {
                    std::ranges::fill(chunk.levels, kMaxLevel);
                    std::ranges::fill(chunk.codes, kMinus);
                });
                // All at the end, with the highest level.
                each([](const MutableSparseView& chunk, std::uint32_t elements) {
                    std::iota(chunk.indices.begin(), chunk.indices.end(),
                              static_cast<std::uint16_t>(elements - chunk.indices.size()));
                    std::fill(chunk.levels.begin(), chunk.levels.end() - 1, std::uint8_t{0});
                    const auto top = static_cast<std::uint8_t>(chunk.levels.size() - 1);
                    std::ranges::fill(chunk.codes, static_cast<std::uint8_t>(kMinus | top));
                });
                // All at the front but the last.
                each([](const MutableSparseView& chunk, std::uint32_t elements) {
                    std::iota(chunk.indices.begin(), chunk.indices.end(), std::uint16_t{0});
                    chunk.indices.back() = static_cast<std::uint16_t>(elements - 1);
                });
            }
        }
    }
}

// ---- bounds

TEST(PayloadSizes, HoldWhereWordsAreLongInAFewChunks) {
    // One value a chunk of 1024. Classes as frequent as powers of two, the rarest with the most
    // bits below, so that most chunks fill their last byte almost and the rare ones need another.
    const Layout layout(256, 1024);
    const std::vector<std::pair<std::size_t, std::uint16_t>> gaps = {
        {128, 300}, {64, 900}, {32, 800}, {16, 400}, {8, 450},
        {4, 200},   {2, 320},  {1, 511},  {1, 650}};
    SparseUpdate update(at(1, 1), layout);
    std::size_t number = 0;
    for (const auto& [count, gap] : gaps) {
        for (std::size_t i = 0; i < count; ++i, ++number) {
            update.chunk(number).indices[0] = gap;
            update.chunk(number).levels[0] = number == 128 ? 0 : 200;
        }
    }
    ASSERT_EQ(number, layout.size());
    expect_round_trip(update, layout);
}

TEST(PayloadSizes, HoldForContentsThatSpreadOverAllClasses) {
    CounterRng rng(8);
    std::vector<std::uint16_t> classes;  // the longest gap of each
    for (std::uint32_t gap = 0; gap < kChunkElements; ++gap) {
        if (gap + 1 == kChunkElements || gap_of(gap).number != gap_of(gap + 1).number)
            classes.push_back(static_cast<std::uint16_t>(gap));
    }
    ASSERT_EQ(classes.size(), PayloadTable::kGapClasses);
    for (const unsigned code_bits : {1U, 2U, 3U, 4U}) {
        for (const std::uint32_t k : {1U, 5U, 64U, 405U, 4096U}) {
            for (const std::uint16_t elements : Layout{1, 9, 128, 513, 4096}) {
                for (const bool skewed : {false, true}) {
                    const Layout layout(12, elements);
                    SparseUpdate update = random_update(rng, at(k, code_bits), layout, 2);
                    for (std::size_t i = 0; i < layout.size(); ++i) {
                        const MutableSparseView chunk = update.chunk(i);
                        // The widest steps; every three bits of a plane as often.
                        std::ranges::fill(chunk.levels, std::uint8_t{0});
                        chunk.levels.back() = kMaxLevel;
                        if (i == 0 && chunk.levels.size() == 1) chunk.levels[0] = 0;
                        for (std::uint8_t& code : chunk.codes)
                            code = rng.below(2) != 0
                                       ? static_cast<std::uint8_t>(chunk.levels.size() - 1)
                                       : std::uint8_t{0};
                        std::size_t next = 0;
                        for (std::size_t v = 0; v < chunk.indices.size(); ++v) {
                            const std::size_t spare = elements - next - (chunk.indices.size() - v);
                            // All classes as often, or each half as often as the one above it.
                            std::size_t number = rng.below(classes.size());
                            if (skewed) {
                                number = static_cast<std::size_t>(
                                    std::countr_zero(rng.next_u32() | 1U << 31U));
                                number = classes.size() - 1 - number;
                            }
                            while (classes[number] > spare && number > 0)
                                number = rng.below(number);
                            const std::size_t gap = std::min<std::size_t>(classes[number], spare);
                            chunk.indices[v] = static_cast<std::uint16_t>(next + gap);
                            next += gap + 1;
                        }
                    }
                    expect_round_trip(update, layout);
                }
            }
        }
    }
}

TEST(PayloadSizes, SixtyFourOfAChunkTakeLessThanTenBits) {
    CounterRng rng(13);
    const Layout layout(200, 4096);
    SparseUpdate update(at(64), layout);
    for (std::size_t i = 0; i < layout.size(); ++i) {
        const MutableSparseView chunk = update.chunk(i);
        chunk.levels[0] = 100;
        chunk.levels[1] = 117;
        draw_indices(rng, 4096, chunk);
        for (std::uint8_t& code : chunk.codes)
            code = static_cast<std::uint8_t>((rng.below(100) < 37 ? 1 : 0) |
                                             (rng.below(2) != 0 ? kMinus : 0));
    }
    const auto bits = 8.0 * static_cast<double>(encode_payload(update).size());
    EXPECT_LT(bits / static_cast<double>(update.value_count()), 9.6);
}

}  // namespace
}  // namespace covenant::protocol
