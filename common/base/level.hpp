// Magnitudes in 8 bits, about logarithmic: the levels of a compressed update.
//   code 0            +0
//   code c = 1..255   e = c >> 3, m = c & 7:  value = (8 + m) / 8 * 2^(e - 26)
// So 1.125 * 2^-26 (1.7e-8) to 60, strictly ascending, relative steps of at most 1/8, each exact in
// binary32.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>

namespace covenant {

inline constexpr std::uint8_t kMaxLevel = 255;

namespace detail {
inline constexpr unsigned kLevelShift = 20;                   // bits of a binary32 below the code
inline constexpr std::uint32_t kLevelBias = (127 - 26) << 3;  // code of 2^-26 if 0 did not take it
}  // namespace detail

constexpr float level_value(std::uint8_t code) {
    if (code == 0) return 0.0F;
    return std::bit_cast<float>((detail::kLevelBias + code) << detail::kLevelShift);
}

// The nearest level of a finite magnitude >= 0, of two equally near the even code; 255 above all.
constexpr std::uint8_t nearest_level(float magnitude) {
    constexpr float kSmallest = level_value(1);
    if (magnitude <= kSmallest / 2) return 0;
    if (magnitude <= kSmallest) return 1;
    const auto bits = std::bit_cast<std::uint32_t>(magnitude);
    constexpr std::uint32_t kBelowHalf = (1U << (detail::kLevelShift - 1)) - 1;
    const std::uint32_t odd = (bits >> detail::kLevelShift) & 1U;
    const std::uint32_t rounded = (bits + kBelowHalf + odd) >> detail::kLevelShift;
    return static_cast<std::uint8_t>(
        std::min<std::uint32_t>(rounded - detail::kLevelBias, kMaxLevel));
}

constexpr bool is_level(float value) {
    return std::bit_cast<std::uint32_t>(value) ==
           std::bit_cast<std::uint32_t>(level_value(nearest_level(value < 0.0F ? 0.0F : value)));
}

}  // namespace covenant
