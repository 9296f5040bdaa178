// Anonymous public-key encryption to an X25519 key (libsodium's crypto_box_seal): only the holder
// of the secret half reads it; the sender is not authenticated. A sealed box is kSealedBoxOverhead
// longer than its content.
#pragma once

#include "common/base/bytes.hpp"
#include "common/base/result.hpp"
#include "common/crypto/secret.hpp"

namespace covenant::crypto {

inline constexpr std::size_t kSealedBoxOverhead = 48;

class BoxKey {
  public:
    static BoxKey generate();
    // kInvalidArgument: not 32 bytes.
    static Result<BoxKey> from_bytes(ByteView secret);

    [[nodiscard]] const PublicKey& public_key() const { return public_key_; }
    [[nodiscard]] ByteView expose() const {
        return secret_.expose();
    }  // 32 bytes, for keystores only
    // kMalformed: shorter than the overhead. kMismatch: not sealed to this key, or changed on the
    // way.
    [[nodiscard]] Result<SecretBytes> open(ByteView sealed) const;

  private:
    explicit BoxKey(SecretBytes secret);
    SecretBytes secret_;
    PublicKey public_key_;
};

// kInvalidArgument: the recipient's key is of low order (no secret can be shared with it).
Result<Bytes> seal(ByteView plaintext, const PublicKey& recipient);

}  // namespace covenant::crypto
