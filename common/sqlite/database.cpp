#include "common/sqlite/database.hpp"

#include "common/base/file.hpp"
#include "common/sqlite/page_check.hpp"
#include "common/sqlite/row_digest.hpp"

#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

namespace covenant::sqlite {
namespace {

namespace fs = std::filesystem;

constexpr int kBusyMs = 10'000;

std::string system_text(int error) {
    return std::generic_category().message(error);
}

tl::unexpected<Error> failure(const Connection& connection, std::string_view action) {
    sqlite3* handle = connection.handle;
    const int code = sqlite3_extended_errcode(handle);
    const std::string why = sqlite3_errmsg(handle);
    if (code == SQLITE_IOERR_DATA) return connection.damaged("a page does not match its checksum");
    Errc kind = Errc::kIo;
    std::string reason = why;
    switch (code & 0xff) {
        case SQLITE_NOTADB:
        case SQLITE_CORRUPT:
            return connection.damaged(why);
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
            kind = Errc::kUnavailable;
            reason = "another process writes it (" + why + ")";
            break;
        case SQLITE_READONLY:
        case SQLITE_PERM:
        case SQLITE_AUTH:
            kind = Errc::kPermission;
            break;
        case SQLITE_CONSTRAINT:
            kind = Errc::kAlreadyExists;
            break;
        case SQLITE_FULL:
            reason = "the disk is full; free some space and start again";
            break;
        case SQLITE_CANTOPEN:
        case SQLITE_IOERR:
            if (const int error = sqlite3_system_errno(handle); error != 0) {
                reason += ": " + system_text(error);
            }
            break;
        default:
            break;
    }
    return fail(kind, std::string(action) + " " + std::string(connection.kind.name) + " " +
                          connection.path + ": " + reason);
}

// SQLite opens whatever a path names, and waits for ever on a FIFO; its own words for a path that
// is too long are "unable to open database file".
Status check_path(const std::string& path, const FileKind& kind) {
    const std::string what = "open " + std::string(kind.name) + " " + path + ": ";
    if (auto regular = require_regular_or_absent(path); !regular) {
        return fail(std::move(regular).error().within("open " + std::string(kind.name)));
    }
    std::error_code error;
    const fs::path resolved = fs::weakly_canonical(path, error);
    const std::size_t size = (error ? path : resolved.string()).size();
    if (size > kMaxPathBytes) {
        return fail(Errc::kInvalidArgument, what + "the path has " + std::to_string(size) +
                                                " bytes, SQLite opens at most " +
                                                std::to_string(kMaxPathBytes) +
                                                "; choose a shorter data directory");
    }
    return {};
}

// Made here so that the mode is ours and not the umask's. A file that is there is not opened: to
// close any descriptor of a database drops the locks that SQLite holds on it in this process.
Status create(const std::string& path, const FileKind& kind) {
    const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file >= 0) {
        ::close(file);
    } else if (errno != EEXIST) {
        return fail(errno == EACCES ? Errc::kPermission : Errc::kIo,
                    "create " + std::string(kind.name) + " " + path + ": " + system_text(errno));
    }
    return {};
}

Result<std::unique_ptr<Connection>> connect(const std::string& path, const FileKind& kind,
                                            const std::string& name, int flags) {
    auto out = std::make_unique<Connection>(Connection{nullptr, path, kind});
    const char* vfs = kind.checked_pages ? checked_vfs() : nullptr;
    const int code = sqlite3_open_v2(name.c_str(), &out->handle, flags | SQLITE_OPEN_NOMUTEX, vfs);
    if (code == SQLITE_OK) {
        sqlite3_extended_result_codes(out->handle, 1);
        sqlite3_busy_timeout(out->handle, kBusyMs);
        if (add_row_digest(out->handle) == SQLITE_OK) return out;
    }
    auto error = failure(*out, "open");
    sqlite3_close_v2(out->handle);
    return error;
}

// With what SQLite would read as part of its own syntax written as %XX.
std::string immutable_uri(const std::string& path) {
    std::error_code ignored;
    std::string out = "file://";
    for (const char c : fs::absolute(path, ignored).string()) {
        switch (c) {
            case '%':
                out += "%25";
                break;
            case '?':
                out += "%3f";
                break;
            case '#':
                out += "%23";
                break;
            default:
                out += c;
        }
    }
    return out + "?immutable=1";
}

// A reader keeps a lock file beside the database, which it may not do here; so the file is read as
// it lies. A log that waits beside it cannot be left out: then SQLite must try.
bool read_as_it_lies(const std::string& path) {
    const std::string folder = fs::path(path).parent_path().string();
    const bool writable =
        ::faccessat(AT_FDCWD, path.c_str(), W_OK, AT_EACCESS) == 0 &&
        ::faccessat(AT_FDCWD, folder.empty() ? "." : folder.c_str(), W_OK, AT_EACCESS) == 0;
    struct stat log {};
    return !writable && (::stat((path + "-wal").c_str(), &log) != 0 || log.st_size == 0);
}

}  // namespace

