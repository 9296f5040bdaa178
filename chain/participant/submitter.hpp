// What a node sends to the chain: tried again after a refusal, followed until it is in a block, and
// where it is in none in time, the log says why. Roles share it.
#pragma once

#include "chain/ledger.hpp"
#include "common/base/clock.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace covenant::participant {

// Two nodes' turns, and two tries of one node, are this far apart.
inline constexpr std::uint64_t kTurnSeconds = 2;

// What the log says of an intent.
struct Sent {
    std::string what;  // "votes on inclusion"
    protocol::Round round;
    protocol::ChainTime deadline;  // what comes later does not count
    std::string detail{};          // "3 artifacts, 3 accepted"; may be empty
};

class Submitter {
  public:
    // Both outlive the submitter.
    Submitter(chain::Ledger& ledger, const Clock& clock) : ledger_(ledger), clock_(clock) {}

    // The key to send an intent under now; nothing while it is on its way, done, or refused too
    // often. What a contract refused is tried again after a turn: the node that estimated it may
    // not have seen the block that it waits for.
    Result<std::optional<std::string>> next_key(const std::string& intent, protocol::ChainTime now);
    // Under a key from next_key().
    Status submit(const std::string& key, const protocol::Intent& intent, Sent sent);
    // Once a look at the chain: says of each intent why it is in no block, as soon as that is
    // certain.
    Status follow(protocol::ChainTime now);

  private:
    struct Open {
        protocol::Intent intent;
        Sent sent;
        bool late = false;  // said
    };
    void say_refused(const std::string& key, const Open& open, const std::string& reason);

    chain::Ledger& ledger_;
    const Clock& clock_;
    std::map<std::string, Open> open_;                    // by key
    std::map<std::string, protocol::ChainTime> refused_;  // keys, and when that was first seen
};

}  // namespace covenant::participant
