#include "common/execution/opening.hpp"

#include "common/base/assert.hpp"
#include "common/codec/reader.hpp"
#include "common/codec/writer.hpp"
#include "common/execution/state_digest.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>

namespace covenant::execution {
namespace {

using protocol::Verdict;

constexpr std::string_view kStateMagic = "CVSO";
constexpr std::string_view kChunkMagic = "CVCO";
constexpr std::uint16_t kVersion = 1;
constexpr std::size_t kStateHeaderBytes = 4 + 2 + 8;
constexpr std::size_t kChunkHeaderBytes = 4 + 2 + 4;
constexpr std::size_t kMaxProof = 64;
constexpr std::size_t kProofs = 4;

ByteView leaf_bytes(std::span<const float> floats) {
    return {reinterpret_cast<const std::uint8_t*>(floats.data()), floats.size() * sizeof(float)};
}

void write_proof(codec::Writer& out, const crypto::MerkleProof& proof) {
    out.u8(static_cast<std::uint8_t>(proof.size()));
    for (const Hash256& hash : proof)
        out.fixed(hash);
}

crypto::MerkleProof read_proof(codec::Reader& in, std::size_t length) {
    crypto::MerkleProof proof;
    if (in.u8() != length) {
        in.fail();
        return proof;
    }
    proof.reserve(length);
    for (std::size_t i = 0; i < length; ++i)
        proof.push_back(in.fixed<Hash256>());
    return proof;
}

std::vector<float> read_leaf(codec::Reader& in) {
    const ByteView bytes = in.raw(engine::kChunkBytes);
    std::vector<float> floats(engine::kChunkFloats);
    if (bytes.size() == engine::kChunkBytes) {
        std::memcpy(floats.data(), bytes.data(), bytes.size());
    }
    return floats;
}

}  // namespace

std::uint64_t state_opening_bytes(const engine::ParameterLayout& layout) {
    return kStateHeaderBytes + 3 * std::uint64_t{layout.chunk_count()} * engine::kChunkBytes;
}

Bytes encode_state_opening(const engine::TrainState& state) {
    codec::Writer out(kStateHeaderBytes + 3 * state.theta.bytes().size());
    out.raw(as_bytes(kStateMagic)).u16(kVersion).u64(state.adam_t);
    out.raw(state.theta.bytes()).raw(state.m.bytes()).raw(state.v.bytes());
    return out.take();
}

protocol::Outcome<engine::TrainState> decode_state_opening(ByteView bytes,
                                                           const engine::ParameterLayout& layout,
                                                           const protocol::SegmentRecord& record) {
    const auto refused = protocol::refuse(Verdict::kOpeningMismatch);
    if (bytes.size() != state_opening_bytes(layout)) return refused;
    codec::Reader in(bytes);
    in.expect(as_bytes(kStateMagic));
    if (in.u16() != kVersion) in.fail();
    engine::TrainState state;
    state.adam_t = in.u64();
    if (!in.ok() || state.adam_t != record.adam_t) return refused;
    struct Part {
        engine::ParameterBuffer& buffer;
        const Hash256& root;
    };
    const std::array<Part, 3> parts{Part{state.theta, record.theta_root},
                                    Part{state.m, record.m_root}, Part{state.v, record.v_root}};
    for (const Part& part : parts) {
        part.buffer = engine::ParameterBuffer(layout);
        const ByteView data = in.raw(part.buffer.bytes().size());
        if (!in.ok()) return refused;
        std::memcpy(part.buffer.mutable_bytes().data(), data.data(), data.size());
        if (state_root(part.buffer) != part.root || !engine::check_state(layout, part.buffer)) {
            return refused;
        }
    }
    if (!in.finish()) return refused;
    return state;
}

std::uint64_t max_chunk_opening_bytes(std::size_t chunks) {
    return kChunkHeaderBytes + std::uint64_t{chunks} * (4 + 2 * engine::kChunkBytes +
                                                        kProofs * (1 + kMaxProof * Hash256::kSize));
}

Bytes encode_chunk_opening(std::span<const std::uint32_t> indices,
                           const engine::ParameterBuffer& theta,
                           const engine::ParameterBuffer& feedback,
                           const engine::ParameterBuffer& sum,
                           const engine::ParameterBuffer& residual) {
    const std::array<StateTree, kProofs> trees{StateTree(theta), StateTree(feedback),
                                               StateTree(sum), StateTree(residual)};
    codec::Writer out(kChunkHeaderBytes + indices.size() * (2 * engine::kChunkBytes + 2048));
    out.raw(as_bytes(kChunkMagic)).u16(kVersion).count(indices.size());
    for (const std::uint32_t index : indices) {
        COVENANT_ASSERT(index < theta.chunk_count(), "drawn chunks lie inside the layout");
        out.u32(index);
        out.raw(leaf_bytes(theta.chunk(index))).raw(leaf_bytes(feedback.chunk(index)));
        for (const StateTree& tree : trees)
            write_proof(out, tree.proof(index));
    }
    return out.take();
}

protocol::Outcome<std::vector<ChunkOpening>> decode_chunk_opening(
    ByteView bytes, std::span<const std::uint32_t> drawn, std::uint32_t chunk_count) {
    const auto refused = protocol::refuse(Verdict::kOpeningMismatch);
    if (bytes.size() > max_chunk_opening_bytes(drawn.size())) return refused;
    codec::Reader in(bytes);
    in.expect(as_bytes(kChunkMagic));
    if (in.u16() != kVersion) in.fail();
    if (in.u32() != drawn.size()) in.fail();
    std::vector<ChunkOpening> openings;
    for (const std::uint32_t index : drawn) {
        // Before a leaf's memory is taken, what is left must hold it.
        if (in.u32() != index || index >= chunk_count || in.remaining() < 2 * engine::kChunkBytes) {
            return refused;
        }
        const std::size_t length = crypto::merkle_proof_length(index, chunk_count);
        ChunkOpening opening;
        opening.index = index;
        opening.theta = read_leaf(in);
        opening.feedback = read_leaf(in);
        opening.theta_proof = read_proof(in, length);
        opening.feedback_proof = read_proof(in, length);
        opening.sum_proof = read_proof(in, length);
        opening.residual_proof = read_proof(in, length);
        if (!in.ok()) return refused;
        openings.push_back(std::move(opening));
    }
    if (!in.finish()) return refused;
    return openings;
}

}  // namespace covenant::execution
