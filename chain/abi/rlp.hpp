// Recursive Length Prefix, writing side (Ethereum yellow paper, appendix B). Integers are
// big-endian without leading zeros; zero is the empty string.
#pragma once

#include "common/base/bytes.hpp"
#include "common/base/safe_math.hpp"

namespace covenant::chain {

class RlpList {
  public:
    RlpList& bytes(ByteView value);  // as they stand, leading zeros kept
    RlpList& uint(Uint128 value);
    RlpList& uint(ByteView big_endian);  // leading zeros trimmed
    RlpList& raw(ByteView encoded);      // an item that is encoded already
    // Length prefix and items.
    [[nodiscard]] Bytes finish() const;

  private:
    Bytes payload_;
};

Bytes rlp_string(ByteView value);

}  // namespace covenant::chain
