#include "common/base/counter_rng.hpp"
#include "common/base/thread_pool.hpp"
#include "common/crypto/merkle.hpp"
#include "common/crypto/sha256.hpp"

#include <algorithm>
#include <thread>

#include <gtest/gtest.h>

namespace covenant::crypto {
namespace {

constexpr std::size_t kStateLeaf = 16384;

Bytes test_data(std::size_t size, std::uint64_t key) {
    Bytes out(size);
    CounterRng rng(key);
    for (std::uint8_t& byte : out) {
        byte = static_cast<std::uint8_t>(rng.next_u32());
    }
    return out;
}

// The definition, with nothing of merkle.cpp in it.
std::vector<Hash256> plain_leaves(ByteView data, std::size_t leaf_size, std::size_t count) {
    std::vector<Hash256> out;
    for (std::size_t i = 0; i < count; ++i) {
        Bytes message{0};
        append(message, data.subspan(i * leaf_size, leaf_size));
        out.push_back(sha256(message));
    }
    return out;
}

TEST(Sha256Leaves, EveryWayEqualsAPlainLoop) {
    constexpr std::size_t kMost = 40;
    for (const std::size_t leaf_size : {1U, 54U, 55U, 56U, 63U, 64U, 65U, 300U, 2047U, 16384U}) {
        const Bytes all = test_data(leaf_size * kMost, leaf_size);
        const std::vector<Hash256> expected = plain_leaves(all, leaf_size, kMost);
        for (std::size_t leaves = 0; leaves <= kMost; ++leaves) {
            if (leaf_size > 2000 && leaves > 20 && leaves < 38) continue;
            const ByteView data = ByteView(all).first(leaf_size * leaves);
            const std::vector<Hash256> wanted(
                expected.begin(), expected.begin() + static_cast<std::ptrdiff_t>(leaves));
            std::vector<Hash256> out(leaves);
            sha256_leaves(data, leaf_size, out);
            EXPECT_EQ(out, wanted) << leaf_size << " x " << leaves;
            for (const LeafHasher hasher : kLeafHashers) {
                std::ranges::fill(out, Hash256{});
                sha256_leaves_with(hasher, data, leaf_size, out);
                EXPECT_EQ(out, wanted) << to_string(hasher) << ' ' << leaf_size << " x " << leaves;
            }
        }
    }
}

TEST(Sha256Leaves, NoAlignmentIsNeeded) {
    const Bytes all = test_data(3 * kStateLeaf + 64, 5);
    for (const std::size_t shift : {1U, 7U, 33U}) {
        const ByteView data = ByteView(all).subspan(shift, 3 * kStateLeaf);
        const std::vector<Hash256> expected = plain_leaves(data, kStateLeaf, 3);
        for (const LeafHasher hasher : kLeafHashers) {
            std::vector<Hash256> out(3);
            sha256_leaves_with(hasher, data, kStateLeaf, out);
            EXPECT_EQ(out, expected) << to_string(hasher);
        }
    }
}

TEST(Sha256Leaves, LeavesMayLieApart) {
    constexpr std::size_t kLeaves = 40;
    constexpr std::size_t kSize = 4096;
    const Bytes data = test_data(kLeaves * kSize, 6);
    const std::vector<Hash256> expected = plain_leaves(data, kSize, kLeaves);
    ThreadPool pool(2);
    for (const std::size_t step : {1U, 3U, 7U}) {
        std::vector<ByteView> views;
        std::vector<Hash256> wanted;
        for (std::size_t i = kLeaves; i-- > 0;) {
            if (i % step != 0) continue;
            views.push_back(ByteView(data).subspan(i * kSize, kSize));
            wanted.push_back(expected[i]);
        }
        std::vector<Hash256> out(views.size());
        sha256_leaves(views, out);
        EXPECT_EQ(out, wanted);
        std::ranges::fill(out, Hash256{});
        sha256_leaves(views, out, &pool);
        EXPECT_EQ(out, wanted);
    }
    sha256_leaves(std::span<const ByteView>{}, {});
}

TEST(Sha256Leaves, ThreadsOfAPoolGiveTheSameDigests) {
    constexpr std::size_t kSize = 1024;
    for (const std::size_t leaves : {1U, 63U, 64U, 65U, 128U, 200U, 321U}) {
        const Bytes data = test_data(leaves * kSize, leaves);
        const std::vector<Hash256> expected = plain_leaves(data, kSize, leaves);
        for (const unsigned threads : {1U, 2U, 4U}) {
            ThreadPool pool(threads);
            std::vector<Hash256> out(leaves);
            sha256_leaves(data, kSize, out, &pool);
            EXPECT_EQ(out, expected) << leaves << " leaves, " << threads << " threads";
        }
    }
}

TEST(Sha256Leaves, ManyThreadsAtOnce) {
    constexpr std::size_t kLeaves = 9;
    const Bytes data = test_data(kLeaves * kStateLeaf, 8);
    const std::vector<Hash256> expected = plain_leaves(data, kStateLeaf, kLeaves);
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&] {
            for (int repeat = 0; repeat < 10; ++repeat) {
                std::vector<Hash256> out(kLeaves);
                sha256_leaves(data, kStateLeaf, out);
                EXPECT_EQ(out, expected);
            }
        });
    }
}

