// scalar_float.hpp against this CPU under FTZ and DAZ.
#include "common/engine/kernels/scalar_float.hpp"

#include "common/engine/kernels/kernels.hpp"

#include <array>
#include <bit>
#include <cmath>
#include <random>

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace covenant::kernels {
namespace {

float from_bits(std::uint32_t bits) {
    return std::bit_cast<float>(bits);
}

bool same(float a, float b) {
    return std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b) ||
           (std::isnan(a) && std::isnan(b));
}

// Keeps the compiler from computing it without the CPU.
float opaque(float x) {
    asm volatile("" : "+x"(x));
    return x;
}

struct Operands {
    float a, b, c;
};

std::uint32_t with_exponent(std::uint32_t bits, std::uint64_t exponent) {
    return (bits & 0x807FFFFFU) | (static_cast<std::uint32_t>(exponent & 255U) << 23);
}

// Random patterns, by turns bent towards what is hard to round.
Operands draw(std::mt19937_64& random, unsigned turn) {
    const std::uint64_t u = random();
    const std::uint64_t v = random();
    auto a = static_cast<std::uint32_t>(u);
    auto b = static_cast<std::uint32_t>(u >> 32);
    auto c = static_cast<std::uint32_t>(v);
    const std::uint64_t product = ((a >> 23) & 255U) + ((b >> 23) & 255U) + 129U;
    switch (turn % 6) {
        case 1:  // products and sums around the smallest normal number
            a = with_exponent(a, 64 + (v >> 32) % 8);
            b = with_exponent(b, 58 + (v >> 40) % 8);
            c = with_exponent(c, (v >> 48) % 4);
            break;
        case 2:  // addends that overlap the product
            c = with_exponent(c, product + (v >> 40) % 60 - 30);
            break;
        case 3: {  // addends that cancel the product but for its last bits
            a &= 0xFFFF0000U;
            b &= 0xFFFF0000U;
            c = (std::bit_cast<std::uint32_t>(from_bits(a) * from_bits(b)) ^ 0x80000000U) ^
                static_cast<std::uint32_t>(v >> 61);
            break;
        }
        case 4:  // few bits: exact results and ties
            a &= 0xFFFFE000U;
            b = with_exponent(b & 0xFFF80000U, (a >> 23) + (v >> 40) % 30 - 15);
            c = with_exponent(c & 0xFFFFF000U, product + (v >> 50) % 30 - 15);
            break;
        case 5:  // close to one from below, times the smallest normal numbers: tiny after rounding?
            a = 0x3F7FFFF0U + static_cast<std::uint32_t>(v >> 60);
            b = with_exponent((v >> 32) % 3 != 0 ? 0U : (b & 0x8000000FU), 1 + (v >> 50) % 2);
            c = with_exponent(c, (v >> 40) % 3);
            break;
        default:
            break;
    }
    return {from_bits(a), from_bits(b), from_bits(c)};
}

TEST(ScalarFloatTest, IsThisCpuUnderFlushing) {
    const CanonicalFloatMode mode;
    const bool has_fma = available_isas().size() > 1;
    std::mt19937_64 random(1);
    for (unsigned turn = 0; turn < 3'000'000; ++turn) {
        const Operands x = draw(random, turn);
        const float a = opaque(x.a);
        const float b = opaque(x.b);
        const float c = opaque(x.c);
        const bool equal = same(scalar::add(a, b), a + b) && same(scalar::add(b, c), b + c) &&
                           same(scalar::sub(a, b), a - b) && same(scalar::mul(a, b), a * b) &&
                           same(scalar::div(a, b), a / b) && same(scalar::sqrt(a), std::sqrt(a)) &&
                           (!has_fma || same(scalar::fma(a, b, c), std::fma(a, b, c)));
        ASSERT_TRUE(equal) << fmt::format("turn {}: {:a} {:a} {:a}", turn, a, b, c);
    }
}

TEST(ScalarFloatTest, DoesNotDependOnTheFlags) {
    std::mt19937_64 random(2);
    for (unsigned turn = 0; turn < 200'000; ++turn) {
        const Operands x = draw(random, turn);
        const auto all = [&x] {
            const float a = opaque(x.a);
            const float b = opaque(x.b);
            const float c = opaque(x.c);
            return std::array{scalar::add(a, b), scalar::sub(b, c),       scalar::mul(a, b),
                              scalar::div(a, b), scalar::sqrt(a),         scalar::fma(a, b, c),
                              scalar::flush(a),  scalar::round_to_bf16(b)};
        };
        const auto plain = all();
        const CanonicalFloatMode mode;
        const auto flushed = all();
        for (std::size_t i = 0; i < plain.size(); ++i) {
            ASSERT_TRUE(same(plain[i], flushed[i])) << "turn " << turn << " operation " << i;
        }
    }
}

TEST(ScalarFloatTest, TininessIsJudgedAfterRounding) {
    constexpr float kMin = 0x1p-126F;
    // Rounds up to the smallest normal number: kept. One step less: zero, with its sign.
    EXPECT_EQ(scalar::fma(0x1.fffffep-1F, kMin, 0x1p-126F), 0x1p-125F);
    EXPECT_EQ(scalar::mul(0x1.fffffep-64F, 0x1.000002p-63F), kMin);
    EXPECT_EQ(scalar::mul(0x1.fffffep-64F, 0x1p-63F), 0.0F);
    EXPECT_TRUE(std::signbit(scalar::mul(-0x1.fffffep-64F, 0x1p-63F)));
    EXPECT_EQ(scalar::sub(0x1.8p-126F, kMin), 0.0F);
    EXPECT_EQ(scalar::add(0x1p-127F, kMin), kMin);
    EXPECT_EQ(scalar::sqrt(0x1p-127F), 0.0F);
    EXPECT_TRUE(std::isinf(scalar::mul(0x1.fffffep127F, 0x1.000002p0F)));
    EXPECT_TRUE(std::isinf(scalar::div(1.0F, 0x1p-127F)));
    EXPECT_TRUE(std::isnan(scalar::div(0x1p-130F, 0.0F)));
}

}  // namespace
}  // namespace covenant::kernels
