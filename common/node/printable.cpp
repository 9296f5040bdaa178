#include "common/node/printable.hpp"

#include <algorithm>
#include <cstdint>

#include <fmt/format.h>

namespace covenant::node {
namespace {

struct Character {
    std::size_t bytes = 0;  // 0: no UTF-8 character begins here
    std::uint32_t point = 0;
};

std::size_t length_by_first_byte(unsigned char first) {
    if (first < 0x80) return 1;
    if (first >= 0xC2 && first < 0xE0) return 2;
    if (first >= 0xE0 && first < 0xF0) return 3;
    if (first >= 0xF0 && first < 0xF5) return 4;
    return 0;
}

bool is_continuation(char byte) {
    return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U;
}

// The character at the start of `text`, which is not empty.
Character first_character(std::string_view text) {
    const auto first = static_cast<unsigned char>(text[0]);
    const std::size_t bytes = length_by_first_byte(first);
    if (bytes <= 1) return {bytes, first};
    if (text.size() < bytes) return {};
    std::uint32_t point = first & (0x7FU >> bytes);
    for (const char byte : text.substr(1, bytes - 1)) {
        if (!is_continuation(byte)) return {};
        point = point << 6U | (static_cast<unsigned char>(byte) & 0x3FU);
    }
    const bool overlong = (bytes == 3 && point < 0x800) || (bytes == 4 && point < 0x10000);
    const bool surrogate = point >= 0xD800 && point < 0xE000;
    if (overlong || surrogate || point > 0x10FFFF) return {};
    return {bytes, point};
}

// Separators and marks of direction: a terminal may break or turn a line at them.
bool moves_text(std::uint32_t point) {
    return point == 0x061C || point == 0x200E || point == 0x200F ||
           (point >= 0x2028 && point <= 0x202E) || (point >= 0x2066 && point <= 0x2069);
}

std::string shown(std::uint32_t point, Lines lines) {
    if (point == '\n') return lines == Lines::kMany ? "\n" : "\\n";
    if (point == '\t') return lines == Lines::kMany ? "\t" : "\\t";
    if (point < 0x20 || (point >= 0x7F && point < 0xA0)) return fmt::format("\\x{:02x}", point);
    return moves_text(point) ? fmt::format("\\u{:04x}", point) : std::string();
}

}  // namespace

std::string printable(std::string_view text, Lines lines) {
    std::string out;
    out.reserve(text.size());
    while (!text.empty()) {
        const Character character = first_character(text);
        const std::size_t bytes = std::max<std::size_t>(character.bytes, 1);
        if (character.bytes == 0) {
            out += fmt::format("\\x{:02x}", static_cast<unsigned char>(text[0]));
        } else if (const std::string number = shown(character.point, lines); !number.empty()) {
            out += number;
        } else {
            out += text.substr(0, bytes);
        }
        text.remove_prefix(bytes);
    }
    return out;
}

std::size_t unfinished_utf8(std::string_view text) {
    std::size_t tail = 0;
    while (tail < 3 && tail < text.size()) {
        const char byte = text[text.size() - ++tail];
        if (is_continuation(byte)) continue;
        return length_by_first_byte(static_cast<unsigned char>(byte)) > tail ? tail : 0;
    }
    return 0;
}

}  // namespace covenant::node
