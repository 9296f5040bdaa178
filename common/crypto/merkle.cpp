#include "common/crypto/merkle.hpp"

#include "common/base/assert.hpp"
#include "common/crypto/sha256.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace covenant::crypto {
namespace {

// above[first, end) from the level below it.
void fill_above(std::span<const Hash256> level, std::span<Hash256> above, std::uint64_t first,
                std::uint64_t end) {
    const std::uint64_t pairs = std::min<std::uint64_t>(end, level.size() / 2);
    if (first < pairs) {
        sha256_nodes(level.subspan(2 * first, 2 * (pairs - first)),
                     above.subspan(first, pairs - first));
    }
    if (pairs < end) above[pairs] = level.back();  // the odd one out is promoted
}

// The nodes above a level's ranges, as ranges of the next level: ascending and disjoint again.
std::vector<LeafRange> ranges_above(std::span<const LeafRange> ranges) {
    std::vector<LeafRange> above;
    above.reserve(ranges.size());
    for (const LeafRange& range : ranges) {
        const std::uint64_t first = range.first / 2;
        const std::uint64_t end = (range.first + range.count - 1) / 2 + 1;
        if (!above.empty() && above.back().first + above.back().count >= first) {
            above.back().count = end - above.back().first;
        } else {
            above.push_back({first, end - first});
        }
    }
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
    std::vector<Hash256> above((level.size() + 1) / 2);
    while (level.size() > 1) {
        above.resize((level.size() + 1) / 2);
        fill_above(level, above, 0, above.size());
        level.swap(above);
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
    const std::uint64_t count = leaf_hashes.size();
    levels_.push_back(std::move(leaf_hashes));
    while (levels_.back().size() > 1) {
        levels_.emplace_back((levels_.back().size() + 1) / 2);
    }
    if (count > 1) rehash({{0, count}});
}

void MerkleTree::update(std::uint64_t index, const Hash256& leaf_hash) {
    update(index, std::span(&leaf_hash, 1));
}

void MerkleTree::update(std::uint64_t first, std::span<const Hash256> leaf_hashes) {
    if (leaf_hashes.empty()) return;
    const LeafRange range{first, leaf_hashes.size()};
    update(std::span(&range, 1), leaf_hashes);
}

void MerkleTree::update(std::span<const LeafRange> ranges, std::span<const Hash256> leaf_hashes) {
    std::uint64_t end = 0;  // of the range before
    std::uint64_t used = 0;
    for (const LeafRange& range : ranges) {
        COVENANT_ASSERT(range.first >= end && range.first <= leaf_count() && range.count > 0 &&
                            range.count <= leaf_count() - range.first,
                        "ranges ascend inside the tree");
        COVENANT_ASSERT(range.count <= leaf_hashes.size() - used, "a hash for every leaf");
        std::copy_n(leaf_hashes.begin() + static_cast<std::ptrdiff_t>(used), range.count,
                    levels_.front().begin() + static_cast<std::ptrdiff_t>(range.first));
        used += range.count;
        end = range.first + range.count;
    }
    COVENANT_ASSERT(used == leaf_hashes.size(), "a hash for every leaf");
    rehash({ranges.begin(), ranges.end()});
}

void MerkleTree::rehash(std::vector<LeafRange> dirty) {
    for (std::size_t i = 0; i + 1 < levels_.size(); ++i) {
        dirty = ranges_above(dirty);
        for (const LeafRange& range : dirty) {
            fill_above(levels_[i], levels_[i + 1], range.first, range.first + range.count);
        }
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
