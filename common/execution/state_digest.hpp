// Merkle roots over training state: 16 KiB leaves, the same unit as a compression chunk.
#pragma once

#include "common/crypto/merkle.hpp"
#include "common/engine/engine.hpp"
#include "common/engine/parameter_buffer.hpp"

namespace covenant::execution {

Hash256 state_root(const engine::ParameterBuffer& buffer);
// Keeps the levels, for proofs of single chunks.
crypto::MerkleTree state_tree(const engine::ParameterBuffer& buffer);
// H("state", theta ‖ m ‖ v bytes): what a replay receipt covers, and what no published root gives
// away.
Hash256 state_digest(const engine::TrainState& state);

}  // namespace covenant::execution
