// One chunk of an artifact's payload: the kept values of 4096 parameters (or of the n' < 4096 that
// end a tensor). k is kept_per_chunk of the run; the chunk keeps k' = max(1, floor(k n' / 4096 +
// 1/2)) values. Bit b of the chunk is bit b % 8 (1 << (b % 8)) of byte b / 8; a number of several
// bits stands with its lowest bit first.
//
//   bits        field
//   8           low: code of the smaller level (common/base/level.hpp)
//   8           high: code of the larger level, low <= high
//   2 each, k'  codes: bit 0 = the level is high, bit 1 = the value is minus its level.
//               Where low = high, bit 0 is 0
//   k' gaps     of the ascending indices: index_0, then index_i - index_(i-1) - 1
//   0..7        zeros up to a whole byte
//
// A gap g is a Golomb code of the parameter M that the density fixes:
//   M = max(1, floor((11 * 4096 + 2 k - 1) / (16 k)))     the M of the shortest mean, to the unit
//   B = bits of M - 1 (the least B with 2^B >= M), C = 2^B - M
//   q = floor(g / M) zeros, a one; then, unless M = 1, the remainder t = g - q M:
//     t < C:  B - 1 bits of t
//     else:   with u = t + C, B - 1 bits of floor(u / 2), then the bit u mod 2
// A reader takes B - 1 bits as x: x < C is t, else it takes one bit y more and t = 2 x + y - C.
// k = 64: M = 44, B = 6, C = 20, 7.43 bits a gap where the choice of indices is uniform.
//
// The length follows from the content, so that a stream needs no table; whoever fetches one chunk
// alone is told its offset and length and checks it against the payload root with a Merkle proof.
#pragma once

#include "common/base/bytes.hpp"
#include "common/crypto/merkle.hpp"
#include "common/protocol/verdict.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace covenant::protocol {

struct PayloadChunk {
    std::uint8_t low = 0;                // codes of levels, low <= high
    std::uint8_t high = 0;               //
    std::vector<std::uint16_t> indices;  // ascending, below the chunk's elements
    std::vector<std::uint8_t> codes;     // 0..3, one per index
    bool operator==(const PayloadChunk&) const = default;
};

// k' (see above); elements in 1..4096.
std::uint32_t kept_in_chunk(std::uint32_t kept_per_chunk, std::uint32_t elements);

struct ChunkSizes {
    std::uint32_t least = 0;  // bytes; both are reached
    std::uint32_t most = 0;
};

struct ReadChunk {
    PayloadChunk chunk;
    std::size_t size = 0;  // bytes of it
};

// The format at one density.
class PayloadCodec {
  public:
    explicit PayloadCodec(std::uint32_t kept_per_chunk);  // 1..4096

    [[nodiscard]] ChunkSizes sizes(std::uint32_t elements) const;

    // Indices ascend, codes are below 4, one an index: anything else is a bug of the caller.
    void append(const PayloadChunk& chunk, Bytes& out) const;
    [[nodiscard]] Bytes encode(const PayloadChunk& chunk) const;

    // The chunk at the front of `rest`; looks at no more than sizes(elements).most bytes, so that a
    // stream is decoded through a window of that size. kMalformed: cut short, or an index outside.
    // kNotCanonical: a second encoding.
    [[nodiscard]] Outcome<ReadChunk> read(ByteView rest, std::uint32_t elements) const;
    // The chunk that is all of `bytes`.
    [[nodiscard]] Outcome<PayloadChunk> decode(ByteView bytes, std::uint32_t elements) const;

  private:
    [[nodiscard]] std::size_t bits_of_gap(std::uint32_t gap) const;

    std::uint32_t kept_per_chunk_;
    std::uint32_t divisor_;     // M
    unsigned remainder_bits_;   // B
    std::uint32_t short_ones_;  // C
};

// Merkle root over the encoded chunks.
Hash256 payload_root(std::span<const PayloadChunk> chunks, std::uint32_t kept_per_chunk);

// One chunk, fetched without the others.
struct PayloadOpening {
    std::uint32_t index = 0;
    std::uint64_t offset = 0;  // of its bytes, from the first chunk's
    Bytes bytes;
    crypto::MerkleProof proof;
};

// index < chunks.size()
PayloadOpening open_payload(std::span<const PayloadChunk> chunks, std::uint32_t kept_per_chunk,
                            std::uint32_t index);
// kOpeningMismatch unless the bytes are chunk `index` under the root; else what read() says.
Outcome<PayloadChunk> decode_payload_opening(const Hash256& root, std::uint32_t kept_per_chunk,
                                             std::span<const std::uint16_t> chunk_elements,
                                             const PayloadOpening& opening);

}  // namespace covenant::protocol
