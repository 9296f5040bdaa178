#include "common/execution/state_digest.hpp"

#include "common/base/assert.hpp"
#include "common/crypto/sha256.hpp"

#include <vector>

namespace covenant::execution {
namespace {

std::vector<Hash256> leaves_of(const engine::ParameterBuffer& buffer, ThreadPool* pool) {
    std::vector<Hash256> leaves(buffer.chunk_count());
    crypto::sha256_leaves(buffer.bytes(), engine::kChunkBytes, leaves, pool);
    return leaves;
}

}  // namespace

Hash256 state_root(const engine::ParameterBuffer& buffer, ThreadPool* pool) {
    return crypto::merkle_root(leaves_of(buffer, pool));
}

Hash256 state_root(std::span<const float> values) {
    const ByteView bytes{reinterpret_cast<const std::uint8_t*>(values.data()), values.size_bytes()};
    std::vector<Hash256> leaves(bytes.size() / engine::kChunkBytes);
    crypto::sha256_leaves(bytes, engine::kChunkBytes, leaves, nullptr);
    return crypto::merkle_root(leaves);
}

Hash256 zero_state_root(const engine::ParameterLayout& layout) {
    const Hash256 leaf = crypto::merkle_leaf(Bytes(engine::kChunkBytes));
    return crypto::merkle_root(std::vector<Hash256>(layout.chunk_count(), leaf));
}

StateTree::StateTree(const engine::ParameterBuffer& buffer, ThreadPool* pool)
    : tree_(leaves_of(buffer, pool)) {}

void StateTree::update(const engine::ParameterBuffer& buffer,
                       std::span<const crypto::LeafRange> dirty, ThreadPool* pool) {
    COVENANT_ASSERT(buffer.chunk_count() == chunk_count(), "the buffer that the tree is over");
    std::vector<ByteView> chunks;
    for (const crypto::LeafRange& range : dirty) {
        COVENANT_ASSERT(range.first <= chunk_count() && range.count <= chunk_count() - range.first,
                        "dirty chunks lie inside the buffer");
        for (std::uint64_t i = 0; i < range.count; ++i) {
            chunks.push_back(buffer.bytes().subspan((range.first + i) * engine::kChunkBytes,
                                                    engine::kChunkBytes));
        }
    }
    std::vector<Hash256> hashes(chunks.size());
    crypto::sha256_leaves(chunks, hashes, pool);
    tree_.update(dirty, hashes);
}

Hash256 state_digest(const engine::TrainState& state) {
    crypto::Sha256 hash = crypto::Sha256::tagged("state");
    hash.update(state.theta.bytes()).update(state.m.bytes()).update(state.v.bytes());
    return hash.finish();
}

}  // namespace covenant::execution
