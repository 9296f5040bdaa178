#include "common/node/option_value.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>

#include <fmt/format.h>

namespace covenant::node {

std::string_view expected_of(const OptionTarget& target) {
    struct {
        std::string_view operator()(bool*) const { return "true or false"; }
        std::string_view operator()(std::int64_t*) const { return "an integer"; }
        std::string_view operator()(std::uint64_t*) const { return "an integer of at least 0"; }
        std::string_view operator()(std::uint32_t*) const {
            return "an integer of 0 to 4294967295";
        }
        std::string_view operator()(std::uint16_t*) const { return "an integer of 0 to 65535"; }
        std::string_view operator()(double*) const { return "a number"; }
        std::string_view operator()(std::string*) const { return "a text"; }
        std::string_view operator()(std::filesystem::path*) const { return "a path"; }
        std::string_view operator()(std::vector<std::string>*) const { return "a list of texts"; }
    } name;
    return std::visit(name, target);
}

namespace {

template <typename T>
bool parse_number(std::string_view text, T& out) {
    const char* end = text.data() + text.size();
    const auto [stop, failed] = std::from_chars(text.data(), end, out);
    return failed == std::errc{} && stop == end;
}

Status check_choice(const Option& option, const std::string& value) {
    if (option.choices.empty() ||
        std::find(option.choices.begin(), option.choices.end(), value) != option.choices.end()) {
        return {};
    }
    return fail(Errc::kInvalidArgument,
                fmt::format("'{}' is none of {}{}", value, fmt::join(option.choices, ", "),
                            did_you_mean(value, option.choices)));
}

Status assign(const OptionTarget& target, const std::vector<std::string>& values) {
    if (auto* const* list = std::get_if<std::vector<std::string>*>(&target)) {
        **list = values;
        return {};
    }
    const std::string text = values.empty() ? std::string() : values.back();
    const bool good = std::visit(
        [&](auto* out) {
            using T = std::remove_pointer_t<decltype(out)>;
            if constexpr (std::same_as<T, bool>) {
                const auto value = parse_bool(text);
                *out = value.value_or(*out);
                return value.has_value();
            } else if constexpr (std::same_as<T, double>) {
                double value = 0;
                if (!parse_number(text, value) || !std::isfinite(value)) return false;
                *out = value;
                return true;
            } else if constexpr (std::integral<T>) {
                T value = 0;
                if (!parse_number(text, value)) return false;
                *out = value;
                return true;
            } else if constexpr (std::same_as<T, std::vector<std::string>>) {
                return false;  // handled above
            } else {
                *out = text;
                return true;
            }
        },
        target);
    if (good) return {};
    return fail(Errc::kInvalidArgument, fmt::format("'{}' is not {}", text, expected_of(target)));
}

Status check_and_assign(Option& option, std::vector<std::string>& values, const Environment& env) {
    for (std::string& value : values) {
        if (option.is_path()) {
            COVENANT_TRY(value, expand_home(std::move(value), env));
        }
        COVENANT_CHECK(check_choice(option, value));
    }
    COVENANT_CHECK(assign(option.target, values));
    for (const std::string& value : values) {
        if (option.check) COVENANT_CHECK(option.check(value));
    }
    return {};
}

}  // namespace

std::optional<bool> parse_bool(std::string_view text) {
    if (text == "true" || text == "1" || text == "yes" || text == "on") return true;
    if (text == "false" || text == "0" || text == "no" || text == "off") return false;
    return std::nullopt;
}

Status set_option(Option& option, std::vector<std::string> values, const Environment& env) {
    Status set = check_and_assign(option, values, env);
    if (set) return {};
    // Whatever a check's own error is, a bad value is a mistake of usage.
    return fail(Errc::kInvalidArgument,
                option.secret ? "the value is not accepted" : std::move(set).error().context);
}

std::optional<std::string> read_variable(const Environment& env, const std::string& name) {
    std::optional<std::string> value;
    if (env) {
        value = env(name);
    } else if (const char* text = std::getenv(name.c_str())) {  // NOLINT(concurrency-mt-unsafe)
        value = text;                                           // nobody writes the environment
    }
    if (value && value->empty()) return std::nullopt;
    return value;
}

Result<std::string> expand_home(std::string text, const Environment& env) {
    if (!text.starts_with('~')) return text;
    if (text.size() > 1 && text[1] != '/') {
        return fail(Errc::kInvalidArgument,
                    fmt::format("'{0}': only ~/ is expanded; write the whole path, or ./{0} for a "
                                "file of that name",
                                text));
    }
    const auto home = read_variable(env, "HOME");
    if (!home) {
        return fail(Errc::kInvalidArgument,
                    fmt::format("'{}' needs HOME, which is not set; write the whole path", text));
    }
    return *home + text.substr(1);
}

std::string toml_quote(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (byte < 0x20 || byte == 0x7f) {
            out += fmt::format("\\u{:04X}", static_cast<unsigned>(byte));
        } else {
            out += c;
        }
    }
    return out + '"';
}

std::string to_toml(const OptionTarget& target) {
    return std::visit(
        [](const auto* value) -> std::string {
            using T = std::remove_cv_t<std::remove_pointer_t<decltype(value)>>;
            if constexpr (std::same_as<T, bool>) {
                return *value ? "true" : "false";
            } else if constexpr (std::same_as<T, double>) {
                std::string text = fmt::format("{}", *value);
                return text.find_first_of(".en") == std::string::npos ? text + ".0" : text;
            } else if constexpr (std::integral<T>) {
                return std::to_string(*value);
            } else if constexpr (std::same_as<T, std::vector<std::string>>) {
                std::string out = "[";
                for (const std::string& item : *value) {
                    out += (out.size() > 1 ? ", " : "") + toml_quote(item);
                }
                return out + "]";
            } else if constexpr (std::same_as<T, std::filesystem::path>) {
                return toml_quote(value->string());
            } else {
                return toml_quote(*value);
            }
        },
        target);
}

}  // namespace covenant::node
