// Re-execution: what a validator, and anyone with `covenant replay`, does with an opening.
#pragma once

#include "common/execution/opening.hpp"
#include "common/execution/segment_executor.hpp"

namespace covenant::execution {

struct SegmentAudit {
    protocol::Verdict verdict = protocol::Verdict::kAccept;  // kSegmentMismatch, kWindowMismatch
    protocol::SegmentRecord recomputed;                      // record s + 1 as this process got it
    Hash256 claimed_hash;  // segment_hash of the committed record s + 1
    Hash256 recomputed_hash;
    Hash256 state_digest;  // H("state", theta ‖ m ‖ v bytes at s + 1): what a replay receipt covers
};

// `boundary` is the opened state at s, already checked against trace[s]. Any NaN while re-executing
// is a mismatch.
Result<SegmentAudit> audit_segment(engine::Engine& engine, const protocol::Artifact& artifact,
                                   engine::TrainState boundary, const SegmentJob& job);

// Recomputes a chunk exactly from theta_S and the e that decoding has proven: the proofs against
// theta_S and a, and the payload chunk itself. base = Theta_r. kAccept, kOpeningMismatch (a proof
// fails) or kChunkMismatch.
protocol::Verdict audit_chunk(const protocol::RunSpec& spec, const engine::ParameterLayout& layout,
                              const engine::ParameterBuffer& base,
                              const protocol::Artifact& artifact, const ChunkOpening& opening);

}  // namespace covenant::execution
