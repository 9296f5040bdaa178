// Questions to a person. Without a terminal, or under --json, nothing is asked: the error names the
// option that answers instead.
#pragma once

#include "common/base/result.hpp"

#include <string>
#include <string_view>

namespace covenant::node {

// True when standard input is a terminal.
bool can_prompt();

// Default answer No. `assume_yes` is --yes. kPrecondition without a terminal: "pass --yes".
Result<bool> confirm(std::string_view question, bool assume_yes, bool json);

}  // namespace covenant::node
