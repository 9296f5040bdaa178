#include "common/engine/kernels/chunk_loops.hpp"

#include "common/engine/kernels/tables.hpp"

namespace covenant::kernels {

const ChunkLoops& chunk_loops() {
    static const ChunkLoops chosen =
        available_isas().back() == Isa::kScalar ? chunk_loops_scalar() : chunk_loops_avx2();
    return chosen;
}

}  // namespace covenant::kernels
