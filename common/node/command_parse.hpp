// A command line taken apart. Internal to common/node.
//
// A word that begins with '-' is an option of the command named so far, or a common one; it may
// stand before or behind positionals. Every valued option takes one value: behind '=', where it may
// be empty, or the next word, which may not look like an option. A word without '-' names a
// sub-command as long as the command has some, and is a positional after that. After "--" every
// word is a positional.
#pragma once

#include "common/base/result.hpp"
#include "common/node/command.hpp"

#include <string>
#include <vector>

namespace covenant::node {

struct ParsedLine {
    const Command* command = nullptr;
    std::string path;              // "covenant wallet list"
    std::vector<FlagValue> flags;  // in the order of the line
    std::vector<std::string> positionals;
    bool help_short = false;
    bool help_long = false;
    bool version = false;
};

// kInvalidArgument, with the nearest name, for what is not described, and for positionals that are
// too many or too few (the latter not when help is asked for). Values are not checked here.
// `path`: the command that was named as far as the line was understood, "covenant wallet".
Result<ParsedLine> parse_line(const Command& root, const OptionTable& globals,
                              const std::vector<std::string>& args, std::string& path);

}  // namespace covenant::node
