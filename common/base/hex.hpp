// Hexadecimal text, lower case.
#pragma once

#include "common/base/bytes.hpp"
#include "common/base/result.hpp"

#include <string>
#include <string_view>

namespace covenant {

std::string to_hex(ByteView bytes);  // "0a1b"
std::string to_0x(ByteView bytes);   // "0x0a1b"
// "0x1234…abcd" for people; full values belong in JSON.
std::string to_short_hex(ByteView bytes);

// Accepts an optional 0x prefix and either case. kMalformed: odd length, another character, or more
// than max_bytes bytes.
Result<Bytes> from_hex(std::string_view text, std::size_t max_bytes = std::size_t{1} << 30);

template <typename Fixed>
std::string to_0x(const Fixed& value) requires requires {
    Fixed::kSize;
}
{ return to_0x(value.view()); }

// Exactly Fixed::kSize bytes, else kMalformed.
template <typename Fixed>
Result<Fixed> fixed_from_hex(std::string_view text) {
    COVENANT_TRY(const Bytes bytes, from_hex(text, Fixed::kSize));
    if (bytes.size() != Fixed::kSize) {
        return fail(Errc::kMalformed, "hex value has " + std::to_string(bytes.size()) +
                                          " bytes, expected " + std::to_string(Fixed::kSize));
    }
    return Fixed::from(bytes);
}

}  // namespace covenant
