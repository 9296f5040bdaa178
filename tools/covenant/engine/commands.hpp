// What needs the training engine, kept out of `covenant` so that its reads start at once.
// `covenant` runs these for the user.
#pragma once

#include "chain/participant/kernel_options.hpp"
#include "common/node/command.hpp"

#include <string>

namespace covenant::tool {

struct EngineOptions {
    std::string store;
    std::string data;
    std::string spec;
    std::string root;
    std::string profile = "canon-bf16";
    participant::KernelOptions kernels;
    std::uint64_t seed = 7;
    std::uint64_t miners = 3;
    std::uint64_t validators = 3;
    std::uint64_t round = 0;
    std::string hotkey;
    std::int64_t segment = -1;
};

// Theta_0 into a store, and the profile's text.
void add_prepare(node::CommandTree& tree, EngineOptions& options);
// What a devnet's processes do, all at once: milliseconds of each kind of work.
void add_trial(node::CommandTree& tree, EngineOptions& options);
// Held-out loss of the parameters with a root, on the run's monitor windows.
void add_heldout_loss(node::CommandTree& tree, EngineOptions& options);
// Re-executes a drawn segment from its published boundary: exit code 0 same, 5 different.
void add_replay(node::CommandTree& tree, EngineOptions& options);
// Models to and from other programs' formats.
void add_checkpoint(node::CommandTree& tree);
// Text from a model, token by token.
void add_generate(node::CommandTree& tree);
// Loss of a model on held-out text.
void add_eval(node::CommandTree& tree);

}  // namespace covenant::tool
