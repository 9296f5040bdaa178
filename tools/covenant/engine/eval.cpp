// `covenant eval`: how well a model predicts text that nobody trains on.
#include "common/base/clock.hpp"
#include "common/data/corpus_manifest.hpp"
#include "common/data/window_reader.hpp"
#include "common/engine/engine.hpp"
#include "common/execution/loss_score.hpp"
#include "common/protocol/assignment.hpp"
#include "tools/covenant/engine/commands.hpp"
#include "tools/covenant/engine/eval_report.hpp"
#include "tools/covenant/engine/model_source.hpp"

#include <algorithm>
#include <memory>

#include <fmt/format.h>

namespace covenant::tool {
namespace {

constexpr std::uint32_t kDefaultWindows = 128;   // without a run
constexpr std::size_t kMicroBatchTokens = 1024;  // rule E12

// The text a model is measured on.
struct HeldOut {
    data::WindowReader reader;
    std::vector<protocol::WindowIndex> indices;
};

Result<HeldOut> open_heldout(const EvalOptions& options, const std::optional<RunSource>& run) {
    if (options.data.empty() && !run) {
        return fail(Errc::kInvalidArgument,
                    "no text: give --data DIR (a data folder), or --datadir of a devnet");
    }
    const std::filesystem::path folder =
        options.data.empty() ? run->layout.data() : std::filesystem::path(options.data);
    COVENANT_TRY(data::WindowReader reader, run ? data::WindowReader::open(folder, run->spec.data)
                                                : data::WindowReader::open(folder));
    // A run's own windows in the order of its monitor; else a fixed shuffle of the folder's.
    protocol::RunSpec spec;
    if (run) spec = run->spec;
    spec.data = reader.manifest().data_spec();
    const std::uint64_t available = spec.data.heldout_count;
    std::uint64_t count = options.windows;
    if (count == 0) {
        count = run ? std::uint64_t{spec.score.monitor_windows}
                    : std::min<std::uint64_t>(kDefaultWindows, available);
    }
    if (count == 0 || count > available) {
        return fail(Errc::kInvalidArgument, fmt::format("--windows {}: {} holds out {} windows",
                                                        count, folder.string(), available));
    }
    std::vector<protocol::WindowIndex> indices =
        protocol::heldout_windows(spec, "monitor", run ? Hash256(run->run) : spec.data.heldout_root,
                                  static_cast<std::uint32_t>(count));
    return HeldOut{std::move(reader), std::move(indices)};
}

// Engine::loss over all windows, micro-batch by micro-batch for the sake of progress. The bits are
// the same wherever a micro-batch has a power of two of tokens.
Result<double> mean_loss(engine::Engine& engine, const engine::ParameterBuffer& theta,
                         const HeldOut& text, node::Output& output) {
    const std::size_t length = engine.config().seq_len;
    const std::size_t step = std::max<std::size_t>(1, kMicroBatchTokens / length);
    const SystemClock clock;
    node::Progress progress(output, clock, "held-out loss", text.indices.size(), "windows");
    const std::span<const protocol::WindowIndex> all = text.indices;
    double nats = 0.0;
    for (std::size_t at = 0; at < all.size(); at += step) {
        const auto part = all.subspan(at, std::min(step, all.size() - at));
        COVENANT_TRY(const auto tokens, text.reader.heldout_windows(part));
        COVENANT_TRY(const double mean, engine.loss(theta, tokens));
        nats += mean * static_cast<double>(part.size() * length);
        progress.update(at + part.size());
    }
    progress.finish();
    return nats / static_cast<double>(all.size() * length);
}

Result<node::ExitCode> eval(const EvalOptions& options, const node::CommandContext& context) {
    COVENANT_TRY(const engine::ProfileOptions kernels,
                 participant::profile_options(options.kernels));
    COVENANT_TRY(const engine::Profile profile, engine::load_profile(options.profile, kernels));
    COVENANT_TRY(LoadedModel model, load_model(options.model, context));
    std::optional<RunSource> run = model.run;
    if (!run && !context.global.datadir.empty()) {
        COVENANT_TRY(run, open_run(context.global.datadir));
    }
    COVENANT_TRY(const HeldOut text, open_heldout(options, run));
    const data::CorpusManifest& manifest = text.reader.manifest();
    if (manifest.vocab_size != model.config.vocab_size) {
        return fail(Errc::kMismatch,
                    fmt::format("the text has {} token ids, the model {}: another tokenizer",
                                manifest.vocab_size, model.config.vocab_size));
    }
    if (manifest.window_tokens - 1 > model.config.seq_len) {
        return fail(Errc::kMismatch,
                    fmt::format("the text's windows predict {} tokens, the model sees {}",
                                manifest.window_tokens - 1, model.config.seq_len));
    }
    model.config.seq_len = manifest.window_tokens - 1;  // positions beyond it are not used
    COVENANT_TRY(engine::Engine engine, engine::Engine::create(model.config, profile));
    COVENANT_TRY(const double loss, mean_loss(engine, model.theta, text, context.output));

    EvalReport report;
    report.model = model.name;
    report.root = model.root;
    report.parameters = model.config.parameter_count();
    report.profile = profile.name;
    report.windows = text.indices.size();
    report.tokens = report.windows * model.config.seq_len;
    report.bytes_per_token = manifest.bytes_per_token();
    report.loss = loss;
    report.bits_per_byte = data::bits_per_byte(loss, report.bytes_per_token);
    // Comparable with what validators posted: their windows, their arithmetic.
    if (model.posted_loss && options.windows == 0 &&
        engine::profile_name(run->spec.profile) == profile.name) {
        report.posted_loss = model.posted_loss;
    }
    for (const std::string& line : eval_lines(report)) {
        context.output.text(line);
    }
    context.output.data(eval_json(report));
    if (report.same_as_posted() == false) {
        context.output.finding(Error{
            Errc::kMismatch,
            fmt::format("the loss is {:.9g}, validators posted {:.9g}", loss, *report.posted_loss),
            false});
        return node::ExitCode::kVerificationFailed;
    }
    return node::ExitCode::kOk;
}

}  // namespace

void add_eval(node::CommandTree& tree) {
    const auto options = std::make_shared<EvalOptions>();
    node::Command& command = tree.root().add("eval", "held-out loss and bits a byte of a model");
    describe(command, *options);
    command.handler(
        [options](const node::CommandContext& context) { return eval(*options, context); });
}

}  // namespace covenant::tool
