// What a miner's stages work with.
#pragma once

#include "chain/participant/node_context.hpp"
#include "common/execution/round_executor.hpp"

namespace covenant::miner {

struct MinerContext : participant::NodeContext {
    execution::Cheat cheat = execution::Cheat::kNone;
    std::uint64_t safety_margin_seconds =
        1;  // a commitment later than T1 minus this is not started
};

}  // namespace covenant::miner
