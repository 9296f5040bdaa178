// One daemon assembled: data directory, hotkey, chain, stores, engine and data of a run, checked
// against what the chain says before anything is trusted. The loop around a node's tick().
//
// Files of a participant's data directory, beside the node's: keys/ (node/keystore), chain.sqlite
// (the index of the chain), outbox.sqlite (what this account sent; must not be lost), LOCK.
#pragma once

#include "chain/participant/kernel_options.hpp"
#include "chain/participant/node.hpp"
#include "chain/participant/role.hpp"
#include "common/base/clock.hpp"
#include "common/node/metrics.hpp"
#include "common/node/option_table.hpp"
#include "common/protocol/roster.hpp"

#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>

namespace covenant::participant {

struct ParticipantOptions {
    std::string datadir;
    std::string network_file;  // network.json
    std::string hotkey = "hotkey";
    std::string password_file;
    std::string store;             // folder of the shared artifact store
    std::string data;              // folder of the run's data set
    std::string metrics;           // "127.0.0.1:9090"; "" = off
    std::int64_t last_round = -1;  // -1: go on
    std::uint32_t poll_ms = 200;
    bool patient = true;  // waits for what is not there yet; not an option of the user's
    KernelOptions kernels;
};
// Describes all but datadir and network_file, which are global options of every binary, and
// patient.
void describe(node::OptionTable& table, ParticipantOptions& options);

class Participant {
  public:
    // Waits, saying for what, until the chain answers, the run exists and the hotkey is registered
    // with the role; one that is not patient fails with kUnavailable instead. kPrecondition,
    // kMismatch, kPermission ... name what is wrong and what to do; kInterrupted when asked to
    // stop.
    static Result<std::unique_ptr<Participant>> open(const ParticipantOptions& options,
                                                     protocol::Role role, Clock& clock,
                                                     std::stop_token stop);
    ~Participant();
    Participant(const Participant&) = delete;
    Participant& operator=(const Participant&) = delete;

    [[nodiscard]] const Node& node() const;

    // Runs long work beside run().
    [[nodiscard]] Background& background() const;

    // Syncs and ticks until the role has finished or is asked to stop; afterwards long work is
    // asked to stop as well. An unreachable chain is waited for; other errors end the loop.
    Status run(Role& role);

  private:
    struct Parts;
    explicit Participant(std::unique_ptr<Parts> parts);
    std::unique_ptr<Parts> parts_;
};

}  // namespace covenant::participant
