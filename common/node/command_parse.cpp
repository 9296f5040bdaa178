// Splits a command line with CLI11. Everything the user reads about it is written here.
#include "common/node/command_parse.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace covenant::node {
namespace {

// One option or command of the CLI11 tree and what it caught.
struct Slot {
    const Option* option = nullptr;
    CLI::Option* parsed = nullptr;
    std::vector<std::string> values;
};

struct Level {
    CLI::App* app = nullptr;
    const Command* command = nullptr;
    std::string path;
    std::vector<std::unique_ptr<Slot>> slots;
    std::vector<std::pair<const Positional*, std::unique_ptr<std::vector<std::string>>>>
        positionals;
    bool help_short = false;
    bool help_long = false;
    std::vector<std::unique_ptr<Level>> children;
};

void add_options(Level& level, const OptionTable& table) {
    for (const auto& option : table.options()) {
        auto slot = std::make_unique<Slot>();
        slot->option = option.get();
        std::string names = "--" + option->name;
        if (option->short_name != 0) names = fmt::format("-{},{}", option->short_name, names);
        if (option->is_bool()) {
            // CLI11 keeps the text of --name=false.
            slot->parsed = level.app->add_flag(names, slot->values);
        } else {
            slot->parsed = level.app->add_option(names, slot->values);
            slot->parsed->expected(1)->allow_extra_args(false);
            slot->parsed->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
            slot->parsed->expected(1, 4096);
        }
        level.slots.push_back(std::move(slot));
    }
}

void build(Level& level, const Command& command, const OptionTable& globals,
           const std::string& path) {
    level.command = &command;
    level.path = path;
    level.app->set_help_flag();
    level.app->allow_extras();
    level.app->add_flag("-h", level.help_short);
    level.app->add_flag("--help", level.help_long);
    add_options(level, command.options());
    add_options(level, globals);
    for (const Positional& positional : command.positionals()) {
        auto values = std::make_unique<std::vector<std::string>>();
        auto* option = level.app->add_option(positional.name, *values);
        if (positional.rest == nullptr) option->expected(1)->allow_extra_args(false);
        level.positionals.emplace_back(&positional, std::move(values));
    }
    for (const auto& child : command.children()) {
        auto next = std::make_unique<Level>();
        next->app = level.app->add_subcommand(child->name(), child->doc());
        build(*next, *child, globals, path + " " + child->name());
        level.children.push_back(std::move(next));
    }
}

tl::unexpected<Error> usage(std::string text) {
    return fail(Errc::kInvalidArgument, std::move(text));
}

std::vector<std::string> flag_names(const Level& level) {
    std::vector<std::string> names{"--help"};
    for (const auto& slot : level.slots)
        names.push_back("--" + slot->option->name);
    return names;
}

}  // namespace

Result<ParsedLine> parse_line(const Command& root, const OptionTable& globals,
                              std::vector<std::string> args) {
    CLI::App app(root.doc(), root.name());
    Level top;
    top.app = &app;
    bool version = false;
    app.add_flag("-V,--version", version);
    build(top, root, globals, root.name());
    std::reverse(args.begin(), args.end());  // as CLI11 takes them
    std::string failure;
    try {
        app.parse(args);
    } catch (const CLI::ParseError& error) {
        failure = error.what();
    } catch (const std::exception& error) {
        failure = error.what();
    }

    ParsedLine line;
    line.version = version;
    const Level* level = &top;
    for (;;) {
        for (const auto& slot : level->slots) {
            for (const std::string& value : slot->values)
                line.flags.push_back({slot->option->name, value});
        }
        line.help_short = line.help_short || level->help_short;
        line.help_long = line.help_long || level->help_long;
        const Level* next = nullptr;
        for (const auto& child : level->children) {
            if (child->app->parsed()) next = child.get();
        }
        // What this level could not place: an unknown flag, or the name of no command.
        for (const std::string& word : level->app->remaining(false)) {
            if (word == "--") continue;
            if (word.size() > 1 && word.front() == '-') {
                const std::string name = word.substr(0, word.find('='));
                return usage(fmt::format("unknown option '{}' of {}{}", name, level->path,
                                         did_you_mean(name, flag_names(*level))));
            }
            if (!level->children.empty()) {
                std::vector<std::string> names;
                for (const auto& child : level->children)
                    names.push_back(child->command->name());
                return usage(fmt::format("{} has no command '{}'{}", level->path, word,
                                         did_you_mean(word, names)));
            }
            return usage(fmt::format("{} takes no argument '{}'", level->path, word));
        }
        if (next == nullptr) break;
        level = next;
    }
    line.command = level->command;
    line.path = level->path;
    if (line.version || line.help_short || line.help_long) return line;
    if (!failure.empty()) return usage(fmt::format("{}: {}", line.path, failure));
    for (const auto& [positional, values] : level->positionals) {
        if (values->empty() && positional->required) {
            return usage(
                fmt::format("{} needs {}: {}", line.path, positional->name, positional->doc));
        }
        line.positionals.push_back(*values);
    }
    return line;
}

}  // namespace covenant::node
