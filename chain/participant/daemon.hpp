// The main() that miner and validator share: signals, options, logging, and
// exit codes.
#pragma once

#include "chain/participant/participant.hpp"
#include "common/node/command.hpp"

#include <functional>
#include <string>

namespace covenant::participant {

struct Daemon {
    std::string name;  // "covenant-miner"
    std::string doc;
    protocol::Role role = protocol::Role::kNone;
    // Adds the role's own options.
    std::function<void(node::OptionTable&)> describe;
    // Adds commands of its own to those of every daemon. May be empty.
    std::function<void(node::CommandTree&)> commands = {};
    // Runs the role on an open participant until it is finished or asked to stop.
    std::function<Status(Participant&, const ParticipantOptions&)> run;
};

// `run`, `check` (opens everything that `run` would, says so and exits), `config init|show|check`,
// `completions bash`.
int daemon_main(int argc, char** argv, const Daemon& daemon);

// Name, version, build type, for --version of every binary.
std::string version_text(std::string_view binary);

}  // namespace covenant::participant
