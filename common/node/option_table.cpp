#include "common/node/option_table.hpp"

#include "common/base/assert.hpp"
#include "common/base/file.hpp"
#include "common/node/lifecycle.hpp"
#include "common/node/option_value.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>
#include <toml++/toml.h>

namespace covenant::node {
namespace {

constexpr std::size_t kMaxConfigBytes = std::size_t{1} << 20;

std::vector<std::string> split_commas(std::string_view text) {
    std::vector<std::string> out;
    while (!text.empty()) {
        const auto comma = text.find(',');
        if (comma != 0) out.emplace_back(text.substr(0, comma));
        text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 1);
    }
    return out;
}

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

}  // namespace

std::string_view to_string(Origin origin) {
    switch (origin) {
        case Origin::kDefault:
            return "default";
        case Origin::kPreset:
            return "network";
        case Origin::kFile:
            return "file";
        case Origin::kEnvironment:
            return "environment";
        case Origin::kFlag:
            return "flag";
    }
    return "default";
}

std::string Option::env() const {
    std::string out = "COVENANT_";
    for (const char c : name) {
        out += c == '-' ? '_' : (c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c);
    }
    return out;
}

std::string Option::toml_key() const {
    std::string out = name;
    std::replace(out.begin(), out.end(), '-', '_');
    return out;
}

std::string Option::value_text() const {
    return secret ? "\"***\"" : to_toml(target);
}

OptionRef& OptionRef::group(std::string name) {
    option_.group = std::move(name);
    return *this;
}
OptionRef& OptionRef::section(std::string name) {
    option_.section = std::move(name);
    return *this;
}
OptionRef& OptionRef::value_name(std::string name) {
    option_.value_name = std::move(name);
    return *this;
}
OptionRef& OptionRef::short_name(char letter) {
    option_.short_name = letter;
    return *this;
}
OptionRef& OptionRef::required() {
    option_.required = true;
    return *this;
}
OptionRef& OptionRef::secret() {
    option_.secret = true;
    option_.default_text = "\"\"";
    return *this;
}
OptionRef& OptionRef::flag_only() {
    option_.in_file = false;
    return *this;
}
OptionRef& OptionRef::choices(std::vector<std::string> values) {
    option_.choices = std::move(values);
    return *this;
}
OptionRef& OptionRef::check(std::function<Status(std::string_view)> function) {
    option_.check = std::move(function);
    return *this;
}
OptionRef& OptionRef::range(double lowest, double highest) {
    return check([lowest, highest](std::string_view text) -> Status {
        double value = 0;
        const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
        if (failed != std::errc{} || end != text.data() + text.size() || value < lowest ||
            value > highest) {
            return fail(Errc::kInvalidArgument,
                        fmt::format("'{}' is outside {} to {}", text, lowest, highest));
        }
        return {};
    });
}

OptionRef OptionTable::add_option(std::string name, OptionTarget target, std::string doc) {
    COVENANT_ASSERT(find(name) == nullptr, "an option is described once");
    auto option = std::make_shared<Option>();
    option->name = std::move(name);
    option->doc = std::move(doc);
    option->target = target;
    option->group = "Options";
    option->default_text = to_toml(target);
    if (!option->is_bool()) {
        const bool number = std::holds_alternative<double*>(target);
        const bool text = std::holds_alternative<std::string*>(target) || option->is_list();
        const bool path = std::holds_alternative<std::filesystem::path*>(target);
        option->value_name = path ? "PATH" : text ? "TEXT" : number ? "NUMBER" : "N";
    }
    options_.push_back(option);
    return OptionRef(*options_.back());
}

void OptionTable::append(const OptionTable& other) {
    for (const auto& option : other.options_) {
        COVENANT_ASSERT(find(option->name) == nullptr, "an option is described once");
        options_.push_back(option);
    }
}

const Option* OptionTable::find(std::string_view name) const {
    for (const auto& option : options_) {
        if (option->name == name) return option.get();
    }
    return nullptr;
}

