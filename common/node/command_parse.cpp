#include "common/node/command_parse.hpp"

#include <algorithm>
#include <cctype>
#include <optional>

#include <fmt/format.h>

namespace covenant::node {
namespace {

tl::unexpected<Error> usage(std::string text) {
    return fail(Errc::kInvalidArgument, std::move(text));
}

// "-x" and "--name", but neither "-" (standard input) nor "-5".
bool looks_like_option(std::string_view word) {
    return word.size() > 1 && word[0] == '-' &&
           (word[1] == '-' || std::isalpha(static_cast<unsigned char>(word[1])) != 0);
}

class Splitter {
  public:
    Splitter(const Command& root, const OptionTable& globals, const std::vector<std::string>& args)
        : globals_(globals), args_(args) {
        line_.command = &root;
        line_.path = root.name();
    }

    Result<ParsedLine> split() {
        while (next_ < args_.size()) {
            const std::string& word = args_[next_++];
            if (literal_ || word.size() < 2 || word.front() != '-') {
                COVENANT_CHECK(take_word(word));
            } else if (word == "--") {
                literal_ = true;
            } else if (word.starts_with("--")) {
                COVENANT_CHECK(take_long(word));
            } else {
                COVENANT_CHECK(take_short(word));
            }
        }
        COVENANT_CHECK(check_count());
        return line_;
    }

    [[nodiscard]] const std::string& path() const { return line_.path; }

  private:
    // The name of a sub-command, or a positional.
    Status take_word(const std::string& word) {
        const auto& children = line_.command->children();
        if (literal_ || children.empty()) {
            line_.positionals.push_back(word);
            return {};
        }
        const Command* child = line_.command->find(word);
        if (child == nullptr) {
            std::vector<std::string> names;
            names.reserve(children.size());
            for (const auto& each : children)
                names.push_back(each->name());
            return usage(fmt::format("{} has no command '{}'{}", line_.path, word,
                                     did_you_mean(word, names)));
        }
        line_.command = child;
        line_.path += " " + word;
        return {};
    }

    // --name, --name=value, --name value
    Status take_long(const std::string& word) {
        const auto equals = word.find('=');
        const std::string name = word.substr(0, equals);
        if (take_switch(name)) return {};
        const Option* option = line_.command->options().find(name.substr(2));
        if (option == nullptr) option = globals_.find(name.substr(2));
        if (option == nullptr) return unknown(name);
        if (equals != std::string::npos) {
            line_.flags.push_back({option->name, word.substr(equals + 1)});
            return {};
        }
        return take_value(*option);
    }

    // -x, several as -xy, and -nVALUE
    Status take_short(const std::string& word) {
        for (std::size_t i = 1; i < word.size(); ++i) {
            if (take_switch({'-', word[i]})) continue;
            const Option* option = find_short(word[i]);
            if (option == nullptr) return unknown({'-', word[i]});
            if (option->is_bool() || i + 1 == word.size()) {
                COVENANT_CHECK(take_value(*option));
                continue;
            }
            line_.flags.push_back({option->name, word.substr(i + 1)});
            break;
        }
        return {};
    }

    // What every command has and no table describes.
    bool take_switch(const std::string& name) {
        if (name == "-h") {
            line_.help_short = true;
        } else if (name == "--help") {
            line_.help_long = true;
        } else if (name == "-V" || name == "--version") {
            line_.version = true;
        } else {
            return false;
        }
        return true;
    }

    // The value that belongs to an option without '='.
    Status take_value(const Option& option) {
        if (option.is_bool()) {
            line_.flags.push_back({option.name, "true"});
            return {};
        }
        if (next_ == args_.size()) {
            return usage(fmt::format("--{} needs a value: --{} {}", option.name, option.name,
                                     option.value_name));
        }
        const std::string& value = args_[next_++];
        if (looks_like_option(value)) {
            return usage(
                fmt::format("--{0} needs a value, and '{1}' looks like an option; write "
                            "--{0}={1} if it is the value",
                            option.name, value));
        }
        line_.flags.push_back({option.name, value});
        return {};
    }

    [[nodiscard]] const Option* find_short(char letter) const {
        for (const OptionTable* table : {&line_.command->options(), &globals_}) {
            for (const auto& option : table->options()) {
                if (option->short_name == letter) return option.get();
            }
        }
        return nullptr;
    }

    [[nodiscard]] Status unknown(const std::string& name) const {
        std::vector<std::string> names{"--help", "--version"};
        for (const OptionTable* table : {&line_.command->options(), &globals_}) {
            for (const auto& option : table->options())
                names.push_back("--" + option->name);
        }
        return usage(fmt::format("unknown option '{}' of {}{}", name, line_.path,
                                 did_you_mean(name, names)));
    }

    [[nodiscard]] Status check_count() const {
        const auto& described = line_.command->positionals();
        const auto& given = line_.positionals;
        const bool endless = !described.empty() && described.back().rest != nullptr;
        if (given.size() > described.size() && !endless) {
            return usage(
                fmt::format("{} takes no argument '{}'", line_.path, given[described.size()]));
        }
        if (line_.help_short || line_.help_long || line_.version) return {};
        for (std::size_t i = given.size(); i < described.size(); ++i) {
            if (!described[i].required) continue;
            return usage(
                fmt::format("{} needs {}: {}", line_.path, described[i].name, described[i].doc));
        }
        return {};
    }

    const OptionTable& globals_;
    const std::vector<std::string>& args_;
    std::size_t next_ = 0;
    bool literal_ = false;  // "--" was seen
    ParsedLine line_;
};

}  // namespace

Result<ParsedLine> parse_line(const Command& root, const OptionTable& globals,
                              const std::vector<std::string>& args, std::string& path) {
    Splitter splitter(root, globals, args);
    auto line = splitter.split();
    path = splitter.path();
    return line;
}

}  // namespace covenant::node
