#include "common/node/journal.hpp"

#include "common/base/mutex.hpp"
#include "common/sqlite/row_digest.hpp"

#include <algorithm>
#include <array>
#include <limits>

#include <fmt/format.h>

namespace covenant::node {
namespace {

using sqlite::Database;
using sqlite::Statement;

constexpr std::uint64_t kSchema = 2;                  // 1 had no digests
constexpr std::uint64_t kApplicationId = 0x434F564A;  // "COVJ"

constexpr sqlite::FileKind kJournalFile{
    .name = "journal",
    .remedy =
        "keep it, it is what keeps this node from signing twice; restore it from a copy, or "
        "start with a new data directory and a new hotkey",
};

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

constexpr std::array<std::string_view, 4> kEntryColumns = {"key", "value", "sealed", "sequence"};
constexpr sqlite::DigestedTable kEntry{"entry", kEntryColumns};

// Keys of [?, ?), in the order that follows.
std::string select_entries() {
    return "SELECT key, value, sealed, sequence, " + sqlite::row_matches(kEntry) +
           " FROM entry WHERE key >= ? AND key < ? ORDER BY key";
}

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

// One thread at a time.
class Rows {
  public:
    explicit Rows(Database database) : database_(std::move(database)) {}

    Status prepare() {
        COVENANT_TRY(const std::uint64_t version, database_.version());
        if (version > kSchema) {
            return fail(
                Errc::kPrecondition,
                fmt::format(
                    "journal {}: schema {} is newer than the {} this program knows: run the newer "
                    "version again, or use another data directory",
                    database_.path(), version, kSchema));
        }
        COVENANT_TRY(const std::uint64_t application, database_.integer("PRAGMA application_id"));
        if (version == 0) {
            COVENANT_CHECK(create());
        } else if (application != kApplicationId) {
            return database_.damaged("a SQLite file, but no journal");
        }
        COVENANT_CHECK(database_.check_structure());
        COVENANT_CHECK(sqlite::keep_row_digests(database_, kEntry));
        COVENANT_CHECK(database_.execute(fmt::format("PRAGMA user_version={}", kSchema)));
        return check_counts();
    }

    Status write(std::string_view key, ByteView value, bool seal) {
        return database_.transaction([&]() -> Status { return write_row(key, value, seal); });
    }

    Result<std::optional<Bytes>> get(std::string_view key) {
        COVENANT_TRY(auto found, find(key));
        if (!found) return std::optional<Bytes>();
        return std::optional<Bytes>(std::move(found->value));
    }

    Result<std::vector<JournalEntry>> list(std::string_view prefix, std::size_t limit,
                                           bool descending) {
        COVENANT_TRY(Statement select, database_.prepare(select_entries() +
                                                         (descending ? " DESC" : "") + " LIMIT ?"));
        constexpr auto kMost = static_cast<std::size_t>(std::numeric_limits<std::int64_t>::max());
        select.bind(prefix).bind(std::string_view(above(prefix))).bind(std::min(limit, kMost));
        std::vector<JournalEntry> out;
        for (;;) {
            COVENANT_TRY(const bool row, select.step());
            if (!row) return out;
            COVENANT_TRY(JournalEntry entry, read(select));
            out.push_back(std::move(entry));
        }
    }

    // `sql` deletes keys of [?, ?).
    Result<std::uint64_t> erase(std::string_view sql, std::string_view from, std::string_view to) {
        std::uint64_t count = 0;
        const Status done = database_.transaction([&]() -> Status {
            COVENANT_TRY(Statement statement, database_.prepare(sql));
            COVENANT_CHECK(statement.bind(from).bind(to).run());
            count = database_.changes();
            COVENANT_TRY(Statement update, database_.prepare("UPDATE meta SET rows = rows - ?"));
            return update.bind(count).run();
        });
        if (!done) return fail(done.error());
        return count;
    }

    std::uint64_t sequence() { return database_.integer("SELECT sequence FROM meta").value_or(0); }

  private:
    Status create() {
        COVENANT_TRY(const std::uint64_t tables,
                     database_.integer("SELECT count(*) FROM sqlite_schema"));
        if (tables != 0) return database_.damaged("a SQLite file, but no journal");
        return database_.transaction([&]() -> Status {
            COVENANT_CHECK(database_.execute(kCreate));
            return database_.execute(
                fmt::format("PRAGMA application_id={}; PRAGMA user_version=1", kApplicationId));
        });
    }

    // The row under the cursor of select_entries().
    Result<JournalEntry> read(const Statement& row) {
        JournalEntry entry{row.text(0), row.blob(1), row.integer(2) != 0, row.integer(3)};
        if (row.integer(4) == 0) {
            return database_.damaged("row " + entry.key + " does not match its digest");
        }
        return entry;
    }

    Result<std::optional<JournalEntry>> find(std::string_view key) {
        // The next key in byte order is the key and a zero byte.
        COVENANT_TRY(Statement select, database_.prepare(select_entries()));
        select.bind(key).bind(std::string_view(std::string(key) + '\0'));
        COVENANT_TRY(const bool present, select.step());
        if (!present) return std::optional<JournalEntry>();
        COVENANT_TRY(JournalEntry entry, read(select));
        return std::optional<JournalEntry>(std::move(entry));
    }

