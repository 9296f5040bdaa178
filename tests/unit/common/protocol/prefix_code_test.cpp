// Lengths and words of prefix codes (R1.3, R4.16).
#include "common/protocol/prefix_code.hpp"

#include "common/base/counter_rng.hpp"

#include <algorithm>
#include <numeric>
#include <queue>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace covenant::protocol {
namespace {

using Counts = std::vector<std::uint64_t>;
using Lengths = std::vector<std::uint8_t>;

Lengths lengths_of(const Counts& counts) {
    Lengths out(counts.size(), 0xff);
    huffman_lengths(counts, out);
    return out;
}

std::uint64_t cost(const Counts& counts, const Lengths& lengths) {
    std::uint64_t bits = 0;
    for (std::size_t i = 0; i < counts.size(); ++i)
        bits += counts[i] * lengths[i];
    return bits;
}

// The sum of all joins of the two least: bits of an optimal code of two symbols or more.
std::uint64_t least_cost(const Counts& counts) {
    std::priority_queue<std::uint64_t, Counts, std::greater<>> heap;
    for (const std::uint64_t count : counts) {
        if (count > 0) heap.push(count);
    }
    std::uint64_t bits = 0;
    while (heap.size() > 1) {
        const std::uint64_t a = heap.top();
        heap.pop();
        const std::uint64_t b = heap.top();
        heap.pop();
        bits += a + b;
        heap.push(a + b);
    }
    return bits;
}

// The depth of the same joins, the shallowest of equal counts first: no tree of them is deeper
// than it need be.
std::size_t unlimited_depth(const Counts& counts) {
    using Node = std::pair<std::uint64_t, std::size_t>;  // count, depth below
    std::priority_queue<Node, std::vector<Node>, std::greater<>> heap;
    for (const std::uint64_t count : counts) {
        if (count > 0) heap.emplace(count, 0);
    }
    while (heap.size() > 1) {
        const Node a = heap.top();
        heap.pop();
        const Node b = heap.top();
        heap.pop();
        heap.emplace(a.first + b.first, std::max(a.second, b.second) + 1);
    }
    return heap.top().second;
}

// Of all lengths that a complete code can have, the cheapest.
std::uint64_t cheapest(const Counts& counts, std::size_t at, unsigned share) {
    constexpr unsigned kDeepest = 5;
    if (at == counts.size()) return share == 0 ? 0 : UINT64_MAX;
    std::uint64_t best = UINT64_MAX;
    for (unsigned length = 1; length <= kDeepest; ++length) {
        const unsigned part = 1U << (kDeepest - length);
        if (part > share) continue;
        const std::uint64_t rest = cheapest(counts, at + 1, share - part);
        if (rest != UINT64_MAX) best = std::min(best, rest + counts[at] * length);
    }
    return best;
}

std::string text_of(const PrefixCode::Word& word) {
    std::string out;
    for (unsigned bit = 0; bit < word.size; ++bit)
        out += (word.bits >> bit & 1U) != 0 ? '1' : '0';
    return out;
}

std::vector<std::string> words_of(const Lengths& lengths) {
    const PrefixCode code(lengths);
    std::vector<std::string> out;
    for (std::size_t i = 0; i < lengths.size(); ++i)
        out.push_back(text_of(code.word(i)));
    return out;
}

Counts random_counts(CounterRng& rng, std::size_t symbols) {
    Counts out(symbols);
    for (std::uint64_t& count : out)
        count = rng.below(4) == 0 ? 0 : rng.below(std::uint64_t{2} << rng.below(20));
    return out;
}

TEST(HuffmanLengths, AreThoseWorkedOutByHand) {
    const std::vector<std::pair<Counts, Lengths>> cases = {
        {{}, {}},
        {{0, 0, 0}, {0, 0, 0}},
        // A symbol alone has a bit all the same.
        {{0, 7, 0}, {0, 1, 0}},
        {{0, 1, 0, 900}, {0, 1, 0, 1}},
        // 1 + 2 = 3, 3 + 3 = 6, 4 + 6.
        {{4, 1, 3, 2}, {1, 3, 2, 3}},
        // 5 + 9 = 14, 12 + 13 = 25, 14 + 16 = 30, 25 + 30 = 55, 45 + 55.
        {{5, 9, 12, 13, 16, 45}, {4, 4, 3, 3, 3, 1}},
        {{1, 1, 1, 1, 1, 1, 1, 1}, {3, 3, 3, 3, 3, 3, 3, 3}},
    };
    for (const auto& [counts, lengths] : cases)
        EXPECT_EQ(lengths_of(counts), lengths);
}

TEST(HuffmanLengths, OfEqualCountsTheNodeMadeFirstIsTaken) {
    const std::vector<std::pair<Counts, Lengths>> cases = {
        // The first two of three.
        {{1, 1, 1}, {2, 2, 1}},
        // 1 + 1 = 2 stands behind the symbol of 2: that and the 2 before it join, so that
        // no symbol has three bits.
        {{2, 1, 1, 2}, {2, 2, 2, 2}},
        {{1, 1, 2, 2}, {2, 2, 2, 2}},
        // Symbols 0 and 1 join, then 2 and 3; 4 joins with the first of these.
        {{1, 1, 1, 1, 1}, {3, 3, 2, 2, 2}},
        // 1 + 1 = 2 (a); of 2, 2, 2 the symbols join to 4; a and 3 join to 5.
        {{3, 1, 2, 1, 2}, {2, 3, 2, 3, 2}},
        {{0, 1, 0, 1, 1, 0}, {0, 2, 0, 2, 1, 0}},
    };
    for (const auto& [counts, lengths] : cases)
        EXPECT_EQ(lengths_of(counts), lengths);
}

TEST(HuffmanLengths, AreTheCheapestOfAll) {
    CounterRng rng(1);
    for (int i = 0; i < 200; ++i) {
        Counts counts(2 + rng.below(5));
        for (std::uint64_t& count : counts)
            count = 1 + rng.below(i % 2 == 0 ? 5 : 100);
        ASSERT_EQ(cost(counts, lengths_of(counts)), cheapest(counts, 0, 32));
    }
    std::size_t limited = 0;
    for (int i = 0; i < 2000; ++i) {
        const Counts counts = random_counts(rng, 1 + rng.below(64));
        const Lengths lengths = lengths_of(counts);
        ASSERT_TRUE(are_huffman_lengths(lengths));
        const auto used = std::ranges::count_if(counts, [](auto count) { return count > 0; });
        for (std::size_t symbol = 0; symbol < counts.size(); ++symbol)
            ASSERT_EQ(lengths[symbol] > 0, counts[symbol] > 0);
        if (used < 2) continue;
        // Only the limit costs something; words of equal length would cost more.
        const std::uint64_t bits = cost(counts, lengths);
        ASSERT_GE(bits, least_cost(counts));
        ASSERT_LE(bits, 6 * std::accumulate(counts.begin(), counts.end(), std::uint64_t{0}));
        if (unlimited_depth(counts) <= kLongestWord) {
            ASSERT_EQ(bits, least_cost(counts));
        } else {
            ++limited;
        }
    }
    EXPECT_GT(limited, 10U);
}

TEST(HuffmanLengths, NoWordIsLongerThanTwelveBits) {
    // Fibonacci's numbers make the deepest of trees: 13 symbols have 12 bits, of more the counts
    // are halved.
    for (std::size_t symbols = 2; symbols <= PrefixCode::kMaxSymbols; ++symbols) {
        Counts counts = {1, 1};
        while (counts.size() < symbols)
            counts.push_back(counts[counts.size() - 1] + counts[counts.size() - 2]);
        const Lengths lengths = lengths_of(counts);
        ASSERT_TRUE(are_huffman_lengths(lengths)) << symbols;
        const std::size_t longest = std::ranges::max(lengths);
        if (symbols <= kLongestWord + 1) {
            EXPECT_EQ(longest, symbols - 1);
            EXPECT_EQ(cost(counts, lengths), least_cost(counts));
        } else {
            EXPECT_LE(longest, kLongestWord);
        }
        // A symbol that is more frequent has no longer word.
        EXPECT_TRUE(std::ranges::is_sorted(lengths, std::greater<>()));
    }
    // 1 1 2 3 5 8 13 21 34 55 89 144 233 377 has 13 bits; halved upwards it is 1 1 1 2 3 4 7 11 17
    // 28 45 72 117 189: 1 + 1, 1 + 2, 2 + 3 (the symbol first), 3 + 4, 5 + 7, 7 + 11, 12 + 17, 18 +
    // 28, 29 + 45, 46 + 72, 74 + 117, 118 + 189, 191 + 307.
    EXPECT_EQ(lengths_of({1, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377}),
              lengths_of({1, 1, 1, 2, 3, 4, 7, 11, 17, 28, 45, 72, 117, 189}));
    // As many symbols as words of twelve bits can name.
    const Lengths all = lengths_of(Counts(std::size_t{1} << kLongestWord, 3));
    EXPECT_TRUE(std::ranges::all_of(all, [](auto length) { return length == kLongestWord; }));
    // Counts near their limit.
    EXPECT_EQ(lengths_of({1, std::uint64_t{1} << 62U, 1}), (Lengths{2, 1, 2}));
}

TEST(AreHuffmanLengths, RefusesWhatIsOverOrUnderFull) {
    for (const Lengths& good : {Lengths{}, Lengths{0, 0}, Lengths{0, 1, 0}, Lengths{1}})
        EXPECT_TRUE(are_huffman_lengths(good));
    for (const Lengths& good :
         {Lengths{1, 1}, Lengths{1, 2, 2}, Lengths{3, 0, 3, 2, 1}, Lengths(64, 6),
          Lengths{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 12}}) {
        EXPECT_TRUE(are_huffman_lengths(good));
        // Each length changed to each other one: a code has no room for it and leaves none.
        for (std::size_t i = 0; i < good.size(); ++i) {
            for (std::uint8_t other = 0; other < 16; ++other) {
                if (other == good[i]) continue;
                Lengths changed = good;
                changed[i] = other;
                const auto used = std::ranges::count_if(changed, [](auto v) { return v > 0; });
                const bool lone = used == 1 && std::ranges::max(changed) == 1;
                EXPECT_EQ(are_huffman_lengths(changed), lone) << i << " " << +other;
            }
        }
    }
    for (const Lengths& bad : {Lengths{2}, Lengths{12}, Lengths{13}, Lengths{15}, Lengths{1, 1, 1},
                               Lengths{1, 1, 12}, Lengths{2, 2}, Lengths{1, 2}, Lengths{2, 2, 2},
                               Lengths{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 13},
                               Lengths(256, 1), Lengths(64, 15), Lengths{2, 2, 2, 3}})
        EXPECT_FALSE(are_huffman_lengths(bad));
}

TEST(PrefixCode, WordsAreCanonical) {
    using Words = std::vector<std::string>;
    EXPECT_EQ(words_of({0, 0}), (Words{"", ""}));
    EXPECT_EQ(words_of({0, 1, 0}), (Words{"", "0", ""}));
    EXPECT_EQ(words_of({1, 1}), (Words{"0", "1"}));
    EXPECT_EQ(words_of({2, 1, 2}), (Words{"10", "0", "11"}));
    EXPECT_EQ(words_of({3, 2, 0, 2, 3, 2}), (Words{"110", "00", "", "01", "111", "10"}));
    EXPECT_EQ(words_of({4, 4, 3, 3, 3, 1}), (Words{"1110", "1111", "100", "101", "110", "0"}));
}

// `words` has a meaning for each string of the longest word's bits, and one only.
void expect_decodes(const Lengths& lengths) {
    const PrefixCode code(lengths);
    const std::vector<std::string> words = words_of(lengths);
    for (std::uint64_t window = 0; window < std::uint64_t{1} << kLongestWord; ++window) {
        std::size_t symbol = lengths.size();
        for (std::size_t i = 0; i < lengths.size(); ++i) {
            const PrefixCode::Word word = code.word(i);
            const std::uint64_t front = window & ((std::uint64_t{1} << word.size) - 1);
            if (word.size == 0 || front != word.bits) continue;
            ASSERT_EQ(symbol, lengths.size()) << words[i] << " and " << words[symbol];
            symbol = i;
        }
        // What stands above the word is not looked at.
        for (const std::uint64_t above : {std::uint64_t{0}, ~std::uint64_t{0} << kLongestWord}) {
            const PrefixCode::Meaning meaning = code.meaning(window | above);
            if (symbol == lengths.size()) {
                ASSERT_EQ(meaning.size, 0U);
            } else {
                ASSERT_EQ(meaning.symbol, symbol);
                ASSERT_EQ(meaning.size, lengths[symbol]);
            }
        }
    }
    for (std::size_t i = 0; i < lengths.size(); ++i)
        EXPECT_EQ(words[i].size(), lengths[i]);
}

TEST(PrefixCode, EveryStringStartsWithOneWord) {
    expect_decodes({});
    expect_decodes({0, 0, 1});
    expect_decodes({1, 1});
    expect_decodes(Lengths(64, 6));
    expect_decodes({12, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1});
    CounterRng rng(2);
    for (int i = 0; i < 10; ++i)
        expect_decodes(lengths_of(random_counts(rng, 1 + rng.below(64))));
}

}  // namespace
}  // namespace covenant::protocol
