// 256-bit unsigned integers, as far as settlement needs them: the contract's uint256, in C++.
#pragma once

#include "common/base/safe_math.hpp"

#include <compare>

namespace covenant::protocol {

struct Wide {
    Uint128 high = 0;
    Uint128 low = 0;
    auto operator<=>(const Wide&) const = default;

    [[nodiscard]] bool is_zero() const { return high == 0 && low == 0; }
    Wide& operator+=(const Wide& other);  // asserts that the sum fits
};

Wide wide_mul(Uint128 a, Uint128 b);
// floor(factor * value / divisor). Asserts: the product fits 256 bits, the quotient 128,
// divisor > 0.
Uint128 mul_div(Uint128 factor, const Wide& value, const Wide& divisor);

}  // namespace covenant::protocol
