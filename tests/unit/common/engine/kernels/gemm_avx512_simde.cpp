// The AVX-512 product over SIMDe (simde/immintrin.h stands before the compiler's).
#include <immintrin.h>

// SIMDe has it for integers.
#undef _mm512_shuffle_f32x4
#define _mm512_shuffle_f32x4(a, b, select) \
    _mm512_castsi512_ps(                   \
        _mm512_shuffle_i32x4(_mm512_castps_si512(a), _mm512_castps_si512(b), select))
#define gemm_avx512 gemm_avx512_simde
#include "common/engine/kernels/gemm_avx512.cpp"
