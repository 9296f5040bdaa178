#include "tools/covenant/model_options/model_options.hpp"

#include "common/engine/profile.hpp"

#include <fmt/format.h>

namespace covenant::tool {
namespace {

void describe(node::OptionTable& table, ModelOptions& options) {
    table
        .add("checkpoint", options.checkpoint,
             "Hugging Face folder, its safetensors file, or GGUF file; else a devnet's --datadir")
        .value_name("PATH")
        .flag_only();
    table
        .add("round", options.round,
             "the parameters a devnet accepted in this round; without it the newest")
        .value_name("N")
        .flag_only();
}

Status check_profile_name(std::string_view name) {
    if (name == engine::kCanonBf16 || name == engine::kCanonF32) return {};
    return fail(
        Errc::kInvalidArgument,
        fmt::format("'{}' is neither canon-bf16 nor canon-f32: the figures are to be the same "
                    "on every machine, and other profiles promise no bits",
                    name));
}

}  // namespace

void describe(node::Command& command, GenerateOptions& options) {
    node::OptionTable& table = command.options();
    table
        .add("prompt", options.prompt,
             "the text to continue; - reads standard input, less its last newline")
        .value_name("TEXT")
        .required()
        .flag_only();
    describe(table, options.model);
    table.add("max-tokens", options.max_tokens, "tokens to write at most")
        .value_name("N")
        .range(1, 1e6)
        .flag_only();
    table.add("temperature", options.temperature, "0 takes the likeliest token each time")
        .value_name("T")
        .flag_only();
    table.add("top-p", options.top_p, "draw from the likeliest tokens that reach this probability")
        .value_name("P")
        .flag_only();
    table.add("seed", options.seed, "of the draws").value_name("N").flag_only();
    table.add("tokenizer", options.tokenizer, "tokenizer.model or its folder; beside the model")
        .value_name("PATH")
        .flag_only();
    participant::describe(table, options.kernels);
    command
        .detail(
            "The same model, prompt, options and seed give the same text on every machine. It ends "
            "at --max-tokens, at the end of a document or where the model's context is full. Runs "
            "on the canonical kernels in fp32, whatever profile the run trains in: the native ones "
            "load libtorch, which cannot share a process with the tokenizer's library.")
        .example("covenant generate --datadir ./devnet-7 --prompt 'In the beginning' --seed 7");
}

void describe(node::Command& command, EvalOptions& options) {
    node::OptionTable& table = command.options();
    describe(table, options.model);
    table.add("data", options.data, "data folder with the held-out text; else the devnet's own")
        .value_name("DIR")
        .flag_only();
    table
        .add("windows", options.windows,
             "held-out windows to predict; 0 takes those the validators watch")
        .value_name("N")
        .flag_only();
    table.add("profile", options.profile, "arithmetic: canon-bf16 or canon-f32")
        .value_name("NAME")
        .check(check_profile_name)
        .flag_only();
    participant::describe(table, options.kernels);
    command
        .detail(
            "The figures are the same on every machine, with every --isa and --threads. For a "
            "round of a devnet they are compared with the loss on chain, where profile and windows "
            "are the run's. Exit code 5: another loss.")
        .example("covenant eval --datadir ./devnet-7 --round 4")
        .example("covenant eval --checkpoint ./exported --data ./devnet-7/data --windows 256");
}

}  // namespace covenant::tool
