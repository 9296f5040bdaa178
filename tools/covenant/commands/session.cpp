#include "tools/covenant/commands/session.hpp"

#include "chain/chain_view.hpp"
#include "chain/indexer/queries.hpp"
#include "common/base/durable_file.hpp"
#include "common/base/hex.hpp"
#include "common/net/http_client.hpp"
#include "common/node/lifecycle.hpp"
#include "common/sqlite/writer_lock.hpp"

#include <system_error>

namespace covenant::commands {
namespace {

namespace fs = std::filesystem;

constexpr std::uint32_t kRpcTimeoutMs = 5'000;

Result<view::Scene> read_index(chain::IndexReader reader, const fs::path& folder,
                               const chain::NetworkFile* network) {
    view::Scene scene;
    scene.folder = view::folder_if_whole(folder);
    COVENANT_TRY(const protocol::RunId run, view::choose_run(scene.folder, network, reader));
    COVENANT_TRY(const chain::IndexInfo info, reader.info());
    COVENANT_TRY(scene.state, reader.state(run));
    scene.chain_id = info.chain_id;
    scene.head = info.head;
    return scene;
}

// Brings the index up to the chain's head; the command reads it afterwards.
Status follow(const fs::path& path, const chain::NetworkFile& network, chain::RpcClient& rpc) {
    COVENANT_TRY(const auto view,
                 chain::ChainView::open(
                     {.network = network, .run = network.run, .index_path = path.string()}, rpc));
    COVENANT_TRY(const chain::FollowReport report, view->follow());
    static_cast<void>(report);
    return {};
}

// A damaged index, or that of another chain under the same name, is worth nothing: all of it comes
// from the chain.
void remove_index(const fs::path& path) {
    std::error_code ignored;
    for (const char* suffix : {"", "-wal", "-shm"}) {
        fs::remove(path.string() + suffix, ignored);
    }
}

// Commands that run side by side share the index: one builds it, the others find it built.
Status follow_alone(const fs::path& index, const chain::NetworkFile& network, chain::RpcClient& rpc,
                    Clock& clock) {
    COVENANT_TRY(const auto lock, sqlite::WriterLock::acquire(index.string(), clock));
    Status followed = follow(index, network, rpc);
    if (!followed &&
        (followed.error().code == Errc::kMismatch || followed.error().code == Errc::kCorrupt)) {
        remove_index(index);
        followed = follow(index, network, rpc);
    }
    return followed;
}

Result<view::Scene> read_chain(const fs::path& network_file, const fs::path& folder, Clock& clock) {
    COVENANT_TRY(const chain::NetworkFile network, chain::load_network(network_file.string()));
    COVENANT_TRY(const auto rpc, make_rpc(network.rpc_url, clock));
    COVENANT_CHECK(chain::check_network(network, *rpc));
    COVENANT_CHECK(create_folders_durably(folder, Access::kPrivate));
    const fs::path index = folder / "cli-index.sqlite";
    COVENANT_CHECK(follow_alone(index, network, *rpc, clock));
    COVENANT_TRY(chain::IndexReader reader, chain::IndexReader::open(index.string()));
    COVENANT_TRY(view::Scene scene,
                 read_index(std::move(reader), network_file.parent_path(), &network));
    scene.live = true;
    return scene;
}

}  // namespace

Result<fs::path> data_folder(const node::GlobalOptions& global) {
    return node::data_folder(global.datadir, global.network);
}

Result<fs::path> network_path(const node::GlobalOptions& global) {
    if (node::names_network_file(global)) {
        return fs::path(global.network);
    }
    COVENANT_TRY(const fs::path folder, data_folder(global));
    fs::path path = folder / "network.json";
    if (!fs::exists(path)) {
        return fail(Errc::kPrecondition,
                    "no network.json in " + folder.string() +
                        ": name the network's file with --network FILE, or a devnet's folder with "
                        "--datadir DIR");
    }
    return path;
}

Result<std::unique_ptr<chain::RpcClient>> make_rpc(const std::string& url, Clock& clock) {
    net::initialize(2);
    COVENANT_TRY(auto transport, chain::make_http_transport(url, kRpcTimeoutMs));
    chain::RpcOptions options;
    options.retry.attempts = 2;
    return std::make_unique<chain::RpcClient>(std::move(transport), clock, options);
}

Result<view::Scene> load_scene(const node::GlobalOptions& global, Clock& clock) {
    COVENANT_TRY(const fs::path folder, data_folder(global));
    if (node::names_network_file(global)) {
        return read_chain(global.network, folder, clock);
    }
    const fs::path index = folder / "index.sqlite";
    if (fs::exists(index)) {
        const fs::path path = folder / "network.json";
        if (!fs::exists(path)) {
            COVENANT_TRY(chain::IndexReader reader, chain::IndexReader::open(index.string()));
            return read_index(std::move(reader), folder, nullptr);
        }
        COVENANT_TRY(const chain::NetworkFile network, chain::load_network(path.string()));
        COVENANT_TRY(chain::IndexReader reader, chain::IndexReader::open(index.string(), network));
        return read_index(std::move(reader), folder, &network);
    }
    COVENANT_TRY(const fs::path network, network_path(global));
    return read_chain(network, folder, clock);
}

Result<view::Scene> load_run(const node::GlobalOptions& global, Clock& clock) {
    COVENANT_TRY(view::Scene scene, load_scene(global, clock));
    if (!scene.state.spec) {
        return fail(
            Errc::kPrecondition,
            scene.state.spec_verdict == protocol::Verdict::kUnknownRun
                ? "run " + to_0x(scene.state.run) +
                      " is not among the events read so far: wait for its creation, or name "
                      "the run's own network file"
                : "the run's specification is refused: " +
                      std::string(protocol::to_string(scene.state.spec_verdict)));
    }
    return scene;
}

Result<std::unique_ptr<Connection>> Connection::open(const node::GlobalOptions& global,
                                                     Clock& clock) {
    COVENANT_TRY(const fs::path path, network_path(global));
    COVENANT_TRY(chain::NetworkFile network, chain::load_network(path.string()));
    auto out = std::unique_ptr<Connection>(new Connection(std::move(network)));
    COVENANT_TRY(out->rpc_, make_rpc(out->network_.rpc_url, clock));
    COVENANT_CHECK(chain::check_network(out->network_, *out->rpc_));
    out->account_ =
        std::make_unique<chain::Account>(*out->rpc_, out->throwaway_, out->network_.chain_id);
    out->reader_ = std::make_unique<chain::AdminClient>(*out->account_, out->network_);
    return out;
}

Result<protocol::Uid> Connection::uid_of(const node::GlobalOptions& global,
                                         std::string_view hotkey) {
    if (!hotkey.starts_with("0x")) {
        if (hotkey.find_first_not_of("0123456789") == std::string_view::npos) {
            COVENANT_TRY(const std::uint64_t uid,
                         view::parse_number(hotkey, "uid", protocol::kMaxUids - 1));
            return protocol::Uid(static_cast<std::uint16_t>(uid));
        }
        COVENANT_TRY(const fs::path folder, data_folder(global));
        const view::Folder known = view::folder_if_whole(folder);
        const auto named = known.names.find(std::string(hotkey));
        if (named != known.names.end()) {
            return named->second;
        }
        return fail(Errc::kInvalidArgument,
                    "'" + std::string(hotkey) + "' is no address, uid or devnet name" +
                        (known.damage.empty() ? "" : "; no name is known: " + known.damage));
    }
    COVENANT_TRY(const Address address, crypto::parse_address(hotkey));
    auto answer =
        chain::eth_call(*rpc_, network_.contracts.registry, chain::calls::uid_of(address));
    if (!answer && answer.error().code == Errc::kRejected) {
        return fail(Errc::kNotFound,
                    "no hotkey " + to_0x(address) + " is registered: `covenant register` does it");
    }
    if (!answer) {
        return fail(std::move(answer).error());
    }
    chain::AbiReader reader(*answer);
    const std::uint16_t uid = reader.uint16();
    if (!reader.ok()) {
        return fail(Errc::kMalformed, "the registry did not answer a uid");
    }
    return protocol::Uid(uid);
}

}  // namespace covenant::commands
