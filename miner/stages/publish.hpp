// Stage 4, publish: the key once commits are closed, and once the beacon is known the openings that
// it draws.
#pragma once

#include "miner/stages/package.hpp"

namespace covenant::miner {

// Puts the artifact's key into the store. Not before T1: until then the artifact must stay
// unreadable.
Status publish_key(store::ArtifactStore& store, const protocol::RoundView& view,
                   const Package& package);

// Publishes the drawn boundary states and compression chunks of this miner's commitment. True when
// there was a duty.
Result<bool> publish_openings(const participant::Seat& seat,
                              const participant::Artifacts& artifacts,
                              const participant::Training& training,
                              const protocol::RoundView& view, const Hash256& sigma);

}  // namespace covenant::miner
