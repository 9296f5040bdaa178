#include "chain/indexer/queries.hpp"

#include "chain/indexer/schema.hpp"
#include "chain/network_file.hpp"
#include "common/base/hex.hpp"

#include <algorithm>

namespace covenant::chain {
using namespace protocol;
using codec::Json;
using sqlite::Database;
using sqlite::Statement;

namespace {

// WHERE with one parameter for each condition, in the order in which bind_filter binds them.
std::string where(const EventFilter& filter) {
    std::string out = " WHERE 1";
    if (filter.kind) out += " AND e.kind = ?";
    if (filter.run) out += " AND e.run = ?";
    if (filter.round) out += " AND e.round = ?";
    if (filter.uid) out += " AND e.uid = ?";
    if (filter.above_block) out += " AND e.block_number > ?";
    if (filter.text) out += " AND instr(e.body, ?) > 0";
    return out;
}

void bind_filter(Statement& statement, const EventFilter& filter) {
    if (filter.kind) statement.bind(std::string_view(*filter.kind));
    if (filter.run) statement.bind(*filter.run);
    if (filter.round) statement.bind(filter.round->value);
    if (filter.uid) statement.bind(filter.uid->value);
    if (filter.above_block) statement.bind(*filter.above_block);
    if (filter.text) statement.bind(std::string_view(*filter.text));
}

// Nothing when they are not as many bytes as there are contracts.
std::optional<ContractAddresses> parse_contracts(const Bytes& bytes) {
    ContractAddresses out;
    Address ContractAddresses::*const members[] = {
        &ContractAddresses::token,        &ContractAddresses::registry,
        &ContractAddresses::run_registry, &ContractAddresses::round_manager,
        &ContractAddresses::score_ledger, &ContractAddresses::emissions,
        &ContractAddresses::authority};
    if (bytes.size() != std::size(members) * Address::kSize) {
        return std::nullopt;
    }
    std::size_t at = 0;
    for (const auto member : members) {
        out.*member = Address::from(ByteView(bytes).subspan(at, Address::kSize));
        at += Address::kSize;
    }
    return out;
}

}  // namespace

Result<IndexReader> IndexReader::open(const std::string& path) {
    COVENANT_TRY(Database database, Database::open_read_only(path, kIndexFile));
    COVENANT_TRY(const std::uint64_t version, database.version());
    if (version != kIndexVersion) {
        return fail(Errc::kMismatch, path + " is no index of version " +
                                         std::to_string(kIndexVersion) + " (found " +
                                         std::to_string(version) + ")");
    }
    return IndexReader(std::move(database));
}

Result<IndexReader> IndexReader::open(const std::string& path, const NetworkFile& network) {
    COVENANT_TRY(IndexReader reader, open(path));
    COVENANT_CHECK(reader.check(network));
    return reader;
}

Status IndexReader::check(const NetworkFile& network) {
    const auto another = [&](const std::string& here, const std::string& there) {
        return fail(Errc::kMismatch,
                    database_.path() + " is the index of another network: it holds " + here +
                        ", network.json names " + there +
                        "; use the network file that belongs to this folder, or delete the index "
                        "and start again, it is rebuilt from the chain");
    };
    COVENANT_TRY(const IndexInfo own, info());
    if (own.chain_id != network.chain_id || own.genesis_hash != network.genesis_hash) {
        return another(
            "chain " + std::to_string(own.chain_id) + " with genesis " + to_0x(own.genesis_hash),
            "chain " + std::to_string(network.chain_id) + " with genesis " +
                to_0x(network.genesis_hash));
    }
    const auto here = own.contracts.list();
    const auto there = network.contracts.list();
    for (std::size_t i = 0; i < here.size(); ++i) {
        if (here[i].second == there[i].second) continue;
        return another("events of " + std::string(here[i].first) + " " + to_0x(here[i].second),
                       to_0x(there[i].second));
    }
    COVENANT_TRY(const std::vector<RunId> known, runs());
    if (!network.run.is_zero() && !known.empty() &&
        std::find(known.begin(), known.end(), network.run) == known.end()) {
        return another("run " + to_0x(known.back()), "run " + to_0x(network.run));
    }
    return {};
}

Result<IndexInfo> IndexReader::info() {
    COVENANT_TRY(Statement meta,
                 database_.prepare("SELECT chain_id, genesis, contracts, reorgs, (SELECT COUNT(*) "
                                   "FROM events) FROM meta"));
    COVENANT_TRY(const bool found, meta.step());
    if (!found) return database_.damaged("it names no chain");
    IndexInfo out;
    out.chain_id = meta.integer(0);
    COVENANT_TRY(out.genesis_hash, meta.fixed<Hash256>(1));
    const std::optional<ContractAddresses> contracts = parse_contracts(meta.blob(2));
    if (!contracts) return database_.damaged("it names no contracts");
    out.contracts = *contracts;
    out.reorgs = meta.integer(3);
    out.events = meta.integer(4);
    COVENANT_TRY(const Look now, look());
    out.head = now.head;
    return out;
}

Result<IndexReader::Look> IndexReader::look() {
    Look out;
    COVENANT_TRY(Statement meta, database_.prepare("SELECT reorgs FROM meta"));
    COVENANT_TRY(const bool found, meta.step());
    if (!found) return database_.damaged("it names no chain");
    out.reorgs = meta.integer(0);
    COVENANT_TRY(Statement head, database_.prepare("SELECT number, hash, parent_hash, time FROM "
                                                   "blocks ORDER BY number DESC LIMIT 1"));
    COVENANT_TRY(const bool row, head.step());
    if (row) {
        IndexedBlock block;
        block.number = BlockNumber(head.integer(0));
        COVENANT_TRY(block.hash, head.fixed<Hash256>(1));
        COVENANT_TRY(block.parent_hash, head.fixed<Hash256>(2));
        block.time = ChainTime(head.integer(3));
        out.head = block;
    }
    return out;
}

Result<ContractAddresses> IndexReader::contracts() {
    if (!contracts_) {
        COVENANT_TRY(const IndexInfo identity, info());
        contracts_ = identity.contracts;
    }
    return *contracts_;
}

Result<std::vector<RoundSettled>> IndexReader::settlements(const RunId& run) {
    COVENANT_TRY(const ContractAddresses from, contracts());
    return read_settlements(database_, from, run);
}

Result<std::vector<EventRow>> IndexReader::events(const EventFilter& filter) {
    const std::string order = filter.newest_first ? "DESC" : "ASC";
    COVENANT_TRY(
        Statement select,
        database_.prepare("SELECT e.block_number, e.block_hash, b.time, e.log_index, e.tx, e.kind, "
                          "e.body, (SELECT MAX(number) FROM blocks) FROM events e JOIN blocks b ON "
                          "b.hash = e.block_hash" +
                          where(filter) + " ORDER BY e.block_number " + order + ", e.log_index " +
                          order + " LIMIT ? OFFSET ?"));
    bind_filter(select, filter);
    select.bind(filter.limit).bind(filter.offset);
    std::vector<EventRow> out;
    while (true) {
        COVENANT_TRY(const bool more, select.step());
        if (!more) return out;
        EventRow row;
        row.block = BlockNumber(select.integer(0));
        COVENANT_TRY(row.block_hash, select.fixed<Hash256>(1));
        row.time = ChainTime(select.integer(2));
        row.log_index = static_cast<std::uint32_t>(select.integer(3));
        COVENANT_TRY(row.transaction, select.fixed<Hash256>(4));
        row.kind = select.text(5);
        COVENANT_TRY(row.body, Json::parse(select.text(6)));
        row.confirmations = select.integer(7) - row.block.value + 1;
        out.push_back(std::move(row));
    }
}

Result<std::uint64_t> IndexReader::count(const EventFilter& filter) {
    COVENANT_TRY(Statement select,
                 database_.prepare("SELECT COUNT(*) FROM events e" + where(filter)));
    bind_filter(select, filter);
    COVENANT_TRY(const bool row, select.step());
    return row ? select.integer(0) : 0;
}

Result<std::vector<RunId>> IndexReader::runs() {
    COVENANT_TRY(Statement select,
                 database_.prepare("SELECT run FROM events WHERE kind = 'run_created' ORDER BY "
                                   "block_number, log_index"));
    std::vector<RunId> out;
    while (true) {
        COVENANT_TRY(const bool more, select.step());
        if (!more) return out;
        COVENANT_TRY(const RunId run, select.fixed<Hash256>(0));
        out.push_back(run);
    }
}

Result<RunState> IndexReader::state(const RunId& run, std::uint64_t kept_rounds) {
    COVENANT_TRY(const ContractAddresses emitters, contracts());
    while (true) {
        COVENANT_TRY(const Look before, look());
        const bool same = fold_ && fold_reorgs_ == before.reorgs && fold_run_ == run &&
                          fold_->state().kept_rounds == kept_rounds;
        if (!same) {
            fold_.emplace(run, kept_rounds);
            fold_run_ = run;
            fold_reorgs_ = before.reorgs;
        }
        COVENANT_TRY(const bool news,
                     fold_->catch_up([&](Index::Position from, std::uint64_t limit) {
                         return read_events(database_, emitters, from, limit);
                     }));
        static_cast<void>(news);
        // Another process may have undone blocks between the two reads.
        COVENANT_TRY(const Look after, look());
        if (after.reorgs == before.reorgs) return fold_->state();
    }
}

Result<RunState> IndexReader::rounds(const RunId& run, Round first, Round last) {
    COVENANT_TRY(const ContractAddresses emitters, contracts());
    COVENANT_TRY(const std::vector<Event> events,
                 read_round_events(database_, emitters, run,
                                   Round(first.value - std::min(first.value, kFactReach)), last));
    RunState state;
    state.run = run;
    for (const Event& event : events) {
        apply(state, event);
    }
    return state;
}

std::uint16_t mean_weight(const RoundRecord& record, Uid uid) {
    // Stakes are below 2^96 and weights below 2^16: the sums fit.
    Uint128 weighted = 0;
    Uint128 stake = 0;
    for (const auto& [validator, scores] : record.reveals) {
        stake += scores.stake.units;
        if (uid.value < scores.weights.size()) {
            weighted += scores.stake.units * scores.weights[uid.value];
        }
    }
    return stake == 0 ? std::uint16_t{0} : static_cast<std::uint16_t>(weighted / stake);
}

std::vector<NeuronRow> neuron_rows(const RunState& state, ChainTime now) {
    // The weights that count are those of the newest round with reveals.
    const auto revealed =
        std::find_if(state.rounds.rbegin(), state.rounds.rend(),
                     [](const auto& entry) { return !entry.second.reveals.empty(); });
    std::vector<NeuronRow> out;
    out.reserve(state.roster.neurons.size());
    for (const auto& [uid, neuron] : state.roster.neurons) {
        NeuronRow row;
        row.uid = uid;
        row.role = neuron.role;
        row.hotkey = neuron.hotkey;
        row.coldkey = neuron.coldkey;
        row.network_key = neuron.network_key;
        row.registered_at = neuron.registered_at;
        row.stake = neuron.stake_at(now);
        if (const auto found = state.tallies.find(uid); found != state.tallies.end()) {
            const Tally& tally = found->second;
            row.rounds = tally.rounds;
            row.fails = tally.fails;
            row.last_active = tally.last_active;
            row.credited = tally.credited;
            row.claimed = tally.claimed;
        }
        if (revealed != state.rounds.rend()) row.last_weight = mean_weight(revealed->second, uid);
        out.push_back(std::move(row));
    }
    return out;
}

}  // namespace covenant::chain
