// `covenant checkpoint`: see checkpoint_options.cpp for what each command takes.
// size: the four commands share how a run, a checkpoint and its vocabulary are found.
#include "common/base/clock.hpp"
#include "common/base/file.hpp"
#include "common/base/hex.hpp"
#include "common/crypto/sha256.hpp"
#include "common/data/corpus_manifest.hpp"
#include "common/engine/decoder.hpp"
#include "common/execution/spec_conversion.hpp"
#include "common/model_files/export.hpp"
#include "common/model_files/llama_config.hpp"
#include "common/model_files/raw_parameters.hpp"
#include "common/node/lifecycle.hpp"
#include "common/store/file_store.hpp"
#include "tools/covenant/engine/commands.hpp"
#include "tools/covenant/engine/model_source.hpp"
#include "tools/covenant/model_options/checkpoint_options.hpp"
#include "tools/view/names.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <numeric>
#include <optional>
#include <set>

#include <fmt/format.h>

namespace covenant::tool {
namespace {

namespace fs = std::filesystem;

using codec::Json;
using node::CommandContext;
using node::ExitCode;

Result<engine::ModelConfig> spec_config(const fs::path& path) {
    COVENANT_TRY(const Bytes bytes, read_file(path, protocol::kMaxRunSpecBytes));
    const auto spec = protocol::decode_run_spec(bytes);
    if (!spec) {
        return fail(Errc::kMalformed,
                    path.string() + ": " + std::string(protocol::to_string(spec.error())));
    }
    return execution::model_config(spec->model);
}

Result<engine::ModelConfig> named_config(const std::string& model) {
    std::error_code ignored;
    if (!fs::is_regular_file(model, ignored)) {
        auto preset = engine::model_preset(model);
        if (!preset) {
            return fail(Errc::kInvalidArgument,
                        "--model " + model + ": no such file; " + preset.error().context);
        }
        return preset;
    }
    if (fs::path(model).extension() != ".json") return spec_config(model);
    COVENANT_TRY(const Bytes text, read_file(model, model_files::kMaxConfigBytes));
    return model_files::parse_llama_config(as_text(text));
}

Result<model_files::Vocabulary> read_vocabulary(const fs::path& path) {
    COVENANT_TRY(const Bytes bytes, read_file(path, model_files::kMaxVocabularyBytes));
    auto out = model_files::parse_vocabulary(bytes);
    if (!out) return fail(std::move(out).error().within(path.string()));
    return out;
}

constexpr std::uint64_t kLongBytes = 100'000'000;  // less is done before a line could be read

// Signals and the live line of one command.
class Work {
  public:
    static Result<std::unique_ptr<Work>> start(const CommandContext& context) {
        std::unique_ptr<Work> out(new Work(context));
        COVENANT_TRY(out->signals_, node::SignalGuard::install());
        return out;
    }

    // The monitor of one stage; the one before is done.
    model_files::Monitor stage(const std::string& label) {
        progress_.reset();
        model_files::Monitor monitor;
        monitor.stop = signals_->token();
        monitor.progress = [this, label](std::uint64_t done, std::uint64_t total) {
            if (total < kLongBytes) return;
            if (!progress_) {
                progress_ =
                    std::make_unique<node::Progress>(context_.output, clock_, label, total, "B");
            }
            progress_->update(done);
            if (done == total) progress_->finish();
        };
        return monitor;
    }
    // What a failed stage ends the command with.
    Result<ExitCode> failed(Error error) {
        progress_.reset();
        if (error.code != Errc::kInterrupted) return fail(std::move(error));
        context_.output.note("stopped; nothing was written");
        return signals_->exit_code(ExitCode::kInterrupted);
    }

