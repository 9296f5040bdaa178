// What the stages of a miner or a validator work with: one process's view of chain, stores and
// engine. References belong to whoever assembles the node: Participant in a daemon, a test in a
// simulation.
#pragma once

#include "chain/ledger.hpp"
#include "common/crypto/secp256k1.hpp"
#include "common/data/window_reader.hpp"
#include "common/engine/engine.hpp"
#include "common/execution/parameter_follower.hpp"
#include "common/node/journal.hpp"
#include "common/protocol/round_view.hpp"
#include "common/store/artifact_store.hpp"
#include "common/store/index_store.hpp"
#include "common/store/state_store.hpp"

#include <set>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace covenant::participant {

struct NodeContext {
    chain::Ledger& ledger;
    store::ArtifactStore& store;  // shared with everybody
    store::StateStore& states;    // this node's own large buffers, by root
    store::IndexStore& index;     // this node's own small records
    node::Journal& journal;
    engine::Engine& engine;
    const data::WindowReader& windows;
    execution::ParameterFollower& parameters;
    const crypto::SecretKey& hotkey;
    const protocol::RunSpec& spec;
    protocol::RunId run;
    protocol::Uid uid;
    std::vector<std::uint16_t> chunk_elements;
    std::stop_token stop;
};

// Journal keys of a round: "round/00000000000000000007/<stage>".
// Prefix of a validator's journal rows that each follow from the row before.
inline constexpr std::string_view kHistoryPrefix = "history";

std::string stage_key(protocol::Round round, std::string_view stage);

// Rounds whose local state an audit, the next round or a late follower can still need.
inline constexpr std::uint64_t kKeepRounds = 6;

// At the start of a round: drops this node's buffers but those in `keep` and the chain's parameters
// of the last kKeepRounds rounds, and journal rows of rounds that are long settled.
Status prune(NodeContext& context, const protocol::RunState& state, protocol::Round round,
             std::set<Hash256> keep);

// Where the parameter follower gets and keeps bytes: own states first, then checkpoints that
// somebody published; artifacts from the shared store.
execution::ParameterFollower::Sources parameter_sources(store::StateStore& states,
                                                        store::ArtifactStore& store,
                                                        const protocol::RunId& run,
                                                        const protocol::RunSpec& spec,
                                                        std::vector<std::uint16_t> chunk_elements,
                                                        const chain::Ledger& ledger);

// Makes parameters available to nodes that join: an object and its checkpoint name. Idempotent.
Status publish_checkpoint(NodeContext& context, const Hash256& root,
                          const engine::ParameterBuffer& parameters);

}  // namespace covenant::participant
