// How the files of this folder meet: each instruction set fills in its functions. Internal.
#pragma once

#include "common/engine/kernels/chunk_loops.hpp"
#include "common/engine/kernels/kernels.hpp"

namespace covenant::kernels {

void gemm_scalar(const Gemm& gemm);
void gemm_avx2(const Gemm& gemm);
void gemm_avx512(const Gemm& gemm);  // either precision
void gemm_amx(const Gemm& gemm);     // kBf16 only; kernels.cpp sends kF32 to gemm_avx512

// All functions but gemm (left null).
Kernels row_kernels_scalar();
Kernels row_kernels_avx2();
Kernels row_kernels_avx512();

ChunkLoops chunk_loops_scalar();
ChunkLoops chunk_loops_avx2();

}  // namespace covenant::kernels
