#include "common/crypto/merkle.hpp"

#include "common/base/assert.hpp"
#include "common/crypto/sha256.hpp"

#include <array>
#include <utility>

namespace covenant::crypto {
namespace {

std::vector<Hash256> level_above(std::span<const Hash256> level) {
    std::vector<Hash256> above;
    above.reserve((level.size() + 1) / 2);
    for (std::size_t i = 0; i + 1 < level.size(); i += 2) {
        above.push_back(merkle_node(level[i], level[i + 1]));
    }
    if (level.size() % 2 != 0) above.push_back(level.back());
    return above;
}

}  // namespace

Hash256 merkle_leaf(ByteView data) {
    constexpr std::uint8_t kPrefix = 0;
    thread_local Sha256 hasher;
    return hasher.update({&kPrefix, 1}).update(data).finish();
}

Hash256 merkle_node(const Hash256& left, const Hash256& right) {
    std::array<std::uint8_t, 1 + 2 * Hash256::kSize> buffer{1};
    std::copy(left.bytes.begin(), left.bytes.end(), buffer.begin() + 1);
    std::copy(right.bytes.begin(), right.bytes.end(), buffer.begin() + 1 + Hash256::kSize);
    return sha256(buffer);
}

Hash256 merkle_root(std::span<const Hash256> leaf_hashes) {
    if (leaf_hashes.empty()) return {};
    std::vector<Hash256> level(leaf_hashes.begin(), leaf_hashes.end());
    while (level.size() > 1) {
        level = level_above(level);
    }
    return level.front();
}

MerkleProof merkle_proof(std::span<const Hash256> leaf_hashes, std::uint64_t index) {
    return MerkleTree({leaf_hashes.begin(), leaf_hashes.end()}).proof(index);
}

std::size_t merkle_proof_length(std::uint64_t index, std::uint64_t leaf_count) {
    if (index >= leaf_count) return 0;
    std::size_t length = 0;
    // size becomes size / 2 rounded up, written so that it cannot overflow.
    for (std::uint64_t size = leaf_count; size > 1; size = size / 2 + size % 2, index /= 2) {
        if ((index ^ 1) < size) ++length;
    }
    return length;
}

bool merkle_verify(const Hash256& root, const Hash256& leaf_hash, std::uint64_t index,
                   std::uint64_t leaf_count, std::span<const Hash256> proof) {
    if (index >= leaf_count || proof.size() != merkle_proof_length(index, leaf_count)) return false;
    Hash256 hash = leaf_hash;
    std::size_t used = 0;
    for (std::uint64_t size = leaf_count; size > 1; size = size / 2 + size % 2, index /= 2) {
        if ((index ^ 1) >= size) continue;  // the odd one out is promoted
        const Hash256& sibling = proof[used++];
        hash = index % 2 == 0 ? merkle_node(hash, sibling) : merkle_node(sibling, hash);
    }
    return hash == root;
}

MerkleTree::MerkleTree(std::vector<Hash256> leaf_hashes) {
    levels_.push_back(std::move(leaf_hashes));
    while (levels_.back().size() > 1) {
        levels_.push_back(level_above(levels_.back()));
    }
}

Hash256 MerkleTree::root() const {
    return levels_.back().empty() ? Hash256{} : levels_.back().front();
}

MerkleProof MerkleTree::proof(std::uint64_t index) const {
    COVENANT_ASSERT(index < leaf_count(), "a proof is for a leaf of the tree");
    MerkleProof out;
    for (const std::vector<Hash256>& level : levels_) {
        const std::uint64_t sibling = index ^ 1;
        if (sibling < level.size()) out.push_back(level[sibling]);
        index /= 2;
    }
    return out;
}

}  // namespace covenant::crypto
