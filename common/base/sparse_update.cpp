#include "common/base/sparse_update.hpp"

#include "common/base/assert.hpp"

#include <algorithm>

namespace covenant {

std::uint32_t Sparsity::kept_of(std::uint32_t elements) const {
    COVENANT_ASSERT(elements >= 1 && elements <= kChunkElements, "a chunk has 1..4096 elements");
    constexpr std::uint32_t kHalf = kChunkElements / 2;
    return std::max(1U, static_cast<std::uint32_t>((keep * elements + kHalf) / kChunkElements));
}

bool operator==(const SparseView& a, const SparseView& b) {
    return std::ranges::equal(a.levels, b.levels) && std::ranges::equal(a.indices, b.indices) &&
           std::ranges::equal(a.codes, b.codes);
}

bool codes_are_canonical(const SparseView& chunk) {
    if (std::ranges::adjacent_find(chunk.levels) == chunk.levels.end()) return true;
    return std::ranges::all_of(chunk.codes, [&](std::uint8_t code) {
        const std::size_t level = code & kCodeLevel;
        return level == 0 || chunk.levels[level - 1] != chunk.levels[level];
    });
}

SparseChunk SparseChunk::zeros(const Sparsity& sparsity, std::uint32_t elements) {
    const std::size_t kept = sparsity.kept_of(elements);
    SparseChunk out;
    out.levels.resize(sparsity.levels());
    out.indices.resize(kept);
    out.codes.resize(kept);
    return out;
}

SparseUpdate::SparseUpdate(const Sparsity& sparsity, std::span<const std::uint16_t> elements)
    : sparsity_(sparsity) {
    COVENANT_ASSERT(sparsity.valid(), "k is in 1..4096, a code has 1..4 bits");
    first_.reserve(elements.size() + 1);
    first_.push_back(0);
    for (const std::uint16_t count : elements)
        first_.push_back(first_.back() + sparsity.kept_of(count));
    levels_.resize(elements.size() * sparsity.levels());
    indices_.resize(first_.back());
    codes_.resize(first_.back());
}

}  // namespace covenant
