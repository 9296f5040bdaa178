#include "common/execution/audit.hpp"

#include "common/execution/spec_conversion.hpp"
#include "common/execution/state_digest.hpp"

#include <algorithm>
#include <bit>

#include <fmt/format.h>

namespace covenant::execution {
namespace {

using protocol::Verdict;

Hash256 leaf_of(std::span<const float> floats) {
    return crypto::merkle_leaf(
        {reinterpret_cast<const std::uint8_t*>(floats.data()), floats.size() * sizeof(float)});
}

bool padding_is_zero(std::span<const float> chunk, std::uint32_t live) {
    return std::ranges::all_of(
        chunk.subspan(live), [](float value) { return std::bit_cast<std::uint32_t>(value) == 0; });
}

}  // namespace

Result<SegmentAudit> audit_segment(engine::Engine& engine, const protocol::Artifact& artifact,
                                   engine::TrainState boundary, const SegmentJob& job) {
    const std::size_t next = std::size_t{job.segment.value} + 1;
    if (next >= artifact.trace.size()) {
        return fail(Errc::kInvalidArgument,
                    fmt::format("audit of segment {}: the artifact's trace has {} records",
                                job.segment.value, artifact.trace.size()));
    }
    const protocol::TraceContext context{artifact.run, artifact.uid, artifact.round};
    const protocol::Segment index(static_cast<std::uint16_t>(next));
    const protocol::SegmentRecord& claimed = artifact.trace[next];
    SegmentAudit audit;
    audit.claimed_hash = protocol::segment_hash(context, index, claimed);
    Result<protocol::SegmentRecord> recomputed = execute_segment(engine, boundary, job);
    if (!recomputed && recomputed.error().code == Errc::kRejected) {
        // The honest continuation is no number: whatever was claimed instead is not it.
        audit.verdict = Verdict::kSegmentMismatch;
        audit.recomputed_hash = protocol::segment_hash(context, index, audit.recomputed);
        return audit;
    }
    if (!recomputed) return fail(std::move(recomputed).error());
    audit.recomputed = *recomputed;
    audit.recomputed_hash = protocol::segment_hash(context, index, audit.recomputed);
    audit.state_digest = state_digest(boundary);
    if (audit.recomputed.window_root != claimed.window_root ||
        audit.recomputed.cursor != claimed.cursor) {
        audit.verdict = Verdict::kWindowMismatch;
    } else if (audit.recomputed != claimed) {
        audit.verdict = Verdict::kSegmentMismatch;
    }
    return audit;
}

Verdict audit_chunk(const protocol::RunSpec& spec, const engine::ParameterLayout& layout,
                    const engine::ParameterBuffer& base, const protocol::Artifact& artifact,
                    const ChunkOpening& opening) {
    const std::size_t count = layout.chunk_count();
    if (opening.index >= count || artifact.update.chunk_count() != count ||
        artifact.trace.empty() || opening.theta.size() != engine::kChunkFloats ||
        opening.feedback.size() != engine::kChunkFloats) {
        return Verdict::kOpeningMismatch;
    }
    const auto proven = [&](std::span<const float> leaf, const Hash256& root,
                            const crypto::MerkleProof& proof) {
        return crypto::merkle_verify(root, leaf_of(leaf), opening.index, count, proof);
    };
    const std::uint32_t live = layout.live_floats(opening.index);
    if (!proven(opening.theta, artifact.trace.back().theta_root, opening.theta_proof) ||
        !padding_is_zero(opening.theta, live) || !padding_is_zero(opening.feedback, live)) {
        return Verdict::kOpeningMismatch;
    }
    const engine::CompressHyper hyper = compress_hyper(spec, artifact.round);
    std::vector<float> sum(engine::kChunkFloats, 0.0F);
    engine::accumulate(hyper.beta, std::span(opening.feedback).first(live),
                       base.chunk(opening.index).first(live), std::span(opening.theta).first(live),
                       std::span(sum).first(live));
    const Result<SparseChunk> sparse = engine::compress_chunk(sum, live, hyper.sparsity);
    if (!sparse || sparse->view() != artifact.update.chunk(opening.index)) {
        return Verdict::kChunkMismatch;
    }
    return proven(sum, artifact.feedback.sum_root, opening.sum_proof) ? Verdict::kAccept
                                                                      : Verdict::kOpeningMismatch;
}

}  // namespace covenant::execution
