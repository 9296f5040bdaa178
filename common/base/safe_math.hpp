// Checked integer arithmetic for consensus code, and token amounts.
#pragma once

#include "common/base/result.hpp"

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace covenant {

__extension__ using Uint128 = unsigned __int128;

template <typename T>
[[nodiscard]] std::optional<T> checked_add(T a, T b) {
    T out{};
    if (__builtin_add_overflow(a, b, &out)) return std::nullopt;
    return out;
}
template <typename T>
[[nodiscard]] std::optional<T> checked_sub(T a, T b) {
    T out{};
    if (__builtin_sub_overflow(a, b, &out)) return std::nullopt;
    return out;
}
template <typename T>
[[nodiscard]] std::optional<T> checked_mul(T a, T b) {
    T out{};
    if (__builtin_mul_overflow(a, b, &out)) return std::nullopt;
    return out;
}

// A number of token base units (10^-18 token). The token's cap fits in 96 bits, so sums of amounts
// and products with 32-bit factors cannot wrap.
struct Amount {
    Uint128 units = 0;
    auto operator<=>(const Amount&) const = default;
    [[nodiscard]] Amount operator+(Amount other) const { return {units + other.units}; }
    Amount& operator+=(Amount other) {
        units += other.units;
        return *this;
    }
};

inline constexpr int kTokenDecimals = 18;
inline constexpr Uint128 kOneToken = Uint128{1000000000} * 1000000000;

std::string to_decimal(Uint128 value);  // "1000000000000000000"
Result<Uint128> from_decimal(std::string_view text);
std::string to_tokens(Amount amount);  // "1.5": trailing zeros dropped
Result<Amount> amount_from_tokens(
    std::string_view text);  // kMalformed beyond 18 decimals or 128 bits

}  // namespace covenant
