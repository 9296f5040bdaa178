#include "common/sqlite/row_digest.hpp"

#include "common/crypto/sha256.hpp"

#include <array>
#include <string>

#include <sqlite3.h>

namespace covenant::sqlite {
namespace {

constexpr std::size_t kDigestBytes = 16;

void absorb(crypto::Sha256& hash, sqlite3_value* value) {
    // An integer as SQLite keeps it, everything else as its bytes; a null has none.
    std::array<std::uint8_t, 9> head{};
    const int type = sqlite3_value_type(value);
    head[0] = static_cast<std::uint8_t>(type);
    if (type == SQLITE_INTEGER) {
        store_le(static_cast<std::uint64_t>(sqlite3_value_int64(value)), head.data() + 1);
        hash.update(head);
        return;
    }
    const auto* bytes = static_cast<const std::uint8_t*>(sqlite3_value_blob(value));
    const auto size = static_cast<std::size_t>(sqlite3_value_bytes(value));
    store_le(static_cast<std::uint64_t>(size), head.data() + 1);
    hash.update(head).update({bytes, bytes == nullptr ? 0 : size});
}

void row_digest(sqlite3_context* context, int count, sqlite3_value** values) {
    crypto::Sha256 hash = crypto::Sha256::tagged("sqlite-row");
    for (int i = 0; i < count; ++i) {
        absorb(hash, values[i]);
    }
    const Hash256 digest = hash.finish();
    sqlite3_result_blob(context, digest.bytes.data(), kDigestBytes, SQLITE_TRANSIENT);
}

// row_digest(<prefix>a, <prefix>b)
std::string call(const DigestedTable& table, std::string_view prefix) {
    std::string out;
    for (const std::string_view column : table.columns) {
        out += out.empty() ? "row_digest(" : ", ";
        out += std::string(prefix) + std::string(column);
    }
    return out + ")";
}

// AFTER `event`, the new row gets its digest.
std::string trigger(const DigestedTable& table, std::string_view event, std::string_view suffix) {
    const std::string name(table.name);
    return "CREATE TEMP TRIGGER IF NOT EXISTS " + name + std::string(suffix) + " AFTER " +
           std::string(event) + " ON main." + name + " BEGIN UPDATE " + name +
           " SET digest = " + call(table, "NEW.") + " WHERE rowid = NEW.rowid; END;";
}

}  // namespace

int add_row_digest(sqlite3* handle) {
    return sqlite3_create_function_v2(handle, "row_digest", -1, SQLITE_UTF8 | SQLITE_DETERMINISTIC,
                                      nullptr, row_digest, nullptr, nullptr, nullptr);
}

std::string row_matches(const DigestedTable& table) {
    return "digest IS " + call(table, "");
}

Status keep_row_digests(Database& database, const DigestedTable& table) {
    const std::string name(table.name);
    const std::string has_column =
        "SELECT COUNT(*) FROM pragma_table_info('" + name + "') WHERE name = 'digest'";
    COVENANT_TRY(const std::uint64_t there, database.integer(has_column));
    if (there == 0) {
        // One transaction: a column without its digests would read as damage.
        Status added = database.transaction([&]() -> Status {
            COVENANT_CHECK(database.execute("ALTER TABLE " + name + " ADD COLUMN digest BLOB"));
            return database.execute("UPDATE " + name + " SET digest = " + call(table, ""));
        });
        if (!added) return added;
    }
    COVENANT_TRY(const std::uint64_t bad, database.integer("SELECT COUNT(*) FROM " + name +
                                                           " WHERE NOT " + row_matches(table)));
    if (bad != 0) {
        return database.damaged(std::to_string(bad) + " rows of table " + name +
                                " do not match their digests");
    }
    std::string columns;
    for (const std::string_view column : table.columns) {
        columns += (columns.empty() ? "" : ", ") + std::string(column);
    }
    return database.execute(trigger(table, "INSERT", "_inserted") +
                            trigger(table, "UPDATE OF " + columns, "_updated"));
}

}  // namespace covenant::sqlite