    Status write_row(std::string_view key, ByteView value, bool seal) {
        COVENANT_TRY(const std::optional<JournalEntry> old, find(key));
        if (old) {
            const bool same =
                std::equal(old->value.begin(), old->value.end(), value.begin(), value.end());
            if (!same && (old->sealed || seal)) {
                return fail(
                    Errc::kAlreadyExists,
                    fmt::format(
                        "journal {}: {} holds {} other bytes{}; what was written is never changed",
                        database_.path(), key, old->value.size(),
                        old->sealed ? " and is sealed" : ""));
            }
            if (same && (old->sealed || !seal)) return {};  // nothing to write
        }
        COVENANT_CHECK(database_.execute("UPDATE meta SET sequence = sequence + 1"));
        if (!old) COVENANT_CHECK(database_.execute("UPDATE meta SET rows = rows + 1"));
        COVENANT_TRY(Statement insert,
                     database_.prepare(
                         "INSERT INTO entry(key, value, sealed, sequence) VALUES "
                         "(?, ?, ?, (SELECT sequence FROM meta)) ON CONFLICT(key) DO UPDATE SET "
                         "value = excluded.value, sealed = excluded.sealed, "
                         "sequence = excluded.sequence"));
        return insert.bind(key).bind(value).bind(std::uint64_t{seal ? 1U : 0U}).run();
    }

    // What an opened file must hold true before anything relies on it.
    Status check_counts() {
        COVENANT_TRY(const std::uint64_t sequence, database_.integer("SELECT sequence FROM meta"));
        COVENANT_TRY(const std::uint64_t rows, database_.integer("SELECT rows FROM meta"));
        COVENANT_TRY(const std::uint64_t last,
                     database_.integer("SELECT max(sequence) FROM entry"));
        COVENANT_TRY(const std::uint64_t count, database_.integer("SELECT count(*) FROM entry"));
        if (last > sequence || count != rows) {
            return database_.damaged(fmt::format(
                "{} rows up to write {}, but {} rows up to write {} were recorded: rows were lost "
                "or added by another program",
                count, last, rows, sequence));
        }
        return {};
    }

    Database database_;
};

}  // namespace

std::string journal_key(std::string_view prefix, std::uint64_t number) {
    return fmt::format("{}/{:020}", prefix, number);
}

std::string journal_key(std::string_view prefix, std::uint64_t number, std::string_view suffix) {
    return fmt::format("{}/{:020}/{}", prefix, number, suffix);
}

class Journal::Impl {
  public:
    explicit Impl(Rows opened) : rows(std::move(opened)) {}
    Mutex mutex;
    Rows rows COVENANT_GUARDED_BY(mutex);
};

Journal::Journal(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Journal::~Journal() = default;

Result<std::unique_ptr<Journal>> Journal::open(const std::filesystem::path& path) {
    COVENANT_TRY(Database database, Database::open(path.string(), kJournalFile));
    Rows rows(std::move(database));
    COVENANT_CHECK(rows.prepare());
    auto impl = std::make_unique<Impl>(std::move(rows));
    return std::unique_ptr<Journal>(new Journal(std::move(impl)));
}

Status Journal::write(std::string_view key, ByteView value, bool seal) {
    COVENANT_CHECK(check_key(key, false));
    if (value.size() > kMaxValueBytes) {
        return fail(Errc::kInvalidArgument,
                    fmt::format("{} bytes are too many for a journal row", value.size()));
    }
    const MutexLock lock(impl_->mutex);
    return impl_->rows.write(key, value, seal);
}

Status Journal::put(std::string_view key, ByteView value) {
    return write(key, value, false);
}

Status Journal::seal(std::string_view key, ByteView value) {
    return write(key, value, true);
}

Result<std::optional<Bytes>> Journal::get(std::string_view key) const {
    const MutexLock lock(impl_->mutex);
    return impl_->rows.get(key);
}

Result<bool> Journal::contains(std::string_view key) const {
    COVENANT_TRY(const auto value, get(key));
    return value.has_value();
}

Result<std::vector<JournalEntry>> Journal::list(std::string_view prefix, std::size_t limit) const {
    COVENANT_CHECK(check_key(prefix, true));
    const MutexLock lock(impl_->mutex);
    return impl_->rows.list(prefix, limit, false);
}

Result<std::optional<JournalEntry>> Journal::last(std::string_view prefix) const {
    COVENANT_CHECK(check_key(prefix, true));
    const MutexLock lock(impl_->mutex);
    COVENANT_TRY(std::vector<JournalEntry> rows, impl_->rows.list(prefix, 1, true));
    if (rows.empty()) return std::optional<JournalEntry>();
    return std::optional<JournalEntry>(std::move(rows.front()));
}

Result<std::uint64_t> Journal::erase_from(std::string_view prefix, std::string_view key) {
    COVENANT_CHECK(check_key(prefix, true));
    const std::string_view from = key < prefix ? prefix : key;
    const MutexLock lock(impl_->mutex);
    return impl_->rows.erase("DELETE FROM entry WHERE sealed = 0 AND key >= ? AND key < ?", from,
                             above(prefix));
}

Result<std::uint64_t> Journal::prune_before(std::string_view prefix, std::string_view key) {
    COVENANT_CHECK(check_key(prefix, true));
    const std::string end = above(prefix);
    const MutexLock lock(impl_->mutex);
    return impl_->rows.erase("DELETE FROM entry WHERE key >= ? AND key < ?", prefix,
                             std::min(key, std::string_view(end)));
}

std::uint64_t Journal::sequence() const {
    const MutexLock lock(impl_->mutex);
    return impl_->rows.sequence();
}

}  // namespace covenant::node
