#include "common/codec/json.hpp"
#include "common/node/log_sink.hpp"
#include "common/node/printable.hpp"

#include <cmath>
#include <ctime>

#include <fmt/format.h>

namespace covenant::node {
namespace {

struct LevelName {
    std::string_view text;  // five columns
    std::string_view json;
    std::string_view color;
};

LevelName name_of(log::Level level) {
    switch (level) {
        case log::Level::kTrace:
            return {"TRACE", "trace", "\x1b[2m"};
        case log::Level::kDebug:
            return {"DEBUG", "debug", "\x1b[2m"};
        case log::Level::kInfo:
            return {"INFO ", "info", "\x1b[32m"};
        case log::Level::kWarn:
            return {"WARN ", "warn", "\x1b[33m"};
        case log::Level::kError:
            return {"ERROR", "error", "\x1b[31m"};
    }
    return {"?????", "unknown", ""};
}

// One line, quotes and backslashes escaped.
std::string in_quotes(std::string_view text) {
    std::string escaped;
    for (const char c : text) {
        if (c == '"' || c == '\\') escaped += '\\';
        escaped += c;
    }
    return '"' + printable(escaped) + '"';
}

std::string text_value(const std::string& text) {
    const bool plain = !text.empty() && text.find_first_of(" \"=\\") == std::string::npos &&
                       printable(text) == text;
    return plain ? text : in_quotes(text);
}

std::string value_of(const log::Field& field) {
    return std::visit(
        [](const auto& value) -> std::string {
            using T = std::decay_t<decltype(value)>;
            if constexpr (std::same_as<T, std::string>) {
                return text_value(value);
            } else if constexpr (std::same_as<T, double>) {
                return fmt::format("{:.6g}", value);
            } else {
                return fmt::format("{}", value);
            }
        },
        field.value);
}

}  // namespace

std::string format_utc(std::int64_t unix_ms) {
    std::int64_t seconds = unix_ms / 1000;
    std::int64_t millis = unix_ms % 1000;
    if (millis < 0) {
        millis += 1000;
        --seconds;
    }
    const auto time = static_cast<std::time_t>(seconds);
    std::tm parts{};
    if (::gmtime_r(&time, &parts) == nullptr) return fmt::format("{}.{:03}", seconds, millis);
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", parts.tm_year + 1900,
                       parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
                       millis);
}

std::string format_text_line(std::int64_t unix_ms, log::Level level, std::string_view target,
                             std::string_view message, std::span<const log::Field> fields,
                             bool color) {
    const LevelName name = name_of(level);
    std::string out = color ? fmt::format("{} {}{}\x1b[0m {:<10}  {}", format_utc(unix_ms),
                                          name.color, name.text, target, printable(message))
                            : fmt::format("{} {} {:<10}  {}", format_utc(unix_ms), name.text,
                                          target, printable(message));
    bool first = true;
    for (const log::Field& field : fields) {
        out += fmt::format("{}{}={}", first ? "  " : " ", field.key, value_of(field));
        first = false;
    }
    return out;
}

std::string format_json_line(std::int64_t unix_ms, log::Level level, std::string_view target,
                             std::string_view message, std::span<const log::Field> fields) {
    codec::Json line = codec::Json::object();
    line.set("ts", format_utc(unix_ms));
    line.set("level", name_of(level).json);
    line.set("target", target);
    line.set("msg", message);
    for (const log::Field& field : fields) {
        // Our own four keys cannot be shadowed by a field.
        const std::string key =
            line.has(field.key) ? fmt::format("{}_", field.key) : std::string(field.key);
        std::visit([&](const auto& value) { line.set(key, codec::Json(value)); }, field.value);
    }
    return line.dump();
}

}  // namespace covenant::node
