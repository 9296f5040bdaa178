#include "common/codec/reader.hpp"

#include <algorithm>

namespace covenant::codec {

std::string_view to_string(ReadError error) {
    switch (error) {
        case ReadError::kNone:
            return "none";
        case ReadError::kTruncated:
            return "truncated";
        case ReadError::kTooLong:
            return "too_long";
        case ReadError::kBadValue:
            return "bad_value";
        case ReadError::kTrailing:
            return "trailing_bytes";
    }
    return "unknown";
}

void Reader::fail(ReadError error) {
    if (ok()) error_ = error;
}

ByteView Reader::raw(std::size_t size) {
    if (size > remaining()) {
        fail(ReadError::kTruncated);
        return {};
    }
    if (!ok()) return {};
    const ByteView part = data_.subspan(position_, size);
    position_ += size;
    return part;
}

bool Reader::boolean() {
    const std::size_t start = position_;
    const std::uint8_t value = u8();
    if (ok() && value > 1) {
        position_ = start;
        fail(ReadError::kBadValue);
        return false;
    }
    return value == 1;
}

ByteView Reader::var_bytes(std::size_t max_size) {
    const std::size_t start = position_;
    const std::size_t size = u32();
    if (ok() && size > std::min(max_size, remaining())) {
        position_ = start;
        fail(ReadError::kTooLong);
    }
    return raw(size);
}

std::size_t Reader::count(std::size_t min_item_size, std::size_t max_items) {
    const std::size_t start = position_;
    const std::size_t items = u32();
    // By division: the product could overflow.
    const std::size_t fitting = remaining() / std::max<std::size_t>(1, min_item_size);
    if (ok() && items > std::min(max_items, fitting)) {
        position_ = start;
        fail(ReadError::kTooLong);
    }
    return ok() ? items : 0;
}

bool Reader::expect(ByteView expected) {
    const std::size_t start = position_;
    const ByteView found = raw(expected.size());
    if (ok() && !std::equal(found.begin(), found.end(), expected.begin(), expected.end())) {
        position_ = start;
        fail(ReadError::kBadValue);
    }
    return ok();
}

bool Reader::finish() {
    if (ok() && position_ != data_.size()) fail(ReadError::kTrailing);
    return ok();
}

}  // namespace covenant::codec
