// Text to bound variable and back. Internal to common/node.
#pragma once

#include "common/base/result.hpp"
#include "common/node/option_table.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace covenant::node {

// Writes the value (several for a list) into the target. The error names the value and what was
// expected.
Status assign(const OptionTarget& target, const std::vector<std::string>& values);

// The target's present value as TOML.
std::string to_toml(const OptionTarget& target);

// A variable of the process's environment, when it is set.
std::optional<std::string> process_env(const std::string& name);

// "text" as a TOML basic string with its quotes.
std::string toml_quote(std::string_view text);

// "an integer of 0 to 65535", for messages.
std::string_view expected_of(const OptionTarget& target);

}  // namespace covenant::node
