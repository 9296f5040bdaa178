#include "common/node/journal.hpp"

#include "common/base/assert.hpp"
#include "common/base/mutex.hpp"

#include <limits>

#include <fmt/format.h>
#include <sqlite3.h>

namespace covenant::node {
namespace {

constexpr int kSchema = 1;
constexpr int kApplicationId = 0x434F564A;  // "COVJ"

constexpr const char* kCreate =
    "CREATE TABLE entry(key TEXT PRIMARY KEY NOT NULL, value BLOB NOT NULL, sealed INTEGER NOT "
    "NULL,"
    " sequence INTEGER NOT NULL) STRICT;"
    // rows and sequence change in the transaction that changes entry: a difference means that rows
    // were lost.
    "CREATE TABLE meta(id INTEGER PRIMARY KEY CHECK (id = 1), sequence INTEGER NOT NULL, rows "
    "INTEGER NOT NULL)"
    " STRICT;"
    "INSERT INTO meta VALUES (1, 0, 0);";

tl::unexpected<Error> sqlite_failure(sqlite3* db, int code, std::string_view action) {
    Errc kind = Errc::kIo;
    std::string why = db != nullptr ? sqlite3_errmsg(db) : sqlite3_errstr(code);
    switch (code & 0xff) {
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
            kind = Errc::kCorrupt;
            break;
        case SQLITE_FULL:
            why = "the disk is full; free some space and start again";
            break;
        case SQLITE_PERM:
        case SQLITE_READONLY:
            kind = Errc::kPermission;
            break;
        case SQLITE_BUSY:
            why = "another process uses it";
            break;
        default:
            break;
    }
    return fail(kind, fmt::format("{}: {}", action, why));
}

// One prepared statement; finalised with it.
class Statement {
  public:
    static Result<Statement> prepare(sqlite3* db, const char* sql) {
        sqlite3_stmt* statement = nullptr;
        const int code = sqlite3_prepare_v2(db, sql, -1, &statement, nullptr);
        if (code != SQLITE_OK) return sqlite_failure(db, code, "prepare");
        return Statement(db, statement);
    }
    Statement(Statement&& other) noexcept
        : db_(other.db_), statement_(std::exchange(other.statement_, nullptr)) {}
    Statement& operator=(Statement&&) = delete;
    Statement(const Statement&) = delete;
    Statement& operator=(const Statement&) = delete;
    ~Statement() { sqlite3_finalize(statement_); }

    // The views must live until the statement is done. Never null, not even when empty.
    Statement& bind(int index, std::string_view text) {
        sqlite3_bind_text(statement_, index, text.empty() ? "" : text.data(),
                          static_cast<int>(text.size()), SQLITE_STATIC);
        return *this;
    }
    Statement& bind(int index, ByteView data) {
        if (data.empty()) {
            sqlite3_bind_zeroblob(statement_, index, 0);
        } else {
            sqlite3_bind_blob64(statement_, index, data.data(), data.size(), SQLITE_STATIC);
        }
        return *this;
    }
    Statement& bind(int index, std::int64_t value) {
        sqlite3_bind_int64(statement_, index, value);
        return *this;
    }

    // True: a row is there. False: done.
    Result<bool> step() {
        const int code = sqlite3_step(statement_);
        if (code == SQLITE_ROW) return true;
        if (code == SQLITE_DONE) return false;
        return sqlite_failure(db_, code, "run");
    }
    Status run() {
        COVENANT_TRY(const bool row, step());
        (void)row;
        return {};
    }

    [[nodiscard]] std::int64_t integer(int column) const {
        return sqlite3_column_int64(statement_, column);
    }
    [[nodiscard]] std::string text(int column) const {
        const auto* data = sqlite3_column_text(statement_, column);
        const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, column));
        return data == nullptr ? std::string()
                               : std::string(reinterpret_cast<const char*>(data), size);
    }
    [[nodiscard]] Bytes blob(int column) const {
        const auto* data =
            static_cast<const std::uint8_t*>(sqlite3_column_blob(statement_, column));
        const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, column));
        return data == nullptr ? Bytes() : Bytes(data, data + size);
    }

  private:
    Statement(sqlite3* db, sqlite3_stmt* statement) : db_(db), statement_(statement) {}
    sqlite3* db_;
    sqlite3_stmt* statement_;
};

