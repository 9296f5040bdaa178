// Binary Merkle trees over SHA-256.
//   leaf = SHA256(0x00 ‖ data)      node = SHA256(0x01 ‖ left ‖ right)
// A level of odd length promotes its last hash unchanged (never duplicates it). The root of one
// leaf is that leaf's hash, of none 32 zero bytes. A proof lists the siblings from the leaf
// upwards; which side each stands on, and where a level has none, follows from (index, leaf_count)
// alone.
#pragma once

#include "common/base/bytes.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace covenant::crypto {

using MerkleProof = std::vector<Hash256>;

Hash256 merkle_leaf(ByteView data);
Hash256 merkle_node(const Hash256& left, const Hash256& right);
Hash256 merkle_root(std::span<const Hash256> leaf_hashes);
// index < leaf_hashes.size()
MerkleProof merkle_proof(std::span<const Hash256> leaf_hashes, std::uint64_t index);
// True when the leaf stands at index of a tree of leaf_count leaves with this root. Any input is
// safe: an index outside, or a proof of another length than the position demands, is false.
bool merkle_verify(const Hash256& root, const Hash256& leaf_hash, std::uint64_t index,
                   std::uint64_t leaf_count, std::span<const Hash256> proof);
// The number of siblings that a proof for index has; 0 when index >= leaf_count.
std::size_t merkle_proof_length(std::uint64_t index, std::uint64_t leaf_count);

// Leaves [first, first + count), count >= 1.
struct LeafRange {
    std::uint64_t first = 0;
    std::uint64_t count = 0;
};

// Keeps all levels (about twice the leaves) for many proofs, and for new roots after a part of the
// leaves changed: an update hashes only the nodes above the leaves it names.
class MerkleTree {
  public:
    explicit MerkleTree(std::vector<Hash256> leaf_hashes);

    [[nodiscard]] Hash256 root() const;
    [[nodiscard]] std::uint64_t leaf_count() const { return levels_.front().size(); }
    [[nodiscard]] const std::vector<Hash256>& leaves() const { return levels_.front(); }
    [[nodiscard]] MerkleProof proof(std::uint64_t index) const;  // index < leaf_count()

    // Afterwards the tree is the one that the changed leaves would build. The number of leaves
    // stays: index < leaf_count(), and so every leaf of a range.
    void update(std::uint64_t index, const Hash256& leaf_hash);
    void update(std::uint64_t first, std::span<const Hash256> leaf_hashes);
    // Ranges ascending and disjoint; leaf_hashes: theirs, one range's after the other's. A node
    // above several ranges is hashed once.
    void update(std::span<const LeafRange> ranges, std::span<const Hash256> leaf_hashes);

  private:
    void rehash(std::vector<LeafRange> dirty);

    std::vector<std::vector<Hash256>> levels_;  // leaves first; the last level has at most one hash
};

}  // namespace covenant::crypto
