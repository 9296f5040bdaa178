// A digest beside each row of a table: for files that another program may open and checkpoint, and
// that must not be lost. SQL function row_digest(value, ...): the first bytes of the tagged SHA-256
// of the values, each with its type and length.
#pragma once

#include "common/sqlite/database.hpp"

#include <span>
#include <string_view>

namespace covenant::sqlite {

// Gives the connection the function row_digest. Returns SQLite's code.
int add_row_digest(sqlite3* handle);

// The columns that the digest covers. The table has a rowid.
struct DigestedTable {
    std::string_view name;
    std::span<const std::string_view> columns;
};

// Adds the column `digest` to a table that has none and fills it from the rows that are there. From
// then on inserts and updates of this connection keep it, by triggers that only this connection
// has. kCorrupt when a row that is there does not match its digest.
Status keep_row_digests(Database& database, const DigestedTable& table);

// An SQL expression, true for a row that matches its digest.
std::string row_matches(const DigestedTable& table);

}  // namespace covenant::sqlite
