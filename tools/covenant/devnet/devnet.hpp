// `covenant devnet`: real processes, a real chain, real text, on this machine.
#pragma once

#include "common/node/command.hpp"
#include "tools/covenant/devnet/record/plan.hpp"

namespace covenant::devnet {

// Adds the command; `options` outlives the tree.
void add_devnet(node::CommandTree& tree, Options& options);

}  // namespace covenant::devnet
