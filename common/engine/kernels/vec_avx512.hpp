// Sixteen fp32 lanes in one AVX-512 register, for row_kernels.inl. What each operation means stands
// in vec_scalar.hpp. Only for files compiled with -mavx512f -mavx512dq; everything here has
// internal linkage, so that no other file can end up with this one's instructions.
#pragma once

#include <cstddef>
#include <cstdint>

#include <immintrin.h>

namespace covenant::kernels {
namespace {

#define COVENANT_INLINE [[gnu::always_inline]] inline

struct Mask {
    __mmask16 bits;
};

COVENANT_INLINE Mask first(std::size_t n) {
    return {static_cast<__mmask16>((1U << n) - 1U)};
}

struct Vec {
    __m512 v;

    COVENANT_INLINE static Vec load(const float* p) { return {_mm512_loadu_ps(p)}; }
    COVENANT_INLINE static Vec load_first(const float* p, std::size_t n) {
        return {_mm512_maskz_loadu_ps(first(n).bits, p)};
    }
    COVENANT_INLINE static Vec set1(float x) { return {_mm512_set1_ps(x)}; }
    COVENANT_INLINE static Vec bits(std::uint32_t x) {
        return {_mm512_castsi512_ps(_mm512_set1_epi32(static_cast<std::int32_t>(x)))};
    }
    COVENANT_INLINE void store(float* p) const { _mm512_storeu_ps(p, v); }
    COVENANT_INLINE void store_first(float* p, std::size_t n) const {
        _mm512_mask_storeu_ps(p, first(n).bits, v);
    }
    COVENANT_INLINE float lane0() const { return _mm_cvtss_f32(_mm512_castps512_ps128(v)); }
    COVENANT_INLINE __m256 upper() const {
        return _mm256_castpd_ps(_mm512_extractf64x4_pd(_mm512_castps_pd(v), 1));
    }
    COVENANT_INLINE float sum() const {
        const __m256 a = _mm256_add_ps(_mm512_castps512_ps256(v), upper());
        const __m128 b = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
        const __m128 c = _mm_add_ps(b, _mm_movehl_ps(b, b));
        return _mm_cvtss_f32(_mm_add_ss(c, _mm_movehdup_ps(c)));
    }
    COVENANT_INLINE float largest() const {
        const __m256 a = _mm256_max_ps(_mm512_castps512_ps256(v), upper());
        const __m128 b = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
        const __m128 c = _mm_max_ps(b, _mm_movehl_ps(b, b));
        return _mm_cvtss_f32(_mm_max_ss(c, _mm_movehdup_ps(c)));
    }
};

COVENANT_INLINE Vec operator+(Vec a, Vec b) {
    return {_mm512_add_ps(a.v, b.v)};
}
COVENANT_INLINE Vec operator-(Vec a, Vec b) {
    return {_mm512_sub_ps(a.v, b.v)};
}
COVENANT_INLINE Vec operator*(Vec a, Vec b) {
    return {_mm512_mul_ps(a.v, b.v)};
}
COVENANT_INLINE Vec operator/(Vec a, Vec b) {
    return {_mm512_div_ps(a.v, b.v)};
}
COVENANT_INLINE Vec sqrt(Vec a) {
    return {_mm512_sqrt_ps(a.v)};
}
COVENANT_INLINE Vec fma(Vec a, Vec b, Vec c) {
    return {_mm512_fmadd_ps(a.v, b.v, c.v)};
}
COVENANT_INLINE Vec max(Vec a, Vec b) {
    return {_mm512_max_ps(a.v, b.v)};
}
COVENANT_INLINE Vec rint(Vec a) {
    return {_mm512_roundscale_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)};
}
COVENANT_INLINE Vec power_of_two(Vec n) {
    const __m512i biased = _mm512_add_epi32(_mm512_cvtps_epi32(n.v), _mm512_set1_epi32(127));
    return {_mm512_castsi512_ps(_mm512_slli_epi32(biased, 23))};
}
COVENANT_INLINE Vec bit_or(Vec a, Vec b) {
    return {
        _mm512_castsi512_ps(_mm512_or_si512(_mm512_castps_si512(a.v), _mm512_castps_si512(b.v)))};
}
COVENANT_INLINE Vec bit_xor(Vec a, Vec b) {
    return {
        _mm512_castsi512_ps(_mm512_xor_si512(_mm512_castps_si512(a.v), _mm512_castps_si512(b.v)))};
}
COVENANT_INLINE Mask less(Vec a, Vec b) {
    return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_LT_OQ)};
}
COVENANT_INLINE Vec select(Mask m, Vec yes, Vec no) {
    return {_mm512_mask_blend_ps(m.bits, no.v, yes.v)};
}

struct Wide {
    __m512d low, high;

    COVENANT_INLINE static Wide zero() { return {_mm512_setzero_pd(), _mm512_setzero_pd()}; }
    COVENANT_INLINE void add_squares(Vec x) {
        const __m512d a = _mm512_cvtps_pd(_mm512_castps512_ps256(x.v));
        const __m512d b = _mm512_cvtps_pd(x.upper());
        low = _mm512_add_pd(low, _mm512_mul_pd(a, a));
        high = _mm512_add_pd(high, _mm512_mul_pd(b, b));
    }
    COVENANT_INLINE double sum() const {
        const __m512d a = _mm512_add_pd(low, high);
        const __m256d b = _mm256_add_pd(_mm512_castpd512_pd256(a), _mm512_extractf64x4_pd(a, 1));
        const __m128d c = _mm_add_pd(_mm256_castpd256_pd128(b), _mm256_extractf128_pd(b, 1));
        return _mm_cvtsd_f64(_mm_add_sd(c, _mm_unpackhi_pd(c, c)));
    }
};

}  // namespace
}  // namespace covenant::kernels
