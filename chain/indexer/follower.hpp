// Follows the chain's logs by a (number, hash) cursor. A reorg is found by hashes alone: nodes need
// not send removed logs. A node that answers "no such block", or whose head is a block that is
// known already, proves nothing: it may be a member of a pool that is behind. Blocks near the head
// are read one by one by hash; older ones by ranges, which shrink when the node does not answer one
// and grow again while it does.
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
    std::uint64_t max_range = 2'000;      // blocks in one eth_getLogs, where the node takes so many
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
        : index_(&index), rpc_(&rpc), options_(options), range_(options.max_range) {}

    // Up to the head that the node reports at the start, or as far as it gives blocks.
    // kUnavailable, kTimeout: the node does not answer, or its answers do not fit together because
    // the chain moved meanwhile; what was stored before stays consistent. kMalformed: a log of ours
    // does not decode. kMismatch: the chain begins with another block.
    Result<FollowReport> follow();

  private:
    // What a new head means for the blocks that are stored.
    struct Change {
        bool nothing_new = false;
        std::optional<protocol::BlockNumber> fork;  // newest common block of a reorg
    };
    Result<Change> compare(const IndexedBlock& cursor, const BlockHeader& head);
    Result<std::optional<BlockHeader>> header_below(std::uint64_t number, const BlockHeader& head);
    Result<protocol::BlockNumber> below_all_blocks();
    Result<std::uint64_t> read_old(std::uint64_t from, std::uint64_t head, FollowReport& report,
                                   std::optional<protocol::BlockNumber>& fork);
    Status store_range(std::uint64_t to, std::vector<Log> logs,
                       std::optional<protocol::BlockNumber>& fork);
    Result<std::vector<BlockLogs>> linked_blocks(std::uint64_t from, std::uint64_t to,
                                                 std::vector<std::size_t>& with_logs);
    Result<std::uint64_t> by_hash(std::uint64_t from, std::uint64_t to, FollowReport& report,
                                  std::optional<protocol::BlockNumber>& fork);
    Result<std::optional<std::vector<Log>>> logs_in(std::uint64_t from, std::uint64_t to);
    [[nodiscard]] codec::Json filter() const;

    Index* index_;
    RpcClient* rpc_;
    FollowerOptions options_;
    std::uint64_t range_;           // blocks in one eth_getLogs that the node answered last
    unsigned answered_ranges_ = 0;  // full ones since range_ changed
};

}  // namespace covenant::chain