  private:
    explicit Work(const CommandContext& context) : context_(context) {}
    const CommandContext& context_;
    SystemClock clock_;
    std::unique_ptr<node::SignalGuard> signals_;
    std::unique_ptr<node::Progress> progress_;
};

struct Exported {
    std::unique_ptr<model_files::RawParameters> source;
    model_files::Vocabulary vocabulary;
    model_files::ExportOptions options;
    std::optional<Hash256> expected;
};

Result<Exported> export_of_file(const CheckpointOptions& options) {
    if (options.model.empty() || options.tokenizer.empty()) {
        return fail(Errc::kInvalidArgument,
                    "--parameters goes with --model, the shape, and --tokenizer, the file");
    }
    if (!options.round.empty()) {
        return fail(Errc::kInvalidArgument,
                    "--round is of a run: it does not go with --parameters");
    }
    Exported out;
    COVENANT_TRY(const engine::ModelConfig config, named_config(options.model));
    COVENANT_TRY(auto input, model_files::open_input(options.parameters));
    COVENANT_TRY(out.source, model_files::RawParameters::open(std::move(input), config));
    COVENANT_TRY(out.vocabulary, read_vocabulary(options.tokenizer));
    return out;
}

Result<Exported> export_of_run(const CheckpointOptions& options, const std::string& datadir) {
    if (datadir.empty()) {
        return fail(Errc::kInvalidArgument,
                    "no parameters: give --datadir of a devnet, or --parameters FILE");
    }
    if (!options.model.empty()) {
        return fail(Errc::kInvalidArgument, "--model goes with --parameters: a run says its shape");
    }
    COVENANT_TRY(const RoundParameters chosen, find_parameters(options.round, datadir));
    const protocol::RunSpec& spec = chosen.run.spec;
    Exported out;
    COVENANT_TRY(const fs::path stored, stored_parameters(chosen));
    COVENANT_TRY(auto input, model_files::open_input(stored));
    COVENANT_TRY(out.source, model_files::RawParameters::open(std::move(input),
                                                              execution::model_config(spec.model)));
    const fs::path tokenizer = options.tokenizer.empty()
                                   ? data::tokenizer_path(chosen.run.layout.data())
                                   : fs::path(options.tokenizer);
    COVENANT_TRY(out.vocabulary, read_vocabulary(tokenizer));
    const Hash256& wanted = spec.data.tokenizer_hash;
    if (const Hash256 found = crypto::sha256(out.vocabulary.model); found != wanted) {
        return fail(Errc::kMismatch, tokenizer.string() + " has hash " + to_0x(found) +
                                         ", the run's tokenizer " + to_0x(wanted));
    }
    out.expected = chosen.root;
    out.options.run = to_0x(chosen.run.run);
    out.options.round = chosen.round ? std::to_string(*chosen.round) : "genesis";
    out.options.name = spec.name;
    return out;
}

Overwrite policy(const CheckpointOptions& options) {
    return options.force ? Overwrite::kYes : Overwrite::kNo;
}

// Asked before the work; the write asks again.
Status require_free_name(const CheckpointOptions& options) {
    std::error_code ignored;
    if (options.force || !fs::exists(fs::symlink_status(options.out, ignored))) return {};
    return fail(Errc::kAlreadyExists, options.out +
                                          " exists already: choose another name, or replace it "
                                          "with --force");
}

Result<ExitCode> export_parameters(const CheckpointOptions& options,
                                   const CommandContext& context) {
    auto prepared = options.parameters.empty() ? export_of_run(options, context.global.datadir)
                                               : export_of_file(options);
    if (!prepared) return fail(std::move(prepared).error());
    Exported& work = *prepared;
    work.options.format = *model_files::format_from(options.format);
    work.options.type =
        options.dtype == "bf16" ? model_files::TensorType::kBf16 : model_files::TensorType::kF32;
    work.options.shard_bytes = options.shard_bytes;
    work.options.overwrite = policy(options);
    if (!options.name.empty()) work.options.name = options.name;
    COVENANT_CHECK(require_free_name(options));
    COVENANT_TRY(const auto progress, Work::start(context));
    auto root = model_files::scan(*work.source, progress->stage("checking parameters"));
    if (!root) return progress->failed(std::move(root).error());
    if (work.expected && *root != *work.expected) {
        return fail(Errc::kMismatch, "the stored parameters have root " + to_0x(*root) +
                                         ", the chain says " + to_0x(*work.expected));
    }
    work.options.root = *root;
    const std::uint64_t count = work.source->layout().parameter_count();
    COVENANT_CHECK(node::require_free_space(
        fs::absolute(options.out).parent_path(),
        count * model_files::bytes_of(work.options.type) + work.vocabulary.model.size()));
    auto written = model_files::export_checkpoint(*work.source, work.vocabulary, work.options,
                                                  options.out, progress->stage("writing"));
    if (!written) return progress->failed(std::move(written).error());

    context.output.text(fmt::format("wrote      {}: {} in {} {} of {}", options.out,
                                    node::human_bytes(written->bytes), written->files,
                                    written->files == 1 ? "file" : "files", options.format));
    context.output.text(fmt::format(
        "parameters {} ({}), {}", count, model_files::to_string(work.options.type),
        work.options.round.empty() ? "of " + options.parameters : "round " + work.options.round));
    context.output.text("root       " + to_0x(*root));
    Json out = Json::object();
    out.set("path", options.out)
        .set("format", options.format)
        .set("dtype", options.dtype)
        .set("bytes", written->bytes)
        .set("files", written->files)
        .set("parameters", count)
        .set("root", to_0x(*root));
    if (work.expected) out.set("run", work.options.run).set("round", work.options.round);
    context.output.data(std::move(out));
    return ExitCode::kOk;
}

Result<ExitCode> import_parameters(const CheckpointOptions& options,
                                   const CommandContext& context) {
    COVENANT_CHECK(require_free_name(options));
    COVENANT_CHECK(require_writable_name(options.out, policy(options)));
    COVENANT_TRY(const auto file, model_files::CheckpointFile::open(options.path));
    const std::uint64_t bytes = std::uint64_t{file->layout().total_floats()} * sizeof(float);
    COVENANT_CHECK(node::require_free_space(fs::absolute(options.out).parent_path(), bytes));
    COVENANT_TRY(const auto progress, Work::start(context));
    auto root =
        model_files::write_raw(*file, options.out, policy(options), progress->stage("importing"));
    if (!root) return progress->failed(std::move(root).error().within(options.path));
    context.output.text(fmt::format("wrote      {}: {}", options.out, node::human_bytes(bytes)));
    context.output.text("root       " + to_0x(*root));
    Json out = Json::object();
    out.set("path", options.out)
        .set("bytes", bytes)
        .set("parameters", file->layout().parameter_count())
        .set("exact", file->is_exact())
        .set("root", to_0x(*root));
    if (!options.store.empty()) {
        COVENANT_TRY(auto store, store::FileStore::open(options.store));
        COVENANT_TRY(const Bytes content, read_file(options.out, bytes));
        COVENANT_TRY(const Hash256 object, store->put(content));
        context.output.text("object     " + to_0x(object) + " in " + options.store);
        out.set("object", to_0x(object));
    }
    context.output.data(std::move(out));
    return ExitCode::kOk;
}

// What the root is compared with, and whose word it is.
struct Expected {
    Hash256 root;
    std::string source;
};

Result<std::optional<Expected>> expected_root(const CheckpointOptions& options,
                                              const model_files::CheckpointFile& file,
                                              const std::string& datadir) {
    if (!options.root.empty()) {
        auto root = fixed_from_hex<Hash256>(options.root);
        if (!root) {
            return fail(Errc::kInvalidArgument, "--root " + options.root +
                                                    " is no root: 64 hex "
                                                    "digits");
        }
        return Expected{*root, "--root"};
    }
    if (!datadir.empty()) {
        COVENANT_TRY(const RoundParameters chosen, find_parameters(options.round, datadir));
        return Expected{chosen.root, "the chain, " + chosen.name()};
    }
    if (!options.round.empty()) {
        return fail(Errc::kInvalidArgument, "--round is of a run: name its folder with --datadir");
    }
    COVENANT_TRY(const auto declared, file.declared_root());
    if (declared) return Expected{*declared, "the file"};
    return std::optional<Expected>{};
}

// The tokenizer of a Hugging Face folder, where there is one, must fit the model.
Status check_tokenizer(const fs::path& path, const model_files::CheckpointFile& file,
                       node::Output& output) {
    const fs::path model = path / model_files::kTokenizerModelName;
    std::error_code ignored;
    if (file.format() != model_files::Format::kSafetensors || !fs::exists(model, ignored))
        return {};
    const auto vocabulary = read_vocabulary(model);
    if (!vocabulary) {
        output.warn("the tokenizer cannot be used here: " + vocabulary.error().context);
        return {};
    }
    const std::uint32_t wanted = file.layout().config().vocab_size;
    if (vocabulary->pieces.size() != wanted) {
        return fail(Errc::kMismatch, fmt::format("{} has {} tokens, the model {}", model.string(),
                                                 vocabulary->pieces.size(), wanted));
    }
    return {};
}

// Probability of each token to follow `tokens`, by the canonical model in fp32.
Result<std::vector<double>> next_probabilities(const engine::ModelConfig& config,
                                               engine::ParameterBuffer theta,
                                               std::span<const std::uint32_t> tokens) {
    COVENANT_TRY(const engine::Profile profile, engine::load_profile(engine::kCanonF32));
    COVENANT_TRY(engine::Decoder decoder,
                 engine::Decoder::create(config, std::move(theta), profile));
    COVENANT_TRY(const std::span<const float> logits, decoder.feed(tokens));
    const double most = *std::ranges::max_element(logits);
    std::vector<double> out;
    double sum = 0.0;
    for (const float logit : logits)
        sum += out.emplace_back(std::exp(static_cast<double>(logit) - most));
    for (double& value : out)
        value /= sum;
    return out;
}

Json print_next(const std::vector<double>& probabilities, node::Output& output) {
    constexpr std::size_t kShown = 5;
    std::vector<std::size_t> order(probabilities.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    const std::size_t shown = std::min(kShown, order.size());
    std::ranges::partial_sort(order, order.begin() + static_cast<std::ptrdiff_t>(shown), {},
                              [&](std::size_t id) { return -probabilities[id]; });
    for (std::size_t i = 0; i < shown; ++i) {
        output.text(fmt::format("{:<10} {:>7}  {:.6f}", i == 0 ? "next" : "", order[i],
                                probabilities[order[i]]));
    }
    Json out = Json::array();
    for (const double value : probabilities)
        out.push(value);
    return out;
}

Result<std::vector<std::uint32_t>> parse_tokens(const std::vector<std::string>& texts) {
    std::vector<std::uint32_t> out;
    for (const std::string& text : texts) {
        COVENANT_TRY(
            const std::uint64_t id,
            view::parse_number(text, "--token", std::numeric_limits<std::uint32_t>::max()));
        out.push_back(static_cast<std::uint32_t>(id));
    }
    return out;
}

// A file that is not what it should be fails the verification, not the command.
Error judged(Error error) {
    if (error.code == Errc::kMalformed) error.code = Errc::kCorrupt;
    return error;
}

Result<ExitCode> verify(const CheckpointOptions& options, const CommandContext& context) {
    auto opened = model_files::CheckpointFile::open(options.path);
    if (!opened) return fail(judged(std::move(opened).error()));
    const model_files::CheckpointFile& file = **opened;
    auto expected = expected_root(options, file, context.global.datadir);
    if (!expected) return fail(judged(std::move(expected).error()));
    COVENANT_TRY(const auto tokens, parse_tokens(options.tokens));
    COVENANT_CHECK(check_tokenizer(options.path, file, context.output));
    COVENANT_TRY(const auto progress, Work::start(context));
    engine::ParameterBuffer theta;
    std::size_t at = 0;
    if (!tokens.empty()) theta = engine::ParameterBuffer(file.layout());
    auto root = model_files::scan(file, progress->stage("verifying"),
                                  [&](std::span<const float> chunks) -> Status {
                                      if (tokens.empty()) return {};
                                      std::ranges::copy(chunks, theta.floats().subspan(at).begin());
                                      at += chunks.size();
                                      return {};
                                  });
    if (!root) return progress->failed(judged(std::move(root).error().within(options.path)));
    const bool compared = expected->has_value();
    if (compared && (*expected)->root != *root) {
        std::string text = fmt::format("{}: its parameters have root {}, {} says {}", options.path,
                                       to_0x(*root), (*expected)->source, to_0x((*expected)->root));
        if (!file.is_exact()) text += ": it holds 16-bit numbers, only f32 gives a run's own root";
        return fail(Errc::kMismatch, std::move(text));
    }
    context.output.text(fmt::format("sound      {}: {} parameters, all finite", options.path,
                                    file.layout().parameter_count()));
    context.output.text(fmt::format(
        "root       {}{}", to_0x(*root),
        compared ? "  as " + (*expected)->source + " says" : "  compared with nothing"));
    Json out = Json::object();
    out.set("path", options.path)
        .set("format", model_files::to_string(file.format()))
        .set("parameters", file.layout().parameter_count())
        .set("exact", file.is_exact())
        .set("root", to_0x(*root))
        .set("expected", compared ? Json(to_0x((*expected)->root)) : Json())
        .set("expected_from", compared ? Json((*expected)->source) : Json());
    if (!tokens.empty()) {
        COVENANT_TRY(const auto next,
                     next_probabilities(file.layout().config(), std::move(theta), tokens));
        out.set("next", print_next(next, context.output));
    }
    context.output.data(std::move(out));
    return ExitCode::kOk;
}

Json to_json(const engine::ModelConfig& config) {
    Json out = Json::object();
    out.set("vocab_size", config.vocab_size)
        .set("d_model", config.d_model)
        .set("layers", config.layers)
        .set("heads", config.heads)
        .set("kv_heads", config.kv_heads)
        .set("d_ff", config.d_ff)
        .set("seq_len", config.seq_len)
        .set("norm_eps", model_files::shortest(config.norm_eps))
        .set("rope_theta", model_files::shortest(config.rope_theta));
    return out;
}

Result<ExitCode> info(const CheckpointOptions& options, const CommandContext& context) {
    COVENANT_TRY(const auto file, model_files::CheckpointFile::open(options.path));
    const engine::ModelConfig& config = file->layout().config();
    std::set<std::string_view> types;
    for (const model_files::StoredTensor& tensor : file->tensors())
        types.insert(model_files::to_string(tensor.type));
    Json metadata = Json::object();
    for (const auto& [key, value] : file->metadata())
        metadata.set(key, value);
    Json dtypes = Json::array();
    for (const std::string_view type : types)
        dtypes.push(type);

    node::Output& out = context.output;
    out.text(fmt::format("format     {}, {} in {} {}", model_files::to_string(file->format()),
                         node::human_bytes(file->file_bytes()), file->file_count(),
                         file->file_count() == 1 ? "file" : "files"));
    out.text(fmt::format("model      {:.3f} M parameters in {} tensors of {}",
                         static_cast<double>(config.parameter_count()) / 1e6,
                         file->tensors().size(), fmt::join(types, ", ")));
    out.text(fmt::format("shape      {} layers of width {}, {} heads ({} for keys), SwiGLU {}",
                         config.layers, config.d_model, config.heads, config.kv_heads,
                         config.d_ff));
    out.text(fmt::format("           vocabulary {}, context {}, RoPE theta {}, norm eps {}",
                         config.vocab_size, config.seq_len, config.rope_theta, config.norm_eps));
    for (const auto& [label, key] :
         {std::pair{"run", model_files::kRunKey}, std::pair{"round", model_files::kRoundKey},
          std::pair{"root", model_files::kRootKey}}) {
        if (const auto value = file->metadata(key)) {
            out.text(fmt::format("{:<10} {}", label, *value));
        }
    }
    Json data = Json::object();
    data.set("path", options.path)
        .set("format", model_files::to_string(file->format()))
        .set("bytes", file->file_bytes())
        .set("files", file->file_count())
        .set("tensors", file->tensors().size())
        .set("dtypes", std::move(dtypes))
        .set("parameters", config.parameter_count())
        .set("model", to_json(config))
        .set("metadata", std::move(metadata));
    out.data(std::move(data));
    return ExitCode::kOk;
}

}  // namespace

void add_checkpoint(node::CommandTree& tree) {
    const auto options = std::make_shared<CheckpointOptions>();
    const auto bind = [&options](auto function) {
        return [options, function](const CommandContext& context) {
            return function(*options, context);
        };
    };
    add_checkpoint(tree, *options,
                   {bind(export_parameters), bind(import_parameters), bind(verify), bind(info)});
}

}  // namespace covenant::tool
