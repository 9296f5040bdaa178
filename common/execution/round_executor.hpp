// A miner's whole round: S segments, error feedback and compression, and everything that its
// commitment covers.
#pragma once

#include "common/execution/segment_executor.hpp"
#include "common/protocol/artifact_format.hpp"

#include <functional>
#include <optional>

namespace covenant::execution {

// A way to lie, for devnets and tests. `kHalfBatch` trains on the first half of each step's windows
// (the whole one where there is one) and records the assigned windows; `kSkipSegment` does not
// train segment S / 2; `kStaleData` trains on the batch of the first step all round long;
// `kAmplify` sends eight times its update; `kNoise` adds noise instead of training. Nothing else
// changes.
enum class Cheat : std::uint8_t { kNone, kHalfBatch, kSkipSegment, kStaleData, kAmplify, kNoise };
Result<Cheat> parse_cheat(std::string_view name);  // "none", "half-batch", "skip-segment",
                                                   // "stale-data", "amplify", "noise"
std::string_view to_string(Cheat cheat);

struct RoundJob {
    const protocol::RunSpec& spec;
    const data::Windows& windows;
    protocol::AssignmentInput assignment;
    protocol::Uid uid;
    Address hotkey;
    Hash256 base_root;            // root of Theta_r
    Hash256 previous_commitment;  // zero when the continuity is fresh
    protocol::ProfileRecord profile;
    std::optional<SparseUpdate> arrived = {};  // what of `feedback` was aggregated (R4.12)
    Cheat cheat = Cheat::kNone;
    std::stop_token stop;
    std::function<void(std::uint32_t step, float loss)> on_step;  // step in the round, from 1
    // Called at every boundary 0..S with its record before training goes on: the node makes it
    // durable.
    std::function<Status(protocol::Segment, const engine::TrainState&,
                         const protocol::SegmentRecord&)>
        on_boundary;
};

struct RoundResult {
    protocol::Artifact artifact;  // complete; encode_artifact() gives the plaintext
    Hash256 commitment_root;      // C
    engine::TrainState end;       // theta_S, m_S, v_S
    engine::ParameterBuffer sum;  // a, in the memory of the feedback
    float mean_loss = 0.0F;       // of the round's training steps
};

// base = Theta_r; start.theta must equal it bit for bit (kInvalidArgument); feedback = the
// last round's a, zeros when the continuity is fresh.
Result<RoundResult> execute_round(engine::Engine& engine, const engine::ParameterBuffer& base,
                                  engine::TrainState start, engine::ParameterBuffer feedback,
                                  const RoundJob& job);

}  // namespace covenant::execution
