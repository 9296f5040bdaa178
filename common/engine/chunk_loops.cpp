#include "common/engine/chunk_loops.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include <immintrin.h>

namespace covenant::engine {
namespace {

// One source for every instruction set: a body is inlined into a function that names the set.
#define COVENANT_BODY inline __attribute__((always_inline))
#define COVENANT_AVX2 __attribute__((target("avx2,bmi,popcnt")))

constexpr std::int32_t kNoSign = 0x7FFFFFFF;

COVENANT_BODY std::uint32_t accumulate_body(float beta, const float* start, const float* end,
                                            std::size_t count, float* __restrict a,
                                            float* __restrict peaks) {
    std::fill_n(peaks, kPeaks, 0.0F);
    for (std::size_t first = 0; first < count; first += kPeaks) {
        const std::size_t size = std::min(kPeaks, count - first);
        for (std::size_t i = 0; i < size; ++i) {
            const float difference = start[first + i] - end[first + i];
            const float sum = beta * a[first + i] + difference;
            a[first + i] = sum;
            const std::int32_t magnitude = std::bit_cast<std::int32_t>(sum) & kNoSign;
            const auto peak = std::bit_cast<std::int32_t>(peaks[i]);
            peaks[i] = std::bit_cast<float>(std::max(peak, magnitude));
        }
    }
    std::int32_t largest = 0;
    for (std::size_t i = 0; i < kPeaks; ++i)
        largest = std::max(largest, std::bit_cast<std::int32_t>(peaks[i]));
    return static_cast<std::uint32_t>(largest);
}

COVENANT_BODY std::uint32_t count_body(const float* values, std::size_t count,
                                       std::uint32_t least) {
    const auto bound = static_cast<std::int32_t>(least);
    std::uint32_t reached = 0;
    for (std::size_t i = 0; i < count; ++i) {
        const std::int32_t magnitude = std::bit_cast<std::int32_t>(values[i]) & kNoSign;
        reached += static_cast<std::uint32_t>(magnitude >= bound);
    }
    return reached;
}

COVENANT_BODY void fetch_line(const Ahead& ahead, std::size_t line) {
    const std::size_t at = line * (64 / sizeof(float));
    if (at >= ahead.count) return;
    for (const float* const input : ahead.inputs)
        __builtin_prefetch(input + at);
}

// Prefetches the cache lines that follow those which mask_at_least() has prefetched.
COVENANT_BODY std::size_t numbers_body(const std::uint64_t* masks, std::size_t count,
                                       std::uint16_t* numbers, const Ahead& ahead) {
    std::size_t written = 0;
    for (std::size_t i = 0; i < count; ++i) {
        fetch_line(ahead, count + i);
        std::uint64_t mask = masks[i];
        const auto found = static_cast<std::size_t>(std::popcount(mask));
        std::uint16_t* const out = numbers + written;
        std::size_t j = 0;
        // Danger: writes four numbers a turn even where fewer bits are left, because a branch on
        // so varied masks would be mispredicted. A mask without bits gives the number 64; it lies
        // beyond those that count: in the slack, or where the next mask's numbers go.
        do {
            for (const std::size_t end = j + 4; j < end; ++j) {
                const auto bit = static_cast<unsigned>(std::countr_zero(mask));
                out[j] = static_cast<std::uint16_t>(64 * i + bit);
                mask &= mask - 1;
            }
        } while (j < found);
        written += found;
    }
    return written;
}

COVENANT_BODY std::uint32_t half_support_body(const CoordinateSum* sums,
                                              const std::uint32_t* positions, std::size_t count,
                                              double alpha, double weight, float* theta) {
    std::int32_t largest = 0;
    for (std::size_t i = 0; i < count; ++i) {
        const double move = alpha * (sums[i].numerator / std::sqrt(sums[i].support * weight));
        float& at = theta[positions[i]];
        at = static_cast<float>(static_cast<double>(at) - move);
        largest = std::max(largest, std::bit_cast<std::int32_t>(at) & kNoSign);
    }
    return static_cast<std::uint32_t>(largest);
}

std::uint32_t accumulate_sse2(float beta, const float* start, const float* end, std::size_t count,
                              float* a, float* peaks) {
    return accumulate_body(beta, start, end, count, a, peaks);
}
COVENANT_AVX2 std::uint32_t accumulate_avx2(float beta, const float* start, const float* end,
                                            std::size_t count, float* a, float* peaks) {
    return accumulate_body(beta, start, end, count, a, peaks);
}
std::uint32_t count_sse2(const float* values, std::size_t count, std::uint32_t least) {
    return count_body(values, count, least);
}
COVENANT_AVX2 std::uint32_t count_avx2(const float* values, std::size_t count,
                                       std::uint32_t least) {
    return count_body(values, count, least);
}
std::size_t numbers_sse2(const std::uint64_t* masks, std::size_t count, std::uint16_t* numbers,
                         const Ahead& ahead) {
    return numbers_body(masks, count, numbers, ahead);
}
COVENANT_AVX2 std::size_t numbers_avx2(const std::uint64_t* masks, std::size_t count,
                                       std::uint16_t* numbers, const Ahead& ahead) {
    return numbers_body(masks, count, numbers, ahead);
}
std::uint32_t half_support_sse2(const CoordinateSum* sums, const std::uint32_t* positions,
                                std::size_t count, double alpha, double weight, float* theta) {
    return half_support_body(sums, positions, count, alpha, weight, theta);
}
// Four parameters at a time: their roots and quotients are computed while the next four parameters
// are fetched from scattered places.
COVENANT_AVX2 std::uint32_t half_support_avx2(const CoordinateSum* sums,
                                              const std::uint32_t* positions, std::size_t count,
                                              double alpha, double weight, float* theta) {
    const __m256d alphas = _mm256_set1_pd(alpha);
    const __m256d weights = _mm256_set1_pd(weight);
    __m128i largest = _mm_setzero_si128();
    std::size_t i = 0;
    for (; i + 4 <= count; i += 4) {
        const __m256d low = _mm256_loadu_pd(&sums[i].numerator);
        const __m256d high = _mm256_loadu_pd(&sums[i + 2].numerator);
        const __m256d numerators = _mm256_unpacklo_pd(low, high);  // of 0, 2, 1, 3
        const __m256d supports = _mm256_unpackhi_pd(low, high);
        const __m256d roots = _mm256_sqrt_pd(_mm256_mul_pd(supports, weights));
        const __m256d moves = _mm256_mul_pd(alphas, _mm256_div_pd(numerators, roots));
        float* const at[] = {theta + positions[i], theta + positions[i + 2],
                             theta + positions[i + 1], theta + positions[i + 3]};
        const __m256d before = _mm256_cvtps_pd(_mm_setr_ps(*at[0], *at[1], *at[2], *at[3]));
        const __m128 after = _mm256_cvtpd_ps(_mm256_sub_pd(before, moves));
        *at[0] = _mm_cvtss_f32(after);
        *at[1] = std::bit_cast<float>(_mm_extract_ps(after, 1));
        *at[2] = std::bit_cast<float>(_mm_extract_ps(after, 2));
        *at[3] = std::bit_cast<float>(_mm_extract_ps(after, 3));
        const __m128i no_sign = _mm_set1_epi32(kNoSign);
        largest = _mm_max_epi32(largest, _mm_and_si128(_mm_castps_si128(after), no_sign));
    }
    alignas(16) std::array<std::uint32_t, 4> of_lanes;
    _mm_store_si128(reinterpret_cast<__m128i*>(of_lanes.data()), largest);
    return std::max(std::ranges::max(of_lanes),
                    half_support_body(sums + i, positions + i, count - i, alpha, weight, theta));
}

// Magnitudes have no sign bit, so that signed comparisons are right.
void mask_sse2(const float* values, std::size_t count, std::uint32_t least, std::uint64_t* masks,
               const Ahead& ahead) {
    const __m128i below = _mm_set1_epi32(static_cast<std::int32_t>(least) - 1);
    const __m128i no_sign = _mm_set1_epi32(kNoSign);
    const auto reached = [&](const float* four) {
        const __m128i bits = _mm_castps_si128(_mm_loadu_ps(four));
        return _mm_cmpgt_epi32(_mm_and_si128(bits, no_sign), below);
    };
    for (std::size_t i = 0; i < count; i += 64) {
        fetch_line(ahead, i / 64);
        std::uint64_t mask = 0;
        for (std::size_t j = 0; j < 64; j += 16) {
            const float* const at = values + i + j;
            const __m128i low = _mm_packs_epi32(reached(at), reached(at + 4));
            const __m128i high = _mm_packs_epi32(reached(at + 8), reached(at + 12));
            const int sixteen = _mm_movemask_epi8(_mm_packs_epi16(low, high));
            mask |= static_cast<std::uint64_t>(sixteen) << j;
        }
        masks[i / 64] = mask;
    }
}
COVENANT_AVX2 void mask_avx2(const float* values, std::size_t count, std::uint32_t least,
                             std::uint64_t* masks, const Ahead& ahead) {
    const __m256i below = _mm256_set1_epi32(static_cast<std::int32_t>(least) - 1);
    const __m256i no_sign = _mm256_set1_epi32(kNoSign);
    for (std::size_t i = 0; i < count; i += 64) {
        fetch_line(ahead, i / 64);
        std::uint64_t mask = 0;
        for (std::size_t j = 0; j < 64; j += 8) {
            const __m256i bits = _mm256_castps_si256(_mm256_loadu_ps(values + i + j));
            const __m256i reached = _mm256_cmpgt_epi32(_mm256_and_si256(bits, no_sign), below);
            const int eight = _mm256_movemask_ps(_mm256_castsi256_ps(reached));
            mask |= static_cast<std::uint64_t>(eight) << j;
        }
        masks[i / 64] = mask;
    }
}

#undef COVENANT_BODY
#undef COVENANT_AVX2

constexpr ChunkLoops kSse2{accumulate_sse2, count_sse2, mask_sse2, numbers_sse2, half_support_sse2};
constexpr ChunkLoops kAvx2{accumulate_avx2, count_avx2, mask_avx2, numbers_avx2, half_support_avx2};

bool has_avx2() {
    return __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("bmi") != 0 &&
           __builtin_cpu_supports("popcnt") != 0;
}

}  // namespace

const ChunkLoops& chunk_loops() {
    static const ChunkLoops& chosen = has_avx2() ? kAvx2 : kSse2;
    return chosen;
}

}  // namespace covenant::engine
