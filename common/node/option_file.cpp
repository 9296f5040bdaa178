// Options from a TOML file.
#include "common/node/option_value.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <toml++/toml.h>

namespace covenant::node {
namespace {

using Options = std::vector<std::shared_ptr<Option>>;

Result<toml::table> parse_toml(std::string_view text, const std::string& name) {
    if (text.size() > kMaxConfigBytes) {
        return fail(Errc::kInvalidArgument,
                    fmt::format("{}: {} bytes, more than the {} a configuration may have", name,
                                text.size(), kMaxConfigBytes));
    }
    try {
        return toml::parse(text, name);
    } catch (const toml::parse_error& failure) {
        return fail(Errc::kInvalidArgument,
                    fmt::format("{}:{}:{}: {}", name, failure.source().begin.line,
                                failure.source().begin.column, failure.description()));
    } catch (const std::exception& failure) {
        return fail(Errc::kInvalidArgument, fmt::format("{}: {}", name, failure.what()));
    }
}

// A scalar as the text that a flag would carry. nullopt: of another kind than the target.
std::optional<std::string> scalar_text(const toml::node& node, const OptionTarget& target) {
    const bool wants_text = std::holds_alternative<std::string*>(target) ||
                            std::holds_alternative<std::filesystem::path*>(target) ||
                            std::holds_alternative<std::vector<std::string>*>(target);
    if (const auto* text = node.as_string()) {
        if (!wants_text) return std::nullopt;
        return text->get();
    }
    if (wants_text) return std::nullopt;
    if (const auto* value = node.as_boolean()) {
        if (!std::holds_alternative<bool*>(target)) return std::nullopt;
        return value->get() ? "true" : "false";
    }
    if (std::holds_alternative<bool*>(target)) return std::nullopt;
    if (const auto* value = node.as_integer()) return std::to_string(value->get());
    if (const auto* value = node.as_floating_point()) {
        if (!std::holds_alternative<double*>(target)) return std::nullopt;
        return fmt::format("{}", value->get());
    }
    return std::nullopt;
}

Result<std::vector<std::string>> node_values(const toml::node& node, const OptionTarget& target) {
    const auto wrong = [&] {
        return fail(Errc::kInvalidArgument, fmt::format("expected {}", expected_of(target)));
    };
    if (!std::holds_alternative<std::vector<std::string>*>(target)) {
        auto text = scalar_text(node, target);
        if (!text) return wrong();
        return std::vector<std::string>{std::move(*text)};
    }
    const auto* array = node.as_array();
    if (array == nullptr) return wrong();
    std::vector<std::string> out;
    for (const toml::node& item : *array) {
        auto text = scalar_text(item, target);
        if (!text) return wrong();
        out.push_back(std::move(*text));
    }
    return out;
}

// One file being read into options.
class TomlReader {
  public:
    TomlReader(const Options& options, const std::string& name, const Environment& env)
        : name_(name), env_(env) {
        for (const auto& option : options) {
            if (!option->in_file) continue;
            options_.push_back(option.get());
            if (!option->section.empty()) sections_.push_back(option->section);
        }
    }

    Status read(const toml::table& root) const {
        COVENANT_CHECK(read_table(root, ""));
        for (const auto& [key, node] : root) {
            if (!is_section(key, node)) continue;
            COVENANT_CHECK(read_table(*node.as_table(), std::string(key.str())));
        }
        return {};
    }

  private:
    [[nodiscard]] bool is_section(const toml::key& key, const toml::node& node) const {
        return node.is_table() &&
               std::find(sections_.begin(), sections_.end(), key.str()) != sections_.end();
    }

    // The keys of one section; "" is the top level, whose tables are sections.
    [[nodiscard]] Status read_table(const toml::table& table, const std::string& section) const {
        for (const auto& [key, node] : table) {
            if (section.empty() && is_section(key, node)) continue;
            const std::string place =
                fmt::format("{}:{}", name_, std::max<std::size_t>(key.source().begin.line, 1));
            Option* option = find(section, key.str());
            if (option == nullptr) return unknown(place, section, key.str(), node.is_table());
            if (auto set = set_from(*option, node); !set) {
                return fail(std::move(set).error().within(fmt::format("{}: {}", place, key.str())));
            }
            option->origin = Origin::kFile;
            option->origin_detail = place;
        }
        return {};
    }

    [[nodiscard]] Status set_from(Option& option, const toml::node& node) const {
        COVENANT_TRY(std::vector<std::string> values, node_values(node, option.target));
        return set_option(option, std::move(values), env_);
    }

    [[nodiscard]] Option* find(std::string_view section, std::string_view key) const {
        for (Option* option : options_) {
            if (option->section == section && option->toml_key() == key) return option;
        }
        return nullptr;
    }

    [[nodiscard]] Status unknown(const std::string& place, const std::string& section,
                                 std::string_view key, bool is_table) const {
        std::vector<std::string> names;
        for (const Option* option : options_) {
            if (option->section == section) names.push_back(option->toml_key());
        }
        if (section.empty()) names.insert(names.end(), sections_.begin(), sections_.end());
        return fail(
            Errc::kInvalidArgument,
            fmt::format("{}: unknown {} '{}'{}{}", place, is_table ? "table" : "key", key,
                        section.empty() ? "" : " in [" + section + "]", did_you_mean(key, names)));
    }

    std::vector<Option*> options_;  // those that a file may hold
    std::vector<std::string> sections_;
    const std::string& name_;
    const Environment& env_;
};

}  // namespace

Status apply_toml(const Options& options, std::string_view text, const std::string& name,
                  const Environment& env) {
    COVENANT_TRY(const toml::table root, parse_toml(text, name));
    return TomlReader(options, name, env).read(root);
}

}  // namespace covenant::node
