#include "common/crypto/keccak256.hpp"

#include <cryptopp/keccak.h>

namespace covenant::crypto {

Hash256 keccak256(ByteView data) {
    Hash256 out;
    CryptoPP::Keccak_256().CalculateDigest(out.bytes.data(), data.data(), data.size());
    return out;
}

}  // namespace covenant::crypto
