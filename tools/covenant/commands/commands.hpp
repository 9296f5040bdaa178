// The commands of `covenant`, each group in the file of its name. What a command binds lives as
// long as the tree.
#pragma once

#include "common/base/clock.hpp"
#include "common/node/command.hpp"

#include <functional>
#include <string>
#include <vector>

namespace covenant::commands {

// status, rounds, metagraph, miner, audit
void add_read_commands(node::CommandTree& tree, Clock& clock);
// run info, run list
void add_run_commands(node::CommandTree& tree, Clock& clock);
// artifact inspect, verify, ls
void add_artifact_commands(node::CommandTree& tree, Clock& clock);
// wallet
void add_wallet_commands(node::CommandTree& tree, Clock& clock);
// wallet fund, below `wallet`
void add_fund(node::Command& wallet, Clock& clock);
// register, stake
void add_stake_commands(node::CommandTree& tree, Clock& clock);
// doctor; `version` goes into its report
void add_doctor(node::CommandTree& tree, Clock& clock, std::string version);

// Replaces this process by another program; returns only when that failed.
using Execute = std::function<Status(const std::string& program, const std::vector<std::string>&)>;
Status execute_program(const std::string& program, const std::vector<std::string>& arguments);

// replay, generate, eval and checkpoint: covenant-engine beside this program does the work;
// simulate: covenant-simulate.
// `arguments` are this process's, without the program's name.
void add_engine_commands(node::CommandTree& tree, std::vector<std::string> arguments,
                         Execute execute = execute_program);

}  // namespace covenant::commands
