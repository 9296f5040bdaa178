// Solidity's contract ABI (v2) for the types that our contracts use. Source: docs.soliditylang.org,
// "Contract ABI Specification". Numbers are big-endian 32-byte words; dynamic values stand in the
// tail behind an offset.
//
// Writing: one AbiWriter is one tuple (a call's arguments are a tuple, so is a struct).
//   AbiWriter().bytes32(run).uint(round).finish()
// Reading: bounded, without exceptions; the first failure sticks and later reads give zeros. Values
// that do not fit their type (high bits set in a uint16, a boolean of 2) fail, so that one value
// has one encoding.
#pragma once

#include "common/base/bytes.hpp"
#include "common/base/safe_math.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace covenant::chain {

inline constexpr std::size_t kWordSize = 32;
using Word = std::array<std::uint8_t, kWordSize>;  // big-endian uint256
using Selector = std::array<std::uint8_t, 4>;

Word to_word(Uint128 value);
std::optional<Uint128> to_uint128(const Word& word);  // nothing when it does not fit

// First four bytes of keccak256("name(type,type)").
Selector function_selector(std::string_view signature);
// keccak256 of the signature: topic 0 of an event.
Hash256 event_topic(std::string_view signature);

class AbiWriter {
  public:
    AbiWriter& word(const Word& value);
    AbiWriter& uint(Uint128 value) { return word(to_word(value)); }
    AbiWriter& boolean(bool value) { return uint(value ? 1 : 0); }
    AbiWriter& address(const Address& value);
    AbiWriter& bytes32(const Hash256& value) { return word(value.bytes); }
    AbiWriter& bytes32(const PublicKey& value) { return word(value.bytes); }
    AbiWriter& bytes(ByteView value);  // dynamic
    AbiWriter& string(std::string_view value) { return bytes(as_bytes(value)); }
    AbiWriter& uint16_array(std::span<const std::uint16_t> values);
    // A static tuple or a fixed array, already encoded: stands in the head.
    AbiWriter& inline_words(ByteView encoded);
    // A dynamic value, already encoded: stands in the tail.
    AbiWriter& tail(ByteView encoded);
    // An array of `count` static tuples, whose encodings follow each other in `encoded`.
    AbiWriter& static_array(std::size_t count, ByteView encoded);

    [[nodiscard]] Bytes finish() const;

  private:
    struct Part {
        Bytes bytes;
        bool dynamic = false;
    };
    std::vector<Part> parts_;
};

// Selector, then the arguments.
Bytes encode_call(std::string_view signature, const AbiWriter& arguments);

class AbiReader {
  public:
    explicit AbiReader(ByteView tuple) : data_(tuple) {}

    Word word();
    Uint128 uint128() { return unsigned_below(128); }
    std::uint64_t uint64() { return static_cast<std::uint64_t>(unsigned_below(64)); }
    std::uint64_t uint48() { return static_cast<std::uint64_t>(unsigned_below(48)); }
    std::uint32_t uint32() { return static_cast<std::uint32_t>(unsigned_below(32)); }
    std::uint16_t uint16() { return static_cast<std::uint16_t>(unsigned_below(16)); }
    std::uint8_t uint8() { return static_cast<std::uint8_t>(unsigned_below(8)); }
    bool boolean();
    Address address();
    Hash256 bytes32();
    // Dynamic bytes of at most max_size; padding must be zero.
    Bytes bytes(std::size_t max_size);
    std::vector<std::uint16_t> uint16_array(std::size_t max_items);
    // The array's count (at most max_items, each of words_per_item head words) and a reader over
    // its items.
    struct Array;
    Array array(std::size_t words_per_item, std::size_t max_items);

    void fail() { ok_ = false; }
    [[nodiscard]] bool ok() const { return ok_; }

  private:
    Uint128 unsigned_below(unsigned bits);
    // The tail that the next offset points to; empty after a failure.
    ByteView dynamic();

    ByteView data_;
    std::size_t position_ = 0;
    bool ok_ = true;
};

struct AbiReader::Array {
    std::size_t count = 0;
    AbiReader items;
};

}  // namespace covenant::chain
