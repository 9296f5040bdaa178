#include "common/crypto/random.hpp"

#include "common/crypto/sodium_init.hpp"

#include <sodium.h>

namespace covenant::crypto {

void random_fill(MutableByteView out) {
    ensure_sodium();
    randombytes_buf(out.data(), out.size());
}

Bytes random_bytes(std::size_t size) {
    Bytes out(size);
    random_fill(out);
    return out;
}

}  // namespace covenant::crypto