tl::unexpected<Error> Connection::damaged(std::string_view why) const {
    return fail(Errc::kCorrupt, std::string(kind.name) + " " + path + " is damaged (" +
                                    std::string(why) + "): " + std::string(kind.remedy));
}

Statement::Statement(Statement&& other) noexcept
    : connection_(other.connection_),
      statement_(std::exchange(other.statement_, nullptr)),
      next_parameter_(other.next_parameter_),
      bind_error_(other.bind_error_) {}

Statement::~Statement() {
    sqlite3_finalize(statement_);
}

void Statement::note(int code) {
    if (code != SQLITE_OK && bind_error_ == SQLITE_OK) bind_error_ = code;
    ++next_parameter_;
}

Statement& Statement::bind(std::uint64_t value) {
    note(sqlite3_bind_int64(statement_, next_parameter_, static_cast<sqlite3_int64>(value)));
    return *this;
}

// Never null, not even when empty.
Statement& Statement::bind(std::string_view value) {
    note(sqlite3_bind_text64(statement_, next_parameter_, value.empty() ? "" : value.data(),
                             value.size(), SQLITE_TRANSIENT, SQLITE_UTF8));
    return *this;
}

Statement& Statement::bind(ByteView value) {
    note(value.empty() ? sqlite3_bind_zeroblob(statement_, next_parameter_, 0)
                       : sqlite3_bind_blob64(statement_, next_parameter_, value.data(),
                                             value.size(), SQLITE_TRANSIENT));
    return *this;
}

Statement& Statement::bind_null() {
    note(sqlite3_bind_null(statement_, next_parameter_));
    return *this;
}

Result<bool> Statement::step() {
    if (bind_error_ != SQLITE_OK) {
        return fail(Errc::kInvalidArgument,
                    std::string("statement parameter: ") + sqlite3_errstr(bind_error_));
    }
    const int code = sqlite3_step(statement_);
    if (code == SQLITE_ROW) return true;
    if (code == SQLITE_DONE) return false;
    return failure(*connection_, "read or write");
}

Status Statement::run() {
    auto row = step();
    while (row && *row) {
        row = step();
    }
    sqlite3_reset(statement_);
    sqlite3_clear_bindings(statement_);
    next_parameter_ = 1;
    bind_error_ = SQLITE_OK;
    if (!row) return fail(std::move(row).error());
    return {};
}

