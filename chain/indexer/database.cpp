#include "chain/indexer/database.hpp"

#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

namespace covenant::chain {
namespace {

Errc code_of(int sqlite_code) {
    switch (sqlite_code & 0xff) {
        case SQLITE_NOTADB:
        case SQLITE_CORRUPT:
            return Errc::kCorrupt;
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
            return Errc::kUnavailable;
        case SQLITE_READONLY:
        case SQLITE_PERM:
        case SQLITE_AUTH:
            return Errc::kPermission;
        case SQLITE_CONSTRAINT:
            return Errc::kAlreadyExists;
        default:
            return Errc::kIo;
    }
}

tl::unexpected<Error> sqlite_error(sqlite3* handle, std::string_view where) {
    const int code = sqlite3_extended_errcode(handle);
    const char* file = sqlite3_db_filename(handle, "main");
    return fail(code_of(code), std::string(where) + " in " +
                                   (file != nullptr && *file != '\0' ? file : "the index") + ": " +
                                   sqlite3_errmsg(handle));
}

}  // namespace

Statement::Statement(Statement&& other) noexcept
    : handle_(other.handle_),
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

Statement& Statement::bind(std::string_view value) {
    note(sqlite3_bind_text64(statement_, next_parameter_, value.data(), value.size(),
                             SQLITE_TRANSIENT, SQLITE_UTF8));
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
    return sqlite_error(handle_, "statement");
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

Result<Database> Database::open(const std::string& path, Durability durability) {
    // Made here so that the mode is ours and not the umask's: the outbox tells what an operator
    // does.
    const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0) {
        return fail(errno == EACCES ? Errc::kPermission : Errc::kIo,
                    "open " + path + ": " + std::generic_category().message(errno));
    }
    ::close(file);
    sqlite3* handle = nullptr;
    const int code = sqlite3_open_v2(path.c_str(), &handle,
                                     SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
    if (code != SQLITE_OK) {
        auto error = sqlite_error(handle, "open");
        sqlite3_close_v2(handle);
        return error;
    }
    sqlite3_extended_result_codes(handle, 1);
    Database out(handle, path);
    COVENANT_CHECK(
        out.execute("PRAGMA busy_timeout=5000; PRAGMA journal_mode=WAL; "
                    "PRAGMA foreign_keys=ON; PRAGMA cache_size=-65536; "
                    "PRAGMA mmap_size=268435456; PRAGMA wal_autocheckpoint=2000; "
                    "PRAGMA journal_size_limit=67108864;"));
    COVENANT_CHECK(out.execute(durability == Durability::kFull ? "PRAGMA synchronous=FULL"
                                                               : "PRAGMA synchronous=NORMAL"));
    return out;
}

Result<Database> Database::open_read_only(const std::string& path) {
    if (::access(path.c_str(), F_OK) != 0) {
        return fail(Errc::kNotFound, "no index at " + path);
    }
    sqlite3* handle = nullptr;
    const int code =
        sqlite3_open_v2(path.c_str(), &handle, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, nullptr);
    if (code != SQLITE_OK) {
        auto error = sqlite_error(handle, "open");
        sqlite3_close_v2(handle);
        return error;
    }
    sqlite3_extended_result_codes(handle, 1);
    Database out(handle, path);
    COVENANT_CHECK(out.execute("PRAGMA busy_timeout=5000; PRAGMA query_only=ON;"));
    return out;
}

Database::Database(Database&& other) noexcept
    : handle_(std::exchange(other.handle_, nullptr)), path_(std::move(other.path_)) {}

Database::~Database() {
    sqlite3_close_v2(handle_);
}

Status Database::execute(std::string_view sql) {
    const std::string text(sql);
    if (sqlite3_exec(handle_, text.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
        return sqlite_error(handle_, "statement");
    }
    return {};
}

Result<Statement> Database::prepare(std::string_view sql) {
    sqlite3_stmt* statement = nullptr;
    if (sqlite3_prepare_v2(handle_, sql.data(), static_cast<int>(sql.size()), &statement,
                           nullptr) != SQLITE_OK) {
        return sqlite_error(handle_, "prepare");
    }
    return Statement(handle_, statement);
}

Result<std::uint64_t> Database::version() {
    COVENANT_TRY(Statement statement, prepare("PRAGMA user_version"));
    COVENANT_TRY(const bool row, statement.step());
    return row ? statement.integer(0) : 0;
}

}  // namespace covenant::chain
