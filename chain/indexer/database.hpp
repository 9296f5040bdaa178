// A thin face of SQLite; its header stays in the .cpp. One connection, one thread at a time.
#pragma once

#include "common/base/bytes.hpp"
#include "common/base/result.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace covenant::chain {

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

    // True when a row is there. kIo, kCorrupt.
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
            return fail(Errc::kCorrupt,
                        "a column of the index has a value of the wrong size; delete the "
                        "index file and start again to rebuild it from the chain");
        }
        return Fixed::from(bytes);
    }

  private:
    friend class Database;
    Statement(sqlite3* handle, sqlite3_stmt* statement) : handle_(handle), statement_(statement) {}
    void note(int code);

    sqlite3* handle_;
    sqlite3_stmt* statement_;
    int next_parameter_ = 1;
    int bind_error_ = 0;
};

class Database {
  public:
    enum class Durability : std::uint8_t {
        kFull,         // an acknowledged commit survives a power cut
        kRebuildable,  // the last commits may be lost: for what the chain can give again
    };
    // Creates the file with mode 0600. kIo (names the path), kCorrupt (not a database).
    static Result<Database> open(const std::string& path, Durability durability);
    static Result<Database> open_read_only(const std::string& path);
    Database(Database&& other) noexcept;
    Database& operator=(Database&&) = delete;
    ~Database();

    Status execute(std::string_view sql);  // one or more statements
    Result<Statement> prepare(std::string_view sql);
    // BEGIN IMMEDIATE ... COMMIT; ROLLBACK when `body` fails.
    template <typename Body>
    Status transaction(Body&& body) {
        COVENANT_CHECK(execute("BEGIN IMMEDIATE"));
        if (Status done = body(); !done) {
            (void)execute("ROLLBACK");
            return done;
        }
        return execute("COMMIT");
    }
    // The schema's version and who wrote it (PRAGMA user_version, application_id).
    Result<std::uint64_t> version();

  private:
    explicit Database(sqlite3* handle, std::string path)
        : handle_(handle), path_(std::move(path)) {}
    sqlite3* handle_;
    std::string path_;
};

}  // namespace covenant::chain
