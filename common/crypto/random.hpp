// Randomness of the operating system, for keys, salts and nonces. Never for anything that is
// replayed: that is CounterRng.
#pragma once

#include "common/base/bytes.hpp"

namespace covenant::crypto {

void random_fill(MutableByteView out);
Bytes random_bytes(std::size_t size);
template <typename Fixed>
Fixed random_fixed() {
    Fixed out;
    random_fill(out.bytes);
    return out;
}

}  // namespace covenant::crypto
