#include "common/engine/kernels/chunk_loops.inl"

namespace covenant::kernels {
namespace {

// Four parameters at a time: their roots and quotients are computed while the next four parameters
// are fetched from scattered places.
std::uint32_t half_support_by_four(const CoordinateSum* sums, const std::uint32_t* positions,
                                   std::size_t count, double alpha, double weight, float* theta) {
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
        *at[1] = __builtin_bit_cast(float, _mm_extract_ps(after, 1));
        *at[2] = __builtin_bit_cast(float, _mm_extract_ps(after, 2));
        *at[3] = __builtin_bit_cast(float, _mm_extract_ps(after, 3));
        const __m128i no_sign = _mm_set1_epi32(kNoSign);
        largest = _mm_max_epi32(largest, _mm_and_si128(_mm_castps_si128(after), no_sign));
    }
    largest = _mm_max_epi32(largest, _mm_shuffle_epi32(largest, _MM_SHUFFLE(1, 0, 3, 2)));
    largest = _mm_max_epi32(largest, _mm_shuffle_epi32(largest, _MM_SHUFFLE(2, 3, 0, 1)));
    const auto here = static_cast<std::uint32_t>(_mm_cvtsi128_si32(largest));
    const std::uint32_t rest =
        half_support_step(sums + i, positions + i, count - i, alpha, weight, theta);
    return here < rest ? rest : here;
}

void mask_at_least(const float* values, std::size_t count, std::uint32_t least,
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

}  // namespace

ChunkLoops chunk_loops_avx2() {
    return {accumulate, count_at_least, mask_at_least, numbers_of_bits, half_support_by_four};
}

}  // namespace covenant::kernels
