// Stage 4, publish: once the beacon is known, the openings that it draws.
#pragma once

#include "chain/participant/node.hpp"
#include "common/protocol/round_view.hpp"

namespace covenant::miner {

// Publishes the drawn boundary states and compression chunks of this miner's commitment. True when
// there was a duty.
Result<bool> publish_openings(const participant::Seat& seat,
                              const participant::Artifacts& artifacts,
                              const participant::Training& training,
                              const protocol::RoundView& view, const Hash256& sigma);

}  // namespace covenant::miner
