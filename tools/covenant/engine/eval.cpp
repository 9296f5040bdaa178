// `covenant eval`: how well a model predicts text that nobody trains on.
#include "common/base/clock.hpp"
#include "common/base/hex.hpp"
#include "common/data/corpus_manifest.hpp"
#include "common/data/window_reader.hpp"
#include "common/engine/engine.hpp"
#include "common/execution/loss_score.hpp"
#include "common/protocol/assignment.hpp"
#include "tools/covenant/engine/commands.hpp"
#include "tools/covenant/engine/model_source.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
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

    const double bytes_per_token = manifest.bytes_per_token();
    const double bits = data::bits_per_byte(loss, bytes_per_token);
    const std::uint64_t predicted = text.indices.size() * std::uint64_t{model.config.seq_len};
    // Comparable with what validators posted: their windows, their arithmetic.
    const bool comparable = model.posted_loss && options.windows == 0 &&
                            engine::profile_name(run->spec.profile) == profile.name;
    const bool same = comparable && std::bit_cast<std::uint32_t>(static_cast<float>(loss)) ==
                                        std::bit_cast<std::uint32_t>(*model.posted_loss);
    node::Output& out = context.output;
    out.text(fmt::format("model      {}, {:.3f} M parameters", model.name,
                         static_cast<double>(model.config.parameter_count()) / 1e6));
    out.text("root       " + to_0x(model.root));
    out.text(fmt::format("held out   {} windows, {} tokens predicted, {:.3f} bytes a token",
                         text.indices.size(), predicted, bytes_per_token));
    out.text("profile    " + std::string(profile.name));
    out.text(fmt::format("loss       {:.6f} nats a token", loss));
    out.text(fmt::format("           {:.6f} bits a byte, perplexity {:.3f}", bits, std::exp(loss)));
    if (comparable && !same) {
        out.finding(Error{
            Errc::kMismatch,
            fmt::format("the loss is {:.9g}, validators posted {:.9g}", loss, *model.posted_loss),
            false});
    }
    if (comparable) {
        out.text(fmt::format("on chain   {:.6f}, {}", *model.posted_loss,
                             same ? "the same bits" : "DIFFERENT"));
    }
    codec::Json data = codec::Json::object();
    data.set("model", model.name)
        .set("root", to_0x(model.root))
        .set("parameters", model.config.parameter_count())
        .set("profile", profile.name)
        .set("windows", text.indices.size())
        .set("tokens", predicted)
        .set("bytes_per_token", bytes_per_token)
        .set("loss", loss)
        .set("bits_per_byte", bits)
        .set("perplexity", std::exp(loss))
        .set("posted_loss",
             comparable ? codec::Json(static_cast<double>(*model.posted_loss)) : codec::Json())
        .set("same_as_posted", comparable ? codec::Json(same) : codec::Json());
    out.data(std::move(data));
    return comparable && !same ? node::ExitCode::kVerificationFailed : node::ExitCode::kOk;
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
