#include "common/crypto/sodium_init.hpp"

#include "common/base/assert.hpp"

#include <sodium.h>

namespace covenant::crypto {

void ensure_sodium() {
    static const bool ready = sodium_init() >= 0;
    COVENANT_ASSERT(ready, "libsodium starts wherever the kernel gives randomness");
}

}  // namespace covenant::crypto