bool Statement::is_null(int column) const {
    return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

std::uint64_t Statement::integer(int column) const {
    return static_cast<std::uint64_t>(sqlite3_column_int64(statement_, column));
}

std::string Statement::text(int column) const {
    const unsigned char* data = sqlite3_column_text(statement_, column);
    const int size = sqlite3_column_bytes(statement_, column);
    return data == nullptr
               ? std::string()
               : std::string(reinterpret_cast<const char*>(data), static_cast<std::size_t>(size));
}

Bytes Statement::blob(int column) const {
    const void* data = sqlite3_column_blob(statement_, column);
    const int size = sqlite3_column_bytes(statement_, column);
    if (data == nullptr || size <= 0) return {};
    const auto* bytes = static_cast<const std::uint8_t*>(data);
    return {bytes, bytes + size};
}

Result<Database> Database::open(const std::string& path, const FileKind& kind) {
    COVENANT_CHECK(check_path(path, kind));
    COVENANT_CHECK(create(path, kind));
    COVENANT_TRY(auto connection, connect(path, kind, path, SQLITE_OPEN_READWRITE));
    Database out(std::move(connection));
    COVENANT_CHECK(out.configure());
    return out;
}

Status Database::configure() {
    if (connection_->kind.checked_pages) {
        // Counts only while the file is empty; later the file's own number holds.
        int reserved = kPageCheckBytes;
        sqlite3_file_control(connection_->handle, "main", SQLITE_FCNTL_RESERVE_BYTES, &reserved);
    }
    COVENANT_CHECK(
        execute("PRAGMA page_size=4096; PRAGMA journal_mode=WAL; PRAGMA foreign_keys=ON; "
                "PRAGMA cache_size=-65536; PRAGMA mmap_size=268435456; PRAGMA temp_store=MEMORY; "
                "PRAGMA wal_autocheckpoint=2000; PRAGMA journal_size_limit=67108864;"));
    return execute(connection_->kind.durability == Durability::kFull ? "PRAGMA synchronous=FULL"
                                                                     : "PRAGMA synchronous=NORMAL");
}

Result<Database> Database::open_read_only(const std::string& path, const FileKind& kind) {
    COVENANT_CHECK(check_path(path, kind));
    if (::access(path.c_str(), F_OK) != 0) {
        return fail(Errc::kNotFound, "no " + std::string(kind.name) + " at " + path);
    }
    const bool as_it_lies = read_as_it_lies(path);
    COVENANT_TRY(auto connection, as_it_lies ? connect(path, kind, immutable_uri(path),
                                                       SQLITE_OPEN_READONLY | SQLITE_OPEN_URI)
                                             : connect(path, kind, path, SQLITE_OPEN_READONLY));
    Database out(std::move(connection));
    COVENANT_CHECK(out.execute("PRAGMA query_only=ON; PRAGMA cache_size=-65536;"));
    return out;
}

Database::Database(Database&& other) noexcept = default;

Database::~Database() {
    if (connection_) sqlite3_close_v2(connection_->handle);
}

Status Database::execute(std::string_view sql) {
    const std::string text(sql);
    if (sqlite3_exec(connection_->handle, text.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
        return failure(*connection_, "read or write");
    }
    return {};
}

Result<Statement> Database::prepare(std::string_view sql) {
    sqlite3_stmt* statement = nullptr;
    if (sqlite3_prepare_v2(connection_->handle, sql.data(), static_cast<int>(sql.size()),
                           &statement, nullptr) != SQLITE_OK) {
        return failure(*connection_, "read or write");
    }
    return Statement(*connection_, statement);
}

Result<std::uint64_t> Database::integer(std::string_view sql) {
    COVENANT_TRY(Statement statement, prepare(sql));
    COVENANT_TRY(const bool row, statement.step());
    return row ? statement.integer(0) : 0;
}

std::uint64_t Database::changes() const {
    return static_cast<std::uint64_t>(sqlite3_changes64(connection_->handle));
}

Result<std::uint64_t> Database::version() {
    return integer("PRAGMA user_version");
}

Status Database::check_structure() {
    COVENANT_TRY(Statement check, prepare("PRAGMA quick_check(1)"));
    COVENANT_TRY(const bool row, check.step());
    if (row && check.text(0) == "ok") return {};
    return damaged(row ? check.text(0) : "no answer");
}

}  // namespace covenant::sqlite
