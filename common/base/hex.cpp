#include "common/base/hex.hpp"

namespace covenant {
namespace {

constexpr std::string_view kDigits = "0123456789abcdef";

int digit_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

}  // namespace

std::string to_hex(ByteView bytes) {
    std::string out;
    out.reserve(bytes.size() * 2);
    for (const std::uint8_t byte : bytes) {
        out.push_back(kDigits[byte >> 4]);
        out.push_back(kDigits[byte & 15]);
    }
    return out;
}

std::string to_0x(ByteView bytes) {
    return "0x" + to_hex(bytes);
}

std::string to_short_hex(ByteView bytes) {
    if (bytes.size() <= 5) {
        return to_0x(bytes);
    }
    return "0x" + to_hex(bytes.first(2)) + "…" + to_hex(bytes.last(2));
}

Result<Bytes> from_hex(std::string_view text, std::size_t max_bytes) {
    if (text.starts_with("0x") || text.starts_with("0X")) {
        text.remove_prefix(2);
    }
    if (text.size() % 2 != 0) {
        return fail(Errc::kMalformed, "hex text has an odd number of digits");
    }
    if (text.size() / 2 > max_bytes) {
        return fail(Errc::kMalformed, "hex text has " + std::to_string(text.size() / 2) +
                                          " bytes, at most " + std::to_string(max_bytes) +
                                          " allowed");
    }
    Bytes out;
    out.reserve(text.size() / 2);
    for (std::size_t i = 0; i < text.size(); i += 2) {
        const int high = digit_value(text[i]);
        const int low = digit_value(text[i + 1]);
        if (high < 0 || low < 0) {
            return fail(Errc::kMalformed, "not a hex digit at position " + std::to_string(i));
        }
        out.push_back(static_cast<std::uint8_t>(high * 16 + low));
    }
    return out;
}

}  // namespace covenant
