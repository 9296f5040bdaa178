// Which values of a chunk are kept: the largest magnitudes.
#pragma once

#include "common/base/sparse_update.hpp"
#include "common/engine/chunk_loops.hpp"

#include <array>
#include <cstdint>
#include <span>

namespace covenant::engine {

inline constexpr std::uint32_t kInfinityBits = 0x7F800000U;

// Finds the k largest of a chunk. Remembers where the last chunk's cut was, because the next one's
// is near it; that changes the time it takes and nothing else.
class TopK {
  public:
    // indices: those of the indices.size() largest of the values (finite) by (bits of the magnitude
    // descending, index ascending), written in ascending order.
    // 1 <= indices.size() <= values.size() <= 4096.
    // peaks: some of the values, by magnitude or not. When they are as many as are wanted, no fewer
    // values reach what this many peaks reach: a cut of large peaks leaves few values to look at.
    // They change the time it takes and nothing else, as does what is fetched ahead.
    void select(std::span<const float> values, std::span<const float> peaks,
                std::span<std::uint16_t> indices, const Ahead& ahead = {});

  private:
    // `reached` magnitudes, at least as many as wanted, reach low; `above`, fewer, reach high.
    struct Cut {
        std::uint32_t low = 0;
        std::uint32_t high = kInfinityBits;
        std::uint32_t reached = 0;
        std::uint32_t above = 0;
    };
    static Cut narrow(std::span<const float> values, std::uint32_t wanted, std::uint32_t enough,
                      Cut out, std::uint32_t next);
    std::size_t collect(std::span<const float> values, std::uint32_t least, const Ahead& ahead);

    std::uint32_t hint_ = 0;
    std::array<std::uint64_t, kChunkElements / 64> masks_;
    std::array<std::uint16_t, kChunkElements + kMaskSlack> candidates_;
    std::array<float, kChunkElements> of_candidates_;
};

}  // namespace covenant::engine
