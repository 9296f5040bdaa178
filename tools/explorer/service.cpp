#include "tools/explorer/service.hpp"

#include "chain/indexer/follower.hpp"
#include "chain/indexer/index.hpp"
#include "chain/indexer/queries.hpp"
#include "chain/indexer/schema.hpp"
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
    std::optional<sqlite::Database> database;
    std::optional<chain::Index> index;
    std::unique_ptr<chain::RpcClient> rpc;
    std::optional<chain::Follower> follower;
    std::optional<chain::IndexReader> reader;
    view::Folder folder;
    bool checked = false;    // the chain is the network file's
    bool following = false;  // at the last look
    std::string trouble;     // why not, as logged last
    // What the last snapshot was made of.
    Hash256 head;
    std::uint64_t events = 0;
    std::uint64_t reorgs = 0;
    bool published = false;
};

Service::Service(ServiceOptions options, Clock& clock)
    : options_(std::move(options)), clock_(&clock), parts_(std::make_unique<Parts>()) {}

Service::~Service() = default;

std::filesystem::path Service::index_path() const {
    return options_.datadir / "index.sqlite";
}

bool Service::writes() const {
    return parts_->index.has_value();
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
            COVENANT_TRY(sqlite::Database database,
                         sqlite::Database::open(index_path.string(), chain::kIndexFile));
            parts.database.emplace(std::move(database));
            COVENANT_TRY(parts.index,
                         chain::Index::open(*parts.database, parts.network->chain_id,
                                            parts.network->genesis_hash, parts.network->contracts));
            if (!make_transport) {
                make_transport = http_transport;
            }
            COVENANT_TRY(auto transport, make_transport(parts.network->rpc_url));
            chain::RpcOptions rpc;
            rpc.retry.attempts = 1;  // the next look is the retry
            parts.rpc = std::make_unique<chain::RpcClient>(std::move(transport), clock, rpc);
            parts.follower.emplace(
                *parts.index, *parts.rpc,
                chain::FollowerOptions{.genesis = parts.network->genesis_hash,
                                       .start = protocol::BlockNumber(parts.network->deployed_at)});
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
                 parts.network && !parts.index
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
    auto read = parts.reader->info();
    if (!read) {
        return fail(std::move(read).error());
    }
    const chain::IndexInfo& info = *read;
    const Hash256 head = info.head ? info.head->hash : Hash256{};
    const std::shared_ptr<const Snapshot> before = board_.get();
    const bool same_chain = parts.published && head == parts.head && info.reorgs == parts.reorgs &&
                            info.events == parts.events;
    if (same_chain && before->following == parts.following) {
        return {};
    }
    auto next = std::make_shared<Snapshot>();
    next->scene.folder = parts.folder;
    next->scene.chain_id = info.chain_id;
    next->scene.head = info.head;
    next->scene.live = parts.following;
    next->events = info.events;
    next->reorgs = info.reorgs;
    next->following = parts.following;
    const bool same_events =
        parts.published && info.events == parts.events && info.reorgs == parts.reorgs;
    if (same_events) {
        next->scene.state = before->scene.state;
    } else {
        protocol::RunId run;
        if (parts.network && !parts.network->run.is_zero()) {
            run = parts.network->run;
        } else if (parts.folder.run) {
            run = *parts.folder.run;
        } else {
            COVENANT_TRY(const auto runs, parts.reader->runs());
            run = runs.empty() ? run : runs.back();
        }
        COVENANT_TRY(next->scene.state, parts.reader->state(run));
    }
    parts.head = head;
    parts.events = info.events;
    parts.reorgs = info.reorgs;
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
