// The loops over whole chunks that compression spends its time in, one table per instruction set.
// Integer or single IEEE operations on independent elements: every table has the same bits,
// whatever the profile, so that nobody has to choose one.
#pragma once

#include <cstddef>
#include <cstdint>

namespace covenant::kernels {

// What peers sent of one parameter: their weighted values, and their weights.
struct alignas(16) CoordinateSum {
    double numerator;
    double support;
};

// The largest magnitudes of this many groups of a chunk: those of equal index modulo kPeaks.
inline constexpr std::size_t kPeaks = 256;

inline constexpr std::size_t kMaskSlack = 64;

// The floats that the caller needs next: `count` of each input. Loops that do not wait for memory
// prefetch them on the way, a few cache lines at a time; many lines at once would make a loop wait.
struct Ahead {
    const float* inputs[3] = {};
    std::size_t count = 0;
};

struct ChunkLoops {
    // a[i] = beta * a[i] + (start[i] - end[i]), three rounded operations; peaks[j] = the
    // largest |a[i]| with i mod kPeaks = j in the order of their bits, 0 of none. Returns the
    // largest of all, in its bits.
    std::uint32_t (*accumulate)(float beta, const float* start, const float* end, std::size_t count,
                                float* a, float* peaks);
    // Values whose magnitude is at least `least`, in its bits, as everywhere below.
    std::uint32_t (*count_at_least)(const float* values, std::size_t count, std::uint32_t least);
    // Bit i of masks[j] says whether the magnitude of values[64 j + i] is at least `least`; count
    // is a multiple of 64.
    void (*mask_at_least)(const float* values, std::size_t count, std::uint32_t least,
                          std::uint64_t* masks, const Ahead& ahead);
    // Writes the numbers of the bits that are set in `count` masks, ascending, and returns how many
    // they are. `numbers` has room for kMaskSlack more, which may be written over.
    std::size_t (*numbers_of_bits)(const std::uint64_t* masks, std::size_t count,
                                   std::uint16_t* numbers, const Ahead& ahead);
    // theta_j -= alpha * (N_j / sqrt(W_j * weight)) with j = positions[i], all different, and N_j
    // and W_j those of sums[i]. Returns the largest magnitude that theta_j has then, in its bits.
    std::uint32_t (*half_support_step)(const CoordinateSum* sums, const std::uint32_t* positions,
                                       std::size_t count, double alpha, double weight,
                                       float* theta);
};

// The best that this CPU can run.
const ChunkLoops& chunk_loops();

}  // namespace covenant::kernels
