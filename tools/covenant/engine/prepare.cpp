#include "common/base/file.hpp"
#include "common/base/hex.hpp"
#include "common/data/window_reader.hpp"
#include "common/engine/engine.hpp"
#include "common/engine/genesis.hpp"
#include "common/execution/loss_score.hpp"
#include "common/execution/run_engine.hpp"
#include "common/execution/state_digest.hpp"
#include "common/node/lifecycle.hpp"
#include "common/store/file_store.hpp"
#include "common/store/sealed_artifact.hpp"
#include "tools/covenant/engine/commands.hpp"

#include <bit>
#include <cstring>

namespace covenant::tool {
namespace {

Result<node::ExitCode> prepare(const EngineOptions& options, node::Output& output) {
    COVENANT_TRY(const engine::ProfileOptions kernels,
                 participant::profile_options(options.kernels));
    COVENANT_TRY(const engine::Profile profile, engine::load_profile(options.profile, kernels));
    if (profile.native) {
        return fail(Errc::kInvalidArgument,
                    "profile " + profile.name +
                        " gives other bits on other machines, which audits would take for "
                        "cheating; a run needs canon-bf16 or canon-f32");
    }
    COVENANT_TRY(const engine::Engine engine,
                 engine::Engine::create(engine::nano_config(), profile));
    const engine::ParameterBuffer theta = engine::genesis_parameters(engine.layout(), options.seed);
    COVENANT_TRY(auto store, store::FileStore::open(options.store));
    COVENANT_TRY(const Hash256 object, store->put(theta.bytes()));
    codec::Json out = codec::Json::object();
    out.set("profile", profile.text)
        .set("root", to_0x(execution::state_root(theta)))
        .set("object", to_0x(object));
    output.stream(out);
    return node::ExitCode::kOk;
}

Result<node::ExitCode> heldout_loss(const EngineOptions& options, node::Output& output) {
    COVENANT_TRY(const Bytes spec_bytes, read_file(options.spec, protocol::kMaxRunSpecBytes));
    const auto spec = protocol::decode_run_spec(spec_bytes);
    if (!spec) {
        return fail(Errc::kMalformed,
                    options.spec + ": " + std::string(protocol::to_string(spec.error())));
    }
    const protocol::RunId run = protocol::run_id(spec_bytes);
    COVENANT_TRY(const Hash256 root, fixed_from_hex<Hash256>(options.root));
    COVENANT_TRY(const engine::ProfileOptions kernels,
                 participant::profile_options(options.kernels));
    COVENANT_TRY(engine::Engine engine, execution::open_engine(*spec, kernels));
    COVENANT_TRY(const auto windows, data::WindowReader::open(options.data, spec->data));
    COVENANT_TRY(auto store, store::FileStore::open(options.store));
    engine::ParameterBuffer theta(engine.layout());
    COVENANT_TRY(const Hash256 object, store->resolve(store::checkpoint_name(run, root)));
    COVENANT_TRY(const Bytes bytes, store->get(object, theta.bytes().size()));
    if (bytes.size() != theta.bytes().size()) {
        return fail(Errc::kCorrupt, "the checkpoint has another size than the model");
    }
    std::memcpy(theta.mutable_bytes().data(), bytes.data(), bytes.size());
    if (execution::state_root(theta) != root) {
        return fail(Errc::kMismatch, "the checkpoint does not have root " + options.root);
    }
    COVENANT_TRY(const std::uint32_t loss,
                 execution::monitor_loss_bits(engine, *spec, run, windows, theta));
    codec::Json out = codec::Json::object();
    out.set("loss", static_cast<double>(std::bit_cast<float>(loss)))
        .set("bytes_per_token", windows.manifest().bytes_per_token());
    output.stream(out);
    return node::ExitCode::kOk;
}

}  // namespace

void add_prepare(node::CommandTree& tree, EngineOptions& options) {
    node::Command& command = tree.root().add("prepare", "first parameters into a store, profile");
    command.options()
        .add("store", options.store, "folder of the artifact store")
        .value_name("DIR")
        .required();
    command.options().add("seed", options.seed, "of the first parameters").value_name("N");
    command.options()
        .add("profile", options.profile, "arithmetic of the run: canon-bf16 or canon-f32")
        .value_name("NAME");
    participant::describe(command.options(), options.kernels);
    command.handler([&options](const node::CommandContext& context) {
        return prepare(options, context.output);
    });
}

void add_heldout_loss(node::CommandTree& tree, EngineOptions& options) {
    node::Command& command =
        tree.root().add("heldout-loss", "loss of a checkpoint on the run's monitor windows");
    command.options()
        .add("spec", options.spec, "file with the RunSpec's bytes")
        .value_name("FILE")
        .required();
    command.options()
        .add("data", options.data, "folder of the data set")
        .value_name("DIR")
        .required();
    command.options()
        .add("store", options.store, "folder of the artifact store")
        .value_name("DIR")
        .required();
    command.options().add("root", options.root, "of the parameters").value_name("HEX").required();
    participant::describe(command.options(), options.kernels);
    command.handler([&options](const node::CommandContext& context) {
        return heldout_loss(options, context.output);
    });
}

}  // namespace covenant::tool
