// Matrix products with AVX2 and FMA; the method stands in gemm_packed.inl. Tiles of 6 x 16: twelve
// accumulators, two registers of B and one broadcast of A.
#include "common/engine/kernels/tables.hpp"

#include <immintrin.h>

namespace covenant::kernels {
namespace {

struct Simd {
    using Reg = __m256;
    static constexpr std::size_t kLanes = 8;
    static constexpr std::size_t kMr = 6;
    static constexpr std::size_t kMc = 192;

    static Reg zero() { return _mm256_setzero_ps(); }
    static Reg load(const float* p) { return _mm256_loadu_ps(p); }
    static void store(float* p, Reg x) { _mm256_storeu_ps(p, x); }
    static __m256i first(std::size_t count) {
        return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(count)),
                                  _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
    }
    static Reg load_part(const float* p, std::size_t count) {
        return _mm256_maskload_ps(p, first(count));
    }
    static void store_part(float* p, Reg x, std::size_t count) {
        _mm256_maskstore_ps(p, first(count), x);
    }
    static void store_rows(float* p, Reg x) {
        _mm_storeu_ps(p, _mm256_castps256_ps128(x));
        _mm_storel_pi(reinterpret_cast<__m64*>(p + 4), _mm256_extractf128_ps(x, 1));
    }
    static Reg broadcast(const float* p) { return _mm256_broadcast_ss(p); }
    static Reg fma(Reg a, Reg b, Reg c) { return _mm256_fmadd_ps(a, b, c); }
    static Reg add(Reg a, Reg b) { return _mm256_add_ps(a, b); }

    static Reg to_bf16(Reg x) {
        const __m256i bits = _mm256_castps_si256(x);
        const __m256i magnitude = _mm256_and_si256(bits, _mm256_set1_epi32(0x7FFFFFFF));
        const __m256i normal = _mm256_cmpgt_epi32(magnitude, _mm256_set1_epi32(0x007FFFFF));
        const __m256i nan = _mm256_cmpgt_epi32(magnitude, _mm256_set1_epi32(0x7F800000));
        const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
        const __m256i rounded = _mm256_or_si256(
            _mm256_add_epi32(_mm256_add_epi32(bits, _mm256_set1_epi32(0x7FFF)), odd), nan);
        const __m256i high = _mm256_set1_epi32(static_cast<int>(0xFFFF0000U));
        const __m256i sign = _mm256_set1_epi32(static_cast<int>(0x80000000U));
        const __m256i keep = _mm256_and_si256(_mm256_or_si256(normal, sign), high);
        return _mm256_castsi256_ps(_mm256_and_si256(rounded, keep));
    }

    static void transpose(Reg (&x)[8]) {
        Reg pair[8];
        for (int i = 0; i < 4; ++i) {
            pair[2 * i] = _mm256_unpacklo_ps(x[2 * i], x[2 * i + 1]);
            pair[2 * i + 1] = _mm256_unpackhi_ps(x[2 * i], x[2 * i + 1]);
        }
        Reg four[8];
        for (int i = 0; i < 2; ++i) {
            const Reg* const p = pair + 4 * i;
            four[4 * i] = _mm256_shuffle_ps(p[0], p[2], _MM_SHUFFLE(1, 0, 1, 0));
            four[4 * i + 1] = _mm256_shuffle_ps(p[0], p[2], _MM_SHUFFLE(3, 2, 3, 2));
            four[4 * i + 2] = _mm256_shuffle_ps(p[1], p[3], _MM_SHUFFLE(1, 0, 1, 0));
            four[4 * i + 3] = _mm256_shuffle_ps(p[1], p[3], _MM_SHUFFLE(3, 2, 3, 2));
        }
        for (int i = 0; i < 4; ++i) {
            x[i] = _mm256_permute2f128_ps(four[i], four[i + 4], 0x20);
            x[i + 4] = _mm256_permute2f128_ps(four[i], four[i + 4], 0x31);
        }
    }
};

}  // namespace
}  // namespace covenant::kernels

#include "common/engine/kernels/gemm_packed.inl"

namespace covenant::kernels {

void gemm_avx2(const Gemm& gemm) {
    gemm_packed(gemm);
}

}  // namespace covenant::kernels
