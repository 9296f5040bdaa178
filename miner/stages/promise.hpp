// What a signed commitment promises, beside the chain: an artifact whose key will open it, and the
// states that an audit can draw.
#pragma once

#include "chain/participant/node.hpp"
#include "common/protocol/commitment.hpp"

namespace covenant::miner {

// Reads all of it and compares it with its digests. kNotFound, kCorrupt: something is gone or
// damaged, and the message names it; whoever sends the commitment all the same is convicted by an
// audit. A damaged state is set aside; a damaged ciphertext stays in the shared store, where no
// reader takes it for another.
Status check_promise(const participant::Seat& seat, const participant::Artifacts& artifacts,
                     const participant::Training& training, const protocol::Commitment& commitment);

}  // namespace covenant::miner