Status execute(sqlite3* db, const char* sql) {
    const int code = sqlite3_exec(db, sql, nullptr, nullptr, nullptr);
    if (code != SQLITE_OK) return sqlite_failure(db, code, "run");
    return {};
}

Result<std::int64_t> single_integer(sqlite3* db, const char* sql) {
    COVENANT_TRY(Statement statement, Statement::prepare(db, sql));
    COVENANT_TRY(const bool row, statement.step());
    return row ? statement.integer(0) : 0;
}

// BEGIN IMMEDIATE; rolled back unless committed.
class Transaction {
  public:
    explicit Transaction(sqlite3* db) : db_(db) {}
    Status begin() {
        COVENANT_CHECK(execute(db_, "BEGIN IMMEDIATE"));
        open_ = true;
        return {};
    }
    Status commit() {
        COVENANT_CHECK(execute(db_, "COMMIT"));
        open_ = false;
        return {};
    }
    ~Transaction() {
        if (open_) sqlite3_exec(db_, "ROLLBACK", nullptr, nullptr, nullptr);
    }
    Transaction(const Transaction&) = delete;
    Transaction& operator=(const Transaction&) = delete;

  private:
    sqlite3* db_;
    bool open_ = false;
};

// Keys are printable ASCII, so prefix + 0x7f is above every key that starts with prefix.
Status check_key(std::string_view key, bool may_be_empty) {
    bool good = (may_be_empty || !key.empty()) && key.size() <= Journal::kMaxKeyBytes;
    for (const char c : key)
        good = good && c > 0x20 && c < 0x7f;
    if (good) return {};
    return fail(
        Errc::kInvalidArgument,
        fmt::format(
            "a journal key has 1 to {} printable ASCII characters without spaces, this one has "
            "{} or another character",
            Journal::kMaxKeyBytes, key.size()));
}

std::string above(std::string_view prefix) {
    return std::string(prefix) + '\x7f';
}

}  // namespace

std::string journal_key(std::string_view prefix, std::uint64_t number) {
    return fmt::format("{}/{:020}", prefix, number);
}

std::string journal_key(std::string_view prefix, std::uint64_t number, std::string_view suffix) {
    return fmt::format("{}/{:020}/{}", prefix, number, suffix);
}

class Journal::Impl {
  public:
    Impl(sqlite3* db, std::string name) : db_(db), name_(std::move(name)) {}
    ~Impl() { sqlite3_close_v2(db_); }
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    Status prepare() COVENANT_EXCLUDES(mutex_) {
        const MutexLock lock(mutex_);
        sqlite3_extended_result_codes(db_, 1);
        sqlite3_busy_timeout(db_, 5000);
        COVENANT_TRY(const std::int64_t version, single_integer(db_, "PRAGMA user_version"));
        if (version > kSchema) {
            return fail(
                Errc::kPrecondition,
                fmt::format(
                    "schema {} is newer than the {} this program knows: run the newer version "
                    "again, or use another data directory",
                    version, kSchema));
        }
        COVENANT_CHECK(
            execute(db_,
                    "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;"
                    "PRAGMA wal_autocheckpoint=2000; PRAGMA journal_size_limit=67108864"));
        COVENANT_TRY(const std::int64_t application, single_integer(db_, "PRAGMA application_id"));
        if (version == 0) {
            COVENANT_TRY(const std::int64_t tables,
                         single_integer(db_, "SELECT count(*) FROM sqlite_schema"));
            if (tables != 0) return fail(Errc::kCorrupt, "a SQLite file, but no journal");
            Transaction transaction(db_);
            COVENANT_CHECK(transaction.begin());
            COVENANT_CHECK(execute(db_, kCreate));
            COVENANT_CHECK(
                execute(db_, fmt::format("PRAGMA application_id={}; PRAGMA user_version={}",
                                         kApplicationId, kSchema)
                                 .c_str()));
            return transaction.commit();
        }
        if (application != kApplicationId)
            return fail(Errc::kCorrupt, "a SQLite file, but no journal");
        return check();
    }

