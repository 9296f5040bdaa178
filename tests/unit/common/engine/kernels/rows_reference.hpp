// The row kernels as the rules read, one element after the other, with the CPU's own float
// operations: correct wherever a CanonicalFloatMode is in force. No gemm.
#pragma once

#include "common/engine/kernels/kernels.hpp"

namespace covenant::kernels {

Kernels reference_rows();

// row_kernels_avx512.cpp compiled against SIMDe; wants AVX2 and FMA.
Kernels row_kernels_simde();

}  // namespace covenant::kernels
