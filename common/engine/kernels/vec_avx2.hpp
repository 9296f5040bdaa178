// Sixteen fp32 lanes in two AVX2 registers, for row_kernels.inl. What each operation means stands
// in vec_scalar.hpp. Only for files compiled with -mavx2 -mfma; everything here has internal
// linkage, so that no other file can end up with this one's instructions.
#pragma once

#include <cstddef>
#include <cstdint>

#include <immintrin.h>

namespace covenant::kernels {
namespace {

#define COVENANT_INLINE [[gnu::always_inline]] inline

struct Mask {
    __m256 low, high;
};

// The first 8 - at of 8 lanes from kFirst + at.
alignas(64) constexpr std::int32_t kFirst[16] = {-1, -1, -1, -1, -1, -1, -1, -1};

COVENANT_INLINE __m256i first_of_8(std::size_t n) {
    const std::size_t at = n < 8 ? 8 - n : 0;
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(kFirst + at));
}

struct Vec {
    __m256 low, high;

    COVENANT_INLINE static Vec load(const float* p) {
        return {_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)};
    }
    COVENANT_INLINE static Vec load_first(const float* p, std::size_t n) {
        return {_mm256_maskload_ps(p, first_of_8(n)),
                n > 8 ? _mm256_maskload_ps(p + 8, first_of_8(n - 8)) : _mm256_setzero_ps()};
    }
    COVENANT_INLINE static Vec set1(float x) { return {_mm256_set1_ps(x), _mm256_set1_ps(x)}; }
    COVENANT_INLINE static Vec bits(std::uint32_t x) {
        const __m256 v = _mm256_castsi256_ps(_mm256_set1_epi32(static_cast<std::int32_t>(x)));
        return {v, v};
    }
    COVENANT_INLINE void store(float* p) const {
        _mm256_storeu_ps(p, low);
        _mm256_storeu_ps(p + 8, high);
    }
    COVENANT_INLINE void store_first(float* p, std::size_t n) const {
        _mm256_maskstore_ps(p, first_of_8(n), low);
        if (n > 8) _mm256_maskstore_ps(p + 8, first_of_8(n - 8), high);
    }
    COVENANT_INLINE float lane0() const { return _mm256_cvtss_f32(low); }
    COVENANT_INLINE float sum() const {
        const __m256 a = _mm256_add_ps(low, high);
        const __m128 b = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
        const __m128 c = _mm_add_ps(b, _mm_movehl_ps(b, b));
        return _mm_cvtss_f32(_mm_add_ss(c, _mm_movehdup_ps(c)));
    }
    COVENANT_INLINE float largest() const {
        const __m256 a = _mm256_max_ps(low, high);
        const __m128 b = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
        const __m128 c = _mm_max_ps(b, _mm_movehl_ps(b, b));
        return _mm_cvtss_f32(_mm_max_ss(c, _mm_movehdup_ps(c)));
    }
};

COVENANT_INLINE Vec operator+(Vec a, Vec b) {
    return {_mm256_add_ps(a.low, b.low), _mm256_add_ps(a.high, b.high)};
}
COVENANT_INLINE Vec operator-(Vec a, Vec b) {
    return {_mm256_sub_ps(a.low, b.low), _mm256_sub_ps(a.high, b.high)};
}
COVENANT_INLINE Vec operator*(Vec a, Vec b) {
    return {_mm256_mul_ps(a.low, b.low), _mm256_mul_ps(a.high, b.high)};
}
COVENANT_INLINE Vec operator/(Vec a, Vec b) {
    return {_mm256_div_ps(a.low, b.low), _mm256_div_ps(a.high, b.high)};
}
COVENANT_INLINE Vec sqrt(Vec a) {
    return {_mm256_sqrt_ps(a.low), _mm256_sqrt_ps(a.high)};
}
COVENANT_INLINE Vec fma(Vec a, Vec b, Vec c) {
    return {_mm256_fmadd_ps(a.low, b.low, c.low), _mm256_fmadd_ps(a.high, b.high, c.high)};
}
COVENANT_INLINE Vec max(Vec a, Vec b) {
    return {_mm256_max_ps(a.low, b.low), _mm256_max_ps(a.high, b.high)};
}
COVENANT_INLINE Vec rint(Vec a) {
    constexpr int kNearest = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;
    return {_mm256_round_ps(a.low, kNearest), _mm256_round_ps(a.high, kNearest)};
}
COVENANT_INLINE __m256 power_of_two(__m256 n) {
    const __m256i biased = _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127));
    return _mm256_castsi256_ps(_mm256_slli_epi32(biased, 23));
}
COVENANT_INLINE Vec power_of_two(Vec n) {
    return {power_of_two(n.low), power_of_two(n.high)};
}
COVENANT_INLINE Vec bit_or(Vec a, Vec b) {
    return {_mm256_or_ps(a.low, b.low), _mm256_or_ps(a.high, b.high)};
}
COVENANT_INLINE Vec bit_xor(Vec a, Vec b) {
    return {_mm256_xor_ps(a.low, b.low), _mm256_xor_ps(a.high, b.high)};
}
COVENANT_INLINE Mask less(Vec a, Vec b) {
    return {_mm256_cmp_ps(a.low, b.low, _CMP_LT_OQ), _mm256_cmp_ps(a.high, b.high, _CMP_LT_OQ)};
}
COVENANT_INLINE Mask first(std::size_t n) {
    return {_mm256_castsi256_ps(first_of_8(n)),
            n > 8 ? _mm256_castsi256_ps(first_of_8(n - 8)) : _mm256_setzero_ps()};
}
COVENANT_INLINE Vec select(Mask m, Vec yes, Vec no) {
    return {_mm256_blendv_ps(no.low, yes.low, m.low), _mm256_blendv_ps(no.high, yes.high, m.high)};
}

struct Wide {
    __m256d lane[4];

    COVENANT_INLINE static Wide zero() {
        const __m256d z = _mm256_setzero_pd();
        return {{z, z, z, z}};
    }
    COVENANT_INLINE void add_squares(Vec x) {
        const __m256d a = _mm256_cvtps_pd(_mm256_castps256_ps128(x.low));
        const __m256d b = _mm256_cvtps_pd(_mm256_extractf128_ps(x.low, 1));
        const __m256d c = _mm256_cvtps_pd(_mm256_castps256_ps128(x.high));
        const __m256d d = _mm256_cvtps_pd(_mm256_extractf128_ps(x.high, 1));
        lane[0] = _mm256_add_pd(lane[0], _mm256_mul_pd(a, a));
        lane[1] = _mm256_add_pd(lane[1], _mm256_mul_pd(b, b));
        lane[2] = _mm256_add_pd(lane[2], _mm256_mul_pd(c, c));
        lane[3] = _mm256_add_pd(lane[3], _mm256_mul_pd(d, d));
    }
    COVENANT_INLINE double sum() const {
        const __m256d a = _mm256_add_pd(lane[0], lane[2]);
        const __m256d b = _mm256_add_pd(lane[1], lane[3]);
        const __m256d c = _mm256_add_pd(a, b);
        const __m128d d = _mm_add_pd(_mm256_castpd256_pd128(c), _mm256_extractf128_pd(c, 1));
        return _mm_cvtsd_f64(_mm_add_sd(d, _mm_unpackhi_pd(d, d)));
    }
};

}  // namespace
}  // namespace covenant::kernels
