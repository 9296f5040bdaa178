// The AMX product over SIMDe and over tiles in plain C++. TDPBF16PS is done in the
// order measured on real tiles (rule E2) and in scalar_float.hpp's arithmetic: the instruction
// looks at no flag of the thread.
#include "common/engine/kernels/scalar_float.hpp"

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include <immintrin.h>

namespace covenant::kernels {
namespace {

struct Tile {
    std::uint32_t words[16][16];
};
Tile tile_registers[8];
bool configured = false;

float widen(std::uint32_t bf16) {
    return std::bit_cast<float>(bf16 << 16);
}

void require_configuration() {
    if (!configured) __builtin_trap();
}

void tile_loadconfig(const void* config) {
    // Palette 1, eight tiles of 16 rows of 64 bytes: nothing else is emulated.
    std::uint8_t bytes[64];
    std::memcpy(bytes, config, sizeof bytes);
    if (bytes[0] != 1 || bytes[1] != 0) __builtin_trap();
    for (int i = 0; i < 8; ++i) {
        if (bytes[16 + 2 * i] != 64 || bytes[17 + 2 * i] != 0 || bytes[48 + i] != 16) {
            __builtin_trap();
        }
    }
    std::memset(tile_registers, 0, sizeof tile_registers);
    configured = true;
}

void tile_loadd(int to, const void* from, std::size_t stride) {
    require_configuration();
    for (std::size_t r = 0; r < 16; ++r) {
        std::memcpy(tile_registers[to].words[r], static_cast<const char*>(from) + r * stride, 64);
    }
}

void tile_stored(int from, void* to, std::size_t stride) {
    require_configuration();
    for (std::size_t r = 0; r < 16; ++r) {
        std::memcpy(static_cast<char*>(to) + r * stride, tile_registers[from].words[r], 64);
    }
}

void tile_dpbf16ps(int c, int a, int b) {
    require_configuration();
    for (int i = 0; i < 16; ++i) {
        for (int j = 0; j < 16; ++j) {
            float even = 0.0F;
            float odd = 0.0F;
            for (int q = 0; q < 16; ++q) {
                const std::uint32_t left = tile_registers[a].words[i][q];
                const std::uint32_t right = tile_registers[b].words[q][j];
                even = scalar::fma(widen(left & 0xFFFFU), widen(right & 0xFFFFU), even);
                odd = scalar::fma(widen(left >> 16), widen(right >> 16), odd);
            }
            std::uint32_t& word = tile_registers[c].words[i][j];
            word = std::bit_cast<std::uint32_t>(
                scalar::add(std::bit_cast<float>(word), scalar::add(even, odd)));
        }
    }
}

// VCVTNE2PS2BF16: words 0 to 15 from `low`, 16 to 31 from `high`.
__m512i cvtne2ps_pbh(__m512 high, __m512 low) {
    float values[32];
    _mm512_storeu_ps(values, low);
    _mm512_storeu_ps(values + 16, high);
    std::uint16_t words[32];
    for (int i = 0; i < 32; ++i) {
        words[i] = static_cast<std::uint16_t>(
            std::bit_cast<std::uint32_t>(scalar::round_to_bf16(values[i])) >> 16);
    }
    return _mm512_loadu_si512(words);
}

}  // namespace
}  // namespace covenant::kernels

#undef _mm512_cvtne2ps_pbh
#undef _tile_loadconfig
#undef _tile_release
#undef _tile_loadd
#undef _tile_stored
#undef _tile_zero
#undef _tile_dpbf16ps
#define _mm512_cvtne2ps_pbh cvtne2ps_pbh
#define _tile_loadconfig tile_loadconfig
#define _tile_release() configured = false
#define _tile_loadd tile_loadd
#define _tile_stored tile_stored
#define _tile_zero(tile) std::memset(&tile_registers[tile], 0, sizeof(Tile))
#define _tile_dpbf16ps tile_dpbf16ps
#define gemm_amx gemm_amx_emulated
#include "common/engine/kernels/gemm_amx.cpp"