TEST(Sha256Nodes, EveryWayEqualsAPlainLoop) {
    for (const std::size_t count : {0U, 1U, 2U, 3U, 7U, 8U, 9U, 16U, 17U, 40U, 1100U}) {
        std::vector<Hash256> children(2 * count);
        CounterRng rng(count);
        for (Hash256& child : children) {
            for (std::uint8_t& byte : child.bytes) {
                byte = static_cast<std::uint8_t>(rng.next_u32());
            }
        }
        std::vector<Hash256> expected;
        for (std::size_t i = 0; i < count; ++i) {
            Bytes message{1};
            append(message, children[2 * i].view());
            append(message, children[2 * i + 1].view());
            expected.push_back(sha256(message));
        }
        std::vector<Hash256> out(count);
        sha256_nodes(children, out);
        EXPECT_EQ(out, expected) << count;
        for (const LeafHasher hasher : kLeafHashers) {
            std::ranges::fill(out, Hash256{});
            sha256_nodes_with(hasher, children, out);
            EXPECT_EQ(out, expected) << to_string(hasher) << ' ' << count;
        }
    }
}

// Which way is taken is a function of the processor: the same at every call, the last that runs.
TEST(Sha256Leaves, TheWidestAvailableWayIsChosen) {
    EXPECT_TRUE(leaf_hasher_available(LeafHasher::kOneStream));
    const LeafHasher chosen = leaf_hasher_chosen();
    EXPECT_TRUE(leaf_hasher_available(chosen));
    EXPECT_EQ(leaf_hasher_chosen(), chosen);
    for (const LeafHasher other : kLeafHashers) {
        EXPECT_FALSE(to_string(other).empty());
        EXPECT_TRUE(other <= chosen || !leaf_hasher_available(other)) << to_string(other);
    }
}

TEST(Sha256LeavesDeathTest, SizesMustFit) {
    std::vector<Hash256> out(2);
    EXPECT_DEATH(sha256_leaves(Bytes(5), 2, out), "exactly the leaves");
    EXPECT_DEATH(sha256_leaves(Bytes(6), 2, out), "exactly the leaves");
    EXPECT_DEATH(sha256_leaves(Bytes(0), 0, out), "exactly the leaves");
    const Bytes data(5);
    const std::vector<ByteView> uneven{ByteView(data).first(2), ByteView(data).last(3)};
    EXPECT_DEATH(sha256_leaves(uneven, out), "one size");
    EXPECT_DEATH(sha256_leaves(std::span(uneven).first(1), out), "digest for every leaf");
    EXPECT_DEATH(sha256_nodes(out, out), "two children");
}

}  // namespace
}  // namespace covenant::crypto
