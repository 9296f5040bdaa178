// The loops over whole chunks that compression spends its time in, for the vectors that this CPU
// has. Integer or single IEEE operations on independent elements: every variant has the same bits.
#pragma once

#include <cstddef>
#include <cstdint>

namespace covenant::engine {

// What peers sent of one parameter: their weighted values, and their weights.
struct alignas(16) CoordinateSum {
    double numerator;
    double support;
};

struct ChunkLoops {
    // a[i] = beta * error[i] + (start[i] - end[i]), three rounded operations; magnitudes[i] = bits
    // of |a[i]|. Returns the largest magnitude.
    std::uint32_t (*accumulate)(float beta, const float* error, const float* start,
                                const float* end, std::size_t count, float* a,
                                std::uint32_t* magnitudes);
    // Magnitudes (no sign bit) of at least `least`.
    std::uint32_t (*count_at_least)(const std::uint32_t* magnitudes, std::size_t count,
                                    std::uint32_t least);
    // Bit i of masks[j] says whether magnitudes[64 j + i] is at least `least`; count is a multiple
    // of 64.
    void (*mask_at_least)(const std::uint32_t* magnitudes, std::size_t count, std::uint32_t least,
                          std::uint64_t* masks);
    // theta_j -= alpha * (N_j / sqrt(W_j * weight)) with j = positions[i], all different, and N_j
    // and W_j those of sums[i]. Returns the largest magnitude that theta_j has then, in its bits.
    std::uint32_t (*half_support_step)(const CoordinateSum* sums, const std::uint16_t* positions,
                                       std::size_t count, double alpha, double weight,
                                       float* theta);
};

const ChunkLoops& chunk_loops();

// out = values, past the caches where that is possible: for memory that is not read soon. Other
// threads see it after this thread's finish_copies().
void copy_past_caches(const float* values, std::size_t count, float* out);
void finish_copies();

}  // namespace covenant::engine
