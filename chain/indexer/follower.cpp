#include "chain/indexer/follower.hpp"

#include "common/base/hex.hpp"

#include <algorithm>
#include <map>

namespace covenant::chain {
using codec::Json;
using protocol::BlockNumber;

namespace {

constexpr std::uint64_t kBlocksPerBatch = 50;
constexpr unsigned kAnsweredRanges = 8;  // full ones before a larger one is tried again

IndexedBlock indexed(const BlockHeader& header) {
    return {BlockNumber(header.number), header.hash, header.parent_hash,
            protocol::ChainTime(header.timestamp)};
}

tl::unexpected<Error> moved(std::uint64_t block) {
    return fail(Errc::kUnavailable, "the chain was reorganised around block " +
                                        std::to_string(block) +
                                        " while it was read; the next call sees it");
}

Result<std::vector<Log>> parse_logs(const Json& value) {
    COVENANT_TRY(const std::vector<Json> items, value.as_items());
    std::vector<Log> out;
    out.reserve(items.size());
    for (const Json& item : items) {
        COVENANT_TRY(Log log, parse_log(item));
        out.push_back(std::move(log));
    }
    std::sort(out.begin(), out.end(), [](const Log& a, const Log& b) {
        return std::pair(a.block, a.index) < std::pair(b.block, b.index);
    });
    return out;
}

}  // namespace

Json Follower::filter() const {
    Json addresses = Json::array();
    for (const auto& [name, address] : index_->contracts().list()) {
        addresses.push(to_0x(address));
    }
    Json out = Json::object();
    out.set("address", addresses);
    return out;
}

Result<FollowReport> Follower::follow() {
    COVENANT_TRY(const BlockHeader head, latest_block(*rpc_));
    COVENANT_TRY(const std::optional<IndexedBlock> cursor, index_->cursor());
    FollowReport report;
    report.head = indexed(head);
    Change change;
    if (cursor) {
        COVENANT_TRY(change, compare(*cursor, head));
    }
    if (change.nothing_new) {
        report.head = *cursor;
        return report;
    }
    std::optional<BlockNumber> fork = report.fork = change.fork;
    std::uint64_t from = options_.start.value;
    if (fork) {
        from = fork->value + 1;
    } else if (cursor) {
        from = cursor->number.value + 1;
    }
    COVENANT_TRY(from, read_old(from, head.number, report, fork));
    while (from <= head.number) {
        const std::uint64_t to = std::min(from + kBlocksPerBatch - 1, head.number);
        COVENANT_TRY(const std::uint64_t next, by_hash(from, to, report, fork));
        if (next == from) break;  // the node that answered is behind: the rest comes later
        from = next;
    }
    if (fork) COVENANT_CHECK(index_->replace(fork, {}));  // the new branch has no block above it
    COVENANT_TRY(const std::optional<IndexedBlock> newest, index_->cursor());
    if (newest) {
        report.head = *newest;
    } else if (head.number >= options_.start.value) {
        return fail(Errc::kUnavailable, "the node does not give block " +
                                            std::to_string(options_.start.value) + " yet");
    }
    return report;
}

// Looks for the newest stored block that the node has too, from the head or the cursor downwards.
Result<Follower::Change> Follower::compare(const IndexedBlock& cursor, const BlockHeader& head) {
    if (head.number == cursor.number.value + 1 && head.parent_hash == cursor.hash) return Change{};
    std::optional<IndexedBlock> block = cursor;
    if (head.number < cursor.number.value) {
        COVENANT_TRY(block, index_->block_at_or_below(BlockNumber(head.number)));
    }
    bool differs = false;
    while (block) {
        Hash256 there = head.hash;
        if (block->number.value != head.number) {
            COVENANT_TRY(const std::optional<BlockHeader> header,
                         header_below(block->number.value, head));
            if (!header && !differs) return Change{true, {}};
            if (!header) return moved(block->number.value);
            there = header->hash;
        }
        if (there == block->hash) {
            if (differs) return Change{false, block->number};
            return Change{head.number <= cursor.number.value, {}};
        }
        differs = true;
        if (block->number.value == 0) break;
        COVENANT_TRY(block, index_->block_at_or_below(BlockNumber(block->number.value - 1)));
    }
    COVENANT_TRY(const BlockNumber lowest, below_all_blocks());
    if (!differs) return Change{true, {}};
    return Change{false, lowest};
}

// A header that a chain up to `head` has. A member of a pool that is behind lacks it, so the next
// one is asked: else two members that answer in turns could hide the same block for ever.
Result<std::optional<BlockHeader>> Follower::header_below(std::uint64_t number,
                                                          const BlockHeader& head) {
    constexpr int kMembersAsked = 3;
    std::optional<BlockHeader> header;
    for (int i = 0; i < kMembersAsked && !header && number <= head.number; ++i) {
        COVENANT_TRY(header, block_by_number(*rpc_, number));
    }
    return header;
}

// The block below the first one that is followed, after a look at the chain's first block.
Result<BlockNumber> Follower::below_all_blocks() {
    COVENANT_TRY(const std::optional<BlockHeader> genesis, block_by_number(*rpc_, 0));
    if (!genesis) return fail(Errc::kUnavailable, "the node does not have block 0");
    if (genesis->hash != options_.genesis) {
        return fail(Errc::kMismatch,
                    "the node's chain now begins with block " + to_0x(genesis->hash) +
                        " instead of " + to_0x(options_.genesis) +
                        ": it was started anew; start it with its saved state, or use a new data "
                        "directory");
    }
    return BlockNumber(options_.start.value == 0 ? 0 : options_.start.value - 1);
}

// ---- old blocks, by ranges

// Nothing: the node does not answer for so many blocks at once, in whatever words it says so.
Result<std::optional<std::vector<Log>>> Follower::logs_in(std::uint64_t from, std::uint64_t to) {
    constexpr std::string_view kMethod = "eth_getLogs";
    Json query = filter();
    query.set("fromBlock", to_quantity(from)).set("toBlock", to_quantity(to));
    Json params = Json::array();
    params.push(query);
    const bool one = from == to;
    COVENANT_TRY(const RpcReply reply,
                 rpc_->ask(kMethod, params, one ? OnTransient::kRetry : OnTransient::kReturn));
    if (reply.error && one) return fail(rpc_failure(kMethod, *reply.error));
    if (reply.error) return std::nullopt;
    COVENANT_TRY(std::vector<Log> logs, from_node(parse_logs(reply.result), kMethod));
    for (const Log& log : logs) {
        if (log.block.value >= from && log.block.value <= to) continue;
        return fail(Errc::kUnavailable, "eth_getLogs gave a log of block " +
                                            std::to_string(log.block.value) +
                                            ", which was not asked for");
    }
    return logs;
}

// Reads what is not near the head; returns the first block that is left.
Result<std::uint64_t> Follower::read_old(std::uint64_t from, std::uint64_t head,
                                         FollowReport& report, std::optional<BlockNumber>& fork) {
    while (from + options_.near_head_blocks <= head) {
        const std::uint64_t to = std::min(from + range_ - 1, head - options_.near_head_blocks);
        COVENANT_TRY(std::optional<std::vector<Log>> logs, logs_in(from, to));
        if (!logs) {
            range_ = (to - from + 1) / 2;
            answered_ranges_ = 0;
            continue;
        }
        report.events += logs->size();
        COVENANT_CHECK(store_range(to, std::move(*logs), fork));
        if (to - from + 1 == range_ && ++answered_ranges_ >= kAnsweredRanges) {
            range_ = std::min(range_ * 2, options_.max_range);
            answered_ranges_ = 0;
        }
        from = to + 1;
    }
    return from;
}

Status Follower::store_range(std::uint64_t to, std::vector<Log> logs,
                             std::optional<BlockNumber>& fork) {
    std::map<std::uint64_t, BlockLogs> blocks;
    blocks[to] = {};  // the cursor
    for (Log& log : logs) {
        blocks[log.block.value].logs.push_back(std::move(log));
    }
    std::vector<BlockLogs> rows;
    for (auto& [number, entry] : blocks) {
        COVENANT_TRY(const std::optional<BlockHeader> header, block_by_number(*rpc_, number));
        if (!header) {
            return fail(Errc::kUnavailable, "the node does not have block " +
                                                std::to_string(number) +
                                                ": use one that keeps the blocks from " +
                                                std::to_string(options_.start.value) + " on");
        }
        entry.block = indexed(*header);
        for (const Log& log : entry.logs) {
            if (log.block_hash != header->hash) return moved(number);
        }
        rows.push_back(std::move(entry));
    }
    COVENANT_CHECK(index_->replace(fork, rows));
    fork.reset();
    return {};
}

// ---- blocks near the head, one by one

// The blocks, linked to the stored one below, as far as the node has them; `with_logs` are those
// whose logs must be asked for.
Result<std::vector<BlockLogs>> Follower::linked_blocks(std::uint64_t from, std::uint64_t to,
                                                       std::vector<std::size_t>& with_logs) {
    std::vector<RpcCall> calls;
    for (std::uint64_t number = from; number <= to; ++number) {
        Json params = Json::array();
        params.push(to_quantity(number)).push(false);
        calls.push_back({"eth_getBlockByNumber", params});
    }
    COVENANT_TRY(const std::vector<RpcReply> replies, rpc_->batch(calls));
    std::optional<Hash256> parent;
    if (from > 0) {
        COVENANT_TRY(const std::optional<IndexedBlock> below,
                     index_->block_at_or_below(BlockNumber(from - 1)));
        if (below && below->number.value + 1 == from) parent = below->hash;
    }
    std::vector<BlockLogs> rows;
    for (std::size_t i = 0; i < replies.size(); ++i) {
        if (replies[i].error) return fail(rpc_failure(calls[i].method, *replies[i].error));
        COVENANT_TRY(const std::optional<BlockHeader> header,
                     from_node(parse_block(replies[i].result), calls[i].method));
        if (!header) break;
        if (header->number != from + i || (parent && header->parent_hash != *parent)) {
            return moved(from + i);
        }
        parent = header->hash;
        rows.push_back({indexed(*header), {}});
        if (may_have_logs(*header)) with_logs.push_back(i);
    }
    return rows;
}

// Returns the first block that is left.
Result<std::uint64_t> Follower::by_hash(std::uint64_t from, std::uint64_t to, FollowReport& report,
                                        std::optional<BlockNumber>& fork) {
    std::vector<std::size_t> with_logs;
    COVENANT_TRY(std::vector<BlockLogs> rows, linked_blocks(from, to, with_logs));
    if (rows.empty()) return from;
    std::vector<RpcCall> calls;
    for (const std::size_t at : with_logs) {
        Json query = filter();
        query.set("blockHash", to_0x(rows[at].block.hash));
        Json params = Json::array();
        params.push(query);
        calls.push_back({"eth_getLogs", params});
    }
    COVENANT_TRY(const std::vector<RpcReply> answers, rpc_->batch(calls));
    std::size_t count = 0;
    for (std::size_t i = 0; i < answers.size(); ++i) {
        BlockLogs& row = rows[with_logs[i]];
        if (answers[i].error) return fail(rpc_failure("eth_getLogs", *answers[i].error));
        COVENANT_TRY(row.logs, from_node(parse_logs(answers[i].result), "eth_getLogs"));
        for (const Log& log : row.logs) {
            if (log.block_hash != row.block.hash) return moved(row.block.number.value);
        }
        count += row.logs.size();
    }
    COVENANT_CHECK(index_->replace(fork, rows));
    fork.reset();
    report.events += count;
    return from + rows.size();
}

}  // namespace covenant::chain
