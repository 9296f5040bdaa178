// Keccak-256 as Ethereum uses it (the padding before SHA-3's change): addresses, EIP-712, ABI
// selectors.
#pragma once

#include "common/base/bytes.hpp"

namespace covenant::crypto {

Hash256 keccak256(ByteView data);

}  // namespace covenant::crypto