Status OptionTable::set(Option& option, const std::vector<std::string>& values, Origin origin,
                        std::string detail) {
    const auto named = [&](Error error) {
        if (option.secret) error.context = "the value is not accepted";
        return fail(std::move(error).within(detail));
    };
    for (const std::string& value : values) {
        if (!option.choices.empty() && std::find(option.choices.begin(), option.choices.end(),
                                                 value) == option.choices.end()) {
            return named(
                Error{Errc::kInvalidArgument,
                      fmt::format("'{}' is none of {}{}", value, fmt::join(option.choices, ", "),
                                  did_you_mean(value, option.choices)),
                      false});
        }
    }
    if (auto assigned = assign(option.target, values); !assigned) return named(assigned.error());
    if (option.check) {
        for (const std::string& value : values) {
            if (auto checked = option.check(value); !checked) return named(checked.error());
        }
    }
    option.origin = origin;
    option.origin_detail = std::move(detail);
    return {};
}

Status OptionTable::apply_toml(std::string_view text, const std::string& name, Origin origin,
                               const std::string& detail) {
    COVENANT_TRY(const toml::table root, parse_toml(text, name));
    std::vector<std::string> sections;
    for (const auto& option : options_) {
        if (option->in_file && !option->section.empty()) sections.push_back(option->section);
    }
    const auto apply_table = [&](const toml::table& table, const std::string& section) -> Status {
        std::vector<std::string> names;
        for (const auto& option : options_) {
            if (option->in_file && option->section == section) names.push_back(option->toml_key());
        }
        if (section.empty()) names.insert(names.end(), sections.begin(), sections.end());
        for (const auto& [key, node] : table) {
            const std::string_view key_text = key.str();
            const bool is_section =
                section.empty() && node.is_table() &&
                std::find(sections.begin(), sections.end(), key_text) != sections.end();
            if (is_section) continue;
            const std::string place =
                fmt::format("{}:{}", name, std::max<std::size_t>(key.source().begin.line, 1));
            const auto option =
                std::find_if(options_.begin(), options_.end(), [&](const auto& candidate) {
                    return candidate->in_file && candidate->section == section &&
                           candidate->toml_key() == key_text;
                });
            if (option == options_.end()) {
                return fail(
                    Errc::kInvalidArgument,
                    fmt::format("{}: unknown {} '{}'{}{}", place, node.is_table() ? "table" : "key",
                                key_text, section.empty() ? "" : " in [" + section + "]",
                                did_you_mean(key_text, names)));
            }
            auto values = node_values(node, (*option)->target);
            if (!values) {
                return fail(
                    std::move(values).error().within(fmt::format("{}: {}", place, key_text)));
            }
            const std::string origin_text = detail.empty() ? place : detail;
            if (auto status =
                    set(**option, *values, origin, fmt::format("{}: {}", place, key_text));
                !status) {
                return status;
            }
            (*option)->origin_detail = origin_text;
        }
        return {};
    };
    COVENANT_CHECK(apply_table(root, ""));
    for (const auto& [key, node] : root) {
        const std::string section(key.str());
        if (!node.is_table() ||
            std::find(sections.begin(), sections.end(), section) == sections.end()) {
            continue;
        }
        COVENANT_CHECK(apply_table(*node.as_table(), section));
    }
    return {};
}

std::optional<std::string> OptionTable::peek(std::string_view name,
                                             const OptionSources& sources) const {
    const Option* option = find(name);
    if (option == nullptr) return std::nullopt;
    for (auto flag = sources.flags.rbegin(); flag != sources.flags.rend(); ++flag) {
        if (flag->name == name) return flag->value;
    }
    return sources.env ? sources.env(option->env()) : process_env(option->env());
}

