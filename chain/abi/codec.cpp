#include "chain/abi/codec.hpp"

#include "common/crypto/keccak256.hpp"

#include <algorithm>

namespace covenant::chain {
namespace {

constexpr std::size_t padded(std::size_t size) {
    return (size + kWordSize - 1) / kWordSize * kWordSize;
}

void append_word(Bytes& out, Uint128 value) {
    const Word word = to_word(value);
    append(out, word);
}

}  // namespace

Word to_word(Uint128 value) {
    Word out{};
    store_be(value, out.data() + 16);
    return out;
}

std::optional<Uint128> to_uint128(const Word& word) {
    if (std::any_of(word.begin(), word.begin() + 16, [](std::uint8_t b) { return b != 0; })) {
        return std::nullopt;
    }
    return load_be<Uint128>(word.data() + 16);
}

Hash256 event_topic(std::string_view signature) {
    return crypto::keccak256(as_bytes(signature));
}

Selector function_selector(std::string_view signature) {
    const Hash256 hash = event_topic(signature);
    return {hash.bytes[0], hash.bytes[1], hash.bytes[2], hash.bytes[3]};
}

AbiWriter& AbiWriter::word(const Word& value) {
    return inline_words(value);
}

AbiWriter& AbiWriter::address(const Address& value) {
    Word word{};
    std::copy(value.bytes.begin(), value.bytes.end(), word.begin() + 12);
    return inline_words(word);
}

AbiWriter& AbiWriter::bytes(ByteView value) {
    Bytes encoded;
    encoded.reserve(kWordSize + padded(value.size()));
    append_word(encoded, value.size());
    append(encoded, value);
    encoded.resize(kWordSize + padded(value.size()));
    return tail(encoded);
}

AbiWriter& AbiWriter::uint16_array(std::span<const std::uint16_t> values) {
    Bytes encoded;
    encoded.reserve((values.size() + 1) * kWordSize);
    append_word(encoded, values.size());
    for (const std::uint16_t value : values) {
        append_word(encoded, value);
    }
    return tail(encoded);
}

AbiWriter& AbiWriter::inline_words(ByteView encoded) {
    parts_.push_back({Bytes(encoded.begin(), encoded.end()), false});
    return *this;
}

AbiWriter& AbiWriter::tail(ByteView encoded) {
    parts_.push_back({Bytes(encoded.begin(), encoded.end()), true});
    return *this;
}

AbiWriter& AbiWriter::static_array(std::size_t count, ByteView encoded) {
    Bytes out;
    out.reserve(kWordSize + encoded.size());
    append_word(out, count);
    append(out, encoded);
    return tail(out);
}

Bytes AbiWriter::finish() const {
    std::size_t head = 0;
    for (const Part& part : parts_) {
        head += part.dynamic ? kWordSize : part.bytes.size();
    }
    Bytes out;
    std::size_t offset = head;
    for (const Part& part : parts_) {
        if (part.dynamic) {
            append_word(out, offset);
            offset += part.bytes.size();
        } else {
            append(out, part.bytes);
        }
    }
    for (const Part& part : parts_) {
        if (part.dynamic) append(out, part.bytes);
    }
    return out;
}

Bytes encode_call(std::string_view signature, const AbiWriter& arguments) {
    const Selector selector = function_selector(signature);
    Bytes out(selector.begin(), selector.end());
    append(out, arguments.finish());
    return out;
}

Word AbiReader::word() {
    Word out{};
    if (!ok_ || data_.size() - position_ < kWordSize) {
        ok_ = false;
        return out;
    }
    std::copy_n(data_.begin() + static_cast<std::ptrdiff_t>(position_), kWordSize, out.begin());
    position_ += kWordSize;
    return out;
}

Uint128 AbiReader::unsigned_below(unsigned bits) {
    const std::optional<Uint128> value = to_uint128(word());
    if (!value || (bits < 128 && (*value >> bits) != 0)) {
        ok_ = false;
        return 0;
    }
    return *value;
}

bool AbiReader::boolean() {
    const Uint128 value = unsigned_below(8);
    if (value > 1) ok_ = false;
    return value == 1;
}

Address AbiReader::address() {
    const Word value = word();
    if (std::any_of(value.begin(), value.begin() + 12, [](std::uint8_t b) { return b != 0; })) {
        ok_ = false;
        return {};
    }
    return Address::from(ByteView(value).subspan(12));
}

Hash256 AbiReader::bytes32() {
    return Hash256::from(word());
}

ByteView AbiReader::dynamic() {
    const Uint128 offset = unsigned_below(32);
    if (!ok_ || offset > data_.size()) {
        ok_ = false;
        return {};
    }
    return data_.subspan(static_cast<std::size_t>(offset));
}

Bytes AbiReader::bytes(std::size_t max_size) {
    const ByteView part = dynamic();
    AbiReader head(part);
    const std::size_t size = head.uint32();
    if (!ok_ || !head.ok() || size > max_size || part.size() - kWordSize < padded(size)) {
        ok_ = false;
        return {};
    }
    const ByteView value = part.subspan(kWordSize, size);
    const ByteView padding = part.subspan(kWordSize + size, padded(size) - size);
    if (std::any_of(padding.begin(), padding.end(), [](std::uint8_t b) { return b != 0; })) {
        ok_ = false;
        return {};
    }
    return {value.begin(), value.end()};
}

AbiReader::Array AbiReader::array(std::size_t words_per_item, std::size_t max_items) {
    const ByteView part = dynamic();
    AbiReader head(part);
    const std::size_t count = head.uint32();
    if (!ok_ || !head.ok() || count > max_items ||
        (part.size() - kWordSize) / kWordSize < count * words_per_item) {
        ok_ = false;
        return {0, AbiReader(ByteView{})};
    }
    return {count, AbiReader(part.subspan(kWordSize))};
}

std::vector<std::uint16_t> AbiReader::uint16_array(std::size_t max_items) {
    Array items = array(1, max_items);
    std::vector<std::uint16_t> out;
    out.reserve(items.count);
    for (std::size_t i = 0; i < items.count; ++i) {
        out.push_back(items.items.uint16());
    }
    if (!items.items.ok()) {
        ok_ = false;
        return {};
    }
    return out;
}

}  // namespace covenant::chain
