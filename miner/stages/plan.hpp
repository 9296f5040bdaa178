// Stage 1, plan: from a round's view to what exactly has to be trained, and from which state.
#pragma once

#include "chain/participant/node.hpp"
#include "common/engine/engine.hpp"
#include "common/protocol/round_view.hpp"

#include <optional>
#include <string>

namespace covenant::miner {

struct Plan {
    protocol::AssignmentInput assignment;
    Hash256 base_root;            // Theta_r
    Hash256 previous_commitment;  // zero when fresh
    engine::TrainState start;  // theta = Theta_r; moments continue the last commitment or are zero
    engine::ParameterBuffer feedback;     // a of the last commitment, zeros when fresh
    std::optional<SparseUpdate> arrived;  // what of it was aggregated
};

// Nothing when this hotkey has no place in the round (not active at T0) or its local state of the
// last commitment is gone; `why` then says so. kUnavailable: Theta_r cannot be fetched yet.
Result<std::optional<Plan>> plan_round(const participant::Seat& seat,
                                       const participant::Artifacts& artifacts,
                                       const participant::Training& training,
                                       const protocol::RunState& state,
                                       const protocol::RoundView& view, std::string& why);

}  // namespace covenant::miner