    Status write(std::string_view key, ByteView value, bool seal) COVENANT_EXCLUDES(mutex_) {
        const MutexLock lock(mutex_);
        Transaction transaction(db_);
        COVENANT_CHECK(transaction.begin());
        COVENANT_TRY(Statement find,
                     Statement::prepare(db_, "SELECT value, sealed FROM entry WHERE key = ?1"));
        find.bind(1, key);
        COVENANT_TRY(const bool present, find.step());
        if (present) {
            const Bytes old = find.blob(0);
            const bool sealed = find.integer(1) != 0;
            const bool same = std::equal(old.begin(), old.end(), value.begin(), value.end());
            if (!same && (sealed || seal)) {
                return fail(
                    Errc::kAlreadyExists,
                    fmt::format("{} holds {} other bytes{}; what was written is never changed", key,
                                old.size(), sealed ? " and is sealed" : ""));
            }
            if (same && (sealed || !seal)) return {};  // nothing to write
        }
        COVENANT_CHECK(execute(db_, "UPDATE meta SET sequence = sequence + 1"));
        if (!present) COVENANT_CHECK(execute(db_, "UPDATE meta SET rows = rows + 1"));
        COVENANT_TRY(
            Statement insert,
            Statement::prepare(db_,
                               "INSERT INTO entry VALUES (?1, ?2, ?3, (SELECT sequence FROM meta)) "
                               "ON CONFLICT(key) DO UPDATE SET value = excluded.value, "
                               "sealed = excluded.sealed, sequence = excluded.sequence"));
        insert.bind(1, key).bind(2, value).bind(3, std::int64_t{seal ? 1 : 0});
        COVENANT_CHECK(insert.run());
        return transaction.commit();
    }

    Result<std::optional<Bytes>> get(std::string_view key) COVENANT_EXCLUDES(mutex_) {
        const MutexLock lock(mutex_);
        COVENANT_TRY(Statement find,
                     Statement::prepare(db_, "SELECT value FROM entry WHERE key = ?1"));
        find.bind(1, key);
        COVENANT_TRY(const bool present, find.step());
        if (!present) return std::optional<Bytes>();
        return std::optional<Bytes>(find.blob(0));
    }

    Result<std::vector<JournalEntry>> list(std::string_view prefix, std::size_t limit,
                                           bool descending) COVENANT_EXCLUDES(mutex_) {
        const MutexLock lock(mutex_);
        const char* sql =
            descending ? "SELECT key, value, sealed, sequence FROM entry WHERE key >= ?1 AND "
                         "key < ?2 ORDER BY key DESC LIMIT ?3"
                       : "SELECT key, value, sealed, sequence FROM entry WHERE key >= ?1 AND "
                         "key < ?2 ORDER BY key LIMIT ?3";
        COVENANT_TRY(Statement find, Statement::prepare(db_, sql));
        const std::string end = above(prefix);
        constexpr auto kMost = static_cast<std::size_t>(std::numeric_limits<std::int64_t>::max());
        find.bind(1, prefix)
            .bind(2, std::string_view(end))
            .bind(3, static_cast<std::int64_t>(std::min(limit, kMost)));
        std::vector<JournalEntry> out;
        for (;;) {
            COVENANT_TRY(const bool row, find.step());
            if (!row) return out;
            out.push_back({find.text(0), find.blob(1), find.integer(2) != 0,
                           static_cast<std::uint64_t>(find.integer(3))});
        }
    }

    // `sql` deletes keys of [?1, ?2).
    Result<std::uint64_t> erase(const char* sql, std::string_view from, std::string_view to)
        COVENANT_EXCLUDES(mutex_) {
        const MutexLock lock(mutex_);
        Transaction transaction(db_);
        COVENANT_CHECK(transaction.begin());
        COVENANT_TRY(Statement statement, Statement::prepare(db_, sql));
        statement.bind(1, from).bind(2, to);
        COVENANT_CHECK(statement.run());
        const std::int64_t count = sqlite3_changes64(db_);
        COVENANT_TRY(Statement update, Statement::prepare(db_, "UPDATE meta SET rows = rows - ?1"));
        update.bind(1, count);
        COVENANT_CHECK(update.run());
        COVENANT_CHECK(transaction.commit());
        return static_cast<std::uint64_t>(count);
    }

    std::uint64_t sequence() COVENANT_EXCLUDES(mutex_) {
        const MutexLock lock(mutex_);
        const auto value = single_integer(db_, "SELECT sequence FROM meta");
        return value ? static_cast<std::uint64_t>(*value) : 0;
    }

    [[nodiscard]] const std::string& name() const { return name_; }

