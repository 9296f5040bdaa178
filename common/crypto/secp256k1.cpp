#include "common/crypto/secp256k1.hpp"

#include "common/base/assert.hpp"
#include "common/base/hex.hpp"
#include "common/crypto/keccak256.hpp"
#include "common/crypto/random.hpp"
#include "common/crypto/sha256.hpp"

#include <utility>

#include <secp256k1.h>
#include <secp256k1_recovery.h>

namespace covenant::crypto {
namespace {

constexpr std::size_t kScalar = 32;

// One context for the process, blinded with fresh randomness against side channels; const after
// that, and so safe to share between threads.
const secp256k1_context* context() {
    static const secp256k1_context* const instance = [] {
        secp256k1_context* fresh = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
        SecretBytes seed = SecretBytes::random(kScalar);
        COVENANT_ASSERT(
            fresh != nullptr && secp256k1_context_randomize(fresh, seed.expose().data()) == 1,
            "libsecp256k1 starts");
        return fresh;
    }();
    return instance;
}

CurvePoint serialize(const secp256k1_pubkey& key) {
    std::array<std::uint8_t, 65> full{};
    std::size_t size = full.size();
    const int good = secp256k1_ec_pubkey_serialize(context(), full.data(), &size, &key,
                                                   SECP256K1_EC_UNCOMPRESSED);
    COVENANT_ASSERT(good == 1 && size == full.size(), "a valid point serializes to 65 bytes");
    return CurvePoint::from(ByteView(full).subspan(1));
}

CurvePoint point_of(ByteView scalar) {
    secp256k1_pubkey key{};
    COVENANT_ASSERT(secp256k1_ec_pubkey_create(context(), &key, scalar.data()) == 1,
                    "the scalar was checked when the key was made");
    return serialize(key);
}

bool valid_scalar(ByteView scalar) {
    return scalar.size() == kScalar && secp256k1_ec_seckey_verify(context(), scalar.data()) == 1;
}

}  // namespace

std::array<std::uint8_t, Signature::kSize> Signature::encode() const {
    std::array<std::uint8_t, kSize> out{};
    std::copy(r.begin(), r.end(), out.begin());
    std::copy(s.begin(), s.end(), out.begin() + 32);
    out[64] = v;
    return out;
}

Result<Signature> Signature::decode(ByteView bytes) {
    if (bytes.size() != kSize) {
        return fail(Errc::kMalformed,
                    "a signature has 65 bytes, not " + std::to_string(bytes.size()));
    }
    Signature out;
    std::copy_n(bytes.begin(), 32, out.r.begin());
    std::copy_n(bytes.begin() + 32, 32, out.s.begin());
    out.v = bytes[64];
    if (out.v != 27 && out.v != 28) {
        return fail(Errc::kMalformed, "a signature's v is 27 or 28, not " + std::to_string(out.v));
    }
    return out;
}

SecretKey::SecretKey(SecretBytes scalar)
    : scalar_(std::move(scalar)), address_(address_of(point_of(scalar_.expose()))) {}

SecretKey SecretKey::generate() {
    for (;;) {
        SecretBytes scalar = SecretBytes::random(kScalar);
        if (valid_scalar(scalar.expose())) return SecretKey(std::move(scalar));
    }
}

Result<SecretKey> SecretKey::from_bytes(ByteView scalar) {
    if (!valid_scalar(scalar)) {
        return fail(Errc::kInvalidArgument,
                    "a secret key is 32 bytes, not zero and below the order of secp256k1 (got " +
                        std::to_string(scalar.size()) + " bytes)");
    }
    return SecretKey(SecretBytes::copy_of(scalar));
}

SecretKey SecretKey::from_seed(const Hash256& seed) {
    SecretBytes scalar = SecretBytes::copy_of(seed.view());
    for (;;) {
        Hash256 next = sha256_tagged("key-from-seed", scalar.expose());
        scalar = SecretBytes::copy_of(next.view());
        wipe(next.bytes);
        if (valid_scalar(scalar.expose())) return SecretKey(std::move(scalar));
    }
}

CurvePoint SecretKey::public_key() const {
    return point_of(scalar_.expose());
}

Signature SecretKey::sign(const Hash256& digest) const {
    secp256k1_ecdsa_recoverable_signature signature{};
    const int signed_well = secp256k1_ecdsa_sign_recoverable(
        context(), &signature, digest.bytes.data(), scalar_.expose().data(),
        secp256k1_nonce_function_rfc6979, nullptr);
    std::array<std::uint8_t, 64> compact{};
    int recovery_id = 0;
    secp256k1_ecdsa_recoverable_signature_serialize_compact(context(), compact.data(), &recovery_id,
                                                            &signature);
    // Ids 2 and 3 need a point whose x lies in the 2^-128 of the field above the group order.
    COVENANT_ASSERT(signed_well == 1 && (recovery_id == 0 || recovery_id == 1),
                    "a valid key signs every digest");
    Signature out;
    std::copy_n(compact.begin(), 32, out.r.begin());
    std::copy_n(compact.begin() + 32, 32, out.s.begin());
    out.v = static_cast<std::uint8_t>(27 + recovery_id);
    return out;
}

SecretKey SecretKey::clone() const {
    return SecretKey(scalar_.clone());
}

Address address_of(const CurvePoint& point) {
    return Address::from(keccak256(point.view()).view().subspan(12));
}

Result<Address> recover(const Hash256& digest, const Signature& signature) {
    if (signature.v != 27 && signature.v != 28) {
        return fail(Errc::kMalformed,
                    "a signature's v is 27 or 28, not " + std::to_string(signature.v));
    }
    std::array<std::uint8_t, 64> compact{};
    std::copy(signature.r.begin(), signature.r.end(), compact.begin());
    std::copy(signature.s.begin(), signature.s.end(), compact.begin() + 32);
    secp256k1_ecdsa_signature plain{};
    if (secp256k1_ecdsa_signature_parse_compact(context(), &plain, compact.data()) != 1) {
        return fail(Errc::kMalformed, "a signature's r or s is not below the group order");
    }
    if (secp256k1_ecdsa_signature_normalize(context(), nullptr, &plain) == 1) {
        return fail(Errc::kMalformed, "a signature's s is above half the group order");
    }
    secp256k1_ecdsa_recoverable_signature recoverable{};
    secp256k1_pubkey key{};
    if (secp256k1_ecdsa_recoverable_signature_parse_compact(context(), &recoverable, compact.data(),
                                                            signature.y_parity()) != 1 ||
        secp256k1_ecdsa_recover(context(), &key, &recoverable, digest.bytes.data()) != 1) {
        return fail(Errc::kMalformed, "no key can have made this signature");
    }
    return address_of(serialize(key));
}

std::string to_checksum_address(const Address& address) {
    std::string digits = to_hex(address.view());
    const Hash256 hash = keccak256(as_bytes(digits));
    for (std::size_t i = 0; i < digits.size(); ++i) {
        const unsigned nibble = (hash.bytes[i / 2] >> (i % 2 == 0 ? 4 : 0)) & 15U;
        if (nibble >= 8 && digits[i] >= 'a') digits[i] = static_cast<char>(digits[i] - 'a' + 'A');
    }
    return "0x" + digits;
}

Result<Address> parse_address(std::string_view text) {
    auto parsed = fixed_from_hex<Address>(text);
    if (!parsed) return fail(std::move(parsed).error().within("address"));
    if (text.starts_with("0x") || text.starts_with("0X")) text.remove_prefix(2);
    const auto any = [&](char first, char last) {
        return std::any_of(text.begin(), text.end(),
                           [=](char c) { return c >= first && c <= last; });
    };
    const bool mixed = any('a', 'f') && any('A', 'F');
    if (mixed && to_checksum_address(*parsed).substr(2) != text) {
        return fail(Errc::kMalformed, "address 0x" + std::string(text) +
                                          ": the checksum in its letters' case is wrong; is a "
                                          "digit mistyped?");
    }
    return *parsed;
}

}  // namespace covenant::crypto
