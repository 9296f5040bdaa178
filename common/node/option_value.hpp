// Text to bound variable and back, and where texts come from. Internal to common/node.
#pragma once

#include "common/base/result.hpp"
#include "common/node/option_table.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace covenant::node {

// Checks the values (several for a list) and writes them into the option's variable; `~` in a path
// becomes the home folder. kInvalidArgument names the value, unless it is secret, and what was
// expected. Origin and place are the caller's to note.
Status set_option(Option& option, std::vector<std::string> values, const Environment& env);

// Every key of a TOML text into the option that it names. kInvalidArgument starts with `name` and
// the line.
Status apply_toml(const std::vector<std::shared_ptr<Option>>& options, std::string_view text,
                  const std::string& name, const Environment& env);

// Bytes that a configuration file may have at most.
inline constexpr std::size_t kMaxConfigBytes = std::size_t{1} << 20;

// A variable's value; nullopt when it is not set or empty.
std::optional<std::string> read_variable(const Environment& env, const std::string& name);

// "~" and "~/x" with the home folder in the tilde's place; other texts as they are.
// kInvalidArgument for "~name" and without HOME: nothing may land in a folder called "~".
Result<std::string> expand_home(std::string text, const Environment& env);

// true, 1, yes, on or their contraries.
std::optional<bool> parse_bool(std::string_view text);

// The target's present value as TOML.
std::string to_toml(const OptionTarget& target);

// "text" as a TOML basic string with its quotes.
std::string toml_quote(std::string_view text);

// "an integer of 0 to 65535", for messages.
std::string_view expected_of(const OptionTarget& target);

}  // namespace covenant::node
