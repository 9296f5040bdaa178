// Prefix codes that follow from how often each symbol occurs.
//
// Lengths are Huffman's: the symbols that occur, by number, are nodes; again and again the two
// nodes of the least counts join into one (of equal counts the node that was made first, a symbol
// before any join). When a length is above the longest that is allowed, every count c becomes
// ceil(c / 2) and it starts anew. A symbol alone has one bit; one that does not occur has none.
// Words: by (length, symbol) ascending, the first is zeros, each next one more than the last,
// shifted left where the length grows; written with their first (highest) bit first.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace covenant::protocol {

inline constexpr unsigned kLongestWord = 12;  // bits

// One length per count; counts.size() is at most 2^kLongestWord and their sum below 2^63.
void huffman_lengths(std::span<const std::uint64_t> counts, std::span<std::uint8_t> lengths);

// What huffman_lengths may give: lengths up to kLongestWord that leave no string of bits without a
// meaning, or one symbol of one bit, or no symbol at all.
[[nodiscard]] bool are_huffman_lengths(std::span<const std::uint8_t> lengths);

class PrefixCode {
  public:
    static constexpr std::size_t kMaxSymbols = 64;
    struct Word {
        std::uint16_t bits = 0;  // the first bit lowest
        std::uint8_t size = 0;   // 0: the symbol has none
    };
    struct Meaning {
        std::uint8_t symbol = 0;
        std::uint8_t size = 0;  // 0: no word starts like this
    };

    explicit PrefixCode(std::span<const std::uint8_t> lengths);  // are_huffman_lengths

    [[nodiscard]] Word word(std::size_t symbol) const { return words_[symbol]; }
    // Of the word at the front of `window`, lowest bit first.
    [[nodiscard]] Meaning meaning(std::uint64_t window) const {
        return meanings_[window & (meanings_.size() - 1)];
    }

  private:
    std::array<Word, kMaxSymbols> words_{};
    std::array<Meaning, std::size_t{1} << kLongestWord> meanings_{};
};

}  // namespace covenant::protocol
