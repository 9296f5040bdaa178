// secp256k1 keys and recoverable signatures as the EVM checks them (ecrecover): RFC 6979 nonces,
// low s.
#pragma once

#include "common/base/bytes.hpp"
#include "common/base/result.hpp"
#include "common/crypto/secret.hpp"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace covenant::crypto {

// The uncompressed point x ‖ y, big-endian, without the 0x04 in front.
using CurvePoint = FixedBytes<64, struct CurvePointTag>;

struct Signature {
    std::array<std::uint8_t, 32> r{};  // big-endian
    std::array<std::uint8_t, 32> s{};  // big-endian, at most half the group order
    std::uint8_t v = 27;               // 27 + y parity, as ecrecover takes it

    static constexpr std::size_t kSize = 65;
    // For typed transactions.
    [[nodiscard]] std::uint8_t y_parity() const { return static_cast<std::uint8_t>(v - 27); }
    // r ‖ s ‖ v, 65 bytes, v 27 or 28.
    [[nodiscard]] std::array<std::uint8_t, kSize> encode() const;
    // kMalformed: another length, or v other than 27 and 28. recover() checks r and s.
    static Result<Signature> decode(ByteView bytes);
    bool operator==(const Signature&) const = default;
};

// In locked, wiped memory; neither copyable nor printable.
class SecretKey {
  public:
    static SecretKey generate();
    // A 32-byte big-endian scalar. kInvalidArgument: another size, zero, or not below the group
    // order.
    static Result<SecretKey> from_bytes(ByteView scalar);
    // The same key for the same seed, always valid: for development networks, whose keys are no
    // secret.
    static SecretKey from_seed(const Hash256& seed);

    [[nodiscard]] CurvePoint public_key() const;
    [[nodiscard]] Address address() const { return address_; }
    // Deterministic: the same digest gives the same signature.
    [[nodiscard]] Signature sign(const Hash256& digest) const;
    [[nodiscard]] SecretKey clone() const;
    // 32 bytes, for keystores only.
    [[nodiscard]] ByteView expose() const { return scalar_.expose(); }

  private:
    explicit SecretKey(SecretBytes scalar);
    SecretBytes scalar_;
    Address address_;
};

// The last 20 bytes of Keccak-256 of the point.
Address address_of(const CurvePoint& point);

// Who signed. kMalformed: r or s zero or not below the group order, s above half the order, v other
// than 27 and 28, or no point for r.
Result<Address> recover(const Hash256& digest, const Signature& signature);

// EIP-55 text: "0x" and 40 digits with the checksum in the letters' case.
std::string to_checksum_address(const Address& address);
// Any case without a checksum (all lower, all upper), or mixed case with the right one. kMalformed
// else.
Result<Address> parse_address(std::string_view text);

}  // namespace covenant::crypto
