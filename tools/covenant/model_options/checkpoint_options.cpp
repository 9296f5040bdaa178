#include "tools/covenant/model_options/checkpoint_options.hpp"

namespace covenant::tool {
namespace {

void describe_round(node::Command& command, CheckpointOptions& options) {
    command.options()
        .add("round", options.round,
             "the parameters that the run of --datadir accepted in this round; the newest")
        .value_name("N")
        .flag_only();
}

void describe_path(node::Command& command, CheckpointOptions& options) {
    command.positional("PATH", options.path, "Hugging Face folder, or GGUF file");
}

void describe_output(node::Command& command, CheckpointOptions& options, std::string doc) {
    command.options()
        .add("out", options.out, std::move(doc))
        .value_name("PATH")
        .required()
        .flag_only();
    command.options()
        .add("force", options.force, "replace what an earlier export or import wrote there")
        .flag_only();
}

void add_export(node::Command& group, CheckpointOptions& options, node::CommandHandler handler) {
    node::Command& command =
        group.add("export", "parameters of a run into the formats of other programs");
    describe_round(command, options);
    command.options()
        .add("parameters", options.parameters,
             "file of raw parameters instead of a run; goes with --model and --tokenizer")
        .value_name("FILE")
        .flag_only();
    command.options()
        .add("model", options.model, "their shape: a preset's name, a config.json or a run.spec")
        .value_name("NAME|FILE")
        .flag_only();
    command.options()
        .add("tokenizer", options.tokenizer, "tokenizer.model; the one of the run's data")
        .value_name("FILE")
        .flag_only();
    command.options()
        .add("format", options.format, "safetensors (a Hugging Face folder) or gguf (a file)")
        .choices({"safetensors", "gguf"})
        .value_name("FORMAT")
        .flag_only();
    command.options()
        .add("dtype", options.dtype, "numbers of the tensors: f32 is exact")
        .choices({"f32", "bf16"})
        .value_name("TYPE")
        .flag_only();
    command.options()
        .add("shard-bytes", options.shard_bytes, "most of a safetensors file")
        .value_name("BYTES")
        .range(1, 1e15)
        .flag_only();
    command.options()
        .add("name", options.name, "the model's name in a GGUF file; the run's")
        .value_name("NAME")
        .flag_only();
    describe_output(command, options, "folder or file to write; appears whole or not at all");
    command
        .detail(
            "Checks the parameters against the root on chain, then writes. A Hugging Face folder "
            "holds the weights, config.json and the tokenizer; a GGUF file is what llama.cpp "
            "loads.")
        .example("covenant checkpoint export --datadir devnet-7 --format gguf --out model.gguf");
    command.handler(std::move(handler));
}

void add_import(node::Command& group, CheckpointOptions& options, node::CommandHandler handler) {
    node::Command& command =
        group.add("import", "a checkpoint of another program into raw parameters, and their root");
    describe_path(command, options);
    command.options()
        .add("store", options.store, "put the parameters into this artifact store, too")
        .value_name("DIR")
        .flag_only();
    describe_output(command, options, "file for the raw parameters (little-endian fp32)");
    command
        .detail(
            "The file is checked as a stranger's: structure, shapes, finite values. F32 comes back "
            "bit for bit.")
        .example("covenant checkpoint import ./model --out theta.f32");
    command.handler(std::move(handler));
}

void add_verify(node::Command& group, CheckpointOptions& options, node::CommandHandler handler) {
    node::Command& command =
        group.add("verify", "check a checkpoint's structure and values, and its parameters' root");
    describe_path(command, options);
    command.options()
        .add("root", options.root, "the root that its parameters must have")
        .value_name("HEX")
        .flag_only();
    describe_round(command, options);
    command.options()
        .add("token", options.tokens,
             "give the probabilities of the token that follows these (again for each)")
        .value_name("ID")
        .flag_only();
    command
        .detail(
            "The root is compared with --root, else with the chain's where --datadir is given, "
            "else with the one that an export in f32 wrote into the file. Exit code 0: sound; 5: "
            "not, or another root. With --token, compare the probabilities (all of them under "
            "--json) with what another program makes of the same file.")
        .example("covenant checkpoint verify model.gguf --datadir ./devnet-7");
    command.handler(std::move(handler));
}

}  // namespace

void add_checkpoint(node::CommandTree& tree, CheckpointOptions& options,
                    CheckpointHandlers handlers) {
    node::Command& group =
        tree.root().add("checkpoint", "models to and from Hugging Face's and llama.cpp's formats");
    add_export(group, options, std::move(handlers.export_parameters));
    add_import(group, options, std::move(handlers.import_parameters));
    add_verify(group, options, std::move(handlers.verify));
    node::Command& info = group.add("info", "what a checkpoint holds, without reading its values");
    describe_path(info, options);
    info.example("covenant checkpoint info model.gguf");
    info.handler(std::move(handlers.info));
}

}  // namespace covenant::tool
