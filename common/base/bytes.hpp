// Byte strings and fixed-size byte values. Nothing here allocates except Bytes itself.
#pragma once

#include <algorithm>
#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

namespace covenant {

using Bytes = std::vector<std::uint8_t>;
using ByteView = std::span<const std::uint8_t>;
using MutableByteView = std::span<std::uint8_t>;

inline ByteView as_bytes(std::string_view text) {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
inline std::string_view as_text(ByteView bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// A value of exactly N bytes; Tag keeps hashes, addresses and keys apart.
template <std::size_t N, typename Tag>
struct FixedBytes {
    static constexpr std::size_t kSize = N;
    std::array<std::uint8_t, N> bytes{};

    [[nodiscard]] ByteView view() const { return bytes; }
    [[nodiscard]] bool is_zero() const {
        return std::all_of(bytes.begin(), bytes.end(), [](std::uint8_t b) { return b == 0; });
    }
    // data.size() must be N (callers check; see codec for input from strangers).
    static FixedBytes from(ByteView data) {
        FixedBytes out;
        std::memcpy(out.bytes.data(), data.data(), std::min(N, data.size()));
        return out;
    }
    auto operator<=>(const FixedBytes&) const = default;
};

using Hash256 = FixedBytes<32, struct Hash256Tag>;   // SHA-256 or Keccak-256 digest, block hash
using Address = FixedBytes<20, struct AddressTag>;   // EVM address: a hotkey, a coldkey, a contract
using PublicKey = FixedBytes<32, struct X25519Tag>;  // X25519 key of a roster entry

inline void append(Bytes& out, ByteView data) {
    out.insert(out.end(), data.begin(), data.end());
}

// Little-endian is the byte order of every canonical encoding of ours; big-endian is the EVM's.
template <typename T>
inline void store_le(T value, std::uint8_t* out) {
    for (std::size_t i = 0; i < sizeof(T); ++i) {
        out[i] = static_cast<std::uint8_t>(value >> (8 * i));
    }
}
template <typename T>
inline T load_le(const std::uint8_t* in) {
    T value = 0;
    for (std::size_t i = 0; i < sizeof(T); ++i) {
        value = static_cast<T>(value | (static_cast<T>(in[i]) << (8 * i)));
    }
    return value;
}
template <typename T>
inline void store_be(T value, std::uint8_t* out) {
    for (std::size_t i = 0; i < sizeof(T); ++i) {
        out[sizeof(T) - 1 - i] = static_cast<std::uint8_t>(value >> (8 * i));
    }
}
template <typename T>
inline T load_be(const std::uint8_t* in) {
    T value = 0;
    for (std::size_t i = 0; i < sizeof(T); ++i) {
        value = static_cast<T>((value << 8) | in[i]);
    }
    return value;
}

}  // namespace covenant

template <std::size_t N, typename Tag>
struct std::hash<covenant::FixedBytes<N, Tag>> {
    std::size_t operator()(const covenant::FixedBytes<N, Tag>& value) const noexcept {
        static_assert(N >= sizeof(std::size_t));
        std::size_t out = 0;  // the values are digests or keys already
        std::memcpy(&out, value.bytes.data(), sizeof(out));
        return out;
    }
};
