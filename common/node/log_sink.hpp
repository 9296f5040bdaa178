// Where lines of the logging façade go: standard error or a rotated file, as text or as JSON Lines.
//
//   2026-01-31T12:00:00.123Z INFO  round       committed  round=119 loss=3.412
//   {"ts":"2026-01-31T12:00:00.123Z","level":"info","target":"round","msg":"committed","round":119}
//
// The same cause (level, target, message) is written when it first appears or its fields change;
// identical repetitions at WARN and ERROR are counted, and the count is written before the target's
// next other line and at shutdown.
#pragma once

#include "common/base/log.hpp"
#include "common/base/result.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <ostream>
#include <span>
#include <string>
#include <string_view>

namespace covenant::node {

enum class LogFormat : std::uint8_t { kText, kJson };

// "info,chain=debug,store=error": a default and exceptions by target.
struct LogLevels {
    log::Level fallback = log::Level::kInfo;
    bool silent = false;  // "off"
    std::map<std::string, log::Level, std::less<>> targets;

    // kInvalidArgument with the nearest level name.
    static Result<LogLevels> parse(std::string_view text);
    [[nodiscard]] bool enabled(log::Level level, std::string_view target) const;
};

struct LogOptions {
    LogFormat format = LogFormat::kText;
    std::string levels = "info";
    bool color = false;          // text to a terminal only
    std::filesystem::path file;  // "" = standard error
    std::uint64_t max_file_bytes = std::uint64_t{64} << 20;
    std::uint32_t max_files = 5;  // kept besides the current one
};

// Installs the sink until destroyed; one at a time.
class LogSink {
  public:
    static Result<std::unique_ptr<LogSink>> install(const LogOptions& options);
    // Tests: lines go to `stream`, with a given time in every line.
    static Result<std::unique_ptr<LogSink>> install(const LogOptions& options, std::ostream& stream,
                                                    std::int64_t fixed_unix_ms);
    ~LogSink();
    LogSink(const LogSink&) = delete;
    LogSink& operator=(const LogSink&) = delete;
    void flush();
    // For SignalGuard: opens the log file anew under its name, after another program has moved it
    // away. Keeps the open one, and logs a warning, when that fails. Null without a file. The sink
    // must outlive it.
    [[nodiscard]] std::function<void()> reopener();

  private:
    class Impl;
    explicit LogSink(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

// One line without its newline. Values with spaces, quotes, '=' or control characters are quoted
// and escaped in text. Text: fields after the message. Pure; the sink writes what they return.
std::string format_text_line(std::int64_t unix_ms, log::Level level, std::string_view target,
                             std::string_view message, std::span<const log::Field> fields,
                             bool color);
std::string format_json_line(std::int64_t unix_ms, log::Level level, std::string_view target,
                             std::string_view message, std::span<const log::Field> fields);

// "2026-01-31T12:00:00.123Z"
std::string format_utc(std::int64_t unix_ms);

}  // namespace covenant::node
