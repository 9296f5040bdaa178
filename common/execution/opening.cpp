#include "common/execution/opening.hpp"

#include "common/base/assert.hpp"
#include "common/codec/reader.hpp"
#include "common/codec/writer.hpp"
#include "common/engine/compressor.hpp"
#include "common/execution/state_digest.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <utility>

namespace covenant::execution {
namespace {

using protocol::Verdict;

constexpr std::string_view kStateMagic = "CVSO";
constexpr std::string_view kChunkMagic = "CVCO";
constexpr std::uint16_t kStateVersion = 1;
constexpr std::uint16_t kChunkVersion = 2;
constexpr std::size_t kStateHeaderBytes = 4 + 2 + 8;
constexpr std::size_t kChunkHeaderBytes = 4 + 2 + 4;
constexpr std::size_t kMaxProof = 64;
constexpr std::size_t kProofs = 3;

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

// Of a whole leaf.
std::vector<float> floats_of(ByteView leaf) {
    COVENANT_ASSERT(leaf.size() == engine::kChunkBytes, "a leaf is a whole chunk");
    std::vector<float> floats(engine::kChunkFloats);
    std::memcpy(floats.data(), leaf.data(), leaf.size());
    return floats;
}

}  // namespace

std::uint64_t state_opening_bytes(const engine::ParameterLayout& layout) {
    return kStateHeaderBytes + 3 * std::uint64_t{layout.chunk_count()} * engine::kChunkBytes;
}

Bytes encode_state_opening(const engine::TrainState& state) {
    codec::Writer out(kStateHeaderBytes + 3 * state.theta.bytes().size());
    out.raw(as_bytes(kStateMagic)).u16(kStateVersion).u64(state.adam_t);
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
    if (in.u16() != kStateVersion) in.fail();
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
                           const engine::ParameterBuffer& theta, const engine::ParameterBuffer& sum,
                           const engine::ParameterBuffer* last_sum) {
    const StateTree theta_tree(theta);
    const StateTree sum_tree(sum);
    std::optional<StateTree> last_tree;
    if (last_sum != nullptr) last_tree.emplace(*last_sum);
    codec::Writer out(kChunkHeaderBytes + indices.size() * (2 * engine::kChunkBytes + 2048));
    out.raw(as_bytes(kChunkMagic)).u16(kChunkVersion).count(indices.size());
    for (const std::uint32_t index : indices) {
        COVENANT_ASSERT(index < theta.chunk_count(), "drawn chunks lie inside the layout");
        out.u32(index).raw(leaf_bytes(theta.chunk(index)));
        write_proof(out, theta_tree.proof(index));
        write_proof(out, sum_tree.proof(index));
        if (last_tree) {
            out.raw(leaf_bytes(last_sum->chunk(index)));
            write_proof(out, last_tree->proof(index));
        }
    }
    return out.take();
}

namespace {

// e of a chunk; nothing when the opening does not prove it.
std::optional<std::vector<float>> read_feedback(codec::Reader& in, std::uint32_t index,
                                                const engine::ParameterLayout& layout,
                                                const CommittedFeedback& last) {
    const std::size_t count = layout.chunk_count();
    const ByteView leaf = in.raw(engine::kChunkBytes);
    const auto proof = read_proof(in, crypto::merkle_proof_length(index, count));
    if (!in.ok() ||
        !crypto::merkle_verify(last.sum_root, crypto::merkle_leaf(leaf), index, count, proof)) {
        return {};
    }
    std::vector<float> feedback = floats_of(leaf);
    if (!last.arrived) return feedback;
    const auto sent = engine::compress_chunk(feedback, layout.live_floats(index), *last.arrived);
    if (!sent) return {};
    engine::subtract_sent(sent->view(), feedback);
    return feedback;
}

}  // namespace

protocol::Outcome<std::vector<ChunkOpening>> decode_chunk_opening(
    ByteView bytes, std::span<const std::uint32_t> drawn, const engine::ParameterLayout& layout,
    const CommittedFeedback* last) {
    const auto refused = protocol::refuse(Verdict::kOpeningMismatch);
    if (bytes.size() > max_chunk_opening_bytes(drawn.size())) return refused;
    codec::Reader in(bytes);
    in.expect(as_bytes(kChunkMagic));
    if (in.u16() != kChunkVersion) in.fail();
    if (in.u32() != drawn.size()) in.fail();
    std::vector<ChunkOpening> openings;
    for (const std::uint32_t index : drawn) {
        // Before a leaf's memory is taken, what is left must hold it.
        if (in.u32() != index || index >= layout.chunk_count() ||
            in.remaining() < engine::kChunkBytes) {
            return refused;
        }
        const std::size_t length = crypto::merkle_proof_length(index, layout.chunk_count());
        ChunkOpening opening;
        opening.index = index;
        opening.theta = floats_of(in.raw(engine::kChunkBytes));
        opening.theta_proof = read_proof(in, length);
        opening.sum_proof = read_proof(in, length);
        if (last != nullptr) {
            auto feedback = read_feedback(in, index, layout, *last);
            if (!feedback) return refused;
            opening.feedback = std::move(*feedback);
        } else {
            opening.feedback.assign(engine::kChunkFloats, 0.0F);
        }
        if (!in.ok()) return refused;
        openings.push_back(std::move(opening));
    }
    if (!in.finish()) return refused;
    return openings;
}

}  // namespace covenant::execution
