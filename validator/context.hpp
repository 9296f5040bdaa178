// What a validator's stages work with.
#pragma once

#include "chain/participant/node_context.hpp"
#include "common/store/sealed_artifact.hpp"
#include "common/store/trace_record.hpp"

#include <map>

namespace covenant::validator {

struct ValidatorContext : participant::NodeContext {
    Hash256 zero_root;  // state root of an all-zero buffer of the layout
    std::uint64_t vote_margin_seconds =
        2;  // votes leave this long before their deadline at the latest
};

// The artifacts of one round, by miner; a verdict where there is none.
using Collected = std::map<protocol::Uid, store::FetchedArtifact>;

}  // namespace covenant::validator
