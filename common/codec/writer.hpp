// Canonical bytes, writing side. Integers are little-endian of fixed width, fixed-size values are
// raw, variable bytes carry a u32 length, lists a u32 count. One value has one encoding. Free of
// exceptions and RTTI of its own, so that common/protocol can use it.
#pragma once

#include "common/base/assert.hpp"
#include "common/base/bytes.hpp"
#include "common/base/strong_id.hpp"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>
#include <type_traits>
#include <utility>

namespace covenant::codec {

class Writer {
  public:
    Writer() = default;
    explicit Writer(std::size_t reserve) { out_.reserve(reserve); }

    Writer& u8(std::uint8_t value) { return integer(value); }
    Writer& u16(std::uint16_t value) { return integer(value); }
    Writer& u32(std::uint32_t value) { return integer(value); }
    Writer& u64(std::uint64_t value) { return integer(value); }
    Writer& i64(std::int64_t value) { return integer(static_cast<std::uint64_t>(value)); }
    Writer& boolean(bool value) { return u8(value ? 1 : 0); }

    // Exactly N bytes, without a length.
    template <std::size_t N, typename Tag>
    Writer& fixed(const FixedBytes<N, Tag>& value) {
        return raw(value.view());
    }
    // A distinct integer type, in the width of its representation.
    template <typename Tag, typename Rep>
    Writer& id(StrongId<Tag, Rep> value) {
        return integer(static_cast<std::make_unsigned_t<Rep>>(value.value));
    }
    // Bytes without a length: for magic numbers and already canonical parts.
    Writer& raw(ByteView data) {
        append(out_, data);
        return *this;
    }
    // u32 length, then the bytes. Longer than 2^32 - 1 is a bug of the caller.
    Writer& var_bytes(ByteView data) { return count(data.size()).raw(data); }
    Writer& text(std::string_view value) { return var_bytes(as_bytes(value)); }
    // The u32 in front of a list.
    Writer& count(std::size_t items) {
        COVENANT_ASSERT(items <= std::numeric_limits<std::uint32_t>::max(), "counts are 32-bit");
        return u32(static_cast<std::uint32_t>(items));
    }

    [[nodiscard]] std::size_t size() const { return out_.size(); }
    [[nodiscard]] ByteView view() const { return out_; }
    // The bytes so far; the writer is empty afterwards.
    [[nodiscard]] Bytes take() { return std::exchange(out_, Bytes{}); }

  private:
    template <typename T>
    Writer& integer(T value) {
        std::uint8_t buffer[sizeof(T)];
        store_le(value, buffer);
        return raw({buffer, sizeof(T)});
    }

    Bytes out_;
};

}  // namespace covenant::codec
