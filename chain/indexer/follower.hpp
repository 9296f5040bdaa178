// Follows the chain's logs by a (number, hash) cursor. A reorg is found by hashes alone: nodes need
// not send removed logs. Blocks near the head are read one by one by hash; older ones by ranges
// that are halved when the node says that a range is too large.
#pragma once

#include "chain/indexer/index.hpp"
#include "chain/rpc/types.hpp"

#include <cstdint>
#include <optional>

namespace covenant::chain {

struct FollowerOptions {
    Hash256 genesis;              // of block 0: a chain that starts otherwise is another chain
    protocol::BlockNumber start;  // first block that can hold an event of ours
    std::uint64_t near_head_blocks = 64;  // read by hash; deeper ones by range
    std::uint64_t max_range = 2'000;      // blocks in one eth_getLogs
};

struct FollowReport {
    IndexedBlock head;                          // the index's newest block after the call
    std::optional<protocol::BlockNumber> fork;  // newest common block when a reorg was undone
    std::size_t events = 0;                     // logs stored
};

class Follower {
  public:
    // The index and the client outlive it.
    Follower(Index& index, RpcClient& rpc, FollowerOptions options)
        : index_(&index), rpc_(&rpc), options_(options) {}

    // Up to the head that the node reports at the start. kUnavailable, kTimeout: the node does not
    // answer, or its answers do not fit together because the chain moved meanwhile; what was stored
    // before stays consistent. kMalformed: a log of ours does not decode.
    Result<FollowReport> follow();

  private:
    Result<std::optional<protocol::BlockNumber>> find_fork(const IndexedBlock& cursor,
                                                           std::uint64_t head);
    Result<std::size_t> by_range(std::uint64_t from, std::uint64_t to,
                                 std::optional<protocol::BlockNumber>& fork);
    Result<std::size_t> by_hash(std::uint64_t from, std::uint64_t to,
                                std::optional<protocol::BlockNumber>& fork);
    Result<std::vector<Log>> logs_in(std::uint64_t from, std::uint64_t to);
    [[nodiscard]] codec::Json filter() const;

    Index* index_;
    RpcClient* rpc_;
    FollowerOptions options_;
};

}  // namespace covenant::chain
