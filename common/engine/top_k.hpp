// Which values of a chunk are kept: the largest magnitudes.
#pragma once

#include "common/base/sparse_update.hpp"

#include <array>
#include <cstdint>
#include <span>

namespace covenant::engine {

inline constexpr std::uint32_t kInfinityBits = 0x7F800000U;

// Finds the k largest of a chunk. Remembers where the last chunk's cut was, because the next one's
// is near it; that changes the time it takes and nothing else.
class TopK {
  public:
    // indices: those of the indices.size() largest of magnitudes (bits of |a|, below kInfinityBits)
    // by (magnitude descending, index ascending), written in ascending order.
    // 1 <= indices.size() <= magnitudes.size() <= 4096.
    void select(std::span<const std::uint32_t> magnitudes, std::span<std::uint16_t> indices);

  private:
    // `wanted` magnitudes or more reach low, fewer reach high.
    struct Cut {
        std::uint32_t low = 0;
        std::uint32_t high = kInfinityBits;
    };
    Cut cut(std::span<const std::uint32_t> magnitudes, std::uint32_t wanted);
    std::size_t collect(std::span<const std::uint32_t> magnitudes, std::uint32_t least);

    static constexpr std::size_t kSlack = 64;  // written past the last candidate
    std::uint32_t hint_ = 0;
    std::array<std::uint64_t, kChunkElements / 64> masks_;
    std::array<std::uint16_t, kChunkElements + kSlack> candidates_;
    std::array<std::uint32_t, kChunkElements> of_candidates_;
};

}  // namespace covenant::engine
