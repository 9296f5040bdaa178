// Merkle roots over training state: 16 KiB leaves, the same unit as a compression chunk.
#pragma once

#include "common/crypto/merkle.hpp"
#include "common/engine/engine.hpp"
#include "common/engine/parameter_buffer.hpp"

#include <span>

namespace covenant {
class ThreadPool;
}

namespace covenant::execution {

// A pool, where one is given, hashes fixed blocks of chunks; the roots are the same without it.
Hash256 state_root(const engine::ParameterBuffer& buffer, ThreadPool* pool = nullptr);
// Of a buffer's values, whole chunks of them.
Hash256 state_root(std::span<const float> values);
// state_root of a buffer that is all zero: what moments and feedback are before the first step.
// One chunk is hashed, and no buffer is needed.
Hash256 zero_state_root(const engine::ParameterLayout& layout);

// The tree over a buffer: proofs of single chunks, and the next root when some chunks changed. It
// keeps hashes only (64 bytes a chunk), not the buffer; the caller, who wrote the buffer, says
// which chunks it wrote.
class StateTree {
  public:
    explicit StateTree(const engine::ParameterBuffer& buffer, ThreadPool* pool = nullptr);

    [[nodiscard]] Hash256 root() const { return tree_.root(); }
    [[nodiscard]] std::size_t chunk_count() const { return tree_.leaf_count(); }
    [[nodiscard]] crypto::MerkleProof proof(std::size_t chunk) const { return tree_.proof(chunk); }

    // dirty: every chunk that may differ from what the tree last saw, as ascending disjoint ranges
    // inside it; a chunk left out keeps its old hash. buffer: of the same size as before. Costs the
    // hashes of those chunks and of the nodes above them.
    void update(const engine::ParameterBuffer& buffer, std::span<const crypto::LeafRange> dirty,
                ThreadPool* pool = nullptr);

  private:
    crypto::MerkleTree tree_;
};

// H("state", theta ‖ m ‖ v bytes): what a replay receipt covers, and what no published root gives
// away.
Hash256 state_digest(const engine::TrainState& state);

}  // namespace covenant::execution
