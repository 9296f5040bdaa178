// What a node keeps of past rounds, and under which keys it remembers them.
#pragma once

#include "chain/participant/node.hpp"

#include <set>
#include <string>
#include <string_view>

namespace covenant::protocol {
struct RunState;
}

namespace covenant::participant {

// Prefix of a validator's journal rows that each follow from the row before.
inline constexpr std::string_view kHistoryPrefix = "history";

// Journal keys of a round: "round/00000000000000000007/<stage>".
std::string stage_key(protocol::Round round, std::string_view stage);

// Rounds whose local state an audit, the next round or a late follower can still need.
inline constexpr std::uint64_t kKeepRounds = 6;

// Drops this node's buffers but those in `keep` and the chain's parameters of the last kKeepRounds
// rounds.
Status prune_states(store::StateStore& states, const protocol::RunState& state,
                    protocol::Round round, std::set<Hash256> keep);
// Drops journal rows of rounds that are long settled.
Status prune_journal(node::Journal& journal, protocol::Round round);

}  // namespace covenant::participant
