// A miner's whole round: S segments, error feedback and compression, and everything that its
// commitment covers.
#pragma once

#include "common/execution/conduct.hpp"
#include "common/protocol/artifact_format.hpp"

#include <functional>
#include <optional>

namespace covenant::execution {

struct RoundJob {
    const protocol::RunSpec& spec;
    const data::Windows& windows;
    protocol::AssignmentInput assignment;
    protocol::Uid uid;
    Hash256 base_root;                         // root of Theta_r
    Hash256 previous_commitment;               // zero when the continuity is fresh
    std::optional<SparseUpdate> arrived = {};  // what of `feedback` was aggregated (R4.12)
    const Conduct& conduct = honest();
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
