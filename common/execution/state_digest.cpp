#include "common/execution/state_digest.hpp"

#include "common/crypto/sha256.hpp"

#include <vector>

namespace covenant::execution {
namespace {

std::vector<Hash256> leaves_of(const engine::ParameterBuffer& buffer) {
    std::vector<Hash256> leaves(buffer.chunk_count());
    crypto::sha256_leaves(buffer.bytes(), engine::kChunkBytes, leaves);
    return leaves;
}

}  // namespace

Hash256 state_root(const engine::ParameterBuffer& buffer) {
    return crypto::merkle_root(leaves_of(buffer));
}

crypto::MerkleTree state_tree(const engine::ParameterBuffer& buffer) {
    return crypto::MerkleTree(leaves_of(buffer));
}

Hash256 state_digest(const engine::TrainState& state) {
    crypto::Sha256 hash = crypto::Sha256::tagged("state");
    hash.update(state.theta.bytes()).update(state.m.bytes()).update(state.v.bytes());
    return hash.finish();
}

}  // namespace covenant::execution
