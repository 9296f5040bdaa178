#include "common/engine/kernels/tables.hpp"
#include "common/engine/kernels/vec_scalar.hpp"

// clang-format off: the kernels are written over the vector class above.
#include "common/engine/kernels/row_kernels.inl"
// clang-format on

namespace covenant::kernels {

Kernels row_kernels_scalar() {
    return row_kernels(Isa::kScalar);
}

}  // namespace covenant::kernels
