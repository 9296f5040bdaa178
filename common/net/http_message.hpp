// What a client and a server exchange: plain values, no library's type.
#pragma once

#include "common/base/bytes.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace covenant::net {

// Field names compare ignoring ASCII case; order is kept.
using Headers = std::vector<std::pair<std::string, std::string>>;

// The first value of `name`, or "" when there is none.
std::string_view header_value(const Headers& headers, std::string_view name);

// "Application/JSON; charset=utf-8" -> "application/json".
std::string media_type(std::string_view content_type);

}  // namespace covenant::net
