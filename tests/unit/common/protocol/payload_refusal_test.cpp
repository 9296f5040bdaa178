// What is no payload, and parts of one that are fetched alone (R1, R4.16, R7).
#include "common/protocol/payload_format.hpp"
#include "tests/unit/common/protocol/payload_fixture.hpp"

#include <algorithm>
#include <functional>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace covenant::protocol {
namespace {

const Layout kLayout = {4096, 100, 17, 1};

// A table of these lengths by class, and one word for every three bits.
PayloadTable table_with(std::uint8_t least, unsigned level_rice, unsigned step_rice,
                        const std::vector<std::pair<std::size_t, std::uint8_t>>& gaps) {
    PayloadTable out;
    out.least = least;
    out.level_rice = static_cast<std::uint8_t>(level_rice);
    out.step_rice = static_cast<std::uint8_t>(step_rice);
    for (const auto& [number, length] : gaps)
        out.gaps[number] = length;
    return out;
}

Bytes encode_under(const PayloadTable& table, const SparseUpdate& update) {
    Bytes out;
    table.append(update.sparsity(), out);
    const PayloadCodec codec(update.sparsity(), table);
    for (std::size_t i = 0; i < update.chunk_count(); ++i)
        codec.append(view_of(update, i), out);
    return out;
}

TEST(PayloadRefusal, EveryPrefixAndEveryByteMore) {
    CounterRng rng(7);
    for (const unsigned code_bits : {1U, 2U, 3U, 4U}) {
        for (const std::uint32_t k : {3U, 64U, 400U}) {
            const Sparsity sparsity = at(k, code_bits);
            for (const std::uint64_t range : {256U, 3U}) {
                const SparseUpdate update = random_update(rng, sparsity, kLayout, range);
                const Bytes good = encode_payload(update);
                for (std::size_t size = 0; size < good.size(); ++size) {
                    const auto decoded =
                        decode_payload(ByteView(good).first(size), sparsity, kLayout);
                    ASSERT_FALSE(decoded.has_value()) << size;
                    // With equal levels the cut may show as a code of the second.
                    ASSERT_TRUE(decoded.error() == Verdict::kMalformed ||
                                (decoded.error() == Verdict::kNotCanonical && range == 3))
                        << size;
                }
                for (const std::uint8_t byte : Bytes{0, 1, 0xff}) {
                    Bytes longer = good;
                    longer.push_back(byte);
                    EXPECT_EQ(decode_payload(longer, sparsity, kLayout).error(),
                              Verdict::kMalformed);
                }
                // The same of a chunk.
                const PayloadCodec codec(sparsity, PayloadTable::of(update));
                Bytes chunk;
                codec.append(view_of(update, 0), chunk);
                for (std::size_t size = 0; size < chunk.size(); ++size)
                    ASSERT_FALSE(codec.decode(ByteView(chunk).first(size), 4096).has_value());
                chunk.push_back(0);
                EXPECT_EQ(codec.decode(chunk, 4096).error(), Verdict::kMalformed);
            }
        }
    }
}

TEST(PayloadRefusal, NoFlippedBitPassesAsTheSame) {
    CounterRng rng(11);
    for (const unsigned code_bits : {1U, 2U, 3U, 4U}) {
        for (const std::uint32_t k : {5U, 64U}) {
            const Sparsity sparsity = at(k, code_bits);
            const SparseUpdate update = random_update(rng, sparsity, kLayout, 200);
            const Bytes good = encode_payload(update);
            std::size_t accepted = 0;
            for (std::size_t bit = 0; bit < 8 * good.size(); ++bit) {
                Bytes changed = good;
                changed[bit / 8] = static_cast<std::uint8_t>(changed[bit / 8] ^ (1U << (bit % 8)));
                const auto decoded = decode_payload(changed, sparsity, kLayout);
                if (!decoded) continue;
                ++accepted;
                ASSERT_NE(*decoded, update) << bit;
                ASSERT_EQ(encode_payload(*decoded), changed) << bit;
            }
            // The signs at least are free.
            EXPECT_GE(accepted, update.value_count());
        }
    }
}

TEST(PayloadRefusal, RandomChunksAreRefusedOrHaveOneEncoding) {
    CounterRng rng(12);
    std::size_t accepted = 0;
    for (int i = 0; i < 2'000; ++i) {
        const Sparsity sparsity =
            at(1 + static_cast<std::uint32_t>(rng.below(4096)), 1 + static_cast<unsigned>(i % 4));
        const auto elements = static_cast<std::uint16_t>(1 + rng.below(30));
        // A table of some content, and any bytes.
        const PayloadCodec codec(sparsity,
                                 PayloadTable::of(random_update(rng, sparsity, {elements, 30})));
        Bytes bytes(rng.below(2 * sparsity.kept_of(elements) + 8));
        for (std::uint8_t& byte : bytes)
            byte = static_cast<std::uint8_t>(rng.next_u32());
        SparseChunk out = SparseChunk::zeros(sparsity, elements);
        const auto size = codec.read(bytes, elements, out.view());
        if (!size) continue;
        ++accepted;
        ASSERT_LE(*size, bytes.size());
        ASSERT_LT(out.indices.back(), elements);
        ASSERT_TRUE(std::ranges::is_sorted(out.levels));
        Bytes again;
        codec.append(std::as_const(out).view(), again);
        ASSERT_TRUE(std::ranges::equal(again, ByteView(bytes).first(*size)));
    }
    EXPECT_GT(accepted, 100U);
}

TEST(PayloadRefusal, LevelsAndIndicesStayInside) {
    // One value of one element, its only gap 0.
    const auto decode_one = [](unsigned code_bits, const PayloadTable& table,
                               std::string_view bits) {
        return PayloadCodec(at(4096, code_bits), table).decode(packed(bits), 1);
    };
    const PayloadTable high = table_with(250, 0, 0, {{0, 1}});
    EXPECT_EQ(decode_one(1, high, "000001 0 0"), (SparseChunk{{255}, {0}, {0}}));
    EXPECT_EQ(decode_one(1, high, "0000001 0 0").error(), Verdict::kMalformed);
    EXPECT_EQ(decode_one(2, high, "1 000001 0 1 0"), (SparseChunk{{250, 255}, {0}, {1}}));
    EXPECT_EQ(decode_one(2, high, "1 0000001 0 1 0").error(), Verdict::kMalformed);
    EXPECT_EQ(decode_one(3, high, "1 0001 001 1 0 1 0 0"),
              (SparseChunk{{250, 253, 255, 255}, {0}, {2}}));
    EXPECT_EQ(decode_one(3, high, "1 0001 001 01 0 1 0 0").error(), Verdict::kMalformed);
    // 2 * 128 in r = 7, however many zeros, and only zeros.
    const PayloadTable wide = table_with(0, 7, 7, {{0, 1}});
    EXPECT_EQ(decode_one(1, wide, "01 1111111 1 0"), (SparseChunk{{255}, {0}, {kMinus}}));
    EXPECT_EQ(decode_one(1, wide, "001 0000000 1 0").error(), Verdict::kMalformed);
    for (const PayloadTable& table : {high, wide}) {
        for (const unsigned code_bits : {1U, 2U, 3U, 4U}) {
            const PayloadCodec codec(at(4096, code_bits), table);
            for (const std::size_t size : {1U, 8U, 100U, 9999U}) {
                SparseChunk out = SparseChunk::zeros(at(4096, code_bits), 1);
                EXPECT_EQ(codec.read(Bytes(size, 0), 1, out.view()).error(), Verdict::kMalformed);
            }
            EXPECT_EQ(codec.decode({}, 1).error(), Verdict::kMalformed);
        }
    }
    // The last element, and fewer than it needs: gap 98 is class 21 and 0011b.
    const PayloadCodec codec(at(64, 1), table_with(9, 0, 0, {{0, 1}, {21, 1}}));
    EXPECT_EQ(codec.decode(packed("1 00 0 1 1100"), 100), (SparseChunk{{9}, {0, 99}, {0, 0}}));
    EXPECT_EQ(codec.decode(packed("1 00 0 1 1100"), 99).error(), Verdict::kMalformed);
    EXPECT_EQ(codec.decode(packed("1 00 1 1100 0"), 100), (SparseChunk{{9}, {98, 99}, {0, 0}}));
    EXPECT_EQ(codec.decode(packed("1 00 1 1100 0"), 99).error(), Verdict::kMalformed);
    // A word that the code of one symbol does not have.
    const PayloadCodec lone(at(64, 1), table_with(9, 0, 0, {{3, 1}}));
    EXPECT_EQ(lone.decode(packed("1 0 0"), 64), (SparseChunk{{9}, {3}, {0}}));
    EXPECT_EQ(lone.decode(packed("1 0 1"), 64).error(), Verdict::kMalformed);
    // The same of three bits, and where the table has no words at all.
    PayloadTable planes = table_with(9, 0, 0, {{0, 1}});
    EXPECT_EQ(PayloadCodec(at(4096), planes).decode(packed("1 01 000 0 000"), 3).error(),
              Verdict::kMalformed);
    planes.planes[0][6] = 1;
    EXPECT_EQ(PayloadCodec(at(4096), planes).decode(packed("1 01 000 0 000"), 3),
              (SparseChunk{{9, 10}, {0, 1, 2}, {0, 1, 1}}));
    EXPECT_EQ(PayloadCodec(at(4096), planes).decode(packed("1 01 000 1 000"), 3).error(),
              Verdict::kMalformed);
}

TEST(PayloadRefusal, PaddingIsZeros) {
    // 1 + 3 + 2 + 2 + 2 bits of 16.
    const PayloadCodec codec(at(1024), table_with(3, 0, 1, {{0, 1}, {5, 1}}));
    const SparseChunk chunk{{3, 5}, {0, 6}, {1, kMinus}};
    const Bytes good = packed("1 010 01 10 0 1");
    EXPECT_EQ(codec.decode(good, 8), chunk);
    for (unsigned bit = 10; bit < 16; ++bit) {
        Bytes changed = good;
        changed[1] = static_cast<std::uint8_t>(changed[1] | 1U << (bit - 8));
        EXPECT_EQ(codec.decode(changed, 8).error(), Verdict::kNotCanonical) << bit;
    }
}

TEST(PayloadRefusal, TheSecondOfEqualLevelsIsNotCanonical) {
    for (const unsigned code_bits : {2U, 3U, 4U}) {
        const Sparsity sparsity = at(64, code_bits);
        const Layout layout = {100};
        const std::size_t levels = sparsity.levels();
        for (std::uint8_t level = 1; level < levels; ++level) {
            // All different but this one and the one before it.
            SparseUpdate update(sparsity, layout);
            const MutableSparseView chunk = update.chunk(0);
            for (std::size_t i = 0; i < levels; ++i)
                chunk.levels[i] = static_cast<std::uint8_t>(50 + 7 * (i < level ? i : i - 1));
            chunk.indices[0] = 5;
            chunk.indices[1] = 99;
            for (std::uint8_t code = 0; code < levels; ++code) {
                for (const std::uint8_t sign : Bytes{0, kMinus}) {
                    chunk.codes[1] = static_cast<std::uint8_t>(code | sign);
                    const auto decoded = decode_payload(encode_payload(update), sparsity, layout);
                    if (code == level) {
                        EXPECT_EQ(decoded.error(), Verdict::kNotCanonical);
                    } else {
                        EXPECT_EQ(decoded, update);
                    }
                }
            }
        }
    }
}

TEST(PayloadRefusal, ATableThatNoCodeHasIsMalformed) {
    CounterRng rng(14);
    const Sparsity sparsity = at(64, 3);
    const Bytes good = encode_payload(random_update(rng, sparsity, kLayout));
    const std::size_t size = PayloadTable::size(sparsity);
    EXPECT_EQ(size, 24U + 8U);
    ASSERT_TRUE(PayloadTable::decode(ByteView(good).first(size), sparsity).has_value());
    for (const std::size_t other : {std::size_t{0}, size - 1, size + 1}) {
        EXPECT_EQ(PayloadTable::decode(ByteView(good).first(other), sparsity).error(),
                  Verdict::kMalformed);
    }
    EXPECT_EQ(PayloadTable::decode(ByteView(good).first(size), at(64, 2)).error(),
              Verdict::kMalformed);
    const auto refused = [&](std::size_t byte, std::uint8_t value) {
        Bytes changed = good;
        changed[byte] = value;
        EXPECT_EQ(PayloadTable::decode(ByteView(changed).first(size), sparsity).error(),
                  Verdict::kMalformed);
        EXPECT_EQ(decode_payload(changed, sparsity, kLayout).error(), Verdict::kMalformed);
    };
    refused(1, 0x08);
    refused(1, 0x80);
    refused(1, 0xff);
    for (std::size_t byte = 2; byte < size; ++byte) {
        refused(byte, 0xff);  // no words of 15 bits
        refused(byte, 0x11);  // and with others than these two no room for two of one bit
    }
}

TEST(PayloadRefusal, ATableOfAnotherContentIsNotCanonical) {
    CounterRng rng(15);
    const Sparsity sparsity = at(64, 3);
    SparseUpdate update = random_update(rng, sparsity, kLayout);
    for (std::size_t i = 0; i < kLayout.size(); ++i) {
        if (update.chunk(i).levels[0] == 0) update.chunk(i).levels[0] = 1;
    }
    const PayloadTable own = PayloadTable::of(update);
    ASSERT_GT(own.least, 0);
    EXPECT_EQ(decode_payload(encode_under(own, update), sparsity, kLayout), update);
    const auto refused = [&](const std::function<void(PayloadTable&)>& change) {
        PayloadTable other = own;
        change(other);
        ASSERT_NE(other, own);
        const Bytes bytes = encode_under(other, update);
        const PayloadSizes sizes = payload_sizes(sparsity, kLayout);
        ASSERT_TRUE(bytes.size() >= sizes.least && bytes.size() <= sizes.most);
        EXPECT_EQ(decode_payload(bytes, sparsity, kLayout).error(), Verdict::kNotCanonical);
        // Every chunk says the same by itself.
        const PayloadCodec codec(sparsity, table_of(bytes, sparsity));
        Bytes chunk;
        codec.append(view_of(update, 0), chunk);
        EXPECT_EQ(codec.decode(chunk, kLayout[0])->view(), view_of(update, 0));
    };
    refused([](PayloadTable& t) { --t.least; });
    for (std::uint8_t r = 0; r < 8; ++r) {
        // Those that do not make it longer than any payload is.
        if (r < 4) continue;
        if (r != own.level_rice) refused([r](PayloadTable& t) { t.level_rice = r; });
        if (r != own.step_rice) refused([r](PayloadTable& t) { t.step_rice = r; });
    }
    // Two words of other lengths; a word for a class that does not occur.
    const auto swap_two = [](std::span<std::uint8_t> lengths) {
        const auto first = std::ranges::find_if(lengths, [](auto v) { return v > 0; });
        const auto second =
            std::ranges::find_if(lengths, [&](auto v) { return v > 0 && v != *first; });
        ASSERT_NE(second, lengths.end());
        std::swap(*first, *second);
    };
    const auto split_one = [](std::span<std::uint8_t> lengths) {
        const auto none = std::ranges::find(lengths, 0);
        ASSERT_NE(none, lengths.end());
        const auto shortest =
            std::ranges::find_if(lengths, [](auto v) { return v > 0 && v < kLongestWord; });
        *none = ++*shortest;
    };
    refused([&](PayloadTable& t) { swap_two(t.gaps); });
    refused([&](PayloadTable& t) { split_one(t.gaps); });
    refused([&](PayloadTable& t) { std::ranges::fill(t.planes[0], std::uint8_t{3}); });
    refused([&](PayloadTable& t) { t.planes[1] = {1, 2, 3, 4, 5, 6, 7, 7}; });
    // Words for planes or gaps of which there are none.
    const SparseUpdate single(at(1), Layout{1});
    PayloadTable more = PayloadTable::of(single);
    EXPECT_EQ(more.planes[0], (std::array<std::uint8_t, 8>{}));
    more.planes[0][0] = 1;
    EXPECT_EQ(decode_payload(encode_under(more, single), at(1), Layout{1}).error(),
              Verdict::kNotCanonical);
    const SparseUpdate none(at(1), Layout{});
    EXPECT_EQ(decode_payload(encode_payload(none), at(1), Layout{}), none);
    EXPECT_EQ(decode_payload(encode_under(more, none), at(1), Layout{}).error(),
              Verdict::kNotCanonical);
}

TEST(PayloadRefusal, AnotherSparsityOrLayoutHasOtherBytes) {
    CounterRng rng(16);
    const SparseUpdate update = random_update(rng, at(64), kLayout);
    const Bytes bytes = encode_payload(update);
    for (const Sparsity& other : {at(63), at(65), at(128), at(64, 1), at(64, 3)})
        EXPECT_FALSE(decode_payload(bytes, other, kLayout).has_value());
    for (const Layout& other : {Layout{4096, 100, 17}, Layout{4096, 100, 17, 1, 1},
                                Layout{4096, 4096, 17, 1}, Layout{100, 4096, 17, 1}, Layout{}})
        EXPECT_FALSE(decode_payload(bytes, at(64), other).has_value());
    // Sizes are compared before anything of a large layout is made.
    EXPECT_EQ(decode_payload(bytes, at(4096, 4), Layout(1'000'000, 4096)).error(),
              Verdict::kMalformed);
    EXPECT_EQ(decode_payload(Bytes(1'000'000), at(64), kLayout).error(), Verdict::kMalformed);
}

TEST(PayloadCodec, AStreamIsDecodedThroughABoundedWindow) {
    // The reader never holds more than the longest chunk's bytes.
    CounterRng rng(19);
    Layout layout;
    for (int i = 0; i < 5; ++i)
        layout.insert(layout.end(), {4096, 100, 1, 4096, 17, 4095});
    for (const unsigned code_bits : {1U, 2U, 3U, 4U}) {
        const Sparsity sparsity = at(64, code_bits);
        const SparseUpdate sent = random_update(rng, sparsity, layout);
        const Bytes stream = encode_payload(sent);
        const PayloadCodec codec(sparsity, table_of(stream, sparsity));
        Bytes window;
        std::size_t fetched = PayloadTable::size(sparsity);
        for (std::size_t i = 0; i < layout.size(); ++i) {
            const std::size_t most = codec.longest(layout[i]);
            while (window.size() < most && fetched < stream.size())
                window.push_back(stream[fetched++]);
            window.shrink_to_fit();
            SparseChunk out = SparseChunk::zeros(sparsity, layout[i]);
            const auto size = codec.read(ByteView(window).first(std::min(most, window.size())),
                                         layout[i], out.view());
            ASSERT_TRUE(size.has_value()) << i;
            ASSERT_EQ(std::as_const(out).view(), view_of(sent, i)) << i;
            window.erase(window.begin(), window.begin() + static_cast<std::ptrdiff_t>(*size));
            ASSERT_LE(window.size(), codec.longest(4096));
        }
        EXPECT_TRUE(window.empty());
        EXPECT_EQ(fetched, stream.size());
    }
}

TEST(PayloadOpening, OnePartIsCheckedWithoutTheOthers) {
    CounterRng rng(17);
    const Layout layout = {4096, 4096, 100, 4096, 1};
    for (const unsigned code_bits : {1U, 2U, 3U, 4U}) {
        const Sparsity sparsity = at(64, code_bits);
        const SparseUpdate update = random_update(rng, sparsity, layout);
        const Bytes all = encode_payload(update);
        const Hash256 root = payload_root(update);
        const PayloadOpening head = open_payload(update, std::array{0U}).front();
        const auto table = decode_table_opening(root, sparsity, layout.size(), head);
        ASSERT_TRUE(table.has_value());
        EXPECT_EQ(*table, PayloadTable::of(update));
        const PayloadCodec codec(sparsity, *table);
        std::uint64_t end = 0;
        for (std::uint32_t leaf = 0; leaf <= layout.size(); ++leaf) {
            const PayloadOpening good = open_payload(update, std::array{leaf}).front();
            EXPECT_EQ(good.leaf, leaf);
            EXPECT_EQ(good.offset, end);
            end += good.bytes.size();
            ASSERT_LE(end, all.size());
            EXPECT_TRUE(std::ranges::equal(good.bytes,
                                           ByteView(all).subspan(good.offset, good.bytes.size())));
            // As the table or as a chunk, whichever it is.
            const auto verdict = [&](const Hash256& under, std::size_t chunks,
                                     const PayloadOpening& opening) {
                if (leaf == 0) {
                    const auto out = decode_table_opening(under, sparsity, chunks, opening);
                    return out ? Verdict::kAccept : out.error();
                }
                Layout other = layout;
                other.resize(chunks, 1);
                const auto out = decode_chunk_opening(under, codec, other, opening);
                return out ? Verdict::kAccept : out.error();
            };
            EXPECT_EQ(verdict(root, layout.size(), good), Verdict::kAccept);
            if (leaf > 0) {
                const auto chunk = decode_chunk_opening(root, codec, layout, good);
                EXPECT_EQ(chunk->view(), view_of(update, leaf - 1));
                // A chunk is no table and a table no chunk.
                EXPECT_EQ(decode_table_opening(root, sparsity, layout.size(), good).error(),
                          Verdict::kOpeningMismatch);
                EXPECT_EQ(decode_chunk_opening(root, codec, layout, head).error(),
                          Verdict::kOpeningMismatch);
            }
            const auto refused = [&](const std::function<void(PayloadOpening&)>& change) {
                PayloadOpening opening = good;
                change(opening);
                EXPECT_EQ(verdict(root, layout.size(), opening), Verdict::kOpeningMismatch);
            };
            for (std::uint32_t other = 0; other < 9; ++other) {
                if (other != leaf) refused([=](auto& o) { o.leaf = other; });
            }
            refused([](auto& o) { o.leaf = ~std::uint32_t{0}; });
            refused([](auto& o) { o.bytes.back() ^= 1; });
            refused([](auto& o) { o.bytes.front() ^= 0x80; });
            refused([](auto& o) { o.bytes.push_back(0); });
            refused([](auto& o) { o.bytes.pop_back(); });
            refused([](auto& o) { o.bytes.clear(); });
            refused([](auto& o) { o.bytes.resize(1'000'000); });
            refused([](auto& o) { o.proof.pop_back(); });
            refused([](auto& o) { o.proof.push_back(o.proof.back()); });
            refused([](auto& o) { o.proof.front().bytes[3] ^= 1; });
            Hash256 other = root;
            other.bytes[31] ^= 1;
            EXPECT_EQ(verdict(other, layout.size(), good), Verdict::kOpeningMismatch);
            for (const std::size_t chunks : {1U, 2U, 12U})
                EXPECT_EQ(verdict(root, chunks, good), Verdict::kOpeningMismatch);
        }
        EXPECT_EQ(end, all.size());
    }
}

TEST(PayloadOpening, BytesUnderTheRootStillHaveToDecode) {
    // A miner commits to bytes of his choice: parts that stand under the root and are none.
    const Sparsity sparsity = at(64, 1);
    const PayloadTable table = table_with(9, 0, 0, {{3, 1}});
    Bytes head;
    table.append(sparsity, head);
    Bytes bad_head = head;
    bad_head[1] = 0x08;
    const Bytes chunk = packed("1 0 0");
    const std::vector<std::pair<Bytes, Verdict>> chunks = {
        {chunk, Verdict::kAccept},
        {packed("1 0 1"), Verdict::kMalformed},
        {packed("1 0 0 1"), Verdict::kNotCanonical},
        {packed("1 0 0 00000 0"), Verdict::kMalformed},
        {{}, Verdict::kMalformed},
    };
    const Layout layout = {64};
    for (const auto& [bytes, expected] : chunks) {
        const std::vector<Hash256> leaves = {crypto::merkle_leaf(head), crypto::merkle_leaf(bytes)};
        const PayloadOpening opening{
            .leaf = 1, .offset = head.size(), .bytes = bytes, .proof = {leaves[0]}};
        const auto decoded = decode_chunk_opening(crypto::merkle_root(leaves),
                                                  PayloadCodec(sparsity, table), layout, opening);
        EXPECT_EQ(decoded ? Verdict::kAccept : decoded.error(), expected);
    }
    const std::vector<Hash256> leaves = {crypto::merkle_leaf(bad_head), crypto::merkle_leaf(chunk)};
    const PayloadOpening opening{.leaf = 0, .offset = 0, .bytes = bad_head, .proof = {leaves[1]}};
    EXPECT_EQ(decode_table_opening(crypto::merkle_root(leaves), sparsity, 1, opening).error(),
              Verdict::kMalformed);
}

}  // namespace
}  // namespace covenant::protocol
