// The files that a node keeps in SQLite: statements, transactions, and errors that say what is
// right for the file they are about. One connection, one thread at a time. SQLite's own header
// stays in the .cpp files of this folder.
#pragma once

#include "common/base/bytes.hpp"
#include "common/base/result.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace covenant::sqlite {

enum class Durability : std::uint8_t {
    kFull,         // an acknowledged commit survives a power cut
    kRebuildable,  // the last commits may be lost: for what can be made again
};

// What a file is to its owner. The texts must outlive every database of the kind.
struct FileKind {
    std::string_view name;    // "chain index": what errors call the file
    std::string_view remedy;  // what to do with a damaged one: "delete it: it is rebuilt ..."
    Durability durability = Durability::kFull;
    // Every page carries a checksum that each read verifies (page_check.hpp). A checkpoint by
    // another program leaves pages that do not pass, so this is for files that can be made again.
    bool checked_pages = false;
};

// The longest path that SQLite opens, less the longest suffix that it appends ("-journal").
inline constexpr std::size_t kMaxPathBytes = 504;

// A connection as its statements see it.
struct Connection {
    sqlite3* handle = nullptr;
    std::string path;
    FileKind kind;

    // kCorrupt: the file, what is wrong with it, and the kind's remedy.
    [[nodiscard]] tl::unexpected<Error> damaged(std::string_view why) const;
};

class Statement {
  public:
    Statement(Statement&& other) noexcept;
    Statement& operator=(Statement&&) = delete;
    ~Statement();

    // Parameters in order, from 1.
    Statement& bind(std::uint64_t value);  // below 2^63
    Statement& bind(std::string_view value);
    Statement& bind(ByteView value);
    Statement& bind_null();
    template <std::size_t N, typename Tag>
    Statement& bind(const FixedBytes<N, Tag>& value) {
        return bind(value.view());
    }

    // True when a row is there. kIo, kCorrupt, kUnavailable (another process writes).
    Result<bool> step();
    Status run();  // steps to the end, ready to be bound again

    // Columns of the row, from 0; a value of another type reads as 0 or empty.
    [[nodiscard]] bool is_null(int column) const;
    [[nodiscard]] std::uint64_t integer(int column) const;
    [[nodiscard]] std::string text(int column) const;
    [[nodiscard]] Bytes blob(int column) const;
    // kCorrupt when the blob has another size.
    template <typename Fixed>
    Result<Fixed> fixed(int column) const {
        const Bytes bytes = blob(column);
        if (bytes.size() != Fixed::kSize) {
            return connection_->damaged("a value has the wrong size");
        }
        return Fixed::from(bytes);
    }

  private:
    friend class Database;
    Statement(const Connection& connection, sqlite3_stmt* statement)
        : connection_(&connection), statement_(statement) {}
    void note(int code);

    const Connection* connection_;
    sqlite3_stmt* statement_;
    int next_parameter_ = 1;
    int bind_error_ = 0;
};

class Database {
  public:
    // Creates the file with mode 0600. kIo and kPermission name the path; kCorrupt: no database, or
    // a damaged one; kInvalidArgument: a path longer than kMaxPathBytes.
    static Result<Database> open(const std::string& path, const FileKind& kind);
    // kNotFound when there is none. A file or folder that this process may not write is read as it
    // lies, without a lock: what a writer adds later is not seen.
    static Result<Database> open_read_only(const std::string& path, const FileKind& kind);
    Database(Database&& other) noexcept;
    Database& operator=(Database&&) = delete;
    ~Database();

    Status execute(std::string_view sql);  // one or more statements
    Result<Statement> prepare(std::string_view sql);
    Result<std::uint64_t> integer(std::string_view sql);  // first column of the first row, or 0
    // BEGIN IMMEDIATE ... COMMIT; ROLLBACK when `body` or the commit fails.
    template <typename Body>
    Status transaction(Body&& body) {
        COVENANT_CHECK(execute("BEGIN IMMEDIATE"));
        Status done = body();
        if (done) done = execute("COMMIT");
        if (!done) (void)execute("ROLLBACK");
        return done;
    }
    [[nodiscard]] std::uint64_t changes() const;  // rows that the last statement changed
    Result<std::uint64_t> version();              // PRAGMA user_version
    // kCorrupt when the file's structure is damaged. Reads every page.
    Status check_structure();

    [[nodiscard]] const std::string& path() const { return connection_->path; }
    // kCorrupt, for what the caller found in the rows.
    [[nodiscard]] tl::unexpected<Error> damaged(std::string_view why) const {
        return connection_->damaged(why);
    }

  private:
    explicit Database(std::unique_ptr<Connection> connection)
        : connection_(std::move(connection)) {}
    Status configure();
    std::unique_ptr<Connection> connection_;  // statements point to it
};

}  // namespace covenant::sqlite
