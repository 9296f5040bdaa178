// fp32 arithmetic of rule E1 (common/engine/README.md) in plain C++: round to nearest even,
// operands that are denormal count as zero with their sign, results that are tiny after rounding
// become zero with their sign. It gives these bits whatever the thread's FTZ and DAZ flags say and
// whether or not the CPU has FMA; only the rounding mode must be to nearest. The reference for all
// kernels.
//
// How: fp32 operands are exact in fp64, and so is the product of two. A sum of two doubles is
// rounded to odd (TwoSum tells its error), which loses nothing that a later rounding to 24 bits
// needs; quotient and square root of 24-bit operands may be rounded twice, as 53 >= 2 * 24 + 2
// (Figueroa). All intermediates of finite operands lie within 2^-298 .. 2^257: never tiny in fp64.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

namespace covenant::kernels::scalar {

// Denormals become zero of the same sign.
inline float flush(float x) {
    const auto bits = std::bit_cast<std::uint32_t>(x);
    return (bits & 0x7F800000U) != 0 ? x : std::bit_cast<float>(bits & 0x80000000U);
}

// x rounded to 24 bits as if exponents had no bounds; then tiny becomes zero and huge infinity.
inline float round_to_float(double x) {
    auto bits = std::bit_cast<std::uint64_t>(x);
    const auto sign = static_cast<std::uint32_t>(bits >> 32) & 0x80000000U;
    bits &= 0x7FFFFFFFFFFFFFFFU;
    if (bits >= 0x7FF0000000000000U) return static_cast<float>(x);
    bits = (bits + 0x0FFFFFFFU + ((bits >> 29) & 1U)) >> 29;
    // Now 11 bits of exponent and 23 of fraction; fp32's exponent is smaller by 1023 - 127.
    constexpr std::uint64_t kBias = std::uint64_t{1023 - 127} << 23;
    if (bits < kBias + (std::uint64_t{1} << 23)) return std::bit_cast<float>(sign);
    if (bits >= kBias + (std::uint64_t{255} << 23)) return std::bit_cast<float>(sign | 0x7F800000U);
    return std::bit_cast<float>(sign | static_cast<std::uint32_t>(bits - kBias));
}

// x + y rounded to odd.
inline double add_to_odd(double x, double y) {
    const double sum = x + y;
    const double y_part = sum - x;
    const double error = (x - (sum - y_part)) + (y - y_part);
    auto bits = std::bit_cast<std::uint64_t>(sum);
    // With a NaN or infinity among the operands the error is NaN, or 0 is compared with NaN: leave.
    if (!(error < 0 || error > 0) || (bits & 1U) != 0) return sum;
    const bool outward = (error < 0) == (sum < 0);
    bits = outward ? bits + 1 : bits - 1;
    return std::bit_cast<double>(bits);
}

inline float add(float a, float b) {
    return round_to_float(add_to_odd(flush(a), flush(b)));
}
inline float sub(float a, float b) {
    return add(a, -b);
}
inline float mul(float a, float b) {
    return round_to_float(double{flush(a)} * double{flush(b)});
}
inline float div(float a, float b) {
    return round_to_float(double{flush(a)} / double{flush(b)});
}
inline float sqrt(float a) {
    return round_to_float(std::sqrt(double{flush(a)}));
}
// a * b + c rounded once.
inline float fma(float a, float b, float c) {
    return round_to_float(add_to_odd(double{flush(a)} * double{flush(b)}, flush(c)));
}

// Nearest bf16, ties to even, widened again. Denormals become zero; a NaN stays one.
inline float round_to_bf16(float x) {
    const auto bits = std::bit_cast<std::uint32_t>(flush(x));
    if ((bits & 0x7FFFFFFFU) > 0x7F800000U)
        return std::bit_cast<float>((bits | 0x400000U) & 0xFFFF0000U);
    return std::bit_cast<float>((bits + 0x7FFFU + ((bits >> 16) & 1U)) & 0xFFFF0000U);
}

}  // namespace covenant::kernels::scalar
