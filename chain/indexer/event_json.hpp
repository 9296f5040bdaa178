// An event as JSON for people, SQL queries and the REST API: {"run": "0x..",
// "round": 3, ...}. Hashes and addresses are 0x text, token amounts decimal strings of base units.
#pragma once

#include "common/codec/json.hpp"
#include "common/protocol/event.hpp"

#include <optional>

namespace covenant::chain {

codec::Json event_body_json(const protocol::EventBody& body);

// What an event is about; nothing where the kind has no such field.
struct EventKey {
    std::optional<protocol::RunId> run;
    std::optional<protocol::Round>
        round;  // of a beacon: slot - 1, the round it closes; nothing for slot 0
    std::optional<protocol::Uid> uid;  // the miner, validator or neuron
};
EventKey event_key(const protocol::EventBody& body);

}  // namespace covenant::chain
