// `covenant checkpoint`: what its commands are called and take, described once for `covenant`,
// which prints the help, and for covenant-engine, which does the work.
#pragma once

#include "common/node/command.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace covenant::tool {

struct CheckpointOptions {
    std::string path;  // of import, verify, info
    std::string round;
    std::string parameters;
    std::string model;
    std::string tokenizer;
    std::string format = "safetensors";
    std::string dtype = "f32";
    std::uint64_t shard_bytes = 5'000'000'000;
    std::string name;
    std::string out;
    std::string store;
    std::string root;
    std::vector<std::string> tokens;
    bool force = false;
};

struct CheckpointHandlers {
    node::CommandHandler export_parameters;
    node::CommandHandler import_parameters;
    node::CommandHandler verify;
    node::CommandHandler info;
};

// `options` outlives the tree.
void add_checkpoint(node::CommandTree& tree, CheckpointOptions& options,
                    CheckpointHandlers handlers);

}  // namespace covenant::tool
