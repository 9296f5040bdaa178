// The ways to lie, for tests and development networks: one table. No program that is installed
// links it.
#pragma once

#include "common/execution/conduct.hpp"

#include <span>
#include <string_view>

namespace covenant::adversary {

struct Kind {
    std::string_view name;
    std::string_view does;              // one line
    const execution::Conduct& conduct;  // lives as long as the program
};

// The last one, "none", follows the rules.
std::span<const Kind> kinds();

// kInvalidArgument: there is no kind of that name; the text names those that there are.
Result<const execution::Conduct*> conduct_of(std::string_view name);

}  // namespace covenant::adversary
