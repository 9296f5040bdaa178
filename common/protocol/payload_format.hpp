// An artifact's payload: a table, then the chunks, each the kept values of 4096 parameters (or of
// the n' < 4096 that end a tensor). k of 4096 are kept and a code has b bits, both fixed by the run
// for each round; a chunk keeps k' = max(1, floor(k n' / 4096 + 1/2)) values. Bit i of a part is
// bit i % 8 (1 << (i % 8)) of byte i / 8; a number of several bits stands with its lowest bit
// first.
//
// The table says how the chunks are written; it follows from what they hold (prefix_code.hpp), so
// that a content is written in one way only. 24 + 4 (b - 1) bytes:
//   bytes        field
//   1            least: the smallest level 0 of all chunks
//   1            low half: r_level, high half: r_step, 0..7
//   22           lengths of the words of the 44 classes of gaps, 4 bits each
//   4, b - 1     lengths of the words of three bits of each plane, the highest plane first: of
//   times        000, 100, 010, 110, 001, 101, 011, 111 (the first value's bit first), 4 bits each
//
// A chunk:
//   bits         field
//   Rice         code of level 0 (common/base/level.hpp) less the table's least, r = r_level
//   Rice,        steps to the codes of the next levels, ascending, at most 255, r = r_step
//   2^(b-1) - 1
//   k'           signs: 1 = minus
//   b - 1 times  one plane of the level numbers, the highest bit first: a word for each three
//                values, of the last k' mod 3 each its bit
//   k' gaps      of the ascending indices: index_0, then index_i - index_(i-1) - 1: the word of the
//                class, then its bits below
//   0..7         zeros up to a whole byte
//
// Rice: x is floor(x / 2^r) zeros, a one, r bits of x mod 2^r; the table's r is the one of 0..7
// that makes the sum over the payload shortest, the smallest of several. Of levels that are equal
// only the first is used.
// Classes of a gap g, y = g + 1: y < 8 is class y - 1 and has no bits below. From 8 on, with e the
// position of y's highest bit, class 7 + 4 (e - 3) + m holds the y whose two bits below that are m,
// and y's e - 2 lowest bits stand below.
//
// The length of a chunk follows from its content. The payload root is the Merkle root over the
// table and the chunks: leaf 0 is the table, leaf i + 1 is chunk i. Whoever fetches one chunk alone
// is told its offset and length and checks it, as he does the table, with a Merkle proof.
#pragma once

#include "common/base/bytes.hpp"
#include "common/base/sparse_update.hpp"
#include "common/crypto/merkle.hpp"
#include "common/protocol/prefix_code.hpp"
#include "common/protocol/verdict.hpp"

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace covenant::protocol {

struct PayloadTable {
    static constexpr std::size_t kGapClasses = 44;
    static constexpr std::size_t kMaxPlanes = 3;

    std::uint8_t least = 0;
    std::uint8_t level_rice = 0;
    std::uint8_t step_rice = 0;
    std::array<std::uint8_t, kGapClasses> gaps{};                  // lengths of words
    std::array<std::array<std::uint8_t, 8>, kMaxPlanes> planes{};  // the highest first
    bool operator==(const PayloadTable&) const = default;

    // The table that this content has.
    static PayloadTable of(const SparseUpdate& update);
    static std::size_t size(const Sparsity& sparsity);  // bytes
    void append(const Sparsity& sparsity, Bytes& out) const;
    // kMalformed: another size, or lengths that no code has.
    static Outcome<PayloadTable> decode(ByteView bytes, const Sparsity& sparsity);
};

// How chunks are written under one table.
class PayloadCodec {
  public:
    PayloadCodec(const Sparsity& sparsity, const PayloadTable& table);  // valid, as decoded

    // A chunk of this sparsity and of the content that the table was made of, codes canonical:
    // anything else is a bug of the caller.
    void append(const SparseView& chunk, Bytes& out) const;

    // Fills `chunk` (arrays of this sparsity and of `elements` elements) from the front of `rest`;
    // returns the bytes taken. Looks at no more than longest(elements) of them, so that a stream is
    // decoded through a window of that size. kMalformed: cut short, an index or level outside, bits
    // that are no word. kNotCanonical: a second encoding under this table.
    [[nodiscard]] Outcome<std::size_t> read(ByteView rest, std::uint32_t elements,
                                            const MutableSparseView& chunk) const;
    // Decodes a chunk that takes all of `bytes`.
    [[nodiscard]] Outcome<SparseChunk> decode(ByteView bytes, std::uint32_t elements) const;

    // The most bytes that a chunk takes, whatever it holds.
    [[nodiscard]] std::uint32_t longest(std::uint32_t elements) const;

  private:
    Sparsity sparsity_;
    PayloadTable table_;
    PrefixCode gaps_;
    std::vector<PrefixCode> planes_;
};

Bytes encode_payload(const SparseUpdate& update);
// Decodes all of `bytes` into an update of this sparsity and layout. A short payload cannot make it
// allocate much. kNotCanonical: the table is not the one that this content has; else as above.
Outcome<SparseUpdate> decode_payload(ByteView bytes, const Sparsity& sparsity,
                                     std::span<const std::uint16_t> chunk_elements);

// The fewest and the most bytes that a payload has. Over all chunks together, Huffman's words take
// no more than words of six bits for every class of gaps and of three bits for every three codes
// would; those, and the padding of each chunk, are the most. A single chunk may exceed its share.
struct PayloadSizes {
    std::uint64_t least = 0;
    std::uint64_t most = 0;
};
PayloadSizes payload_sizes(const Sparsity& sparsity, std::span<const std::uint16_t> chunk_elements);

// Merkle root over table and chunks.
Hash256 payload_root(const SparseUpdate& update);

// The table or one chunk, fetched without the rest of the payload.
struct PayloadOpening {
    std::uint32_t leaf = 0;    // 0: the table, i + 1: chunk i
    std::uint64_t offset = 0;  // of its bytes in the payload
    Bytes bytes;
    crypto::MerkleProof proof;
};

// Leaves ascending, each <= update.chunk_count(). Takes the time of one encoding.
std::vector<PayloadOpening> open_payload(const SparseUpdate& update,
                                         std::span<const std::uint32_t> leaves);
// kOpeningMismatch: the bytes are not that leaf of a payload of so many chunks under the root.
// Else the verdict of decoding.
Outcome<PayloadTable> decode_table_opening(const Hash256& root, const Sparsity& sparsity,
                                           std::size_t chunks, const PayloadOpening& opening);
Outcome<SparseChunk> decode_chunk_opening(const Hash256& root, const PayloadCodec& codec,
                                          std::span<const std::uint16_t> chunk_elements,
                                          const PayloadOpening& opening);

}  // namespace covenant::protocol
