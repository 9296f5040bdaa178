#include "common/node/option_table.hpp"

#include "common/base/assert.hpp"
#include "common/base/file.hpp"
#include "common/node/lifecycle.hpp"
#include "common/node/option_value.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

namespace covenant::node {
namespace {

std::vector<std::string> split_commas(std::string_view text) {
    std::vector<std::string> out;
    while (!text.empty()) {
        const auto comma = text.find(',');
        if (comma != 0) out.emplace_back(text.substr(0, comma));
        text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 1);
    }
    return out;
}

// The value that flags or environment give to an option of `table`, before anything is filled.
Result<std::optional<std::string>> given_value(const OptionTable& table, std::string_view name,
                                               const OptionSources& sources) {
    const Option* option = table.find(name);
    if (option == nullptr) return std::nullopt;
    auto value = read_variable(sources.env, option->env());
    for (const FlagValue& flag : sources.flags) {
        if (flag.name == name) value = flag.value;
    }
    if (!value || value->empty()) return std::nullopt;
    if (!option->is_path()) return value;
    COVENANT_TRY(value, expand_home(std::move(*value), sources.env));
    return value;
}

// The folder whose config.toml is read when no file is named.
Result<std::optional<std::filesystem::path>> config_folder(const OptionTable& table,
                                                           const OptionSources& sources) {
    if (table.find("datadir") == nullptr) return std::nullopt;
    COVENANT_TRY(const auto datadir, given_value(table, "datadir", sources));
    if (datadir) return *datadir;
    const Option* option = table.find("network");
    if (option == nullptr || !sources.default_datadir) return std::nullopt;
    COVENANT_TRY(auto network, given_value(table, "network", sources));
    const auto* const* initial = std::get_if<std::string*>(&option->target);
    if (!network && initial != nullptr) network = **initial;
    if (!network) return std::nullopt;
    auto folder = sources.default_datadir(*network);
    if (!folder) return std::nullopt;
    return *folder;
}

}  // namespace

std::string_view to_string(Origin origin) {
    switch (origin) {
        case Origin::kDefault:
            return "default";
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

bool Option::is_path() const {
    return std::holds_alternative<std::filesystem::path*>(target) || names_path(value_name);
}

bool names_path(std::string_view value_name) {
    while (!value_name.empty()) {
        const auto bar = value_name.find('|');
        const std::string_view word = value_name.substr(0, bar);
        if (word == "DIR" || word == "FILE" || word == "PATH") return true;
        value_name.remove_prefix(bar == std::string_view::npos ? value_name.size() : bar + 1);
    }
    return false;
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

Status OptionTable::load(OptionSources sources) {
    COVENANT_CHECK(read_config(sources));
    config_path_ = sources.config_name;
    return fill(sources);
}

Status OptionTable::read_config(OptionSources& sources) const {
    if (!sources.config_name.empty()) return {};
    COVENANT_TRY(const auto named, given_value(*this, "config", sources));
    std::filesystem::path path;
    if (named) {
        path = *named;
    } else {
        COVENANT_TRY(const auto folder, config_folder(*this, sources));
        if (!folder) return {};
        path = *folder / "config.toml";
    }
    auto text = read_text_file(path, kMaxConfigBytes);
    if (!text) {
        if (!named && text.error().code == Errc::kNotFound) return {};
        // A path that the user wrote is part of the usage.
        return fail(Errc::kInvalidArgument, "configuration file " + text.error().context);
    }
    sources.config_text = std::move(*text);
    sources.config_name = path.string();
    return {};
}

Status OptionTable::fill(const OptionSources& sources) {
    if (!sources.config_name.empty()) {
        COVENANT_CHECK(apply_toml(options_, sources.config_text, sources.config_name, sources.env));
    }
    COVENANT_CHECK(fill_from_environment(sources.env));
    COVENANT_CHECK(fill_from_flags(sources.flags, sources.env));
    return sources.partial ? Status{} : check_required();
}

Status OptionTable::fill_from_environment(const Environment& env) {
    for (const auto& option : options_) {
        const std::string name = option->env();
        const auto value = read_variable(env, name);
        if (!value) continue;
        auto values = option->is_list() ? split_commas(*value) : std::vector<std::string>{*value};
        if (auto set = set_option(*option, std::move(values), env); !set) {
            return fail(std::move(set).error().within(name));
        }
        option->origin = Origin::kEnvironment;
        option->origin_detail = name;
    }
    return {};
}

Status OptionTable::fill_from_flags(const std::vector<FlagValue>& flags, const Environment& env) {
    std::vector<std::string> names;
    for (const auto& option : options_) {
        names.push_back(option->name);
        std::vector<std::string> values;
        for (const FlagValue& flag : flags) {
            if (flag.name == option->name) values.push_back(flag.value);
        }
        if (values.empty()) continue;
        const std::string name = "--" + option->name;
        if (auto set = set_option(*option, std::move(values), env); !set) {
            return fail(std::move(set).error().within(name));
        }
        option->origin = Origin::kFlag;
        option->origin_detail = name;
    }
    for (const FlagValue& flag : flags) {
        if (find(flag.name) == nullptr) {
            return fail(Errc::kInvalidArgument, fmt::format("unknown option '--{}'{}", flag.name,
                                                            did_you_mean(flag.name, names)));
        }
    }
    return {};
}

Status OptionTable::check_required() const {
    for (const auto& option : options_) {
        if (!option->required) continue;
        // An empty text is a text; an empty name or path names nothing.
        const bool full = option->value_name == "TEXT" || to_toml(option->target) != "\"\"";
        if (option->origin != Origin::kDefault && full) continue;
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

}  // namespace covenant::node
