// Contents of payloads, and bits written as text.
#pragma once

#include "common/base/counter_rng.hpp"
#include "common/protocol/payload_format.hpp"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

namespace covenant::protocol {

using Layout = std::vector<std::uint16_t>;

inline constexpr std::uint8_t kMinus = kCodeNegative;

inline Sparsity at(std::uint32_t keep, unsigned code_bits = 2) {
    return {.keep = static_cast<std::uint16_t>(keep),
            .code_bits = static_cast<std::uint8_t>(code_bits)};
}

// The lowest numbered level of the same value.
inline std::uint8_t lowest(std::span<const std::uint8_t> levels, std::size_t level) {
    return static_cast<std::uint8_t>(std::ranges::find(levels, levels[level]) - levels.begin());
}

inline void draw_indices(CounterRng& rng, std::uint32_t elements, const MutableSparseView& chunk) {
    std::size_t taken = 0;
    for (std::uint32_t i = 0; i < elements && taken < chunk.indices.size(); ++i) {
        if (rng.below(elements - i) >= chunk.indices.size() - taken) continue;
        chunk.indices[taken++] = static_cast<std::uint16_t>(i);
    }
}

inline SparseUpdate random_update(CounterRng& rng, const Sparsity& sparsity, const Layout& layout,
                                  std::uint64_t level_range = 256) {
    SparseUpdate out(sparsity, layout);
    for (std::size_t i = 0; i < layout.size(); ++i) {
        const MutableSparseView chunk = out.chunk(i);
        for (std::uint8_t& level : chunk.levels)
            level = static_cast<std::uint8_t>(rng.below(level_range));
        std::ranges::sort(chunk.levels);
        draw_indices(rng, layout[i], chunk);
        for (std::uint8_t& code : chunk.codes) {
            code = static_cast<std::uint8_t>(lowest(chunk.levels, rng.below(chunk.levels.size())) |
                                             (rng.below(2) != 0 ? kMinus : 0));
        }
    }
    return out;
}

inline SparseUpdate update_of(const Sparsity& sparsity, const Layout& layout,
                              const std::vector<SparseChunk>& chunks) {
    SparseUpdate out(sparsity, layout);
    for (std::size_t i = 0; i < layout.size(); ++i) {
        std::ranges::copy(chunks[i].levels, out.chunk(i).levels.begin());
        std::ranges::copy(chunks[i].indices, out.chunk(i).indices.begin());
        std::ranges::copy(chunks[i].codes, out.chunk(i).codes.begin());
    }
    return out;
}

inline SparseView view_of(const SparseUpdate& update, std::size_t i) {
    return update.chunk(i);
}

// Zeros and ones in the order of their bits: the rest is for the reader.
inline Bytes packed(std::string_view text) {
    Bytes out;
    std::size_t count = 0;
    for (const char c : text) {
        if (c != '0' && c != '1') continue;
        if (count % 8 == 0) out.push_back(0);
        if (c == '1') out.back() = static_cast<std::uint8_t>(out.back() | 1U << (count % 8));
        ++count;
    }
    return out;
}

inline PayloadTable table_of(ByteView payload, const Sparsity& sparsity) {
    return PayloadTable::decode(payload.first(PayloadTable::size(sparsity)), sparsity).value();
}

}  // namespace covenant::protocol
