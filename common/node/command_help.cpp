// What -h and --help print.
#include "common/node/command.hpp"
#include "common/node/text_wrap.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace covenant::node {
namespace {

std::string usage_of(const Command& command, const std::string& path) {
    std::string out = path;
    if (!command.children().empty()) out += " COMMAND";
    for (const Positional& positional : command.positionals()) {
        const std::string name = positional.name + (positional.rest != nullptr ? "..." : "");
        out += positional.required ? " " + name : " [" + name + "]";
    }
    return out + " [OPTIONS]";
}

// Rows of names and what they are; `name` and `doc` read a row.
template <typename Rows, typename Name, typename Doc>
std::string list(const char* heading, const Rows& rows, Name name, Doc doc) {
    if (rows.empty()) return {};
    std::size_t width = 0;
    for (const auto& row : rows)
        width = std::max(width, name(row).size());
    std::string out = fmt::format("\n{}:\n", heading);
    for (const auto& row : rows)
        out += wrap(fmt::format("  {:<{}}  ", name(row), width), doc(row), width + 4);
    return out;
}

}  // namespace

std::string CommandTree::help(const Command& command, const std::string& path, bool full) const {
    std::string out = wrap("", command.doc(), 0) + "\n" +
                      wrap("Usage: ", usage_of(command, path), 4) +
                      list(
                          "Commands", command.children(), [](const auto& c) { return c->name(); },
                          [](const auto& c) { return c->doc(); }) +
                      list(
                          "Arguments", command.positionals(), [](const auto& p) { return p.name; },
                          [](const auto& p) { return p.doc; }) +
                      command.options().help(full);
    if (full) {
        out += global_table_.help(true);
        if (!command.detail_text().empty()) out += "\n" + wrap("", command.detail_text(), 0);
        if (!command.examples().empty()) out += "\nExamples:\n";
        for (const std::string& example : command.examples())
            out += "  " + example + "\n";
        out += "\n  -h for the short form, --help for this one, -V for versions\n";
    } else {
        out += "\n" + wrap("",
                           "Common options: --datadir --network --config --json --yes --quiet "
                           "--verbose; more with --help",
                           4);
    }
    return out;
}

}  // namespace covenant::node
