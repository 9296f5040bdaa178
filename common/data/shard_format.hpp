// A shard: up to 2^16 windows of W = T + 1 tokens, as a `.npy` file of version 1.0 that numpy maps
// as it is. Byte by byte:
//
//   offset  size  field
//   0       6     magic 93 'N' 'U' 'M' 'P' 'Y'
//   6       2     version 1, 0
//   8       2     u16 LE length L of the header text; 10 + L is a multiple of 64
//   10      L     "{'descr': '<u2', 'fortran_order': False, 'shape': (windows, W), }", then spaces,
//                 then one newline. '<u4' when the vocabulary has more than 65,536 ids.
//   10 + L        windows * W token ids, little-endian, one window after another
//   end: nothing may follow.
//
// Leaf of window `index` of shard `shard`: SHA256(0x00 ‖ shard u32 LE ‖ index u32 LE ‖ its tokens
// as they stand in the file). The shard's root is the Merkle root over its leaves. Held-out shards
// carry kHeldoutShardBit in their number, so that no held-out window passes for an assignable one.
#pragma once

#include "common/base/bytes.hpp"
#include "common/base/result.hpp"
#include "common/data/token.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

namespace covenant::data {

inline constexpr std::uint32_t kMaxShardWindows = 1U << 16;
inline constexpr std::uint32_t kMaxWindowTokens = (1U << 17) + 1;
inline constexpr std::uint32_t kHeldoutShardBit = 1U << 31;
inline constexpr std::size_t kMaxShardHeaderBytes = 1024;

struct ShardShape {
    std::uint32_t windows = 0;        // 1..kMaxShardWindows
    std::uint32_t window_tokens = 0;  // W = T + 1, 2..kMaxWindowTokens
    std::uint32_t token_bytes = 2;    // 2 or 4
    bool operator==(const ShardShape&) const = default;

    [[nodiscard]] std::size_t window_bytes() const {
        return std::size_t{window_tokens} * token_bytes;
    }
    [[nodiscard]] std::uint64_t data_bytes() const {
        return std::uint64_t{windows} * window_bytes();
    }
};

struct ShardHeader {
    ShardShape shape;
    std::size_t data_offset = 0;  // a multiple of 64
};

// 2 when every id below vocab_size fits 16 bits, else 4.
std::uint32_t token_bytes_for(std::uint32_t vocab_size);

// Exactly 128 bytes, whatever the shape.
Bytes encode_shard_header(const ShardShape& shape);
// prefix: the first bytes of the file, kMaxShardHeaderBytes of them or all there are; file_bytes:
// the size of the whole file, which the shape must explain exactly. Any input is safe. kMalformed
// with the reason.
Result<ShardHeader> decode_shard_header(ByteView prefix, std::uint64_t file_bytes);

// The leaf of one window from its bytes as they stand in the file.
Hash256 window_leaf(std::uint32_t shard, std::uint32_t index, ByteView window_bytes);
// The same from token ids; each id must fit token_bytes (else it is no such window: zero hash).
Hash256 window_leaf(std::uint32_t shard, std::uint32_t index, std::span<const Token> tokens,
                    std::uint32_t token_bytes);

}  // namespace covenant::data
