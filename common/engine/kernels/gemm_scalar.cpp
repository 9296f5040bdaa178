// Rules E2 and E3 as they are written, in the arithmetic of scalar_float.hpp: the reference of all
// matrix products. Operands of one block of k are copied (and rounded) first, eight columns side by
// side, so that the CPU has eight independent chains to work on.
#include "common/engine/kernels/scalar_float.hpp"
#include "common/engine/kernels/tables.hpp"

namespace covenant::kernels {
namespace {

constexpr std::size_t kColumns = 8;   // chains that run side by side
constexpr std::size_t kStrip = 1024;  // columns copied at a time

struct Chains {
    float at[kColumns];
};

// fma chains from +0 over `count` steps; `step` is the distance of successive k in both copies.
Chains chain(const float* a, const float* b, std::size_t count, std::size_t step) {
    Chains sum{};
    for (std::size_t p = 0; p < count; ++p) {
        for (std::size_t j = 0; j < kColumns; ++j) {
            sum.at[j] = scalar::fma(a[p * step], b[p * step * kColumns + j], sum.at[j]);
        }
    }
    return sum;
}

// One row times kColumns columns over one block of k.
Chains block_product(Precision precision, const float* a, const float* b, std::size_t depth) {
    if (precision == Precision::kF32) return chain(a, b, depth, 1);
    Chains even = chain(a, b, depth / 2, 2);
    const Chains odd = chain(a + 1, b + kColumns, depth / 2, 2);
    for (std::size_t j = 0; j < kColumns; ++j)
        even.at[j] = scalar::add(even.at[j], odd.at[j]);
    return even;
}

}  // namespace

void gemm_scalar(const Gemm& g) {
    const bool bf16 = g.precision == Precision::kBf16;
    const std::size_t block = bf16 ? 32 : 256;
    const auto operand = [bf16](float x) { return bf16 ? scalar::round_to_bf16(x) : x; };
    float* const row = g.workspace;
    float* const columns = g.workspace + block;
    if (!g.accumulate) {
        for (std::size_t i = 0; i < g.m; ++i) {
            for (std::size_t j = 0; j < g.n; ++j)
                g.c[i * g.c_row + j] = 0.0F;
        }
    }
    for (std::size_t p0 = 0; p0 < g.k; p0 += block) {
        const std::size_t live = g.k - p0 < block ? g.k - p0 : block;
        const std::size_t depth = bf16 ? block : live;  // E2 pads with +0
        for (std::size_t j0 = 0; j0 < g.n; j0 += kStrip) {
            const std::size_t width = g.n - j0 < kStrip ? g.n - j0 : kStrip;
            const std::size_t groups = (width + kColumns - 1) / kColumns;
            for (std::size_t group = 0; group < groups; ++group) {
                for (std::size_t p = 0; p < depth; ++p) {
                    for (std::size_t j = 0; j < kColumns; ++j) {
                        const std::size_t column = group * kColumns + j;
                        columns[(group * depth + p) * kColumns + j] =
                            p < live && column < width
                                ? operand(g.b[(p0 + p) * g.b_row + (j0 + column) * g.b_col])
                                : 0.0F;
                    }
                }
            }
            for (std::size_t i = 0; i < g.m; ++i) {
                for (std::size_t p = 0; p < depth; ++p) {
                    row[p] = p < live ? operand(g.a[i * g.a_row + (p0 + p) * g.a_col]) : 0.0F;
                }
                for (std::size_t group = 0; group < groups; ++group) {
                    const Chains s =
                        block_product(g.precision, row, columns + group * depth * kColumns, depth);
                    float* const c = g.c + i * g.c_row + j0 + group * kColumns;
                    for (std::size_t j = 0; j < kColumns && group * kColumns + j < width; ++j) {
                        c[j] = scalar::add(c[j], s.at[j]);
                    }
                }
            }
        }
    }
}

}  // namespace covenant::kernels
