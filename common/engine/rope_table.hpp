// cos and sin of the rotary position embedding, as data: computed with IEEE basic operations in a
// written order, so that no libm decides a bit of it.
#pragma once

#include <cstdint>
#include <vector>

namespace covenant::engine {

// Row-major [seq_len, half], half = head_dim / 2: cos and sin of t * theta^(-i / half), in fp32.
struct RopeTable {
    std::uint32_t seq_len = 0;
    std::uint32_t half = 0;
    std::vector<float> cos;
    std::vector<float> sin;
};

// Frequencies: exp(-(i / half) * ln theta); the angle's cosine and sine by Taylor series, those of
// its multiples by the addition theorem from t = 0 upwards; all fp64, rounded to fp32 last. Within
// 1e-7 of the exact values up to seq_len 2^14.
[[nodiscard]] RopeTable rope_table(std::uint32_t seq_len, std::uint32_t head_dim, float theta);

}  // namespace covenant::engine
