#include "tools/explorer/service.hpp"

#include "chain/chain_view.hpp"
#include "chain/indexer/queries.hpp"
#include "common/base/hex.hpp"
#include "common/base/log.hpp"
#include "common/node/lifecycle.hpp"

namespace covenant::explorer {
namespace {

constexpr std::uint32_t kRpcTimeoutMs = 3'000;

Result<std::unique_ptr<chain::JsonRpcTransport>> http_transport(const std::string& url) {
    return chain::make_http_transport(url, kRpcTimeoutMs);
}

}  // namespace

std::shared_ptr<const Snapshot> Board::get() const {
    const MutexLock lock(mutex_);
    return snapshot_;
}

void Board::set(std::shared_ptr<const Snapshot> snapshot) {
    const MutexLock lock(mutex_);
    snapshot_ = std::move(snapshot);
}

struct Service::Parts {
    std::optional<chain::NetworkFile> network;
    std::optional<node::DataDir> lock;  // of the one explorer that writes
    std::unique_ptr<chain::RpcClient> rpc;
    std::unique_ptr<chain::ChainView> follower;  // of the one that writes
    std::optional<chain::IndexReader> reader;
    view::Folder folder;
    bool checked = false;    // the chain is the network file's
    bool following = false;  // at the last look
    std::string trouble;     // why not, as logged last
    // What the last snapshot was made of.
    std::uint64_t chain_id = 0;
    Hash256 head;
    std::uint64_t reorgs = 0;
    bool published = false;

    // The state of the run to follow, and how many events it is made of.
    Result<std::pair<protocol::RunState, std::uint64_t>> state() {
        COVENANT_TRY(const protocol::RunId wanted,
                     view::choose_run(folder, network ? &*network : nullptr, *reader));
        if (follower) {
            const auto followed = follower->state();
            if (followed->run == wanted) {
                return std::pair(*followed, follower->events());
            }
        }
        COVENANT_TRY(protocol::RunState read, reader->state(wanted, protocol::kRecentRounds));
        return std::pair(std::move(read), reader->folded());
    }
};

Service::Service(ServiceOptions options, Clock& clock)
    : options_(std::move(options)), clock_(&clock), parts_(std::make_unique<Parts>()) {}

Service::~Service() = default;

std::filesystem::path Service::index_path() const {
    return options_.datadir / "index.sqlite";
}

bool Service::writes() const {
    return parts_->follower != nullptr;
}

Result<std::unique_ptr<Service>> Service::open(ServiceOptions options, Clock& clock,
                                               MakeTransport make_transport) {
    auto service = std::unique_ptr<Service>(new Service(std::move(options), clock));
    Parts& parts = *service->parts_;
    const std::filesystem::path index_path = service->index_path();
    const bool has_index = std::filesystem::exists(index_path);
    const bool has_network = std::filesystem::exists(service->options_.network);
    if (!has_network && !has_index) {
        return fail(Errc::kPrecondition, "neither " + service->options_.network.string() + " nor " +
                                             index_path.string() +
                                             " exists: name a devnet's folder with --datadir, or a "
                                             "network's file with --network");
    }
    parts.folder = view::folder_if_whole(service->options_.datadir);
    if (!parts.folder.damage.empty()) {
        log::warn("explorer", "addresses stand for names", {{"why", parts.folder.damage}});
    }
    if (has_network) {
        COVENANT_TRY(parts.network, chain::load_network(service->options_.network.string()));
        auto lock =
            node::DataDir::open(service->options_.datadir / "explorer", "covenant-explorer");
        if (lock) {
            parts.lock = std::move(*lock);
            if (!make_transport) {
                make_transport = http_transport;
            }
            COVENANT_TRY(auto transport, make_transport(parts.network->rpc_url));
            chain::RpcOptions rpc;
            rpc.retry.attempts = 1;  // the next look is the retry
            parts.rpc = std::make_unique<chain::RpcClient>(std::move(transport), clock, rpc);
            COVENANT_TRY(
                parts.follower,
                chain::ChainView::open({.network = *parts.network,
                                        .run = parts.network->run.is_zero()
                                                   ? parts.folder.run.value_or(protocol::RunId{})
                                                   : parts.network->run,
                                        .index_path = index_path.string()},
                                       *parts.rpc));
        } else if (!has_index) {
            return fail(std::move(lock).error());
        } else {
            log::info("explorer", "reads the index only", {{"why", lock.error().context}});
        }
    } else {
        log::info("explorer", "reads the index only",
                  {{"why", "no " + service->options_.network.string()}});
    }
    COVENANT_TRY(chain::IndexReader reader,
                 parts.network && !parts.follower
                     ? chain::IndexReader::open(index_path.string(), *parts.network)
                     : chain::IndexReader::open(index_path.string()));
    parts.reader.emplace(std::move(reader));
    COVENANT_CHECK(service->publish());
    return service;
}

Status Service::follow() {
    Parts& parts = *parts_;
    if (!parts.checked) {
        COVENANT_CHECK(chain::check_network(*parts.network, *parts.rpc));
        parts.checked = true;
    }
    COVENANT_TRY(const chain::FollowReport report, parts.follower->follow());
    if (report.fork) {
        log::info("explorer", "the chain was reorganised", {{"fork", report.fork->value}});
    }
    return {};
}

Status Service::look() {
    Parts& parts = *parts_;
    if (parts.follower) {
        if (Status followed = follow(); followed) {
            if (!parts.following) {
                log::info("explorer", "follows the chain", {{"rpc", parts.rpc->endpoint()}});
            }
            parts.following = true;
            parts.trouble.clear();
        } else {
            const Error& error = followed.error();
            if (error.code == Errc::kInterrupted) {
                return {};
            }
            if (error.code == Errc::kIo || error.code == Errc::kCorrupt) {
                return followed;
            }
            // A restarted node may be another chain, so it is checked again.
            parts.checked = false;
            parts.following = false;
            if (parts.trouble.empty()) {
                log::warn("explorer", "does not follow the chain, serves what it has",
                          {{"why", error.context}});
                parts.trouble = error.context;
            }
        }
    }
    return publish();
}

Status Service::publish() {
    Parts& parts = *parts_;
    auto read = parts.reader->look();
    if (!read) {
        return fail(std::move(read).error());
    }
    const Hash256 head = read->head ? read->head->hash : Hash256{};
    const std::shared_ptr<const Snapshot> before = board_.get();
    if (parts.published && head == parts.head && read->reorgs == parts.reorgs &&
        before->following == parts.following) {
        return {};
    }
    if (!parts.published) {
        COVENANT_TRY(const chain::IndexInfo info, parts.reader->info());
        parts.chain_id = info.chain_id;
    }
    auto next = std::make_shared<Snapshot>();
    next->scene.folder = parts.folder;
    next->scene.chain_id = parts.chain_id;
    next->scene.head = read->head;
    next->scene.live = parts.following;
    next->reorgs = read->reorgs;
    next->following = parts.following;
    COVENANT_TRY(auto state, parts.state());
    next->scene.state = std::move(state.first);
    next->events = state.second;
    parts.head = head;
    parts.reorgs = read->reorgs;
    parts.published = true;
    board_.set(std::move(next));
    return {};
}

Status Service::run(const std::stop_token& stop) {
    if (parts_->rpc) {
        parts_->rpc->set_stop(stop);
    }
    while (!stop.stop_requested()) {
        COVENANT_CHECK(look());
        clock_->sleep_for(Millis(options_.poll_ms), stop);
    }
    return {};
}

}  // namespace covenant::explorer
