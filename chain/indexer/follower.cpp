#include "chain/indexer/follower.hpp"

#include "common/base/hex.hpp"

#include <algorithm>
#include <map>

namespace covenant::chain {
using codec::Json;
using protocol::BlockNumber;

namespace {

constexpr std::uint64_t kBlocksPerBatch = 50;

IndexedBlock indexed(const BlockHeader& header) {
    return {BlockNumber(header.number), header.hash, header.parent_hash,
            protocol::ChainTime(header.timestamp)};
}

tl::unexpected<Error> moved(std::uint64_t block) {
    return fail(Errc::kUnavailable, "the chain was reorganised around block " +
                                        std::to_string(block) +
                                        " while it was read; the next call sees it");
}

bool has_logs(const BlockHeader& header) {
    return std::any_of(header.logs_bloom.begin(), header.logs_bloom.end(),
                       [](std::uint8_t byte) { return byte != 0; });
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
    if (cursor && cursor->hash == head.hash) return report;

    std::optional<BlockNumber> fork;
    const bool extends =
        cursor && head.number == cursor->number.value + 1 && head.parent_hash == cursor->hash;
    if (cursor && !extends) {
        COVENANT_TRY(fork, find_fork(*cursor, head.number));
    }
    report.fork = fork;
    std::uint64_t from = options_.start.value;
    if (fork) {
        from = fork->value + 1;
    } else if (cursor) {
        from = cursor->number.value + 1;
    }
    while (from + options_.near_head_blocks <= head.number) {
        const std::uint64_t to =
            std::min(from + options_.max_range - 1, head.number - options_.near_head_blocks);
        COVENANT_TRY(const std::size_t stored, by_range(from, to, fork));
        report.events += stored;
        from = to + 1;
    }
    while (from <= head.number) {
        const std::uint64_t to = std::min(from + kBlocksPerBatch - 1, head.number);
        COVENANT_TRY(const std::size_t stored, by_hash(from, to, fork));
        report.events += stored;
        from = to + 1;
    }
    if (fork) COVENANT_CHECK(index_->replace(fork, {}));  // the new branch has no block above it
    COVENANT_TRY(const std::optional<IndexedBlock> newest, index_->cursor());
    if (newest) report.head = *newest;
    return report;
}

// The newest stored block that the node still has; nothing when the cursor is one.
Result<std::optional<BlockNumber>> Follower::find_fork(const IndexedBlock& cursor,
                                                       std::uint64_t head) {
    std::optional<IndexedBlock> block = cursor;
    while (block) {
        if (block->number.value <= head) {
            COVENANT_TRY(const std::optional<BlockHeader> header,
                         block_by_number(*rpc_, block->number.value));
            if (header && header->hash == block->hash) break;
        }
        if (block->number.value == 0) {
            block.reset();
            break;
        }
        COVENANT_TRY(block, index_->block_at_or_below(BlockNumber(block->number.value - 1)));
    }
    if (block && block->number == cursor.number) return std::nullopt;
    if (block) return block->number;
    COVENANT_TRY(const std::optional<BlockHeader> genesis, block_by_number(*rpc_, 0));
    if (!genesis || genesis->hash != options_.genesis) {
        return fail(Errc::kMismatch,
                    "the node's chain now begins with block " +
                        (genesis ? to_0x(genesis->hash) : std::string("(none)")) + " instead of " +
                        to_0x(options_.genesis) +
                        ": it was started anew; start it with its saved state, or use a new data "
                        "directory");
    }
    return BlockNumber(options_.start.value == 0 ? 0 : options_.start.value - 1);
}

Result<std::vector<Log>> Follower::logs_in(std::uint64_t from, std::uint64_t to) {
    Json query = filter();
    query.set("fromBlock", to_quantity(from)).set("toBlock", to_quantity(to));
    Json params = Json::array();
    params.push(query);
    auto reply = rpc_->ask("eth_getLogs", params);
    // A reply above our own bound comes as kMalformed: fewer blocks may fit.
    const bool too_large =
        reply ? reply->error.has_value() && reply->error->failure == RpcFailure::kTooManyResults
              : reply.error().code == Errc::kMalformed;
    if (too_large && from < to) {
        const std::uint64_t middle = from + (to - from) / 2;
        COVENANT_TRY(std::vector<Log> low, logs_in(from, middle));
        COVENANT_TRY(std::vector<Log> high, logs_in(middle + 1, to));
        std::move(high.begin(), high.end(), std::back_inserter(low));
        return low;
    }
    if (!reply) return fail(std::move(reply).error());
    if (reply->error) return fail(rpc_failure("eth_getLogs", *reply->error));
    return parse_logs(reply->result);
}

Result<std::size_t> Follower::by_range(std::uint64_t from, std::uint64_t to,
                                       std::optional<BlockNumber>& fork) {
    COVENANT_TRY(std::vector<Log> logs, logs_in(from, to));
    std::map<std::uint64_t, BlockLogs> blocks;
    blocks[to] = {};  // the cursor
    const std::size_t count = logs.size();
    for (Log& log : logs) {
        if (log.block.value < from || log.block.value > to) {
            return fail(Errc::kMalformed, "eth_getLogs gave a log of block " +
                                              std::to_string(log.block.value) +
                                              ", which was not asked for");
        }
        blocks[log.block.value].logs.push_back(std::move(log));
    }
    std::vector<BlockLogs> rows;
    for (auto& [number, entry] : blocks) {
        COVENANT_TRY(const std::optional<BlockHeader> header, block_by_number(*rpc_, number));
        if (!header) return moved(number);
        entry.block = indexed(*header);
        for (const Log& log : entry.logs) {
            if (log.block_hash != header->hash) return moved(number);
        }
        rows.push_back(std::move(entry));
    }
    COVENANT_CHECK(index_->replace(fork, rows));
    fork.reset();
    return count;
}

Result<std::size_t> Follower::by_hash(std::uint64_t from, std::uint64_t to,
                                      std::optional<BlockNumber>& fork) {
    std::vector<RpcCall> calls;
    for (std::uint64_t number = from; number <= to; ++number) {
        Json params = Json::array();
        params.push(to_quantity(number)).push(false);
        calls.push_back({"eth_getBlockByNumber", params});
    }
    COVENANT_TRY(const std::vector<RpcReply> replies, rpc_->batch(calls));
    COVENANT_TRY(const std::optional<IndexedBlock> below,
                 from == 0 ? Result<std::optional<IndexedBlock>>(std::nullopt)
                           : index_->block_at_or_below(BlockNumber(from - 1)));
    std::optional<Hash256> parent;
    if (below && below->number.value + 1 == from) parent = below->hash;
    std::vector<BlockLogs> rows;
    std::vector<RpcCall> log_calls;
    std::vector<std::size_t> asked;  // rows whose logs are asked for
    for (std::size_t i = 0; i < replies.size(); ++i) {
        if (replies[i].error) return fail(rpc_failure(calls[i].method, *replies[i].error));
        COVENANT_TRY(const std::optional<BlockHeader> header, parse_block(replies[i].result));
        if (!header || header->number != from + i || (parent && header->parent_hash != *parent)) {
            return moved(from + i);
        }
        parent = header->hash;
        rows.push_back({indexed(*header), {}});
        if (!has_logs(*header)) continue;
        Json query = filter();
        query.set("blockHash", to_0x(header->hash));
        Json params = Json::array();
        params.push(query);
        log_calls.push_back({"eth_getLogs", params});
        asked.push_back(i);
    }
    std::size_t count = 0;
    if (!log_calls.empty()) {
        COVENANT_TRY(const std::vector<RpcReply> answers, rpc_->batch(log_calls));
        for (std::size_t i = 0; i < answers.size(); ++i) {
            BlockLogs& row = rows[asked[i]];
            if (answers[i].error) return moved(row.block.number.value);  // the hash is unknown now
            COVENANT_TRY(row.logs, parse_logs(answers[i].result));
            for (const Log& log : row.logs) {
                if (log.block_hash != row.block.hash) return moved(row.block.number.value);
            }
            count += row.logs.size();
        }
    }
    COVENANT_CHECK(index_->replace(fork, rows));
    fork.reset();
    return count;
}

}  // namespace covenant::chain
