#include "chain/indexer/index.hpp"

#include "chain/indexer/event_json.hpp"
#include "chain/indexer/schema.hpp"
#include "common/base/hex.hpp"
#include "common/protocol/event.hpp"

#include <utility>

namespace covenant::chain {
using namespace protocol;
using sqlite::Database;
using sqlite::Statement;

namespace {

Bytes joined(const std::vector<Hash256>& topics) {
    Bytes out;
    for (const Hash256& topic : topics) {
        append(out, topic.view());
    }
    return out;
}

std::vector<Hash256> split(const Bytes& topics) {
    std::vector<Hash256> out;
    for (std::size_t at = 0; at + Hash256::kSize <= topics.size(); at += Hash256::kSize) {
        out.push_back(Hash256::from(ByteView(topics).subspan(at, Hash256::kSize)));
    }
    return out;
}

Bytes identity(const ContractAddresses& contracts) {
    Bytes out;
    for (const auto& [name, address] : contracts.list()) {
        append(out, address.view());
    }
    return out;
}

Result<IndexedBlock> read_block(const Statement& row) {
    IndexedBlock out;
    out.number = BlockNumber(row.integer(0));
    COVENANT_TRY(out.hash, row.fixed<Hash256>(1));
    COVENANT_TRY(out.parent_hash, row.fixed<Hash256>(2));
    out.time = ChainTime(row.integer(3));
    return out;
}

// Every kind, quoted: with it a query for a run's rounds goes by the index over (kind, run, round).
std::string all_kinds() {
    return []<std::size_t... I>(std::index_sequence<I...>) {
        std::string out;
        const auto add = [&](std::string_view name) {
            if (!out.empty()) out += ", ";
            out += "'" + std::string(name) + "'";
        };
        (add(std::variant_alternative_t<I, EventBody>::kName), ...);
        return out;
    }
    (std::make_index_sequence<std::variant_size_v<EventBody>>{});
}

constexpr std::string_view kEventRows =
    "SELECT e.block_number, e.log_index, b.time, e.tx, e.address, e.topics, e.data FROM events e "
    "JOIN blocks b ON b.hash = e.block_hash";

// What kEventRows selects, to the last row.
Result<std::vector<Event>> event_rows(const Database& database, Statement& select,
                                      const ContractAddresses& contracts) {
    std::vector<Event> out;
    while (true) {
        COVENANT_TRY(const bool more, select.step());
        if (!more) return out;
        Event event;
        Log log;
        event.block = log.block = BlockNumber(select.integer(0));
        event.index = log.index = static_cast<std::uint32_t>(select.integer(1));
        event.time = ChainTime(select.integer(2));
        COVENANT_TRY(event.transaction, select.fixed<Hash256>(3));
        COVENANT_TRY(log.address, select.fixed<Address>(4));
        log.topics = split(select.blob(5));
        log.data = select.blob(6);
        COVENANT_TRY(std::optional<EventBody> body, decode_log(contracts, log));
        if (!body) {
            return database.damaged("it holds a log that is no event of ours");
        }
        event.body = std::move(*body);
        out.push_back(std::move(event));
    }
}

void bind_optional(Statement& statement, const std::optional<std::uint64_t>& value) {
    if (value) {
        statement.bind(*value);
    } else {
        statement.bind_null();
    }
}

}  // namespace

Result<Index> Index::open(Database& database, std::uint64_t chain_id, const Hash256& genesis,
                          const ContractAddresses& contracts) {
    COVENANT_TRY(const std::uint64_t version, database.version());
    if (version != 0 && version != kIndexVersion) {
        return fail(Errc::kMismatch, "the index has version " + std::to_string(version) +
                                         ", this build writes " + std::to_string(kIndexVersion) +
                                         ": delete the file, it is rebuilt from the chain");
    }
    // Together: a reader finds no index, or one that names its chain.
    Status named = database.transaction([&]() -> Status {
        if (version == 0) {
            COVENANT_CHECK(database.execute(index_schema()));
        }
        COVENANT_TRY(Statement insert,
                     database.prepare("INSERT OR IGNORE INTO meta VALUES(1, ?, ?, ?, 0)"));
        return insert.bind(chain_id).bind(genesis).bind(identity(contracts)).run();
    });
    COVENANT_CHECK(std::move(named));
    COVENANT_TRY(Statement select,
                 database.prepare("SELECT chain_id, genesis, contracts FROM meta"));
    COVENANT_TRY(const bool found, select.step());
    COVENANT_TRY(const Hash256 stored, select.fixed<Hash256>(1));
    if (!found || select.integer(0) != chain_id || stored != genesis) {
        return fail(Errc::kMismatch, "the index follows chain " +
                                         std::to_string(select.integer(0)) + " with genesis " +
                                         to_0x(stored) + ", not chain " + std::to_string(chain_id) +
                                         " with genesis " + to_0x(genesis) +
                                         ": use another data directory");
    }
    if (select.blob(2) != identity(contracts)) {
        return fail(Errc::kMismatch,
                    "the index follows other contracts than network.json names: use another data "
                    "directory");
    }
    return Index(database, contracts);
}

Result<std::optional<IndexedBlock>> Index::cursor() {
    COVENANT_TRY(Statement select,
                 database_->prepare("SELECT number, hash, parent_hash, time FROM blocks ORDER BY "
                                    "number DESC LIMIT 1"));
    COVENANT_TRY(const bool found, select.step());
    if (!found) return std::nullopt;
    return read_block(select);
}

Result<std::optional<IndexedBlock>> Index::block_at_or_below(BlockNumber number) {
    COVENANT_TRY(Statement select,
                 database_->prepare("SELECT number, hash, parent_hash, time FROM blocks WHERE "
                                    "number <= ? ORDER BY number DESC LIMIT 1"));
    select.bind(number.value);
    COVENANT_TRY(const bool found, select.step());
    if (!found) return std::nullopt;
    return read_block(select);
}

Status Index::replace(std::optional<BlockNumber> fork, std::span<const BlockLogs> blocks) {
    return database_->transaction([&]() -> Status {
        if (fork) {
            COVENANT_TRY(Statement erase,
                         database_->prepare("DELETE FROM blocks WHERE number > ?"));
            COVENANT_CHECK(erase.bind(fork->value).run());
            COVENANT_CHECK(database_->execute("UPDATE meta SET reorgs = reorgs + 1"));
        }
        COVENANT_TRY(Statement block, database_->prepare("INSERT INTO blocks VALUES(?, ?, ?, ?)"));
        COVENANT_TRY(Statement event,
                     database_->prepare("INSERT INTO events(block_hash, log_index, block_number, "
                                        "tx, address, topics, data, kind, run, round, uid, body) "
                                        "VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"));
        for (const BlockLogs& entry : blocks) {
            COVENANT_CHECK(block.bind(entry.block.number.value)
                               .bind(entry.block.hash)
                               .bind(entry.block.parent_hash)
                               .bind(entry.block.time.value)
                               .run());
            for (const Log& log : entry.logs) {
                COVENANT_TRY(const std::optional<EventBody> body, decode_log(contracts_, log));
                if (!body) continue;
                const EventKey key = event_key(*body);
                event.bind(entry.block.hash)
                    .bind(log.index)
                    .bind(entry.block.number.value)
                    .bind(log.transaction)
                    .bind(log.address)
                    .bind(joined(log.topics))
                    .bind(ByteView(log.data))
                    .bind(event_name(*body));
                if (key.run) {
                    event.bind(*key.run);
                } else {
                    event.bind_null();
                }
                bind_optional(event, key.round ? std::optional(key.round->value) : std::nullopt);
                bind_optional(
                    event, key.uid ? std::optional<std::uint64_t>(key.uid->value) : std::nullopt);
                COVENANT_CHECK(event.bind(std::string_view(event_body_json(*body).dump())).run());
            }
        }
        return {};
    });
}

Result<std::uint64_t> Index::reorgs() {
    COVENANT_TRY(Statement select, database_->prepare("SELECT reorgs FROM meta"));
    COVENANT_TRY(const bool found, select.step());
    return found ? select.integer(0) : 0;
}

Result<std::vector<Event>> read_events(Database& database, const ContractAddresses& contracts,
                                       Index::Position position, std::uint64_t limit) {
    COVENANT_TRY(
        Statement select,
        database.prepare(std::string(kEventRows) + " WHERE (e.block_number, e.log_index) >= (?, ?) "
                                                   "ORDER BY e.block_number, e.log_index LIMIT ?"));
    select.bind(position.block).bind(position.next_log).bind(limit);
    return event_rows(database, select, contracts);
}

Result<std::vector<Event>> read_round_events(Database& database, const ContractAddresses& contracts,
                                             const RunId& run, Round first, Round last) {
    const std::string rows(kEventRows);
    // The newest one of a kind before the rounds: an event of a round that is below `first`.
    const auto newest = [&](std::string_view kind) {
        return "SELECT * FROM (" + rows + " WHERE e.kind = '" + std::string(kind) +
               "' AND e.run = ? AND e.round < ? ORDER BY e.round DESC LIMIT 1)";
    };
    COVENANT_TRY(
        Statement select,
        database.prepare(
            rows + " WHERE e.kind IN ('hotkey_registered', 'stake_changed', 'run_created') " +
            "UNION ALL " + rows + " WHERE e.kind IN (" + all_kinds() +
            ") AND e.run = ? AND e.round BETWEEN ? AND ? UNION ALL " + rows +
            " WHERE e.kind = 'miner_failed' AND e.run = ? AND e.round < ? UNION ALL " + rows +
            " WHERE e.kind = 'beacon_proven' AND e.run = ? AND e.round IS NULL UNION ALL " +
            newest("beacon_proven") + " UNION ALL " + newest("parameters_accepted") +
            " ORDER BY 1, 2"));
    select.bind(run).bind(first.value).bind(last.value);
    select.bind(run).bind(first.value).bind(run);
    select.bind(run).bind(first.value).bind(run).bind(first.value);
    return event_rows(database, select, contracts);
}

Result<std::vector<RoundSettled>> read_settlements(Database& database,
                                                   const ContractAddresses& contracts,
                                                   const RunId& run) {
    COVENANT_TRY(
        Statement select,
        database.prepare(std::string(kEventRows) +
                         " WHERE e.kind = 'round_settled' AND e.run = ? ORDER BY e.round"));
    select.bind(run);
    COVENANT_TRY(const std::vector<Event> events, event_rows(database, select, contracts));
    std::vector<RoundSettled> out;
    out.reserve(events.size());
    for (const Event& event : events) {
        out.push_back(std::get<RoundSettled>(event.body));
    }
    return out;
}

Result<std::vector<Event>> Index::events_from(Position position, std::uint64_t limit) {
    return read_events(*database_, contracts_, position, limit);
}

}  // namespace covenant::chain
