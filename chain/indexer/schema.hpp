// The text of schema.sql, embedded by the build.
#pragma once

#include "common/sqlite/database.hpp"

#include <cstdint>
#include <string_view>

namespace covenant::chain {

std::string_view index_schema();
inline constexpr std::uint64_t kIndexVersion = 2;  // schema.sql's user_version

inline constexpr sqlite::FileKind kIndexFile{
    .name = "chain index",
    .remedy = "delete it and start again; it is rebuilt from the chain",
    .durability = sqlite::Durability::kRebuildable,
    .checked_pages = true,
};

}  // namespace covenant::chain
