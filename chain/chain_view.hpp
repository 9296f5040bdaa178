// The one way to follow a chain into an index and to see it as a folded state: what a node's
// ledger, the explorer and the command line stand on.
//
//   network.json --> RpcClient --> Follower --> Index (SQLite) --> StateFold --> snapshot
//
// A look costs what is new, whatever the age of the run; rounds that have left the state are read
// from the index's rows (IndexReader).
#pragma once

#include "chain/indexer/follower.hpp"
#include "chain/indexer/index.hpp"
#include "chain/network_file.hpp"
#include "chain/state_fold.hpp"
#include "common/base/mutex.hpp"
#include "common/sqlite/database.hpp"

#include <memory>
#include <optional>
#include <string>

namespace covenant::chain {

struct ChainViewOptions {
    NetworkFile network;
    protocol::RunId run;                                  // zero: the first one created
    std::string index_path;                               // SQLite; can be rebuilt from the chain
    std::uint64_t kept_rounds = protocol::kRecentRounds;  // 0: all
};

// follow() belongs to one thread; state() may be called from any.
class ChainView {
  public:
    // Opens the index and folds what an earlier process stored; asks the chain nothing. kMismatch:
    // the index of another chain. The client outlives the view.
    static Result<std::unique_ptr<ChainView>> open(ChainViewOptions options, RpcClient& rpc);
    ChainView(const ChainView&) = delete;
    ChainView& operator=(const ChainView&) = delete;
    ~ChainView() = default;

    // Up to the chain's head, reorganisations included; errors as Follower::follow. The state then
    // stays as it was, or as far as the index got.
    Result<FollowReport> follow();
    // The fold up to the last look. Immutable, never null.
    [[nodiscard]] std::shared_ptr<const protocol::RunState> state() const;
    [[nodiscard]] std::uint64_t events() const { return fold_.events(); }  // folded into it
    [[nodiscard]] const NetworkFile& network() const { return options_.network; }

  private:
    explicit ChainView(ChainViewOptions options)
        : options_(std::move(options)), fold_(options_.run, options_.kept_rounds) {}
    Status open_index(RpcClient& rpc);
    Status fold(std::optional<protocol::BlockNumber> fork);
    void publish();

    ChainViewOptions options_;
    std::optional<sqlite::Database> database_;
    std::optional<Index> index_;
    std::optional<Follower> follower_;
    StateFold fold_;
    std::uint64_t reorgs_ = 0;  // of the index, when it was folded last
    mutable Mutex mutex_;
    std::shared_ptr<const protocol::RunState> state_ COVENANT_GUARDED_BY(mutex_);
};

}  // namespace covenant::chain
