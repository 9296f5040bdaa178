#include "chain/chain_view.hpp"

#include "chain/indexer/schema.hpp"

#include <utility>

namespace covenant::chain {
using namespace protocol;

Result<std::unique_ptr<ChainView>> ChainView::open(ChainViewOptions options, RpcClient& rpc) {
    auto view = std::unique_ptr<ChainView>(new ChainView(std::move(options)));
    COVENANT_CHECK(view->open_index(rpc));
    return view;
}

Status ChainView::open_index(RpcClient& rpc) {
    COVENANT_TRY(sqlite::Database database,
                 sqlite::Database::open(options_.index_path, kIndexFile));
    database_.emplace(std::move(database));
    const NetworkFile& network = options_.network;
    COVENANT_TRY(Index index, Index::open(*database_, network.chain_id, network.genesis_hash,
                                          network.contracts));
    index_.emplace(std::move(index));
    FollowerOptions following;
    following.genesis = network.genesis_hash;
    following.start = BlockNumber(network.deployed_at);
    follower_.emplace(*index_, rpc, following);
    COVENANT_TRY(reorgs_, index_->reorgs());
    publish();
    return fold(std::nullopt);
}

Result<FollowReport> ChainView::follow() {
    auto report = follower_->follow();
    // A look that broke off can have undone blocks as well.
    COVENANT_CHECK(fold(report ? report->fork : std::nullopt));
    return report;
}

Status ChainView::fold(std::optional<BlockNumber> fork) {
    COVENANT_TRY(const std::uint64_t reorgs, index_->reorgs());
    if (reorgs != std::exchange(reorgs_, reorgs)) {
        fold_.rewind(fork.value_or(BlockNumber(0)));
    }
    COVENANT_TRY(const bool news, fold_.catch_up([this](Index::Position from, std::uint64_t limit) {
        return index_->events_from(from, limit);
    }));
    if (news || fork) publish();
    return {};
}

void ChainView::publish() {
    auto next = std::make_shared<const RunState>(fold_.state());
    const MutexLock lock(mutex_);
    state_ = std::move(next);
}

std::shared_ptr<const RunState> ChainView::state() const {
    const MutexLock lock(mutex_);
    return state_;
}

}  // namespace covenant::chain
