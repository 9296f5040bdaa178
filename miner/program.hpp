// The miner as a program: covenant-miner, and the adversary of development networks.
#pragma once

#include "common/execution/conduct.hpp"
#include "common/node/command.hpp"

#include <functional>
#include <string>

namespace covenant::miner {

struct Program {
    std::string name;
    std::string doc;
    // Options of `run` and `check` beside every miner's, and commands beside every daemon's. May be
    // empty.
    std::function<void(node::OptionTable&)> options = {};
    std::function<void(node::CommandTree&)> commands = {};
    // Asked when the options are known; it outlives the program's run. Empty: honest().
    std::function<Result<const execution::Conduct*>()> conduct = {};
};

int program_main(int argc, char** argv, const Program& program);

}  // namespace covenant::miner
