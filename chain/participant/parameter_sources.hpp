// Where a node's parameters come from and go to: its own states first, then checkpoints that
// somebody published; artifacts from the shared store.
#pragma once

#include "chain/participant/node.hpp"
#include "common/execution/parameter_follower.hpp"

namespace covenant::participant {

execution::ParameterFollower::Sources parameter_sources(const Seat& seat,
                                                        store::ArtifactStore& store,
                                                        store::StateStore& states);

// Makes parameters available to nodes that join: an object and its checkpoint name. Idempotent.
Status publish_checkpoint(const Seat& seat, store::ArtifactStore& store, const Hash256& root,
                          const engine::ParameterBuffer& parameters);

}  // namespace covenant::participant
