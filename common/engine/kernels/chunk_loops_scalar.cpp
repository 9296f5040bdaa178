// What every x86-64 has: SSE2.
// clang-format off: the file that stands here defines what the next lines use.
#include "common/engine/kernels/chunk_loops.inl"
// clang-format on

namespace covenant::kernels {
namespace {

void mask_at_least(const float* values, std::size_t count, std::uint32_t least,
                   std::uint64_t* masks, const Ahead& ahead) {
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

}  // namespace

ChunkLoops chunk_loops_scalar() {
    return {accumulate, count_at_least, mask_at_least, numbers_of_bits, half_support_step};
}

}  // namespace covenant::kernels
