// Canonical bytes, reading side (see writer.hpp for the encoding). Bounded and without exceptions,
// Results or allocation: the first failure sticks, later reads give zeros and empty views, and the
// caller asks once at the end:
//
//   Reader in(bytes);
//   header.round = in.u64();
//   header.root = in.fixed<Hash256>();
//   const std::size_t n = in.count(kItemSize, kMaxItems);  // safe to reserve(n): n * kItemSize
//   fits for (std::size_t i = 0; i < n; ++i) { ... } if (!in.finish()) return Verdict::kMalformed;
#pragma once

#include "common/base/bytes.hpp"
#include "common/base/strong_id.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

namespace covenant::codec {

enum class ReadError : std::uint8_t {
    kNone,
    kTruncated,  // a value reaches past the end
    kTooLong,    // a length or a count exceeds its bound or what is left of the input
    kBadValue,   // a value that has no canonical meaning (a boolean of 2, or said so by the caller)
    kTrailing,   // bytes are left after the last field
};

std::string_view to_string(ReadError error);

class Reader {
  public:
    explicit Reader(ByteView data) : data_(data) {}

    std::uint8_t u8() { return integer<std::uint8_t>(); }
    std::uint16_t u16() { return integer<std::uint16_t>(); }
    std::uint32_t u32() { return integer<std::uint32_t>(); }
    std::uint64_t u64() { return integer<std::uint64_t>(); }
    std::int64_t i64() { return static_cast<std::int64_t>(integer<std::uint64_t>()); }
    bool boolean();

    template <typename Fixed>
    requires requires { Fixed::kSize; }
    Fixed fixed() {
        const ByteView part = raw(Fixed::kSize);
        return part.size() == Fixed::kSize ? Fixed::from(part) : Fixed{};
    }
    template <typename Id>
    Id id() {
        using Rep = typename Id::rep;
        return Id(static_cast<Rep>(integer<std::make_unsigned_t<Rep>>()));
    }
    // The next `size` bytes, a view into the input.
    ByteView raw(std::size_t size);
    // u32 length <= max_size, then that many bytes: a view into the input.
    ByteView var_bytes(std::size_t max_size);
    std::string_view text(std::size_t max_size) { return as_text(var_bytes(max_size)); }
    // u32 count <= max_items with count * min_item_size <= remaining(); 0 after a failure. An item
    // takes at least one byte (min_item_size 0 counts as 1).
    std::size_t count(std::size_t min_item_size, std::size_t max_items);
    // The next bytes must be exactly these (magic numbers, version tags); else kBadValue.
    bool expect(ByteView expected);

    // Records a failure found by the caller; the first one stays.
    void fail(ReadError error = ReadError::kBadValue);

    [[nodiscard]] bool ok() const { return error_ == ReadError::kNone; }
    [[nodiscard]] ReadError error() const { return error_; }
    // Offset of the next byte; after a failure, of the value that failed.
    [[nodiscard]] std::size_t position() const { return position_; }
    [[nodiscard]] std::size_t remaining() const { return ok() ? data_.size() - position_ : 0; }
    // True when every read succeeded and every byte was consumed.
    [[nodiscard]] bool finish();

  private:
    template <typename T>
    T integer() {
        const ByteView part = raw(sizeof(T));
        return part.size() == sizeof(T) ? load_le<T>(part.data()) : T{0};
    }

    ByteView data_;
    std::size_t position_ = 0;
    ReadError error_ = ReadError::kNone;
};

}  // namespace covenant::codec
