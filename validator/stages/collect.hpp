// Stage 1, collect: decrypt and decode what the round's miners committed. One miner at a time, so
// that a slow one holds up nobody else.
#pragma once

#include "chain/participant/node.hpp"
#include "common/protocol/round_view.hpp"
#include "common/store/sealed_artifact.hpp"
#include "common/store/trace_record.hpp"

#include <map>
#include <memory>

namespace covenant::validator {

// The artifacts of one round, by miner; a verdict where there is none.
using Collected = std::map<protocol::Uid, std::shared_ptr<const store::FetchedArtifact>>;

// Of a miner whose key was shown: the artifact in its ciphertext, or the verdict why there is none.
Result<store::FetchedArtifact> collect(const participant::Seat& seat,
                                       const participant::Artifacts& artifacts,
                                       protocol::Round round, const protocol::MinerView& miner,
                                       ByteView ciphertext);

// What was committed by `uid` in an earlier round: from this node's index, or fetched again.
// kNotFound when neither the index nor the store has it in good order.
Result<store::TraceRecord> committed_trace(const participant::Seat& seat,
                                           const participant::Artifacts& artifacts,
                                           const protocol::RunState& state, protocol::Round round,
                                           protocol::Uid uid);

}  // namespace covenant::validator
