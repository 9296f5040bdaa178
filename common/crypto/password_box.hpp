// A secret under a password: Argon2id derives a key, XChaCha20-Poly1305 encrypts and authenticates.
//
// Format (little-endian, 72 bytes before the ciphertext):
//   0   8  magic "COVBOX01"
//   8   8  Argon2id passes (ops)
//   16  8  Argon2id memory in bytes
//   24 16  salt
//   40 24  nonce
//   64  8  plaintext size n, at most 64 KiB
//   72  n + 16  ciphertext and tag; the associated data are bytes 0..71 and the caller's label
#pragma once

#include "common/base/bytes.hpp"
#include "common/base/result.hpp"
#include "common/crypto/secret.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace covenant::crypto {

struct Argon2Params {
    std::uint64_t passes = 3;
    std::uint64_t memory_bytes = std::uint64_t{256} << 20;

    static Argon2Params moderate() { return {}; }                               // about a second
    static Argon2Params interactive() { return {2, std::uint64_t{64} << 20}; }  // development keys
};

// What a file may demand of the machine that opens it; beyond is kMalformed before any work is
// done. `passes` bounds Argon2id passes, `work` scrypt's N * r * p and PBKDF2's iterations.
struct KdfLimits {
    std::uint64_t memory_bytes = std::uint64_t{1} << 30;
    std::uint64_t passes = 16;
    std::uint64_t work = std::uint64_t{1} << 24;
};

inline constexpr std::size_t kPasswordBoxMaxPlaintext = std::size_t{64} << 10;

// label names the use ("hotkey"): a box opens only under the label it was sealed with.
// kInvalidArgument: the plaintext is too long or the parameters out of range. kUnavailable: no
// memory.
Result<Bytes> password_seal(ByteView plaintext, const SecretBytes& password, std::string_view label,
                            const Argon2Params& params = {});
// kMalformed: not such a box, or parameters beyond the limits. kPermission: wrong password (or
// label, or a changed file: the three cannot be told apart). kUnavailable: no memory.
Result<SecretBytes> password_open(ByteView box, const SecretBytes& password, std::string_view label,
                                  const KdfLimits& limits = {});

}  // namespace covenant::crypto
