#include "common/protocol/prefix_code.hpp"

#include "common/base/assert.hpp"

#include <algorithm>
#include <vector>

namespace covenant::protocol {
namespace {

// Depths of the leaves of Huffman's tree over `counts`, all above zero.
std::vector<unsigned> depths_of(const std::vector<std::uint64_t>& counts) {
    struct Node {
        std::uint64_t count = 0;
        std::size_t parent = 0;
        bool joined = false;
    };
    const std::size_t leaves = counts.size();
    std::vector<Node> nodes;
    nodes.reserve(2 * leaves);
    for (const std::uint64_t count : counts)
        nodes.push_back({.count = count});
    const auto take_least = [&nodes] {
        std::size_t least = nodes.size();
        for (std::size_t i = 0; i < nodes.size(); ++i) {
            if (nodes[i].joined) continue;
            if (least == nodes.size() || nodes[i].count < nodes[least].count) least = i;
        }
        nodes[least].joined = true;
        return least;
    };
    while (nodes.size() < 2 * leaves - 1) {
        const std::size_t a = take_least();
        const std::size_t b = take_least();
        nodes[a].parent = nodes[b].parent = nodes.size();
        nodes.push_back({.count = nodes[a].count + nodes[b].count});
    }
    std::vector<unsigned> depths(nodes.size(), 0);
    for (std::size_t i = nodes.size() - 1; i-- > 0;)
        depths[i] = depths[nodes[i].parent] + 1;
    depths.resize(leaves);
    return depths;
}

}  // namespace

void huffman_lengths(std::span<const std::uint64_t> counts, std::span<std::uint8_t> lengths) {
    COVENANT_ASSERT(counts.size() == lengths.size(), "one length a symbol");
    std::ranges::fill(lengths, std::uint8_t{0});
    std::vector<std::size_t> symbols;
    std::vector<std::uint64_t> left;
    for (std::size_t i = 0; i < counts.size(); ++i) {
        if (counts[i] == 0) continue;
        symbols.push_back(i);
        left.push_back(counts[i]);
    }
    if (symbols.empty()) return;
    if (symbols.size() == 1) {
        lengths[symbols.front()] = 1;
        return;
    }
    std::vector<unsigned> depths = depths_of(left);
    while (std::ranges::max(depths) > kLongestWord) {
        for (std::uint64_t& count : left)
            count = (count + 1) / 2;
        depths = depths_of(left);
    }
    for (std::size_t i = 0; i < symbols.size(); ++i)
        lengths[symbols[i]] = static_cast<std::uint8_t>(depths[i]);
}

bool are_huffman_lengths(std::span<const std::uint8_t> lengths) {
    std::uint64_t share = 0;  // of all strings of kLongestWord bits
    std::size_t symbols = 0;
    for (const std::uint8_t length : lengths) {
        if (length > kLongestWord) return false;
        if (length == 0) continue;
        ++symbols;
        share += std::uint64_t{1} << (kLongestWord - length);
    }
    constexpr std::uint64_t kAll = std::uint64_t{1} << kLongestWord;
    return share == kAll || symbols == 0 || (symbols == 1 && share == kAll / 2);
}

PrefixCode::PrefixCode(std::span<const std::uint8_t> lengths) {
    COVENANT_ASSERT(lengths.size() <= kMaxSymbols && are_huffman_lengths(lengths),
                    "lengths are checked before a code is made of them");
    unsigned next = 0;  // the word, highest bit first
    for (unsigned size = 1; size <= kLongestWord; ++size) {
        next <<= 1U;
        for (std::size_t symbol = 0; symbol < lengths.size(); ++symbol) {
            if (lengths[symbol] != size) continue;
            unsigned reversed = 0;
            for (unsigned bit = 0; bit < size; ++bit)
                reversed |= (next >> bit & 1U) << (size - 1 - bit);
            ++next;
            words_[symbol] = {static_cast<std::uint16_t>(reversed),
                              static_cast<std::uint8_t>(size)};
            for (std::size_t rest = reversed; rest < meanings_.size();
                 rest += std::size_t{1} << size)
                meanings_[rest] = {static_cast<std::uint8_t>(symbol),
                                   static_cast<std::uint8_t>(size)};
        }
    }
}

}  // namespace covenant::protocol
