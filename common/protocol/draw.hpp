// Uniform draws from a beacon: a stream of 64-bit words, word j = bytes [8 (j mod 4), +8) of
// H(tag, key ‖ u64(j div 4)), little-endian (R5.5). No modulo bias: a word in the incomplete last
// multiple of the bound is skipped.
#pragma once

#include "common/base/bytes.hpp"
#include "common/base/safe_math.hpp"

#include <cstdint>
#include <string_view>
#include <vector>

namespace covenant::protocol {

class DrawStream {
  public:
    DrawStream(std::string_view tag, const Hash256& key) : tag_(tag), key_(key) {}

    std::uint64_t next();
    std::uint64_t below(std::uint64_t bound);  // bound > 0
    // Two words a draw, the first one high; bound > 0.
    Uint128 below_wide(Uint128 bound);
    // A uniform set of `count` values of [0, size), ascending, by Floyd's method: for j = size -
    // count .. size - 1 take t = below(j + 1), or j when t is in the set. count <= size.
    std::vector<std::uint64_t> subset(std::uint64_t size, std::uint64_t count);

  private:
    std::string_view tag_;  // a literal
    Hash256 key_;
    std::uint64_t word_ = 0;
    Hash256 block_;
};

}  // namespace covenant::protocol
