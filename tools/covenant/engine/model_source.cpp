#include "tools/covenant/engine/model_source.hpp"

#include "chain/network_file.hpp"
#include "common/base/clock.hpp"
#include "common/base/file.hpp"
#include "common/base/hex.hpp"
#include "common/execution/spec_conversion.hpp"
#include "common/execution/state_digest.hpp"
#include "common/model_files/checkpoint_file.hpp"
#include "common/model_files/parameter_source.hpp"
#include "common/store/file_store.hpp"
#include "common/store/sealed_artifact.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <new>

#include <fmt/format.h>

namespace covenant::tool {
namespace {

namespace fs = std::filesystem;

Result<engine::ParameterBuffer> make_buffer(const engine::ParameterLayout& layout) {
    try {
        return engine::ParameterBuffer(layout);
    } catch (const std::bad_alloc&) {
        return fail(Errc::kPrecondition,
                    fmt::format("no memory for {} parameters", layout.parameter_count()));
    }
}

Result<LoadedModel> from_checkpoint(const std::string& given, node::Output& output) {
    fs::path path = fs::path(given).lexically_normal();
    if (path.filename().empty()) path = path.parent_path();
    // One weights file of a folder stands for the folder: its shape is in config.json.
    std::error_code ignored;
    const bool weights = path.extension() == ".safetensors" && !fs::is_directory(path, ignored);
    if (weights) path = path.has_parent_path() ? path.parent_path() : fs::path(".");
    COVENANT_TRY(const auto file, model_files::CheckpointFile::open(path));
    LoadedModel model;
    model.config = file->layout().config();
    COVENANT_TRY(model.theta, make_buffer(file->layout()));
    const SystemClock clock;
    node::Progress progress(output, clock, "reading " + path.filename().string(),
                            model.theta.bytes().size(), "B");
    const model_files::Monitor monitor{
        [&progress](std::uint64_t done, std::uint64_t) { progress.update(done); }, {}};
    std::size_t at = 0;
    const auto take = [&](std::span<const float> chunks) -> Status {
        std::ranges::copy(chunks, model.theta.floats().begin() + static_cast<std::ptrdiff_t>(at));
        at += chunks.size();
        return {};
    };
    auto root = model_files::scan(*file, monitor, take);
    if (!root) return fail(std::move(root).error().within(path.string()));
    model.root = *root;
    progress.finish();
    model.name = "checkpoint " + given;
    model.beside = file->format() == model_files::Format::kGguf ? path.parent_path() : path;
    return model;
}

Result<LoadedModel> from_round(const std::string& wanted, const std::string& datadir) {
    COVENANT_TRY(const RoundParameters chosen, find_parameters(wanted, datadir));
    LoadedModel model;
    model.name = chosen.name();
    model.round = chosen.round;
    model.posted_loss = chosen.posted_loss;
    model.root = chosen.root;
    model.config = execution::model_config(chosen.run.spec.model);
    COVENANT_CHECK(model.config.validate());
    COVENANT_TRY(model.theta, make_buffer(engine::ParameterLayout(model.config)));
    COVENANT_TRY(const fs::path path, stored_parameters(chosen));
    COVENANT_TRY(const Bytes bytes, read_file(path, model.theta.bytes().size()));
    if (bytes.size() != model.theta.bytes().size()) {
        return fail(Errc::kCorrupt,
                    fmt::format("the parameters of {} have {} bytes, the model needs {}",
                                model.name, bytes.size(), model.theta.bytes().size()));
    }
    std::memcpy(model.theta.mutable_bytes().data(), bytes.data(), bytes.size());
    if (const Hash256 root = execution::state_root(model.theta); root != chosen.root) {
        return fail(Errc::kMismatch,
                    fmt::format("the parameters of {} have root {}, the chain says {}", model.name,
                                to_0x(root), to_0x(chosen.root)));
    }
    model.beside = chosen.run.layout.data();
    model.run = chosen.run;
    return model;
}

}  // namespace

Result<LoadedModel> load_model(const ModelOptions& options, const node::CommandContext& context) {
    if (!options.checkpoint.empty()) {
        if (!options.round.empty()) {
            return fail(Errc::kInvalidArgument,
                        "--round is of a devnet's --datadir: it does not go with --checkpoint");
        }
        return from_checkpoint(options.checkpoint, context.output);
    }
    if (context.global.datadir.empty()) {
        return fail(Errc::kInvalidArgument,
                    "no model: give --checkpoint PATH, or --datadir of a devnet");
    }
    return from_round(options.round, context.global.datadir);
}

std::string RoundParameters::name() const {
    return round ? fmt::format("round {}", *round) : "the first parameters";
}

Result<RoundParameters> find_parameters(const std::string& wanted, const std::string& datadir) {
    COVENANT_TRY(OpenedRun opened, open_stored_run(datadir));
    const protocol::RunState& state = opened.state;
    std::optional<std::uint64_t> number;
    if (!wanted.empty()) {
        COVENANT_TRY(number, view::parse_number(wanted, "--round",
                                                std::numeric_limits<std::uint32_t>::max()));
    }
    RoundParameters out{std::move(opened.run), {}, state.spec->genesis_root, {}};
    for (auto at = state.rounds.rbegin(); at != state.rounds.rend(); ++at) {
        const auto& accepted = at->second.accepted;
        if (!accepted || (number && at->first.value != *number)) continue;
        out.round = at->first.value;
        out.root = accepted->root;
        out.posted_loss = std::bit_cast<float>(accepted->loss_bits);
        return out;
    }
    if (number) {
        return fail(Errc::kNotFound,
                    fmt::format("round {} accepted no parameters: it has not ended, or was null "
                                "(covenant rounds lists them)",
                                *number));
    }
    return out;
}

Result<fs::path> stored_parameters(const RoundParameters& parameters) {
    const fs::path folder = parameters.run.layout.store();
    COVENANT_TRY(const auto store, store::FileStore::open(folder));
    auto object = store->resolve(store::checkpoint_name(parameters.run.run, parameters.root));
    if (!object) {
        return fail(std::move(object).error().within(
            fmt::format("the parameters of {} are not in {}", parameters.name(), folder.string())));
    }
    return store->object_path(*object);
}

Result<OpenedRun> open_stored_run(const std::string& datadir) {
    OpenedRun out{{devnet::Layout{datadir}, {}, {}}, {}, view::folder_if_whole(datadir)};
    const devnet::Layout& layout = out.run.layout;
    std::error_code ignored;
    if (!fs::exists(layout.index(), ignored) && !fs::exists(layout.record(), ignored)) {
        return fail(Errc::kNotFound,
                    fmt::format("neither devnet.json nor an index is in '{}': name the folder of "
                                "a devnet with --datadir",
                                datadir));
    }
    std::optional<chain::NetworkFile> network;
    if (fs::exists(layout.network(), ignored)) {
        COVENANT_TRY(network, chain::load_network(layout.network().string()));
    }
    const std::string index_path = layout.index().string();
    COVENANT_TRY(auto index, network ? chain::IndexReader::open(index_path, *network)
                                     : chain::IndexReader::open(index_path));
    COVENANT_TRY(out.run.run, view::choose_run(out.folder, network ? &*network : nullptr, index));
    COVENANT_TRY(out.state, index.state(out.run.run));
    if (!out.state.spec) {
        return fail(Errc::kNotFound, "the run is not in " + layout.index().string());
    }
    out.run.spec = *out.state.spec;
    return out;
}

Result<RunSource> open_run(const std::string& datadir) {
    COVENANT_TRY(OpenedRun opened, open_stored_run(datadir));
    return std::move(opened.run);
}

}  // namespace covenant::tool
