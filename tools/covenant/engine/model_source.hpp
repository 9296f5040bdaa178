// Which model a command works on: a checkpoint in another program's format, or a round of a devnet.
#pragma once

#include "common/engine/parameter_buffer.hpp"
#include "common/node/command.hpp"
#include "common/protocol/run_spec.hpp"
#include "tools/covenant/devnet/plan.hpp"
#include "tools/covenant/engine/model_options.hpp"

#include <filesystem>
#include <optional>
#include <string>

namespace covenant::tool {

// A run of a devnet, as its folder has it.
struct RunSource {
    devnet::Layout layout;
    protocol::RunId run;
    protocol::RunSpec spec;
};

struct LoadedModel {
    engine::ModelConfig config;
    engine::ParameterBuffer theta;
    Hash256 root;
    std::string name;              // "checkpoint model.gguf", "round 4", "the first parameters"
    std::filesystem::path beside;  // where its tokenizer.model would be
    // A round of a devnet only.
    std::optional<RunSource> run;
    std::optional<std::uint64_t> round;  // nothing: Theta_0
    std::optional<float> posted_loss;    // that the validators' quorum put on chain
};

// --checkpoint where given, else --round of --datadir.
// kInvalidArgument: neither of them, or both; kNotFound: no such round, or its parameters are no
// longer kept; kMalformed: a file that is no such model; kMismatch: the parameters do not have the
// root that is on chain; kIo.
Result<LoadedModel> load_model(const ModelOptions& options, const node::CommandContext& context);

// The run of --datadir. kNotFound, kMismatch as the devnet's record and index say.
Result<RunSource> open_run(const std::string& datadir);

}  // namespace covenant::tool
