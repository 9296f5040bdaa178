// Stage 1, collect: fetch, decrypt and decode what the round's miners committed. Cheap to repeat:
// only what is missing is fetched again.
#pragma once

#include "chain/participant/node.hpp"
#include "common/protocol/round_view.hpp"
#include "common/store/sealed_artifact.hpp"
#include "common/store/trace_record.hpp"

#include <map>

namespace covenant::validator {

// The artifacts of one round, by miner; a verdict where there is none.
using Collected = std::map<protocol::Uid, store::FetchedArtifact>;

// Fills `collected`; true when no committed artifact is missing any more.
Result<bool> collect(const participant::Seat& seat, const participant::Artifacts& artifacts,
                     const protocol::RoundView& view, Collected& collected);

// What was committed by `uid` in an earlier round: from this node's index, or fetched again.
// kNotFound when neither the index nor the store has it in good order.
Result<store::TraceRecord> committed_trace(const participant::Seat& seat,
                                           const participant::Artifacts& artifacts,
                                           const protocol::RunState& state, protocol::Round round,
                                           protocol::Uid uid);

}  // namespace covenant::validator
