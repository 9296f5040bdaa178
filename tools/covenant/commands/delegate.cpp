#include "tools/covenant/commands/commands.hpp"
#include "tools/covenant/model_options/checkpoint_options.hpp"
#include "tools/covenant/model_options/model_options.hpp"

#include <cerrno>
#include <filesystem>
#include <iostream>
#include <memory>
#include <system_error>

#include <fmt/format.h>
#include <unistd.h>

namespace covenant::commands {
namespace {

using node::CommandContext;
using node::ExitCode;

// Only described here, for help and completion; the other program reads them again.
struct EngineOptions {
    std::string round;
    std::string hotkey;
    std::string segment;
    participant::KernelOptions kernels;
    tool::GenerateOptions generate;
    tool::EvalOptions eval;
    tool::CheckpointOptions checkpoint;
};

// A program beside this one; `does` says what for.
Result<std::string> path_beside(std::string_view name, std::string_view does) {
    std::error_code error;
    const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
    if (error) {
        return fail(Errc::kIo, "cannot find this program's own path: " + error.message());
    }
    const auto path = self.parent_path() / name;
    if (::access(path.c_str(), X_OK) != 0) {
        return fail(Errc::kPrecondition, fmt::format("no program {}: it {}; tools/devnet builds it",
                                                     path.string(), does));
    }
    return path.string();
}

}  // namespace

Status execute_program(const std::string& program, const std::vector<std::string>& arguments) {
    std::vector<std::string> words{program};
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::vector<char*> raw;
    raw.reserve(words.size() + 1);
    for (std::string& word : words) {
        raw.push_back(word.data());
    }
    raw.push_back(nullptr);
    std::cout.flush();
    std::cerr.flush();
    ::execv(program.c_str(), raw.data());
    return fail(Errc::kIo,
                "cannot start " + program + ": " + std::generic_category().message(errno));
}

void add_engine_commands(node::CommandTree& tree, std::vector<std::string> arguments,
                         Execute execute) {
    const auto options = std::make_shared<EngineOptions>();
    const auto becomes = [options, arguments = std::move(arguments), execute = std::move(execute)](
                             std::string_view name, std::string_view does) -> node::CommandHandler {
        return [=](const CommandContext&) -> Result<ExitCode> {
            COVENANT_TRY(const std::string program, path_beside(name, does));
            COVENANT_CHECK(execute(program, arguments));
            return ExitCode::kOk;  // a test's `execute` came back
        };
    };
    const node::CommandHandler handler = becomes("covenant-engine", "re-executes training");
    node::Command& replay =
        tree.root().add("replay", "re-execute a segment of a miner's round and compare");
    replay.options()
        .add("round", options->round, "the round")
        .value_name("R")
        .required()
        .flag_only();
    replay.options()
        .add("hotkey", options->hotkey, "the miner: address, uid or devnet name")
        .value_name("H")
        .required()
        .flag_only();
    replay.options()
        .add("segment", options->segment, "the segment; without it all that were drawn")
        .value_name("S")
        .flag_only();
    participant::describe(replay.options(), options->kernels);
    replay
        .detail(
            "Fetches the published boundary state, runs the segment's inner steps and compares the "
            "digest with what the miner committed. Exit code 0: the same; 5: another digest; 3: "
            "something is missing or damaged on this machine.")
        .example("covenant replay --datadir ./devnet-7 --round 4 --hotkey bob");
    replay.handler(handler);
    node::Command& simulate =
        tree.root().add("simulate", "run a kept devnet's record through the in-process network");
    participant::describe(simulate.options(), options->kernels);
    simulate
        .detail(
            "The same beacons, roster and order of commitments must give the same assignments, "
            "losses and parameters roots, round by round. Exit code 0: they do; 5: they differ.")
        .example("covenant simulate --datadir ./devnet-7");
    simulate.handler(becomes("covenant-simulate", "runs a record again, cheats too"));
    node::Command& generate = tree.root().add("generate", "continue a text, token by token");
    tool::describe(generate, options->generate);
    generate.handler(handler);
    node::Command& eval = tree.root().add("eval", "held-out loss and bits a byte of a model");
    tool::describe(eval, options->eval);
    eval.handler(handler);
    tool::add_checkpoint(tree, options->checkpoint, {handler, handler, handler, handler});
}

}  // namespace covenant::commands
