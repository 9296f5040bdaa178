// The outbox on disk: its tables, and reading and writing their rows.
#include "chain/tx/outbox_row.hpp"
#include "common/base/hex.hpp"
#include "common/sqlite/row_digest.hpp"

#include <array>

namespace covenant::chain {
using sqlite::Database;
using sqlite::Statement;

namespace {

constexpr std::string_view kSchema = R"sql(
CREATE TABLE IF NOT EXISTS outbox_owner(
    id INTEGER PRIMARY KEY CHECK (id = 1), account BLOB NOT NULL, chain_id INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS outbox(
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL UNIQUE,
    fingerprint BLOB NOT NULL,
    target BLOB NOT NULL,
    data BLOB NOT NULL,
    after TEXT NOT NULL,           -- key of the row that must be included first, or ''
    state INTEGER NOT NULL,        -- OutboxState
    reason TEXT NOT NULL,
    nonce INTEGER,
    gas_limit INTEGER NOT NULL,    -- the least one, until the row is signed
    sent_block INTEGER NOT NULL,   -- head at the newest send
    included_block INTEGER NOT NULL,
    misses INTEGER NOT NULL,       -- looks that doubt: a used nonce without a receipt of ours, or
                                   -- an estimate that refuses what the head accepts
    hash BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS outbox_signed(  -- every form that may have left this machine
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    seq INTEGER NOT NULL REFERENCES outbox(seq),
    hash BLOB NOT NULL UNIQUE,
    tip TEXT NOT NULL,
    fee TEXT NOT NULL,
    raw BLOB NOT NULL) STRICT;
CREATE INDEX IF NOT EXISTS outbox_open ON outbox(state) WHERE state < 3;
)sql";

constexpr std::array<std::string_view, 14> kRowColumns = {
    "seq",    "key",   "fingerprint", "target",     "data",           "after",  "state",
    "reason", "nonce", "gas_limit",   "sent_block", "included_block", "misses", "hash"};
constexpr std::array<std::string_view, 6> kFormColumns = {"id", "seq", "hash", "tip", "fee", "raw"};

constexpr std::size_t kMaxKey = 256;

}  // namespace

std::string_view to_string(OutboxState state) {
    switch (state) {
        case OutboxState::kQueued:
            return "queued";
        case OutboxState::kSent:
            return "sent";
        case OutboxState::kIncluded:
            return "included";
        case OutboxState::kConfirmed:
            return "confirmed";
        case OutboxState::kRefused:
            return "refused";
    }
    return "queued";
}

Result<Outbox> Outbox::open(Database& database, RpcClient& rpc, const crypto::SecretKey& key,
                            OutboxOptions options) {
    COVENANT_CHECK(database.check_structure());
    COVENANT_CHECK(database.execute(kSchema));
    COVENANT_CHECK(sqlite::keep_row_digests(database, {"outbox", kRowColumns}));
    COVENANT_CHECK(sqlite::keep_row_digests(database, {"outbox_signed", kFormColumns}));
    COVENANT_TRY(Statement insert,
                 database.prepare("INSERT OR IGNORE INTO outbox_owner VALUES(1, ?, ?)"));
    COVENANT_CHECK(insert.bind(key.address()).bind(options.chain_id).run());
    COVENANT_TRY(Statement select, database.prepare("SELECT account, chain_id FROM outbox_owner"));
    COVENANT_TRY(const bool found, select.step());
    COVENANT_TRY(const Address account, select.fixed<Address>(0));
    if (!found || account != key.address() || select.integer(1) != options.chain_id) {
        return fail(Errc::kMismatch,
                    "the outbox belongs to account " + to_0x(account) + " on chain " +
                        std::to_string(select.integer(1)) + ", not to " + to_0x(key.address()) +
                        " on chain " + std::to_string(options.chain_id) +
                        ": use another data directory for another account or chain");
    }
    return Outbox(database, rpc, key, std::move(options));
}

Result<std::vector<Outbox::Row>> Outbox::rows(std::string_view condition) {
    COVENANT_TRY(Statement select,
                 database_->prepare("SELECT seq, key, fingerprint, target, data, after, state, "
                                    "reason, nonce, gas_limit, sent_block, included_block, misses, "
                                    "hash FROM outbox WHERE " +
                                    std::string(condition) + " ORDER BY seq"));
    std::vector<Row> out;
    while (true) {
        COVENANT_TRY(const bool more, select.step());
        if (!more) return out;
        Row row;
        row.seq = select.integer(0);
        row.key = select.text(1);
        COVENANT_TRY(row.fingerprint, select.fixed<Hash256>(2));
        COVENANT_TRY(row.target, select.fixed<Address>(3));
        row.data = select.blob(4);
        row.after = select.text(5);
        row.state = static_cast<OutboxState>(select.integer(6));
        row.reason = select.text(7);
        if (!select.is_null(8)) row.nonce = select.integer(8);
        row.gas_limit = select.integer(9);
        row.sent_block = select.integer(10);
        row.included_block = select.integer(11);
        row.misses = select.integer(12);
        COVENANT_TRY(row.hash, select.fixed<Hash256>(13));
        out.push_back(std::move(row));
    }
}

Result<std::vector<Outbox::Form>> Outbox::forms(const Row& row) {
    COVENANT_TRY(Statement select,
                 database_->prepare("SELECT hash, tip, fee, raw FROM outbox_signed WHERE seq = ? "
                                    "ORDER BY id DESC"));
    select.bind(row.seq);
    std::vector<Form> out;
    while (true) {
        COVENANT_TRY(const bool more, select.step());
        if (!more) return out;
        Form form;
        COVENANT_TRY(form.transaction.hash, select.fixed<Hash256>(0));
        COVENANT_TRY(form.fees.max_priority_fee, from_decimal(select.text(1)));
        COVENANT_TRY(form.fees.max_fee, from_decimal(select.text(2)));
        form.transaction.raw = select.blob(3);
        out.push_back(std::move(form));
    }
}

Status Outbox::save(Row& row) {
    COVENANT_TRY(Statement update,
                 database_->prepare("UPDATE outbox SET state = ?, reason = ?, nonce = ?, "
                                    "gas_limit = ?, sent_block = ?, included_block = ?, "
                                    "misses = ?, hash = ? WHERE seq = ?"));
    update.bind(static_cast<std::uint64_t>(row.state)).bind(std::string_view(row.reason));
    if (row.nonce) {
        update.bind(*row.nonce);
    } else {
        update.bind_null();
    }
    return update.bind(row.gas_limit)
        .bind(row.sent_block)
        .bind(row.included_block)
        .bind(row.misses)
        .bind(row.hash)
        .bind(row.seq)
        .run();
}

Status Outbox::enqueue(const OutboxRequest& request) {
    if (request.key.empty() || request.key.size() > kMaxKey ||
        request.key.starts_with(kGapPrefix)) {
        return fail(Errc::kInvalidArgument, "outbox key '" + request.key +
                                                "' must have 1 to 256 bytes and not begin with '" +
                                                std::string(kGapPrefix) + "'");
    }
    COVENANT_TRY(Statement select,
                 database_->prepare("SELECT fingerprint FROM outbox WHERE key = ?"));
    select.bind(std::string_view(request.key));
    COVENANT_TRY(const bool found, select.step());
    if (found) {
        COVENANT_TRY(const Hash256 fingerprint, select.fixed<Hash256>(0));
        if (fingerprint == request.fingerprint) return {};
        return fail(Errc::kAlreadyExists,
                    "'" + request.key +
                        "' was submitted before with other content; what was sent "
                        "once is never replaced");
    }
    COVENANT_TRY(Statement insert,
                 database_->prepare("INSERT INTO outbox(key, fingerprint, target, data, after, "
                                    "state, reason, nonce, gas_limit, sent_block, included_block, "
                                    "misses, hash) VALUES(?, ?, ?, ?, ?, 0, '', NULL, ?, 0, 0, 0, "
                                    "?)"));
    return insert.bind(std::string_view(request.key))
        .bind(request.fingerprint)
        .bind(request.to)
        .bind(ByteView(request.data))
        .bind(std::string_view(request.after))
        .bind(request.least_gas)
        .bind(Hash256{})
        .run();
}

Result<std::optional<OutboxEntry>> Outbox::find(std::string_view key) {
    COVENANT_TRY(Statement select,
                 database_->prepare("SELECT state, reason, nonce, hash, included_block FROM outbox "
                                    "WHERE key = ?"));
    select.bind(key);
    COVENANT_TRY(const bool found, select.step());
    if (!found) return std::nullopt;
    OutboxEntry out;
    out.key = key;
    out.state = static_cast<OutboxState>(select.integer(0));
    out.reason = select.text(1);
    if (!select.is_null(2)) out.nonce = select.integer(2);
    COVENANT_TRY(out.transaction, select.fixed<Hash256>(3));
    out.included_block = select.integer(4);
    return out;
}

Result<std::vector<OutboxEntry>> Outbox::entries() {
    COVENANT_TRY(const std::vector<Row> all, rows("1"));
    std::vector<OutboxEntry> out;
    out.reserve(all.size());
    for (const Row& row : all) {
        out.push_back({row.key, row.state, row.reason, row.nonce, row.hash, row.included_block});
    }
    return out;
}

}  // namespace covenant::chain
