// Stands in front of the compiler's <immintrin.h>, for the test sources that compile the AVX-512
// kernels once more on machines without AVX-512: SIMDe turns each 512-bit operation into two
// 256-bit ones of this CPU, so FTZ, DAZ and fma are the real ones.
#pragma once

#include_next <immintrin.h>

#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/x86/avx2.h>
#include <simde/x86/avx512.h>
#include <simde/x86/fma.h>

// What SIMDe lacks.

static inline __m512 covenant_maskz_loadu_ps(unsigned mask, const float* p) {
    float lanes[16] = {};
    for (unsigned i = 0; i < 16; ++i) {
        if ((mask >> i & 1U) != 0) lanes[i] = p[i];
    }
    return _mm512_loadu_ps(lanes);
}

static inline void covenant_mask_storeu_ps(float* p, unsigned mask, __m512 v) {
    float lanes[16];
    _mm512_storeu_ps(lanes, v);
    for (unsigned i = 0; i < 16; ++i) {
        if ((mask >> i & 1U) != 0) p[i] = lanes[i];
    }
}

static inline __m512i covenant_cvtps_epi32(__m512 v) {
    alignas(64) float lanes[16];
    alignas(64) int whole[16];
    _mm512_storeu_ps(lanes, v);
    for (int i = 0; i < 16; i += 8) {
        _mm256_store_si256(reinterpret_cast<__m256i*>(whole + i),
                           _mm256_cvtps_epi32(_mm256_load_ps(lanes + i)));
    }
    return _mm512_loadu_si512(whole);
}

static inline __m512d covenant_cvtps_pd(__m256 v) {
    alignas(64) double lanes[8];
    _mm256_store_pd(lanes, _mm256_cvtps_pd(_mm256_castps256_ps128(v)));
    _mm256_store_pd(lanes + 4, _mm256_cvtps_pd(_mm256_extractf128_ps(v, 1)));
    return _mm512_loadu_pd(lanes);
}

#undef _mm512_maskz_loadu_ps
#undef _mm512_mask_storeu_ps
#undef _mm512_cvtps_epi32
#undef _mm512_cvtps_pd
#define _mm512_maskz_loadu_ps(mask, p) covenant_maskz_loadu_ps(mask, p)
#define _mm512_mask_storeu_ps(p, mask, v) covenant_mask_storeu_ps(p, mask, v)
#define _mm512_cvtps_epi32(v) covenant_cvtps_epi32(v)
#define _mm512_cvtps_pd(v) covenant_cvtps_pd(v)
