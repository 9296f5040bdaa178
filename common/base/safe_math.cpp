#include "common/base/safe_math.hpp"

#include <algorithm>

namespace covenant {

std::string to_decimal(Uint128 value) {
    std::string out;
    do {
        out.push_back(static_cast<char>('0' + static_cast<int>(value % 10)));
        value /= 10;
    } while (value != 0);
    std::reverse(out.begin(), out.end());
    return out;
}

Result<Uint128> from_decimal(std::string_view text) {
    if (text.empty()) {
        return fail(Errc::kMalformed, "empty number");
    }
    Uint128 value = 0;
    for (const char c : text) {
        if (c < '0' || c > '9') {
            return fail(Errc::kMalformed,
                        "not a decimal number: '" + std::string(text.substr(0, 64)) + "'");
        }
        const auto times = checked_mul<Uint128>(value, 10);
        const auto sum =
            times ? checked_add<Uint128>(*times, static_cast<Uint128>(c - '0')) : std::nullopt;
        if (!sum) {
            return fail(Errc::kMalformed, "number exceeds 128 bits");
        }
        value = *sum;
    }
    return value;
}

std::string to_tokens(Amount amount) {
    std::string out = to_decimal(amount.units / kOneToken);
    std::string fraction = to_decimal(amount.units % kOneToken);
    fraction.insert(0, kTokenDecimals - fraction.size(), '0');
    fraction.erase(fraction.find_last_not_of('0') + 1);
    return fraction.empty() ? out : out + "." + fraction;
}

Result<Amount> amount_from_tokens(std::string_view text) {
    const std::size_t dot = text.find('.');
    std::string digits(text.substr(0, dot));
    std::string fraction(dot == std::string_view::npos ? std::string_view{} : text.substr(dot + 1));
    if (digits.empty() || fraction.size() > kTokenDecimals ||
        (dot != std::string_view::npos && fraction.empty())) {
        return fail(Errc::kMalformed, "a token amount has digits and at most 18 decimals: '" +
                                          std::string(text.substr(0, 64)) + "'");
    }
    fraction.append(kTokenDecimals - fraction.size(), '0');
    COVENANT_TRY(const Uint128 units, from_decimal(digits + fraction));
    return Amount{units};
}

}  // namespace covenant
