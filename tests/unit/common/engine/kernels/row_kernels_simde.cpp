// The AVX-512 row kernels over SIMDe (simde/immintrin.h stands before the compiler's).
#define row_kernels_avx512 row_kernels_simde
#include "common/engine/kernels/row_kernels_avx512.cpp"
