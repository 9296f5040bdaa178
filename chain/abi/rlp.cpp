#include "chain/abi/rlp.hpp"

#include <algorithm>

namespace covenant::chain {
namespace {

Bytes trimmed(ByteView big_endian) {
    const auto first =
        std::find_if(big_endian.begin(), big_endian.end(), [](std::uint8_t b) { return b != 0; });
    return {first, big_endian.end()};
}

// 0x80 + size (0xc0 for lists) up to 55 bytes, else 0xb7 (0xf7) + the number of length bytes, then
// the length.
void append_length(Bytes& out, std::size_t size, std::uint8_t base) {
    if (size <= 55) {
        out.push_back(static_cast<std::uint8_t>(base + size));
        return;
    }
    std::uint8_t buffer[8];
    store_be<std::uint64_t>(size, buffer);
    const Bytes length = trimmed(buffer);
    out.push_back(static_cast<std::uint8_t>(base + 55 + length.size()));
    append(out, length);
}

}  // namespace

Bytes rlp_string(ByteView value) {
    if (value.size() == 1 && value[0] < 0x80) return {value[0]};
    Bytes out;
    out.reserve(value.size() + 9);
    append_length(out, value.size(), 0x80);
    append(out, value);
    return out;
}

RlpList& RlpList::bytes(ByteView value) {
    append(payload_, rlp_string(value));
    return *this;
}

RlpList& RlpList::uint(ByteView big_endian) {
    return bytes(trimmed(big_endian));
}

RlpList& RlpList::uint(Uint128 value) {
    std::uint8_t buffer[16];
    store_be(value, buffer);
    return uint(ByteView(buffer));
}

RlpList& RlpList::raw(ByteView encoded) {
    append(payload_, encoded);
    return *this;
}

Bytes RlpList::finish() const {
    Bytes out;
    out.reserve(payload_.size() + 9);
    append_length(out, payload_.size(), 0xc0);
    append(out, payload_);
    return out;
}

}  // namespace covenant::chain
