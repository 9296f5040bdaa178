// Which model a command works on: a checkpoint in another program's format, or a round of a devnet.
#pragma once

#include "common/engine/parameter_buffer.hpp"
#include "common/node/command.hpp"
#include "common/protocol/run_spec.hpp"
#include "tools/covenant/devnet/record/plan.hpp"
#include "tools/covenant/model_options/model_options.hpp"
#include "tools/view/names.hpp"

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

// The parameters that a run accepted at the end of a round, where its chain says.
struct RoundParameters {
    RunSource run;
    std::optional<std::uint64_t> round;  // nothing: Theta_0
    Hash256 root;
    std::optional<float> posted_loss;

    [[nodiscard]] std::string name() const;  // "round 4", "the first parameters"
};
// wanted: --round's text; "": the newest, Theta_0 before any. kInvalidArgument; kNotFound: the
// round accepted none; and as open_run.
Result<RoundParameters> find_parameters(const std::string& wanted, const std::string& datadir);
// The run's store has them in this file. kNotFound: no longer, or not yet.
Result<std::filesystem::path> stored_parameters(const RoundParameters& parameters);

// A run of a folder, what the folder's index of the chain says of it, and the folder's names.
struct OpenedRun {
    RunSource run;
    protocol::RunState state;  // with a spec
    view::Folder folder;
};
// kNotFound: no index, or no run in it; kMalformed: network.json; as IndexReader. A damaged
// devnet.json is told in folder.damage.
Result<OpenedRun> open_stored_run(const std::string& datadir);
// The run alone.
Result<RunSource> open_run(const std::string& datadir);

}  // namespace covenant::tool