  private:
    // What an opened file must hold true before anything relies on it.
    Status check() COVENANT_REQUIRES(mutex_) {
        COVENANT_TRY(Statement quick, Statement::prepare(db_, "PRAGMA quick_check(1)"));
        COVENANT_TRY(const bool row, quick.step());
        if (!row || quick.text(0) != "ok") {
            return fail(Errc::kCorrupt,
                        "damaged: " + (row ? quick.text(0) : std::string("no answer")));
        }
        COVENANT_TRY(const std::int64_t sequence, single_integer(db_, "SELECT sequence FROM meta"));
        COVENANT_TRY(const std::int64_t rows, single_integer(db_, "SELECT rows FROM meta"));
        COVENANT_TRY(const std::int64_t last,
                     single_integer(db_, "SELECT max(sequence) FROM entry"));
        COVENANT_TRY(const std::int64_t count, single_integer(db_, "SELECT count(*) FROM entry"));
        if (last > sequence || count != rows) {
            return fail(Errc::kCorrupt, fmt::format("{} rows up to write {}, but {} rows up to "
                                                    "write {} were recorded: rows were lost "
                                                    "or added by another program",
                                                    count, last, rows, sequence));
        }
        return {};
    }

    Mutex mutex_;
    sqlite3* db_;
    std::string name_;
};

Journal::Journal(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Journal::~Journal() = default;

Result<std::unique_ptr<Journal>> Journal::open(const std::filesystem::path& path) {
    const std::string where = "journal " + path.string();
    sqlite3* db = nullptr;
    const int code =
        sqlite3_open_v2(path.c_str(), &db,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
    auto impl = std::make_unique<Impl>(db, where);
    if (code != SQLITE_OK) return sqlite_failure(db, code, where);
    if (auto ready = impl->prepare(); !ready) return fail(std::move(ready).error().within(where));
    return std::unique_ptr<Journal>(new Journal(std::move(impl)));
}

Status Journal::put(std::string_view key, ByteView value) {
    COVENANT_CHECK(check_key(key, false));
    if (value.size() > kMaxValueBytes) {
        return fail(Errc::kInvalidArgument,
                    fmt::format("{} bytes are too many for a journal row", value.size()));
    }
    if (auto done = impl_->write(key, value, false); !done)
        return fail(std::move(done).error().within(impl_->name()));
    return {};
}

Status Journal::seal(std::string_view key, ByteView value) {
    COVENANT_CHECK(check_key(key, false));
    if (value.size() > kMaxValueBytes) {
        return fail(Errc::kInvalidArgument,
                    fmt::format("{} bytes are too many for a journal row", value.size()));
    }
    if (auto done = impl_->write(key, value, true); !done)
        return fail(std::move(done).error().within(impl_->name()));
    return {};
}

Result<std::optional<Bytes>> Journal::get(std::string_view key) const {
    return impl_->get(key);
}

Result<bool> Journal::contains(std::string_view key) const {
    COVENANT_TRY(const auto value, impl_->get(key));
    return value.has_value();
}

Result<std::vector<JournalEntry>> Journal::list(std::string_view prefix, std::size_t limit) const {
    COVENANT_CHECK(check_key(prefix, true));
    return impl_->list(prefix, limit, false);
}

Result<std::optional<JournalEntry>> Journal::last(std::string_view prefix) const {
    COVENANT_CHECK(check_key(prefix, true));
    COVENANT_TRY(std::vector<JournalEntry> rows, impl_->list(prefix, 1, true));
    if (rows.empty()) return std::optional<JournalEntry>();
    return std::optional<JournalEntry>(std::move(rows.front()));
}

Result<std::uint64_t> Journal::erase_from(std::string_view prefix, std::string_view key) {
    COVENANT_CHECK(check_key(prefix, true));
    const std::string_view from = key < prefix ? prefix : key;
    return impl_->erase("DELETE FROM entry WHERE sealed = 0 AND key >= ?1 AND key < ?2", from,
                        above(prefix));
}

Result<std::uint64_t> Journal::prune_before(std::string_view prefix, std::string_view key) {
    COVENANT_CHECK(check_key(prefix, true));
    const std::string end = above(prefix);
    return impl_->erase("DELETE FROM entry WHERE key >= ?1 AND key < ?2", prefix,
                        std::min(key, std::string_view(end)));
}

std::uint64_t Journal::sequence() const {
    return impl_->sequence();
}

}  // namespace covenant::node
