// Internal to common/crypto: libsodium before its first use.
#pragma once

namespace covenant::crypto {

// Cheap after the first call; thread-safe.
void ensure_sodium();

}  // namespace covenant::crypto
