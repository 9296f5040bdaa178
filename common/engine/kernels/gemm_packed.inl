// The matrix product of rules E2 and E3 for register files of fp32 lanes with FMA. Included once by
// the file of each instruction set, after it has defined `struct Simd`; everything here has
// internal linkage.
//
// Operands are packed as fp32: A in panels of kMr rows, B in panels of kNr columns, both [k][row or
// column]; for bf16 rounded, k padded to 32 with +0, and within each 32 the even k before the odd
// ones, so that both chains of E2 read straight on. A kMr x kNr tile of C then needs nothing but
// plain fp32 FMA chains: 16 steps even, 16 steps odd and an addition (E2), or up to 256 steps and
// an addition (E3). The panel of B stays in the first-level cache, the block of A in the second.
//
// Simd: Reg, kLanes, kMr, kMc; zero, load, store, load_part and store_part (first `count` lanes),
// store_rows (first kMr lanes), broadcast, fma, add, to_bf16 (rounded and widened), transpose.

#define ALWAYS_INLINE inline __attribute__((always_inline))

namespace covenant::kernels {
namespace {

using Reg = Simd::Reg;
constexpr std::size_t kLanes = Simd::kLanes;
constexpr std::size_t kMr = Simd::kMr;
constexpr std::size_t kVectors = 2;  // of columns in a tile
constexpr std::size_t kNr = kVectors * kLanes;
constexpr std::size_t kKc = 256;  // the block of E3, a multiple of that of E2
constexpr std::size_t kMc = Simd::kMc;
constexpr std::size_t kNc = 2048;
static_assert(kMc % kMr == 0 && kNc % kNr == 0);
static_assert((kMc + kNc) * kKc <= kGemmWorkspaceFloats);

constexpr std::size_t smaller(std::size_t a, std::size_t b) {
    return a < b ? a : b;
}

// Where k stands in a packed panel.
template <bool kBf16>
constexpr std::size_t place(std::size_t p) {
    return kBf16 ? (p & ~std::size_t{31}) + ((p & 1) << 4) + ((p & 31) >> 1) : p;
}

template <bool kBf16>
inline Reg operand(Reg x) {
    if constexpr (kBf16) return Simd::to_bf16(x);
    return x;
}

// One vector of a panel: lanes [w, w + kLanes) of row `p`.
template <std::size_t kWidth>
inline void put(float* panel, std::size_t p, std::size_t w, Reg x) {
    if constexpr (kWidth < kLanes) {
        Simd::store_rows(panel + p * kWidth, x);
    } else {
        Simd::store(panel + p * kWidth + w, x);
    }
}

// One panel of at most kWidth rows or columns, `stride` apart, k contiguous in each.
template <bool kBf16, std::size_t kWidth>
void pack_across(const float* from, std::size_t stride, std::size_t width, std::size_t depth,
                 std::size_t padded, float* panel) {
    constexpr std::size_t kLoads = kWidth < kLanes ? kWidth : kLanes;
    for (std::size_t p = 0; p < padded; p += kLanes) {
        const std::size_t live = p < depth ? smaller(depth - p, kLanes) : 0;
        for (std::size_t w = 0; w < kWidth; w += kLanes) {
            Reg x[kLanes];
            if (live == kLanes && w + kLoads <= width) {
#pragma GCC unroll 16
                for (std::size_t r = 0; r < kLoads; ++r) {
                    x[r] = operand<kBf16>(Simd::load(from + (w + r) * stride + p));
                }
            } else {
#pragma GCC unroll 16
                for (std::size_t r = 0; r < kLoads; ++r) {
                    x[r] = w + r < width && live != 0
                               ? operand<kBf16>(Simd::load_part(from + (w + r) * stride + p, live))
                               : Simd::zero();
                }
            }
#pragma GCC unroll 16
            for (std::size_t r = kLoads; r < kLanes; ++r)
                x[r] = Simd::zero();
            Simd::transpose(x);
            if (kBf16 || live == kLanes) {
#pragma GCC unroll 16
                for (std::size_t q = 0; q < kLanes; ++q) {
                    put<kWidth>(panel, place<kBf16>(p + q), w, x[q]);
                }
            } else {
#pragma GCC unroll 16
                for (std::size_t q = 0; q < kLanes; ++q) {
                    if (q < live) put<kWidth>(panel, p + q, w, x[q]);
                }
            }
        }
    }
}

// As many panels as `width` needs; successive k are `stride` apart, rows or columns contiguous.
template <bool kBf16, std::size_t kWidth>
void pack_along(const float* from, std::size_t stride, std::size_t width, std::size_t depth,
                std::size_t padded, float* panels) {
    constexpr std::size_t kGroup = 4 * kWidth;  // a few panels at a time: longer runs of reads
    for (std::size_t w0 = 0; w0 < width; w0 += kGroup) {
        const std::size_t w1 = smaller(w0 + kGroup, width);
        for (std::size_t p = 0; p < padded; ++p) {
            const float* const row = from + p * stride;
            for (std::size_t w = w0; w < w1; w += kWidth) {
                float* const panel = panels + w * padded;
#pragma GCC unroll 2
                for (std::size_t v = 0; v < kWidth; v += kLanes) {
                    Reg x = Simd::zero();
                    if (p >= depth || w + v >= width) {
                        // padding
                    } else if (w + v + kLanes <= width) {
                        x = operand<kBf16>(Simd::load(row + w + v));
                    } else {
                        x = operand<kBf16>(Simd::load_part(row + w + v, width - w - v));
                    }
                    put<kWidth>(panel, place<kBf16>(p), v, x);
                }
            }
        }
    }
}

template <bool kBf16, std::size_t kWidth>
void pack(const float* from, std::size_t w_stride, std::size_t k_stride, std::size_t width,
          std::size_t depth, std::size_t padded, float* panels) {
    if (w_stride == 1) {
        pack_along<kBf16, kWidth>(from, k_stride, width, depth, padded, panels);
        return;
    }
    for (std::size_t w = 0; w < width; w += kWidth) {
        pack_across<kBf16, kWidth>(from + w * w_stride, w_stride, smaller(kWidth, width - w), depth,
                                   padded, panels + w * padded);
    }
}

// Chains from +0 over `count` steps.
template <std::size_t kRows, std::size_t kCols>
ALWAYS_INLINE void chain(const float* a, const float* b, std::size_t count,
                         Reg (&sum)[kRows][kCols]) {
#pragma GCC unroll 16
    for (std::size_t r = 0; r < kRows; ++r) {
#pragma GCC unroll 2
        for (std::size_t v = 0; v < kCols; ++v)
            sum[r][v] = Simd::zero();
    }
#pragma GCC unroll 4
    for (std::size_t p = 0; p < count; ++p) {
        Reg column[kCols];
#pragma GCC unroll 2
        for (std::size_t v = 0; v < kCols; ++v)
            column[v] = Simd::load(b + p * kNr + v * kLanes);
#pragma GCC unroll 16
        for (std::size_t r = 0; r < kRows; ++r) {
            const Reg row = Simd::broadcast(a + p * kMr + r);
#pragma GCC unroll 2
            for (std::size_t v = 0; v < kCols; ++v) {
                sum[r][v] = Simd::fma(row, column[v], sum[r][v]);
            }
        }
    }
}

template <std::size_t kRows, std::size_t kCols>
ALWAYS_INLINE void store_tile(float* to, std::size_t row, const Reg (&x)[kRows][kCols]) {
#pragma GCC unroll 16
    for (std::size_t r = 0; r < kRows; ++r) {
#pragma GCC unroll 2
        for (std::size_t v = 0; v < kCols; ++v)
            Simd::store(to + r * row + v * kLanes, x[r][v]);
    }
}

template <std::size_t kRows, std::size_t kCols>
ALWAYS_INLINE void add_tile(const float* from, std::size_t row, Reg (&x)[kRows][kCols]) {
#pragma GCC unroll 16
    for (std::size_t r = 0; r < kRows; ++r) {
#pragma GCC unroll 2
        for (std::size_t v = 0; v < kCols; ++v) {
            x[r][v] = Simd::add(Simd::load(from + r * row + v * kLanes), x[r][v]);
        }
    }
}

// C starts at +0, and -0 added to that is +0.
template <std::size_t kRows, std::size_t kCols>
ALWAYS_INLINE void add_zero(Reg (&x)[kRows][kCols]) {
#pragma GCC unroll 16
    for (std::size_t r = 0; r < kRows; ++r) {
#pragma GCC unroll 2
        for (std::size_t v = 0; v < kCols; ++v)
            x[r][v] = Simd::add(x[r][v], Simd::zero());
    }
}

// C tile = (fresh ? +0 : C tile) + product over one packed block.
template <bool kBf16, std::size_t kRows, std::size_t kCols>
void tile(const float* a, const float* b, std::size_t depth, float* c, std::size_t c_row,
          bool fresh) {
    Reg sum[kRows][kCols];
#pragma GCC unroll 16
    for (std::size_t r = 0; r < kRows; ++r)
        __builtin_prefetch(c + r * c_row, 1);
    if constexpr (!kBf16) {
        chain<kRows, kCols>(a, b, depth, sum);
        if (fresh) {
            add_zero<kRows, kCols>(sum);
        } else {
            add_tile<kRows, kCols>(c, c_row, sum);
        }
        store_tile<kRows, kCols>(c, c_row, sum);
    } else {
        constexpr std::size_t kRow = kCols * kLanes;
        alignas(64) float even[kRows * kRow];
        alignas(64) float partial[kRows * kRow];
        const float* from = c;
        std::size_t from_row = c_row;
        for (std::size_t p = 0; p < depth; p += 32) {
            chain<kRows, kCols>(a + p * kMr, b + p * kNr, 16, sum);
            store_tile<kRows, kCols>(even, kRow, sum);
            // Sums stay in memory between chains, there is no register left for them; a compiler
            // that tries to keep them spills inside the chain.
            asm volatile("" : : "r"(even) : "memory");
            chain<kRows, kCols>(a + (p + 16) * kMr, b + (p + 16) * kNr, 16, sum);
            add_tile<kRows, kCols>(even, kRow, sum);
            if (fresh) {
                add_zero<kRows, kCols>(sum);
            } else {
                add_tile<kRows, kCols>(from, from_row, sum);
            }
            fresh = false;
            from = partial;
            from_row = kRow;
            if (p + 32 >= depth) break;
            store_tile<kRows, kCols>(partial, kRow, sum);
            asm volatile("" : : "r"(partial) : "memory");
        }
        store_tile<kRows, kCols>(c, c_row, sum);
    }
}

template <bool kBf16, std::size_t kCols, std::size_t kRows = kMr>
void tile_of(std::size_t rows, const float* a, const float* b, std::size_t depth, float* c,
             std::size_t c_row, bool fresh) {
    if constexpr (kRows > 1) {
        if (rows < kRows) {
            tile_of<kBf16, kCols, kRows - 1>(rows, a, b, depth, c, c_row, fresh);
            return;
        }
    }
    tile<kBf16, kRows, kCols>(a, b, depth, c, c_row, fresh);
}

// A tile with fewer than kNr columns, computed beside C.
template <bool kBf16>
void edge_tile(std::size_t rows, std::size_t columns, const float* a, const float* b,
               std::size_t depth, float* c, std::size_t c_row, bool fresh) {
    if (columns == kLanes) {
        tile_of<kBf16, 1>(rows, a, b, depth, c, c_row, fresh);
        return;
    }
    alignas(64) float beside[kMr * kNr];
    const auto each_part = [&](auto&& copy) {
        for (std::size_t r = 0; r < rows; ++r) {
            for (std::size_t v = 0; v < columns; v += kLanes) {
                copy(c + r * c_row + v, beside + r * kNr + v, smaller(columns - v, kLanes));
            }
        }
    };
    if (!fresh) {
        each_part([](const float* to, float* from, std::size_t count) {
            Simd::store(from, Simd::load_part(to, count));
        });
    }
    if (columns < kLanes) {
        tile_of<kBf16, 1>(rows, a, b, depth, beside, kNr, fresh);
    } else {
        tile_of<kBf16, kVectors>(rows, a, b, depth, beside, kNr, fresh);
    }
    each_part([](float* to, const float* from, std::size_t count) {
        Simd::store_part(to, Simd::load(from), count);
    });
}

template <bool kBf16>
void product(const Gemm& g) {
    float* const packed_a = g.workspace;
    float* const packed_b = g.workspace + kMc * kKc;
    for (std::size_t j0 = 0; j0 < g.n; j0 += kNc) {
        const std::size_t n = smaller(kNc, g.n - j0);
        for (std::size_t p0 = 0; p0 < g.k; p0 += kKc) {
            const std::size_t depth = smaller(kKc, g.k - p0);
            const std::size_t padded = kBf16 ? (depth + 31) / 32 * 32 : depth;
            const bool fresh = p0 == 0 && !g.accumulate;
            pack<kBf16, kNr>(g.b + p0 * g.b_row + j0 * g.b_col, g.b_col, g.b_row, n, depth, padded,
                             packed_b);
            for (std::size_t i0 = 0; i0 < g.m; i0 += kMc) {
                const std::size_t m = smaller(kMc, g.m - i0);
                pack<kBf16, kMr>(g.a + i0 * g.a_row + p0 * g.a_col, g.a_row, g.a_col, m, depth,
                                 padded, packed_a);
                for (std::size_t j = 0; j < n; j += kNr) {
                    const float* const b = packed_b + j * padded;
                    const std::size_t columns = smaller(kNr, n - j);
                    for (std::size_t i = 0; i < m; i += kMr) {
                        const float* const a = packed_a + i * padded;
                        float* const c = g.c + (i0 + i) * g.c_row + j0 + j;
                        const std::size_t rows = smaller(kMr, m - i);
                        if (columns == kNr) {
                            tile_of<kBf16, kVectors>(rows, a, b, padded, c, g.c_row, fresh);
                        } else {
                            edge_tile<kBf16>(rows, columns, a, b, padded, c, g.c_row, fresh);
                        }
                    }
                }
            }
        }
    }
}

void gemm_packed(const Gemm& g) {
    if (g.k == 0 && !g.accumulate) {
        for (std::size_t i = 0; i < g.m; ++i) {
            for (std::size_t j = 0; j < g.n; ++j)
                g.c[i * g.c_row + j] = 0.0F;
        }
    }
    g.precision == Precision::kBf16 ? product<true>(g) : product<false>(g);
}

}  // namespace
}  // namespace covenant::kernels

#undef ALWAYS_INLINE
