// Merkle roots over training state: 16 KiB leaves, the same unit as a compression chunk.
#pragma once

#include "common/crypto/merkle.hpp"
#include "common/engine/parameter_buffer.hpp"

namespace covenant::execution {

Hash256 state_root(const engine::ParameterBuffer& buffer);
// Keeps the levels, for proofs of single chunks.
crypto::MerkleTree state_tree(const engine::ParameterBuffer& buffer);

}  // namespace covenant::execution