Status OptionTable::fill(const OptionSources& sources) {
    std::vector<std::string> names;
    for (const auto& option : options_)
        names.push_back(option->name);
    for (const FlagValue& flag : sources.flags) {
        if (find(flag.name) == nullptr) {
            return fail(Errc::kInvalidArgument, fmt::format("unknown option '--{}'{}", flag.name,
                                                            did_you_mean(flag.name, names)));
        }
    }

    const Option* network_option = find("network");
    if (sources.preset && network_option != nullptr) {
        auto network = peek("network", sources);
        if (!network && !sources.config_name.empty()) {
            COVENANT_TRY(const toml::table root,
                         parse_toml(sources.config_text, sources.config_name));
            if (const auto* text = root.get_as<std::string>("network")) network = text->get();
        }
        if (!network) {
            const auto* const* target = std::get_if<std::string*>(&network_option->target);
            network = target != nullptr ? **target : std::string();
        }
        auto preset = sources.preset(*network);
        if (!preset && preset.error().code != Errc::kNotFound) {
            return fail(std::move(preset).error().within("network " + *network));
        }
        if (preset) {
            COVENANT_CHECK(
                apply_toml(*preset, "network " + *network, Origin::kPreset, "network " + *network));
        }
    }
    if (!sources.config_name.empty()) {
        COVENANT_CHECK(apply_toml(sources.config_text, sources.config_name, Origin::kFile, ""));
    }
    for (const auto& option : options_) {
        const std::string env = option->env();
        const auto value = sources.env ? sources.env(env) : process_env(env);
        if (!value) continue;
        const auto values =
            option->is_list() ? split_commas(*value) : std::vector<std::string>{*value};
        COVENANT_CHECK(set(*option, values, Origin::kEnvironment, env));
    }
    for (const auto& option : options_) {
        std::vector<std::string> values;
        for (const FlagValue& flag : sources.flags) {
            if (flag.name == option->name) values.push_back(flag.value);
        }
        if (!values.empty())
            COVENANT_CHECK(set(*option, values, Origin::kFlag, "--" + option->name));
    }
    return check_required();
}

Status OptionTable::check_required() const {
    for (const auto& option : options_) {
        if (!option->required || option->origin != Origin::kDefault) continue;
        std::string file;
        if (option->in_file) {
            file = fmt::format(" or {}{} in the configuration file",
                               option->section.empty() ? "" : "[" + option->section + "] ",
                               option->toml_key());
        }
        return fail(Errc::kInvalidArgument,
                    fmt::format("--{} is required ({}): pass it, or set {}{}", option->name,
                                option->doc, option->env(), file));
    }
    return {};
}

std::optional<std::filesystem::path> OptionTable::config_folder(
    const OptionSources& sources) const {
    if (find("datadir") == nullptr) return std::nullopt;
    if (const auto datadir = peek("datadir", sources); datadir && !datadir->empty())
        return *datadir;
    const Option* option = find("network");
    if (option == nullptr || !sources.default_datadir) return std::nullopt;
    auto network = peek("network", sources);
    const auto* const* target = std::get_if<std::string*>(&option->target);
    if (!network && target != nullptr) network = **target;
    if (!network) return std::nullopt;
    auto folder = sources.default_datadir(*network);
    if (!folder) return std::nullopt;
    return *folder;
}

Status OptionTable::load(OptionSources sources) {
    if (sources.config_name.empty()) {
        const auto named = peek("config", sources);
        if (named && !named->empty()) {
            auto text = read_text_file(*named, kMaxConfigBytes);
            if (!text) {
                // A path that the user wrote is part of the usage.
                return fail(Errc::kInvalidArgument, "configuration file " + text.error().context);
            }
            sources.config_text = std::move(*text);
            sources.config_name = *named;
        } else if (const auto folder = config_folder(sources)) {
            const std::filesystem::path path = *folder / "config.toml";
            auto text = read_text_file(path, kMaxConfigBytes);
            if (text) {
                sources.config_text = std::move(*text);
                sources.config_name = path.string();
            } else if (text.error().code != Errc::kNotFound) {
                return fail(Errc::kInvalidArgument, "configuration file " + text.error().context);
            }
        }
    }
    config_path_ = sources.config_name;
    return fill(sources);
}

}  // namespace covenant::node
