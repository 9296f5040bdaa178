// Options as text: help, the commented file, their present values.
#include "common/node/option_table.hpp"
#include "common/node/text_wrap.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace covenant::node {
namespace {

std::string spelled(const Option& option) {
    const std::string letter =
        option.short_name != 0 ? fmt::format("-{}, ", option.short_name) : std::string("    ");
    return fmt::format("  {}--{}{}", letter, option.name,
                       option.is_bool() ? "" : " " + option.value_name);
}

std::vector<std::string> groups_of(const std::vector<std::shared_ptr<Option>>& options) {
    std::vector<std::string> groups;
    for (const auto& option : options) {
        if (std::find(groups.begin(), groups.end(), option->group) == groups.end()) {
            groups.push_back(option->group);
        }
    }
    return groups;
}

std::string quoted_plain(const std::string& toml) {
    return toml.size() >= 2 && toml.front() == '"' ? toml.substr(1, toml.size() - 2) : toml;
}

}  // namespace

std::string wrap(std::string first, std::string_view text, std::size_t indent) {
    std::string out;
    std::string line = std::move(first);
    bool has_word = false;  // the line holds a word of `text`, so that it may be broken
    const auto end_line = [&] {
        out += line + '\n';
        line.assign(indent, ' ');
        has_word = false;
    };
    while (!text.empty()) {
        const auto end = text.find_first_of(" \n");
        const std::string_view word = text.substr(0, end);
        if (has_word && line.size() + 1 + word.size() > kHelpWidth) end_line();
        if (has_word) line += ' ';
        line += word;
        has_word = true;
        if (end == std::string_view::npos) break;
        if (text[end] == '\n') end_line();
        text.remove_prefix(end + 1);
    }
    return out + line + '\n';
}

std::string OptionTable::help(bool full) const {
    constexpr std::size_t kWidestName = 34;  // a longer one moves only its own text
    std::string out;
    for (const std::string& group : groups_of(options_)) {
        out += fmt::format("\n{}:\n", group);
        std::size_t width = 0;
        for (const auto& option : options_) {
            if (option->group == group) width = std::max(width, spelled(*option).size());
        }
        width = std::min(width, kWidestName);
        for (const auto& option : options_) {
            if (option->group != group) continue;
            out += wrap(fmt::format("{:<{}}  ", spelled(*option), width),
                        option->doc + (option->required ? " (required)" : ""), width + 2);
            if (!full) continue;
            constexpr std::size_t kIndent = 10;
            const std::string pad(kIndent, ' ');
            if (!option->choices.empty()) {
                out += wrap(pad, fmt::format("one of: {}", fmt::join(option->choices, ", ")),
                            kIndent + 2);
            }
            const std::string plain = quoted_plain(option->default_text);
            const std::string fallback =
                option->required || option->secret || plain.empty() ? "" : "   default: " + plain;
            out += fmt::format("{}env: {}{}\n", pad, option->env(), fallback);
        }
    }
    return out;
}

std::string OptionTable::toml_template() const {
    std::string out =
        "# Every option with its default. Remove the '#' in front of what you change.\n"
        "# A flag wins over the environment, the environment over this file.\n";
    std::vector<std::string> sections{""};
    for (const auto& option : options_) {
        if (std::find(sections.begin(), sections.end(), option->section) == sections.end()) {
            sections.push_back(option->section);
        }
    }
    for (const std::string& section : sections) {
        const bool used = std::any_of(options_.begin(), options_.end(), [&](const auto& option) {
            return option->in_file && option->section == section;
        });
        if (!used) continue;
        if (!section.empty()) out += fmt::format("\n[{}]\n", section);
        for (const auto& option : options_) {
            if (!option->in_file || option->section != section) continue;
            out += fmt::format("\n# {}{}\n# --{}, {}\n", option->doc,
                               option->required ? " (required)" : "", option->name, option->env());
            if (!option->choices.empty()) {
                out += fmt::format("# one of: {}\n", fmt::join(option->choices, ", "));
            }
            out += fmt::format("#{} = {}\n", option->toml_key(), option->default_text);
        }
    }
    return out;
}

std::string OptionTable::show(bool with_origin) const {
    // A file holds neither the options of the command line alone nor a masked secret.
    const auto shown_name = [](const Option& option) {
        const std::string comment = option.in_file && !option.secret ? "" : "# ";
        const std::string section = option.section.empty() ? "" : option.section + ".";
        return comment + section + option.toml_key();
    };
    std::size_t name_width = 0;
    std::size_t value_width = 0;
    for (const auto& option : options_) {
        name_width = std::max(name_width, shown_name(*option).size());
        value_width = std::max(value_width, option->value_text().size());
    }
    std::string out;
    for (const auto& option : options_) {
        const std::string name = shown_name(*option);
        if (!with_origin) {
            out += fmt::format("{:<{}} = {}\n", name, name_width, option->value_text());
            continue;
        }
        const std::string origin =
            option->origin == Origin::kDefault ? std::string("default") : option->origin_detail;
        out += fmt::format("{:<{}} = {:<{}}  # {}\n", name, name_width, option->value_text(),
                           value_width, origin);
    }
    return out;
}

}  // namespace covenant::node
