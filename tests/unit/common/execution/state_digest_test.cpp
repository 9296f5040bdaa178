#include "common/execution/state_digest.hpp"

#include "common/base/counter_rng.hpp"
#include "common/base/thread_pool.hpp"
#include "common/crypto/sha256.hpp"

#include <algorithm>
#include <array>

#include <gtest/gtest.h>

namespace covenant::execution::testing {
namespace {

// vocabulary by width: as many chunks as wanted, and no engine.
engine::ParameterLayout layout_of(std::uint32_t vocab) {
    engine::ModelConfig config = engine::tiny_config();
    config.vocab_size = vocab;
    return engine::ParameterLayout(config);
}

void fill(engine::ParameterBuffer& buffer, std::size_t chunk, CounterRng& rng) {
    for (float& value : buffer.chunk(chunk)) {
        value = static_cast<float>(rng.next_u32() >> 8);
    }
}

engine::ParameterBuffer filled(const engine::ParameterLayout& layout, std::uint64_t key) {
    engine::ParameterBuffer buffer(layout);
    CounterRng rng(key);
    for (std::size_t i = 0; i < buffer.chunk_count(); ++i)
        fill(buffer, i, rng);
    return buffer;
}

// Leaf by leaf, each with a plain hash.
Hash256 plain_root(const engine::ParameterBuffer& buffer) {
    std::vector<Hash256> leaves;
    for (std::size_t i = 0; i < buffer.chunk_count(); ++i) {
        Bytes message{0};
        append(message, buffer.bytes().subspan(i * engine::kChunkBytes, engine::kChunkBytes));
        leaves.push_back(crypto::sha256(message));
    }
    return crypto::merkle_root(leaves);
}

TEST(StateRoot, IsTheTreeOverPlainHashesOfTheChunks) {
    for (const std::uint32_t vocab : {32U, 2000U, 9000U}) {
        const engine::ParameterBuffer buffer = filled(layout_of(vocab), vocab);
        const Hash256 expected = plain_root(buffer);
        EXPECT_EQ(state_root(buffer), expected);
        EXPECT_EQ(StateTree(buffer).root(), expected);
        for (const unsigned threads : {1U, 2U, 4U}) {
            ThreadPool pool(threads);
            EXPECT_EQ(state_root(buffer, &pool), expected) << threads << " threads";
            EXPECT_EQ(StateTree(buffer, &pool).root(), expected) << threads << " threads";
        }
    }
}

TEST(StateRoot, OfZerosNeedsNoBuffer) {
    for (const std::uint32_t vocab : {32U, 2000U}) {
        const engine::ParameterLayout layout = layout_of(vocab);
        EXPECT_EQ(zero_state_root(layout), state_root(engine::ParameterBuffer(layout)));
    }
}

TEST(StateTree, AnUpdateEqualsARebuild) {
    engine::ParameterBuffer buffer = filled(layout_of(4000), 3);
    const std::size_t count = buffer.chunk_count();
    ASSERT_GT(count, 30U);
    StateTree tree(buffer);
    EXPECT_EQ(tree.chunk_count(), count);
    ThreadPool pool(2);
    CounterRng rng(4);
    for (int round = 0; round < 10; ++round) {
        std::vector<crypto::LeafRange> dirty;
        for (std::uint64_t at = rng.below(count); at < count; at += 1 + rng.below(12)) {
            const std::uint64_t length = std::min<std::uint64_t>(1 + rng.below(4), count - at);
            dirty.push_back({at, length});
            for (std::uint64_t i = 0; i < length; ++i)
                fill(buffer, at + i, rng);
            at += length;
        }
        tree.update(buffer, dirty, round % 2 == 0 ? nullptr : &pool);
        const StateTree rebuilt(buffer);
        ASSERT_EQ(tree.root(), rebuilt.root());
        for (std::size_t i = 0; i < count; ++i)
            ASSERT_EQ(tree.proof(i), rebuilt.proof(i));
    }
    const Hash256 root = tree.root();
    tree.update(buffer, {});
    EXPECT_EQ(tree.root(), root);
}

TEST(StateTree, AChunkThatIsNotNamedKeepsItsHash) {
    engine::ParameterBuffer buffer = filled(layout_of(2000), 5);
    StateTree tree(buffer);
    const Hash256 root = tree.root();
    CounterRng rng(6);
    fill(buffer, 1, rng);
    const std::array other{crypto::LeafRange{0, 1}};
    tree.update(buffer, other);
    EXPECT_EQ(tree.root(), root);
    const std::array changed{crypto::LeafRange{1, 1}};
    tree.update(buffer, changed);
    EXPECT_NE(tree.root(), root);
    EXPECT_EQ(tree.root(), state_root(buffer));
}

TEST(StateTreeDeathTest, UpdatesStayInside) {
    const engine::ParameterBuffer buffer = filled(layout_of(2000), 7);
    StateTree tree(buffer);
    const std::array outside{crypto::LeafRange{buffer.chunk_count(), 1}};
    EXPECT_DEATH(tree.update(buffer, outside), "inside the buffer");
    const std::array wraps{crypto::LeafRange{1, ~std::uint64_t{0}}};
    EXPECT_DEATH(tree.update(buffer, wraps), "inside the buffer");
    const engine::ParameterBuffer other(layout_of(32));
    EXPECT_DEATH(tree.update(other, {}), "that the tree is over");
}

TEST(StateDigest, DependsOnEveryBuffer) {
    const engine::ParameterLayout layout = layout_of(32);
    engine::TrainState state;
    state.theta = filled(layout, 8);
    state.m = filled(layout, 9);
    state.v = filled(layout, 10);
    const Hash256 digest = state_digest(state);
    const Hash256 root = state_root(state.theta);
    EXPECT_EQ(root, StateTree(state.theta).root());
    for (engine::ParameterBuffer* buffer : {&state.theta, &state.m, &state.v}) {
        buffer->floats()[7] += 1.0F;
        EXPECT_NE(state_digest(state), digest);
        buffer->floats()[7] -= 1.0F;
    }
    state.theta.floats()[9] = -state.theta.floats()[9];
    EXPECT_NE(state_root(state.theta), root);
}

}  // namespace
}  // namespace covenant::execution::testing
