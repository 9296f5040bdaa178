// The text of schema.sql, embedded by the build.
#pragma once

#include <cstdint>
#include <string_view>

namespace covenant::chain {

std::string_view index_schema();
inline constexpr std::uint64_t kIndexVersion = 1;  // schema.sql's user_version

}  // namespace covenant::chain
