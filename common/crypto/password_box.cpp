#include "common/crypto/password_box.hpp"

#include "common/crypto/random.hpp"
#include "common/crypto/sodium_init.hpp"

#include <sodium.h>

namespace covenant::crypto {
namespace {

constexpr std::string_view kMagic = "COVBOX01";
constexpr std::size_t kPasses = 8;
constexpr std::size_t kMemory = 16;
constexpr std::size_t kSalt = 24;
constexpr std::size_t kNonce = 40;
constexpr std::size_t kPlaintextSize = 64;
constexpr std::size_t kHeader = 72;
constexpr std::size_t kTag = crypto_aead_xchacha20poly1305_ietf_ABYTES;

static_assert(kNonce - kSalt == crypto_pwhash_argon2id_SALTBYTES);
static_assert(kPlaintextSize - kNonce == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES);

bool in_range(const Argon2Params& params, const KdfLimits& limits) {
    return params.passes >= crypto_pwhash_argon2id_OPSLIMIT_MIN && params.passes <= limits.passes &&
           params.memory_bytes >= crypto_pwhash_argon2id_MEMLIMIT_MIN &&
           params.memory_bytes <= limits.memory_bytes;
}

std::string describe(const Argon2Params& params) {
    return std::to_string(params.passes) + " passes over " + std::to_string(params.memory_bytes) +
           " bytes";
}

Result<SecretBytes> derive(const SecretBytes& password, ByteView salt, const Argon2Params& params) {
    ensure_sodium();
    SecretBytes key(crypto_aead_xchacha20poly1305_ietf_KEYBYTES);
    const ByteView secret = password.expose();
    if (crypto_pwhash_argon2id(key.expose_mutable().data(), key.size(), as_text(secret).data(),
                               secret.size(), salt.data(), params.passes,
                               static_cast<std::size_t>(params.memory_bytes),
                               crypto_pwhash_argon2id_ALG_ARGON2ID13) != 0) {
        return fail(Errc::kUnavailable, "Argon2id (" + describe(params) +
                                            ") got no memory; close other programs and try again");
    }
    return key;
}

Bytes associated_data(ByteView header, std::string_view label) {
    Bytes out(header.size() + label.size());
    const auto end = std::copy(header.begin(), header.end(), out.begin());
    std::copy(label.begin(), label.end(), end);
    return out;
}

}  // namespace

Result<Bytes> password_seal(ByteView plaintext, const SecretBytes& password, std::string_view label,
                            const Argon2Params& params) {
    if (plaintext.size() > kPasswordBoxMaxPlaintext) {
        return fail(Errc::kInvalidArgument, "a password box holds at most 65536 bytes, not " +
                                                std::to_string(plaintext.size()));
    }
    if (!in_range(params, KdfLimits{})) {
        return fail(Errc::kInvalidArgument,
                    "Argon2id parameters out of range: " + describe(params));
    }
    Bytes out(kHeader + plaintext.size() + kTag);
    std::copy(kMagic.begin(), kMagic.end(), out.begin());
    store_le(params.passes, &out[kPasses]);
    store_le(params.memory_bytes, &out[kMemory]);
    random_fill(MutableByteView(out).subspan(kSalt, kPlaintextSize - kSalt));
    store_le(std::uint64_t{plaintext.size()}, &out[kPlaintextSize]);
    const ByteView header = ByteView(out).first(kHeader);
    COVENANT_TRY(const SecretBytes key,
                 derive(password, header.subspan(kSalt, kNonce - kSalt), params));
    const Bytes associated = associated_data(header, label);
    crypto_aead_xchacha20poly1305_ietf_encrypt(
        &out[kHeader], nullptr, plaintext.data(), plaintext.size(), associated.data(),
        associated.size(), nullptr, &out[kNonce], key.expose().data());
    return out;
}

Result<SecretBytes> password_open(ByteView box, const SecretBytes& password, std::string_view label,
                                  const KdfLimits& limits) {
    if (box.size() < kHeader + kTag || as_text(box.first(kMagic.size())) != kMagic) {
        return fail(Errc::kMalformed, "not a password box (it starts with 'COVBOX01')");
    }
    const auto plaintext_size = load_le<std::uint64_t>(&box[kPlaintextSize]);
    if (plaintext_size > kPasswordBoxMaxPlaintext ||
        box.size() != kHeader + plaintext_size + kTag) {
        return fail(Errc::kMalformed, "password box of " + std::to_string(box.size()) +
                                          " bytes says that it holds " +
                                          std::to_string(plaintext_size));
    }
    const Argon2Params params{load_le<std::uint64_t>(&box[kPasses]),
                              load_le<std::uint64_t>(&box[kMemory])};
    if (!in_range(params, limits)) {
        return fail(Errc::kMalformed, "password box demands Argon2id with " + describe(params) +
                                          ", more than the limits allow (" +
                                          describe({limits.passes, limits.memory_bytes}) + ")");
    }
    COVENANT_TRY(const SecretBytes key,
                 derive(password, box.subspan(kSalt, kNonce - kSalt), params));
    const Bytes associated = associated_data(box.first(kHeader), label);
    SecretBytes out(static_cast<std::size_t>(plaintext_size) + 1);
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(
            out.expose_mutable().data(), nullptr, nullptr, &box[kHeader], plaintext_size + kTag,
            associated.data(), associated.size(), &box[kNonce], key.expose().data()) != 0) {
        return fail(Errc::kPermission, "wrong password, or the file was changed");
    }
    out.truncate(static_cast<std::size_t>(plaintext_size));
    return out;
}

}  // namespace covenant::crypto
