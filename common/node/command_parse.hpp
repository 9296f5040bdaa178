// A command line taken apart. Internal to common/node.
#pragma once

#include "common/base/result.hpp"
#include "common/node/command.hpp"

#include <string>
#include <vector>

namespace covenant::node {

struct ParsedLine {
    const Command* command = nullptr;
    std::string path;              // "covenant wallet list"
    std::vector<FlagValue> flags;  // of every level, in the order of the levels
    std::vector<std::vector<std::string>> positionals;  // one for each of the command's
    bool help_short = false;
    bool help_long = false;
    bool version = false;
};

// kInvalidArgument, with the nearest name, for what is not described. Values are not checked here.
Result<ParsedLine> parse_line(const Command& root, const OptionTable& globals,
                              std::vector<std::string> args);

}  // namespace covenant::node
