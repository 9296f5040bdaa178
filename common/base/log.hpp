// The logging façade. Layers 0 to 2 do not log; node/log_sink installs where lines go.
//   log::info("round", "committed", {{"round", r}, {"loss", 3.41}});
// ERROR: the process or duty stops. WARN: the operator should act. INFO: about one line a round.
// Secrets have a type that converts to no Field.
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>

namespace covenant::log {

enum class Level : std::uint8_t { kTrace, kDebug, kInfo, kWarn, kError };

struct Field {
    std::string_view key;
    std::variant<bool, std::int64_t, std::uint64_t, double, std::string> value;

    template <typename T>
    Field(std::string_view k, const T& v) : key(k) {
        if constexpr (std::same_as<T, bool>) {
            value = v;
        } else if constexpr (std::floating_point<T>) {
            value = static_cast<double>(v);
        } else if constexpr (std::signed_integral<T>) {
            value = static_cast<std::int64_t>(v);
        } else if constexpr (std::unsigned_integral<T>) {
            value = static_cast<std::uint64_t>(v);
        } else {
            value = std::string(std::string_view(v));
        }
    }
};

using Fields = std::initializer_list<Field>;
using Sink = std::function<void(Level, std::string_view target, std::string_view message,
                                std::span<const Field>)>;

// Call once, before threads start. Without a sink nothing is written.
void set_sink(Sink sink);
void write(Level level, std::string_view target, std::string_view message, Fields fields);

inline void error(std::string_view target, std::string_view message, Fields fields = {}) {
    write(Level::kError, target, message, fields);
}
inline void warn(std::string_view target, std::string_view message, Fields fields = {}) {
    write(Level::kWarn, target, message, fields);
}
inline void info(std::string_view target, std::string_view message, Fields fields = {}) {
    write(Level::kInfo, target, message, fields);
}
inline void debug(std::string_view target, std::string_view message, Fields fields = {}) {
    write(Level::kDebug, target, message, fields);
}

}  // namespace covenant::log
