// Options and help of the commands that work on a model: `covenant` shows and checks them,
// covenant-engine acts on them.
#pragma once

#include "chain/participant/kernel_options.hpp"
#include "common/node/command.hpp"

#include <cstdint>
#include <string>

namespace covenant::tool {

// Which model: exactly one of a checkpoint and a devnet's round (--datadir).
struct ModelOptions {
    std::string checkpoint;
    std::string round;  // "": the newest
};

struct GenerateOptions {
    ModelOptions model;
    participant::KernelOptions kernels;
    std::string prompt;
    std::string tokenizer;
    std::uint32_t max_tokens = 100;
    double temperature = 0.8;
    double top_p = 0.95;
    std::uint64_t seed = 0;
};
void describe(node::Command& command, GenerateOptions& options);

struct EvalOptions {
    ModelOptions model;
    participant::KernelOptions kernels;
    std::string data;
    std::string profile = "canon-bf16";
    std::uint32_t windows = 0;  // 0: the run's monitor windows
};
void describe(node::Command& command, EvalOptions& options);

}  // namespace covenant::tool
