// From an empty folder to a run on chain with everybody registered.
#pragma once

#include "chain/admin_client.hpp"
#include "tools/covenant/devnet/anvil.hpp"
#include "tools/covenant/devnet/record/plan.hpp"
#include "tools/covenant/devnet/record/record.hpp"

#include <functional>
#include <stop_token>

namespace covenant::devnet {

// Programs that this binary starts; they stand beside it.
struct Programs {
    std::filesystem::path folder;      // of covenant, covenant-engine, covenant-miner, ...
    std::filesystem::path repository;  // for contracts/out and anvil
    [[nodiscard]] std::string path(std::string_view name) const { return (folder / name).string(); }
};
Result<Programs> find_programs();

// Told before each step; an error, such as kInterrupted, ends the start there.
using Say = std::function<Status(std::string_view step)>;

struct Start {
    const Options& options;
    const Programs& programs;
    const Layout& layout;
    double deadline_factor = 1.0;  // of plan_timing
    std::stop_token stop;
};

// Corpus, genesis, trial, contracts, keys, registrations, stake, run. The chain mines on demand
// while this goes on and every block_seconds afterwards; round 0 opens a few seconds after it
// returns. kInterrupted when asked to stop.
Result<Record> bring_up(const Start& start, Anvil& anvil, Clock& clock, const Say& say);

}  // namespace covenant::devnet
