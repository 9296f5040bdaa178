// The loops over chunks that every instruction set writes alike: whoever includes this file
// compiles them with its own flags. Internal linkage throughout, and nothing of the standard
// library, so that no other file can end up with this one's instructions.
// NOLINTBEGIN(misc-definitions-in-headers)
#include "common/engine/kernels/tables.hpp"

#include <immintrin.h>

namespace covenant::kernels {
namespace {

constexpr std::int32_t kNoSign = 0x7FFFFFFF;

// Magnitudes have no sign bit, so that signed comparisons are right.
inline std::int32_t magnitude_of(float value) {
    return __builtin_bit_cast(std::int32_t, value) & kNoSign;
}
inline std::int32_t larger(std::int32_t a, std::int32_t b) {
    return a < b ? b : a;
}

// The number of the lowest bit that is set; 64 of none.
[[gnu::always_inline]] inline int first_bit(std::uint64_t mask) {
    return mask == 0 ? 64 : __builtin_ctzll(mask);
}

std::uint32_t accumulate(float beta, const float* start, const float* end, std::size_t count,
                         float* __restrict a, float* __restrict peaks) {
    for (std::size_t i = 0; i < kPeaks; ++i)
        peaks[i] = 0.0F;
    for (std::size_t first = 0; first < count; first += kPeaks) {
        const std::size_t size = count - first < kPeaks ? count - first : kPeaks;
        for (std::size_t i = 0; i < size; ++i) {
            const float difference = start[first + i] - end[first + i];
            const float sum = beta * a[first + i] + difference;
            a[first + i] = sum;
            const std::int32_t magnitude = magnitude_of(sum);
            const auto peak = __builtin_bit_cast(std::int32_t, peaks[i]);
            peaks[i] = __builtin_bit_cast(float, larger(peak, magnitude));
        }
    }
    std::int32_t largest = 0;
    for (std::size_t i = 0; i < kPeaks; ++i)
        largest = larger(largest, __builtin_bit_cast(std::int32_t, peaks[i]));
    return static_cast<std::uint32_t>(largest);
}

std::uint32_t count_at_least(const float* values, std::size_t count, std::uint32_t least) {
    const auto bound = static_cast<std::int32_t>(least);
    std::uint32_t reached = 0;
    for (std::size_t i = 0; i < count; ++i) {
        reached += static_cast<std::uint32_t>(magnitude_of(values[i]) >= bound);
    }
    return reached;
}

// A compiler drops the call of a function that does nothing but prefetch, so this is none.
[[gnu::always_inline]] inline void fetch_line(const Ahead& ahead, std::size_t line) {
    const std::size_t at = line * (64 / sizeof(float));
    if (at >= ahead.count) return;
    for (const float* const input : ahead.inputs)
        __builtin_prefetch(input + at);
}

// Prefetches the cache lines that follow those which mask_at_least() has prefetched.
std::size_t numbers_of_bits(const std::uint64_t* masks, std::size_t count, std::uint16_t* numbers,
                            const Ahead& ahead) {
    std::size_t written = 0;
    for (std::size_t i = 0; i < count; ++i) {
        fetch_line(ahead, count + i);
        std::uint64_t mask = masks[i];
        const auto found = static_cast<std::size_t>(__builtin_popcountll(mask));
        std::uint16_t* const out = numbers + written;
        std::size_t j = 0;
        // Danger: writes four numbers a turn even where fewer bits are left, because a branch on
        // so varied masks would be mispredicted. A mask without bits gives the number 64; it lies
        // beyond those that count: in the slack, or where the next mask's numbers go.
        do {
            for (const std::size_t end = j + 4; j < end; ++j) {
                const auto bit = static_cast<unsigned>(first_bit(mask));
                out[j] = static_cast<std::uint16_t>(64 * i + bit);
                mask &= mask - 1;
            }
        } while (j < found);
        written += found;
    }
    return written;
}

std::uint32_t half_support_step(const CoordinateSum* sums, const std::uint32_t* positions,
                                std::size_t count, double alpha, double weight, float* theta) {
    std::int32_t largest = 0;
    for (std::size_t i = 0; i < count; ++i) {
        const double move = alpha * (sums[i].numerator / __builtin_sqrt(sums[i].support * weight));
        float& at = theta[positions[i]];
        at = static_cast<float>(static_cast<double>(at) - move);
        largest = larger(largest, magnitude_of(at));
    }
    return static_cast<std::uint32_t>(largest);
}

}  // namespace
}  // namespace covenant::kernels
// NOLINTEND(misc-definitions-in-headers)
