#include "common/crypto/sealed_box.hpp"

#include "common/base/assert.hpp"
#include "common/crypto/sodium_init.hpp"

#include <utility>

#include <sodium.h>

namespace covenant::crypto {

static_assert(kSealedBoxOverhead == crypto_box_SEALBYTES);
static_assert(PublicKey::kSize == crypto_box_PUBLICKEYBYTES);

BoxKey::BoxKey(SecretBytes secret) : secret_(std::move(secret)) {
    ensure_sodium();
    const int made = crypto_scalarmult_base(public_key_.bytes.data(), secret_.expose().data());
    COVENANT_ASSERT(made == 0, "every 32 bytes are an X25519 secret");
}

BoxKey BoxKey::generate() {
    return BoxKey(SecretBytes::random(crypto_box_SECRETKEYBYTES));
}

Result<BoxKey> BoxKey::from_bytes(ByteView secret) {
    if (secret.size() != crypto_box_SECRETKEYBYTES) {
        return fail(Errc::kInvalidArgument,
                    "an X25519 secret has 32 bytes, not " + std::to_string(secret.size()));
    }
    return BoxKey(SecretBytes::copy_of(secret));
}

Result<SecretBytes> BoxKey::open(ByteView sealed) const {
    if (sealed.size() < kSealedBoxOverhead) {
        return fail(Errc::kMalformed,
                    "a sealed box has at least 48 bytes, not " + std::to_string(sealed.size()));
    }
    // One byte more: a box of nothing still needs a place to write to.
    SecretBytes out(sealed.size() - kSealedBoxOverhead + 1);
    if (crypto_box_seal_open(out.expose_mutable().data(), sealed.data(), sealed.size(),
                             public_key_.bytes.data(), secret_.expose().data()) != 0) {
        return fail(Errc::kMismatch,
                    "the sealed box does not open: it was sealed to another key, or changed");
    }
    out.truncate(sealed.size() - kSealedBoxOverhead);
    return out;
}

Result<Bytes> seal(ByteView plaintext, const PublicKey& recipient) {
    ensure_sodium();
    Bytes out(plaintext.size() + kSealedBoxOverhead);
    if (crypto_box_seal(out.data(), plaintext.data(), plaintext.size(), recipient.bytes.data()) !=
        0) {
        return fail(Errc::kInvalidArgument,
                    "the recipient's X25519 key is of low order: nothing can be sealed to it");
    }
    return out;
}

}  // namespace covenant::crypto
