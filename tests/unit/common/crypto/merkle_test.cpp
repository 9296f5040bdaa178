#include "common/crypto/merkle.hpp"

#include "common/base/counter_rng.hpp"
#include "common/base/hex.hpp"
#include "common/crypto/sha256.hpp"

#include <algorithm>
#include <array>

#include <gtest/gtest.h>

namespace covenant::crypto {
namespace {

std::vector<Hash256> leaves(std::size_t count) {
    std::vector<Hash256> out;
    for (std::size_t i = 0; i < count; ++i) {
        out.push_back(merkle_leaf(as_bytes("leaf " + std::to_string(i))));
    }
    return out;
}

// The definition, written the other way round: the root of n leaves is the node over the largest
// power of two below n and the rest.
Hash256 recursive_root(std::span<const Hash256> hashes) {
    if (hashes.empty()) return {};
    if (hashes.size() == 1) return hashes.front();
    std::size_t left = 1;
    while (left * 2 < hashes.size()) {
        left *= 2;
    }
    return merkle_node(recursive_root(hashes.first(left)), recursive_root(hashes.subspan(left)));
}

TEST(Merkle, LeavesAndNodesHaveTheirTags) {
    EXPECT_EQ(merkle_leaf(as_bytes("x")), sha256(Bytes{0, 'x'}));
    // RFC 6962 hashes leaves and nodes the same way: its empty leaf.
    EXPECT_EQ(to_hex(merkle_leaf({}).view()),
              "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
    Hash256 left;
    Hash256 right;
    left.bytes.fill(3);
    right.bytes.fill(4);
    Bytes message{1};
    append(message, left.view());
    append(message, right.view());
    EXPECT_EQ(merkle_node(left, right), sha256(message));
    EXPECT_NE(merkle_node(left, right), merkle_node(right, left));
}

TEST(Merkle, SmallTrees) {
    const auto l = leaves(3);
    EXPECT_TRUE(merkle_root({}).is_zero());
    EXPECT_EQ(merkle_root(std::span(l).first(1)), l[0]);
    EXPECT_EQ(merkle_root(std::span(l).first(2)), merkle_node(l[0], l[1]));
    EXPECT_EQ(merkle_root(l), merkle_node(merkle_node(l[0], l[1]), l[2]));
}

TEST(Merkle, AnOddLeafIsNotDuplicated) {
    auto l = leaves(3);
    const Hash256 three = merkle_root(l);
    l.push_back(l.back());
    EXPECT_NE(merkle_root(l), three);
}

TEST(Merkle, EveryProofOfEveryTreeVerifies) {
    for (std::size_t count = 1; count <= 33; ++count) {
        const auto l = leaves(count);
        const MerkleTree tree(l);
        EXPECT_EQ(tree.root(), recursive_root(l));
        EXPECT_EQ(tree.root(), merkle_root(l));
        EXPECT_EQ(tree.leaf_count(), count);
        for (std::size_t i = 0; i < count; ++i) {
            const MerkleProof proof = tree.proof(i);
            EXPECT_EQ(proof, merkle_proof(l, i));
            EXPECT_EQ(proof.size(), merkle_proof_length(i, count));
            EXPECT_TRUE(merkle_verify(tree.root(), l[i], i, count, proof));
            for (std::size_t other = 0; other < count; ++other) {
                if (other == i) continue;
                EXPECT_FALSE(merkle_verify(tree.root(), l[other], i, count, proof));
                EXPECT_FALSE(merkle_verify(tree.root(), l[i], other, count, proof));
            }
        }
    }
}

TEST(Merkle, AnyFlippedBitFails) {
    constexpr std::size_t kCount = 11;
    const auto l = leaves(kCount);
    const MerkleTree tree(l);
    for (const std::size_t index : {0U, 5U, 10U}) {
        const MerkleProof proof = tree.proof(index);
        for (std::size_t bit = 0; bit < 256; ++bit) {
            const auto flipped = [&](Hash256 hash) {
                hash.bytes[bit / 8] =
                    static_cast<std::uint8_t>(hash.bytes[bit / 8] ^ (1U << (bit % 8)));
                return hash;
            };
            EXPECT_FALSE(merkle_verify(flipped(tree.root()), l[index], index, kCount, proof));
            EXPECT_FALSE(merkle_verify(tree.root(), flipped(l[index]), index, kCount, proof));
            for (std::size_t k = 0; k < proof.size(); ++k) {
                MerkleProof bad = proof;
                bad[k] = flipped(bad[k]);
                EXPECT_FALSE(merkle_verify(tree.root(), l[index], index, kCount, bad));
            }
        }
    }
}

TEST(Merkle, HostilePositionsAndLengthsAreFalse) {
    const auto l = leaves(4);
    const MerkleTree tree(l);
    MerkleProof proof = tree.proof(1);
    EXPECT_FALSE(merkle_verify(tree.root(), l[1], 4, 4, proof));
    EXPECT_FALSE(merkle_verify(tree.root(), l[1], 1, 0, proof));
    EXPECT_FALSE(merkle_verify(tree.root(), l[1], ~std::uint64_t{0}, ~std::uint64_t{0}, proof));
    EXPECT_FALSE(merkle_verify(tree.root(), l[1], 1, ~std::uint64_t{0}, proof));
    EXPECT_EQ(merkle_proof_length(0, ~std::uint64_t{0}), 64U);
    EXPECT_EQ(merkle_proof_length(5, 5), 0U);
    // A node is no leaf: the tree above one level does not prove it at the leaves' level.
    EXPECT_FALSE(merkle_verify(tree.root(), merkle_node(l[0], l[1]), 0, 4, tree.proof(2)));
    proof.push_back({});
    EXPECT_FALSE(merkle_verify(tree.root(), l[1], 1, 4, proof));
    proof.resize(1);
    EXPECT_FALSE(merkle_verify(tree.root(), l[1], 1, 4, proof));
    EXPECT_FALSE(merkle_verify({}, {}, 0, 0, {}));
}

TEST(Merkle, EmptyTree) {
    const MerkleTree tree({});
    EXPECT_TRUE(tree.root().is_zero());
    EXPECT_EQ(tree.leaf_count(), 0U);
}

TEST(MerkleUpdate, OneLeafOfEveryTree) {
    for (std::size_t count = 1; count <= 33; ++count) {
        auto l = leaves(count);
        MerkleTree tree(l);
        for (std::size_t i = 0; i < count; ++i) {
            l[i] = merkle_leaf(as_bytes("changed " + std::to_string(i)));
            tree.update(i, l[i]);
            EXPECT_EQ(tree.root(), recursive_root(l)) << count << ' ' << i;
        }
        EXPECT_EQ(tree.leaves(), l);
    }
}

TEST(MerkleUpdate, AnyRangesGiveTheRebuiltTree) {
    CounterRng rng(11);
    std::uint64_t made = 0;
    const auto fresh = [&made] { return merkle_leaf(as_bytes("fresh " + std::to_string(made++))); };
    for (int round = 0; round < 60; ++round) {
        const std::size_t count = 1 + rng.below(round % 3 == 0 ? 700 : 70);
        auto l = leaves(count);
        MerkleTree tree(l);
        for (int step = 0; step < 6; ++step) {
            std::vector<LeafRange> ranges;
            std::vector<Hash256> hashes;
            std::uint64_t at = rng.below(count);
            while (at < count) {
                const std::uint64_t length = std::min<std::uint64_t>(1 + rng.below(9), count - at);
                ranges.push_back({at, length});
                for (std::uint64_t i = 0; i < length; ++i) {
                    l[at + i] = fresh();
                    hashes.push_back(l[at + i]);
                }
                at += length + rng.below(40);  // ranges may touch
            }
            tree.update(ranges, hashes);
            const MerkleTree rebuilt(l);
            ASSERT_EQ(tree.root(), rebuilt.root()) << count;
            ASSERT_EQ(tree.root(), recursive_root(l)) << count;
            // Every kept level, seen through the proofs.
            for (std::size_t i = 0; i < count; i += 1 + count / 20) {
                ASSERT_EQ(tree.proof(i), rebuilt.proof(i));
            }
        }
    }
}

TEST(MerkleUpdate, NothingChangesNothing) {
    const auto l = leaves(9);
    MerkleTree tree(l);
    const Hash256 root = tree.root();
    tree.update(std::span<const LeafRange>{}, {});
    tree.update(9, std::span<const Hash256>{});
    tree.update(4, l[4]);
    EXPECT_EQ(tree.root(), root);
    MerkleTree none({});
    none.update(std::span<const LeafRange>{}, {});
    EXPECT_TRUE(none.root().is_zero());
}

TEST(MerkleDeathTest, AnUpdateStaysInsideTheTree) {
    const auto l = leaves(5);
    MerkleTree tree(l);
    EXPECT_DEATH(tree.update(5, l[0]), "inside the tree");
    EXPECT_DEATH(tree.update(4, std::span(l).first(2)), "inside the tree");
    EXPECT_DEATH(tree.update(~std::uint64_t{0}, l[0]), "inside the tree");
    const std::array<LeafRange, 2> crossing{LeafRange{1, 2}, LeafRange{2, 1}};
    EXPECT_DEATH(tree.update(crossing, std::span(l).first(3)), "ascend inside");
    const std::array<LeafRange, 1> one{LeafRange{1, 2}};
    EXPECT_DEATH(tree.update(one, std::span(l).first(1)), "hash for every leaf");
    EXPECT_DEATH(tree.update(one, std::span(l).first(3)), "hash for every leaf");
    const std::array<LeafRange, 1> empty{LeafRange{1, 0}};
    EXPECT_DEATH(tree.update(empty, {}), "inside the tree");
}

TEST(MerkleDeathTest, AProofIsForALeaf) {
    EXPECT_DEATH((void)MerkleTree(leaves(3)).proof(3), "leaf of the tree");
}

}  // namespace
}  // namespace covenant::crypto
