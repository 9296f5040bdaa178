// Which values of a chunk are kept: the largest magnitudes.
#pragma once

#include "common/base/sparse_update.hpp"
#include "common/engine/kernels/chunk_loops.hpp"

#include <array>
#include <cstdint>
#include <span>

namespace covenant::engine {

inline constexpr std::uint32_t kInfinityBits = 0x7F800000U;

// Finds the k largest magnitudes of a chunk. The cut is the least of them. A TopK begins the search
// at the cut of the chunk before, because it is near; that saves time and changes no result.
class TopK {
  public:
    // Writes the indices of the indices.size() largest values, by (bits of the magnitude
    // descending, index ascending), in ascending order. All values are finite.
    // 1 <= indices.size() <= values.size() <= 4096.
    // peaks: some of the values, with or without their signs. A cut that k peaks reach is reached
    // by at least k values, so that a search among a few large peaks leaves few values to look at.
    // Neither peaks nor `ahead` changes the result; both save time.
    void select(std::span<const float> values, std::span<const float> peaks,
                std::span<std::uint16_t> indices, const kernels::Ahead& ahead = {});

  private:
    // `reached` magnitudes reach low: at least as many as wanted. `above` reach high: fewer.
    struct Cut {
        std::uint32_t low = 0;
        std::uint32_t high = kInfinityBits;
        std::uint32_t reached = 0;
        std::uint32_t above = 0;
    };
    static Cut narrow(std::span<const float> values, std::uint32_t wanted, std::uint32_t enough,
                      Cut out, std::uint32_t next);
    std::size_t collect(std::span<const float> values, std::uint32_t least,
                        const kernels::Ahead& ahead);

    std::uint32_t hint_ = 0;
    std::array<std::uint64_t, kChunkElements / 64> masks_;
    std::array<std::uint16_t, kChunkElements + kernels::kMaskSlack> candidates_;
    std::array<float, kChunkElements> of_candidates_;
};

}  // namespace covenant::engine
