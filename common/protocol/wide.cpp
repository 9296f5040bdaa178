#include "common/protocol/wide.hpp"

#include "common/base/assert.hpp"

namespace covenant::protocol {
namespace {

constexpr std::uint64_t low64(Uint128 x) {
    return static_cast<std::uint64_t>(x);
}

Wide twice(const Wide& x, bool carry_in) {
    return {.high = (x.high << 1) | (x.low >> 127), .low = (x.low << 1) | (carry_in ? 1U : 0U)};
}

Wide minus(const Wide& a, const Wide& b) {
    return {.high = a.high - b.high - (a.low < b.low ? 1U : 0U), .low = a.low - b.low};
}

}  // namespace

Wide& Wide::operator+=(const Wide& other) {
    const Uint128 sum = low + other.low;
    const Uint128 carry = sum < low ? 1 : 0;
    const auto top = checked_add(high, other.high);
    const auto with_carry = top ? checked_add(*top, carry) : std::nullopt;
    COVENANT_ASSERT(with_carry.has_value(), "the bounds of settlement keep sums below 2^256");
    low = sum;
    high = *with_carry;
    return *this;
}

Wide wide_mul(Uint128 a, Uint128 b) {
    const Uint128 ll = Uint128{low64(a)} * low64(b);
    const Uint128 lh = Uint128{low64(a)} * low64(b >> 64);
    const Uint128 hl = Uint128{low64(a >> 64)} * low64(b);
    const Uint128 hh = Uint128{low64(a >> 64)} * low64(b >> 64);
    const Uint128 middle = (ll >> 64) + low64(lh) + low64(hl);
    return {.high = hh + (lh >> 64) + (hl >> 64) + (middle >> 64),
            .low = (middle << 64) | low64(ll)};
}

Uint128 mul_div(Uint128 factor, const Wide& value, const Wide& divisor) {
    COVENANT_ASSERT(!divisor.is_zero(), "shares are of a positive sum");
    Wide product = wide_mul(factor, value.high);
    COVENANT_ASSERT(product.high == 0, "the bounds of settlement keep products below 2^256");
    product = {.high = product.low, .low = 0};
    product += wide_mul(factor, value.low);

    // Schoolbook division, one bit at a time. A remainder is below the divisor, so it overflows
    // when doubled only if the divisor is above 2^255; settlement's are far below.
    COVENANT_ASSERT((divisor.high >> 127) == 0, "divisors are below 2^255");
    Wide remainder;
    Wide quotient;
    for (int bit = 255; bit >= 0; --bit) {
        const Uint128 word = bit >= 128 ? product.high : product.low;
        remainder = twice(remainder, ((word >> (bit % 128)) & 1) != 0);
        const bool fits = remainder >= divisor;
        if (fits) remainder = minus(remainder, divisor);
        quotient = twice(quotient, fits);
    }
    COVENANT_ASSERT(quotient.high == 0, "a share of a 128-bit budget has 128 bits");
    return quotient.low;
}

}  // namespace covenant::protocol
