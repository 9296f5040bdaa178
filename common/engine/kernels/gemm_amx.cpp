// Matrix products of rule E2 with AMX: TDPBF16PS on tiles of 16 x 32 by 32 x 16 bf16 is the rule,
// one block of 32 k at a time, whatever MXCSR says.
//
// Operands are packed as bf16 in panels of 16 rows (of A) or columns (of B), one KiB for each 32 k,
// padded with +0: A as [row][k], B as [pair of k][column][2]. Four tiles of C (32 x 32) stay in
// registers over up to kKc of k. Tiles that reach over the edge of C are computed beside it.
#include "common/engine/kernels/tables.hpp"

#include <immintrin.h>

namespace covenant::kernels {
namespace {

constexpr std::size_t kSide = 16;             // rows of a tile; floats, or pairs of bf16, in a row
constexpr std::size_t kBlock = 32;            // of k
constexpr std::size_t kTile = kSide * kSide;  // in units of 32 bits
constexpr std::size_t kKc = 512;              // a panel of B in the first-level cache
constexpr std::size_t kMc = 512;              // the block of A in the second-level cache
constexpr std::size_t kNc = 3072;
constexpr std::size_t kRowBytes = kSide * 4;
static_assert((kMc + kNc) * kKc / 2 <= kGemmWorkspaceFloats);

constexpr std::size_t smaller(std::size_t a, std::size_t b) {
    return a < b ? a : b;
}
constexpr std::size_t up_to_multiple(std::size_t x, std::size_t of) {
    return (x + of - 1) / of * of;
}

__mmask16 first(std::size_t count) {
    return static_cast<__mmask16>(count < kSide ? (1U << count) - 1U : 0xFFFFU);
}

// 32 bf16: those of `low`, then those of `high`.
__m512i to_bf16(__m512 low, __m512 high) {
    return reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(high, low));
}

// x[w] = the 16 pairs of k of row (column) w; k contiguous.
void load_across(const float* from, std::size_t stride, std::size_t width, std::size_t depth,
                 __m512i (&x)[kSide]) {
    const __mmask16 low = first(depth);
    const __mmask16 high = first(depth > kSide ? depth - kSide : 0);
    for (std::size_t w = 0; w < kSide; ++w) {
        const float* const row = from + w * stride;
        x[w] = w < width ? to_bf16(_mm512_maskz_loadu_ps(low, row),
                                   high != 0 ? _mm512_maskz_loadu_ps(high, row + kSide)
                                             : _mm512_setzero_ps())
                         : _mm512_setzero_si512();
    }
}

// x[q] = pair q of k of all 16 rows (columns); rows (columns) contiguous.
void load_along(const float* from, std::size_t stride, std::size_t width, std::size_t depth,
                __m512i (&x)[kSide]) {
    const __m512i low_words =
        _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    // Word 2 j of the result is word j, word 2 j + 1 is word 16 + j.
    const __m512i interleave = _mm512_add_epi32(
        low_words, _mm512_slli_epi32(_mm512_add_epi32(low_words, _mm512_set1_epi32(16)), 16));
    const __mmask16 live = first(width);
    for (std::size_t q = 0; q < kSide; ++q) {
        const float* const row = from + 2 * q * stride;
        const __m512 even = 2 * q < depth ? _mm512_maskz_loadu_ps(live, row) : _mm512_setzero_ps();
        const __m512 odd =
            2 * q + 1 < depth ? _mm512_maskz_loadu_ps(live, row + stride) : _mm512_setzero_ps();
        x[q] = _mm512_permutexvar_epi16(interleave, to_bf16(even, odd));
    }
}

void transpose(__m512i (&x)[kSide]) {
    __m512i pair[16];
    for (int i = 0; i < 8; ++i) {
        pair[2 * i] = _mm512_unpacklo_epi32(x[2 * i], x[2 * i + 1]);
        pair[2 * i + 1] = _mm512_unpackhi_epi32(x[2 * i], x[2 * i + 1]);
    }
    // four[4 * i + c] holds, in its quarter q, column 4 * q + c of rows 4 * i to 4 * i + 3.
    __m512i four[16];
    for (int i = 0; i < 4; ++i) {
        const __m512i* const p = pair + 4 * i;
        four[4 * i] = _mm512_unpacklo_epi64(p[0], p[2]);
        four[4 * i + 1] = _mm512_unpackhi_epi64(p[0], p[2]);
        four[4 * i + 2] = _mm512_unpacklo_epi64(p[1], p[3]);
        four[4 * i + 3] = _mm512_unpackhi_epi64(p[1], p[3]);
    }
    for (int c = 0; c < 4; ++c) {
        const __m512i even_low = _mm512_shuffle_i32x4(four[c], four[4 + c], 0x88);
        const __m512i even_high = _mm512_shuffle_i32x4(four[8 + c], four[12 + c], 0x88);
        const __m512i odd_low = _mm512_shuffle_i32x4(four[c], four[4 + c], 0xDD);
        const __m512i odd_high = _mm512_shuffle_i32x4(four[8 + c], four[12 + c], 0xDD);
        x[c] = _mm512_shuffle_i32x4(even_low, even_high, 0x88);
        x[4 + c] = _mm512_shuffle_i32x4(odd_low, odd_high, 0x88);
        x[8 + c] = _mm512_shuffle_i32x4(even_low, even_high, 0xDD);
        x[12 + c] = _mm512_shuffle_i32x4(odd_low, odd_high, 0xDD);
    }
}

// All panels of one operand, for `width` rows (columns); kPairsFirst: the layout of B.
template <bool kPairsFirst>
void pack(const float* from, std::size_t w_stride, std::size_t k_stride, std::size_t width,
          std::size_t depth, float* to) {
    for (std::size_t w = 0; w < width; w += kSide) {
        const std::size_t live = smaller(kSide, width - w);
        for (std::size_t p = 0; p < depth; p += kBlock, to += kTile) {
            const std::size_t left = smaller(kBlock, depth - p);
            const float* const at = from + w * w_stride + p * k_stride;
            __m512i x[kSide];
            if (k_stride == 1) {
                load_across(at, w_stride, live, left, x);
            } else {
                load_along(at, k_stride, live, left, x);
            }
            if ((k_stride == 1) == kPairsFirst) transpose(x);
            for (std::size_t i = 0; i < kSide; ++i)
                _mm512_store_si512(to + i * kSide, x[i]);
        }
    }
}

// gcc's tile intrinsics do not say that they read memory.
inline void memory_barrier() {
    asm volatile("" : : : "memory");
}

// Tiles 0 to 3: C; 4 and 5: A; 6 and 7: B. Panels are `blocks` tiles long. C lies `c_row` floats a
// row and is whole here.
template <bool kTwoRows, bool kTwoColumns>
void tiles(const float* a, const float* b, std::size_t blocks, float* c, std::size_t c_row,
           bool fresh) {
    const std::size_t panel = blocks * kTile;
    const std::size_t c_bytes = c_row * sizeof(float);
    float* const lower = c + kSide * c_row;
    memory_barrier();
    if (fresh) {
        _tile_zero(0);
        if constexpr (kTwoColumns) _tile_zero(1);
        if constexpr (kTwoRows) _tile_zero(2);
        if constexpr (kTwoRows && kTwoColumns) _tile_zero(3);
    } else {
        _tile_loadd(0, c, c_bytes);
        if constexpr (kTwoColumns) _tile_loadd(1, c + kSide, c_bytes);
        if constexpr (kTwoRows) _tile_loadd(2, lower, c_bytes);
        if constexpr (kTwoRows && kTwoColumns) _tile_loadd(3, lower + kSide, c_bytes);
    }
    for (std::size_t block = 0; block < blocks; ++block, a += kTile, b += kTile) {
        _tile_loadd(6, b, kRowBytes);
        _tile_loadd(4, a, kRowBytes);
        _tile_dpbf16ps(0, 4, 6);
        if constexpr (kTwoColumns) {
            _tile_loadd(7, b + panel, kRowBytes);
            _tile_dpbf16ps(1, 4, 7);
        }
        if constexpr (kTwoRows) {
            _tile_loadd(5, a + panel, kRowBytes);
            _tile_dpbf16ps(2, 5, 6);
        }
        if constexpr (kTwoRows && kTwoColumns) _tile_dpbf16ps(3, 5, 7);
    }
    _tile_stored(0, c, c_bytes);
    if constexpr (kTwoColumns) _tile_stored(1, c + kSide, c_bytes);
    if constexpr (kTwoRows) _tile_stored(2, lower, c_bytes);
    if constexpr (kTwoRows && kTwoColumns) _tile_stored(3, lower + kSide, c_bytes);
    memory_barrier();
}

void tiles_of(bool two_rows, bool two_columns, const float* a, const float* b, std::size_t blocks,
              float* c, std::size_t c_row, bool fresh) {
    if (two_rows) {
        two_columns ? tiles<true, true>(a, b, blocks, c, c_row, fresh)
                    : tiles<true, false>(a, b, blocks, c, c_row, fresh);
    } else {
        two_columns ? tiles<false, true>(a, b, blocks, c, c_row, fresh)
                    : tiles<false, false>(a, b, blocks, c, c_row, fresh);
    }
}

// `rows` x `columns` of C, at most two tiles each way.
void part(std::size_t rows, std::size_t columns, const float* a, const float* b, std::size_t blocks,
          float* c, std::size_t c_row, bool fresh) {
    const bool two_rows = rows > kSide;
    const bool two_columns = columns > kSide;
    if (rows % kSide == 0 && columns % kSide == 0) {
        tiles_of(two_rows, two_columns, a, b, blocks, c, c_row, fresh);
        return;
    }
    constexpr std::size_t kRow = 2 * kSide;
    alignas(64) float beside[kRow * kRow];
    const __mmask16 left = first(columns);
    const __mmask16 right = first(two_columns ? columns - kSide : 0);
    for (std::size_t r = 0; r < kRow; ++r) {
        float* const to = beside + r * kRow;
        const bool live = !fresh && r < rows;
        const float* const from = c + r * c_row;
        _mm512_store_ps(to, live ? _mm512_maskz_loadu_ps(left, from) : _mm512_setzero_ps());
        _mm512_store_ps(to + kSide, live && two_columns ? _mm512_maskz_loadu_ps(right, from + kSide)
                                                        : _mm512_setzero_ps());
    }
    tiles_of(two_rows, two_columns, a, b, blocks, beside, kRow, fresh);
    for (std::size_t r = 0; r < rows; ++r) {
        float* const to = c + r * c_row;
        const float* const from = beside + r * kRow;
        _mm512_mask_storeu_ps(to, left, _mm512_load_ps(from));
        if (two_columns) _mm512_mask_storeu_ps(to + kSide, right, _mm512_load_ps(from + kSide));
    }
}

void product(const Gemm& g) {
    // As many equal parts of k as it needs, for the operands as packed to fit the caches.
    const std::size_t parts = (g.k + kKc - 1) / kKc;
    const std::size_t most = up_to_multiple((g.k + parts - 1) / parts, kBlock);
    float* const packed_a = g.workspace;
    float* const packed_b = g.workspace + kMc * kKc / 2;
    for (std::size_t j0 = 0; j0 < g.n; j0 += kNc) {
        const std::size_t n = smaller(kNc, g.n - j0);
        for (std::size_t p0 = 0; p0 < g.k; p0 += most) {
            const std::size_t depth = smaller(most, g.k - p0);
            const std::size_t blocks = up_to_multiple(depth, kBlock) / kBlock;
            const std::size_t panel = blocks * kTile / kSide;  // for one row or column
            const bool fresh = p0 == 0 && !g.accumulate;
            pack<true>(g.b + p0 * g.b_row + j0 * g.b_col, g.b_col, g.b_row, n, depth, packed_b);
            for (std::size_t i0 = 0; i0 < g.m; i0 += kMc) {
                const std::size_t m = smaller(kMc, g.m - i0);
                pack<false>(g.a + i0 * g.a_row + p0 * g.a_col, g.a_row, g.a_col, m, depth,
                            packed_a);
                for (std::size_t j = 0; j < n; j += 2 * kSide) {
                    for (std::size_t i = 0; i < m; i += 2 * kSide) {
                        part(smaller(2 * kSide, m - i), smaller(2 * kSide, n - j),
                             packed_a + i * panel, packed_b + j * panel, blocks,
                             g.c + (i0 + i) * g.c_row + j0 + j, g.c_row, fresh);
                    }
                }
            }
        }
    }
}

// LDTILECFG's operand: palette 1, eight tiles of 16 rows of 64 bytes.
struct alignas(64) TileConfig {
    std::uint8_t palette = 1;
    std::uint8_t start_row = 0;
    std::uint8_t reserved[14] = {};
    std::uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
    std::uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};
static_assert(sizeof(TileConfig) == 64);

}  // namespace

void gemm_amx(const Gemm& gemm) {
    if (gemm.k == 0) {
        for (std::size_t i = 0; i < gemm.m && !gemm.accumulate; ++i) {
            for (std::size_t j = 0; j < gemm.n; ++j)
                gemm.c[i * gemm.c_row + j] = 0.0F;
        }
        return;
    }
    const TileConfig config;
    asm volatile("" : : "r"(&config) : "memory");  // gcc 12 declares a read of a part only
    _tile_loadconfig(&config);
    product(gemm);
    _tile_release();
}

}  // namespace covenant::kernels
