// Matrix products with AVX-512; the method stands in gemm_packed.inl. Tiles of 14 x 32:
// twenty-eight accumulators, two registers of B, A broadcast from memory.
#include "common/engine/kernels/tables.hpp"

#include <immintrin.h>

namespace covenant::kernels {
namespace {

struct Simd {
    using Reg = __m512;
    static constexpr std::size_t kLanes = 16;
    static constexpr std::size_t kMr = 14;
    static constexpr std::size_t kMc = 224;

    static Reg zero() { return _mm512_setzero_ps(); }
    static Reg load(const float* p) { return _mm512_loadu_ps(p); }
    static void store(float* p, Reg x) { _mm512_storeu_ps(p, x); }
    static __mmask16 first(std::size_t count) { return static_cast<__mmask16>((1U << count) - 1U); }
    static Reg load_part(const float* p, std::size_t count) {
        return _mm512_maskz_loadu_ps(first(count), p);
    }
    static void store_part(float* p, Reg x, std::size_t count) {
        _mm512_mask_storeu_ps(p, first(count), x);
    }
    static void store_rows(float* p, Reg x) { _mm512_mask_storeu_ps(p, first(kMr), x); }
    static Reg broadcast(const float* p) { return _mm512_set1_ps(*p); }
    static Reg fma(Reg a, Reg b, Reg c) { return _mm512_fmadd_ps(a, b, c); }
    static Reg add(Reg a, Reg b) { return _mm512_add_ps(a, b); }

    static Reg to_bf16(Reg x) {
        const __m512i bits = _mm512_castps_si512(x);
        const __m512i magnitude = _mm512_and_si512(bits, _mm512_set1_epi32(0x7FFFFFFF));
        const __mmask16 normal = _mm512_cmpgt_epi32_mask(magnitude, _mm512_set1_epi32(0x007FFFFF));
        const __mmask16 nan = _mm512_cmpgt_epi32_mask(magnitude, _mm512_set1_epi32(0x7F800000));
        const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
        const __m512i rounded =
            _mm512_add_epi32(_mm512_add_epi32(bits, _mm512_set1_epi32(0x7FFF)), odd);
        const __m512i sign = _mm512_set1_epi32(static_cast<int>(0x80000000U));
        const __m512i high = _mm512_set1_epi32(static_cast<int>(0xFFFF0000U));
        const __m512i number = _mm512_mask_blend_epi32(nan, rounded, high);
        const __m512i keep = _mm512_mask_blend_epi32(normal, sign, high);
        return _mm512_castsi512_ps(_mm512_and_si512(number, keep));
    }

    static void transpose(Reg (&x)[16]) {
        Reg pair[16];
        for (int i = 0; i < 8; ++i) {
            pair[2 * i] = _mm512_unpacklo_ps(x[2 * i], x[2 * i + 1]);
            pair[2 * i + 1] = _mm512_unpackhi_ps(x[2 * i], x[2 * i + 1]);
        }
        // four[4 * i + c] holds, in its quarter q, column 4 * q + c of rows 4 * i to 4 * i + 3.
        Reg four[16];
        for (int i = 0; i < 4; ++i) {
            const Reg* const p = pair + 4 * i;
            four[4 * i] = _mm512_shuffle_ps(p[0], p[2], _MM_SHUFFLE(1, 0, 1, 0));
            four[4 * i + 1] = _mm512_shuffle_ps(p[0], p[2], _MM_SHUFFLE(3, 2, 3, 2));
            four[4 * i + 2] = _mm512_shuffle_ps(p[1], p[3], _MM_SHUFFLE(1, 0, 1, 0));
            four[4 * i + 3] = _mm512_shuffle_ps(p[1], p[3], _MM_SHUFFLE(3, 2, 3, 2));
        }
        for (int c = 0; c < 4; ++c) {
            const Reg even_low = _mm512_shuffle_f32x4(four[c], four[4 + c], 0x88);
            const Reg even_high = _mm512_shuffle_f32x4(four[8 + c], four[12 + c], 0x88);
            const Reg odd_low = _mm512_shuffle_f32x4(four[c], four[4 + c], 0xDD);
            const Reg odd_high = _mm512_shuffle_f32x4(four[8 + c], four[12 + c], 0xDD);
            x[c] = _mm512_shuffle_f32x4(even_low, even_high, 0x88);
            x[4 + c] = _mm512_shuffle_f32x4(odd_low, odd_high, 0x88);
            x[8 + c] = _mm512_shuffle_f32x4(even_low, even_high, 0xDD);
            x[12 + c] = _mm512_shuffle_f32x4(odd_low, odd_high, 0xDD);
        }
    }
};

}  // namespace
}  // namespace covenant::kernels

#include "common/engine/kernels/gemm_packed.inl"

namespace covenant::kernels {

void gemm_avx512(const Gemm& gemm) {
    gemm_packed(gemm);
}

}  // namespace covenant::kernels
