#include "common/node/log_sink.hpp"

#include "common/base/clock.hpp"
#include "common/base/descriptor.hpp"
#include "common/base/durable_file.hpp"
#include "common/base/file.hpp"
#include "common/base/mutex.hpp"
#include "common/node/option_table.hpp"

#include <algorithm>
#include <optional>

#include <fcntl.h>
#include <fmt/format.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/sinks/rotating_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

namespace covenant::node {
namespace {

std::optional<log::Level> level_named(std::string_view name) {
    if (name == "trace") return log::Level::kTrace;
    if (name == "debug") return log::Level::kDebug;
    if (name == "info") return log::Level::kInfo;
    if (name == "warn") return log::Level::kWarn;
    if (name == "error") return log::Level::kError;
    return std::nullopt;
}

Result<spdlog::sink_ptr> file_sink(const LogOptions& options) {
    if (auto good = require_regular_or_absent(options.file); !good) {
        return fail(std::move(good).error().within("log file"));
    }
    // Its folder is there before the file is made, or its mode would be the library's. That a
    // folder cannot be made is said by the opening.
    static_cast<void>(create_folders_durably(options.file.parent_path()));
    // A log tells what an operator does, so the mode of a new one is ours and not the umask's.
    spdlog::file_event_handlers events;
    events.before_open = [](const spdlog::filename_t& name) {
        const Descriptor made(
            ::open(name.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0600));
    };
    try {
        return std::make_shared<spdlog::sinks::rotating_file_sink_mt>(
            options.file.string(),
            static_cast<std::size_t>(std::max<std::uint64_t>(options.max_file_bytes, 4096)),
            options.max_files, /*rotate_on_open=*/false, events);
    } catch (const std::exception& failure) {
        return fail(Errc::kIo,
                    fmt::format("log file {}: {}", options.file.string(), failure.what()));
    }
}

}  // namespace

Result<LogLevels> LogLevels::parse(std::string_view text) {
    const std::vector<std::string> names{"trace", "debug", "info", "warn", "error", "off"};
    LogLevels out;
    while (!text.empty()) {
        const auto comma = text.find(',');
        const std::string_view part = text.substr(0, comma);
        text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 1);
        const auto equals = part.find('=');
        const std::string_view name =
            equals == std::string_view::npos ? part : part.substr(equals + 1);
        const std::string_view target =
            equals == std::string_view::npos ? "" : part.substr(0, equals);
        const auto level = level_named(name);
        if (target.empty() && equals == std::string_view::npos && name == "off") {
            out.silent = true;
        } else if (!level || (equals != std::string_view::npos && target.empty())) {
            return fail(
                Errc::kInvalidArgument,
                fmt::format("log level '{}' is no LEVEL or TARGET=LEVEL with a level of {}{}", part,
                            fmt::join(names, ", "), did_you_mean(name, names)));
        } else if (target.empty()) {
            out.fallback = *level;
        } else {
            out.targets[std::string(target)] = *level;
        }
    }
    return out;
}

bool LogLevels::enabled(log::Level level, std::string_view target) const {
    const auto found = targets.find(target);
    if (found != targets.end()) return level >= found->second;
    return !silent && level >= fallback;
}

class LogSink::Impl {
  public:
    Impl(LogOptions options, LogLevels levels, spdlog::sink_ptr sink,
         std::optional<std::int64_t> fixed_time)
        : options_(std::move(options)),
          levels_(std::move(levels)),
          logger_("covenant", std::move(sink)),
          fixed_time_(fixed_time) {
        logger_.set_pattern("%v", spdlog::pattern_time_type::utc);
        logger_.set_level(spdlog::level::trace);
        logger_.flush_on(spdlog::level::info);
        // A full disk must not stop the node, nor print a second message for each one lost.
        logger_.set_error_handler([](const std::string&) {});
    }

    void write(log::Level level, std::string_view target, std::string_view message,
               std::span<const log::Field> fields) COVENANT_EXCLUDES(mutex_) {
        if (!levels_.enabled(level, target)) return;
        const MutexLock lock(mutex_);
        if (level >= log::Level::kWarn) {
            const std::string body = format_text_line(0, level, target, message, fields, false);
            Cause& cause = causes_[fmt::format("{}\n{}", target, message)];
            if (cause.last == body) {
                ++cause.repeated;
                return;
            }
            summarise(cause);
            cause = Cause{level, std::string(target), std::string(message), body, 0};
            if (causes_.size() > kMaxCauses) forget_all();
        } else {
            // Anything new from the target: say first how often its last trouble came.
            for (auto& [key, cause] : causes_) {
                if (cause.target == target) summarise(cause);
            }
        }
        emit(level, target, message, fields);
    }

    [[nodiscard]] bool to_file() const { return !options_.file.empty(); }

    void reopen() COVENANT_EXCLUDES(mutex_) {
        auto sink = file_sink(options_);
        const MutexLock lock(mutex_);
        if (sink) {
            logger_.flush();
            logger_.sinks().front() = std::move(*sink);
            return;
        }
        const log::Field why("why", sink.error().context);
        emit(log::Level::kWarn, "log", "the log file stays as it was", std::span(&why, 1));
    }

    void flush() COVENANT_EXCLUDES(mutex_) {
        const MutexLock lock(mutex_);
        for (auto& [key, cause] : causes_)
            summarise(cause);
        logger_.flush();
    }

  private:
    static constexpr std::size_t kMaxCauses = 256;

    struct Cause {
        log::Level level = log::Level::kWarn;
        std::string target;
        std::string message;
        std::string last;            // the whole line but its time
        std::uint64_t repeated = 0;  // since it was written
    };

    void summarise(Cause& cause) COVENANT_REQUIRES(mutex_) {
        if (cause.repeated == 0) return;
        const log::Field count("repeated", cause.repeated);
        cause.repeated = 0;
        emit(cause.level, cause.target, cause.message, std::span(&count, 1));
    }

    void forget_all() COVENANT_REQUIRES(mutex_) {
        for (auto& [key, cause] : causes_)
            summarise(cause);
        causes_.clear();
    }

    void emit(log::Level level, std::string_view target, std::string_view message,
              std::span<const log::Field> fields) COVENANT_REQUIRES(mutex_) {
        const std::int64_t now = fixed_time_ ? *fixed_time_ : clock_.unix_ms();
        const std::string line =
            options_.format == LogFormat::kJson
                ? format_json_line(now, level, target, message, fields)
                : format_text_line(now, level, target, message, fields, options_.color);
        logger_.log(level >= log::Level::kInfo ? spdlog::level::info : spdlog::level::debug,
                    spdlog::string_view_t(line.data(), line.size()));
    }

    const LogOptions options_;
    const LogLevels levels_;
    const SystemClock clock_;
    Mutex mutex_;
    spdlog::logger logger_ COVENANT_GUARDED_BY(mutex_);
    std::map<std::string, Cause> causes_ COVENANT_GUARDED_BY(mutex_);
    const std::optional<std::int64_t> fixed_time_;
};

namespace {

template <typename Impl>
void route_to(Impl* impl) {
    log::set_sink([impl](log::Level level, std::string_view target, std::string_view message,
                         std::span<const log::Field> fields) {
        impl->write(level, target, message, fields);
    });
}

}  // namespace

LogSink::LogSink(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {
    route_to(impl_.get());
}

LogSink::~LogSink() {
    log::set_sink({});
    impl_->flush();
}

void LogSink::flush() {
    impl_->flush();
}

std::function<void()> LogSink::reopener() {
    if (!impl_->to_file()) return {};
    return [impl = impl_.get()] { impl->reopen(); };
}

Result<std::unique_ptr<LogSink>> LogSink::install(const LogOptions& options) {
    COVENANT_TRY(LogLevels levels, LogLevels::parse(options.levels));
    spdlog::sink_ptr sink;
    if (options.file.empty()) {
        sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
    } else {
        COVENANT_TRY(sink, file_sink(options));
    }
    return std::unique_ptr<LogSink>(new LogSink(
        std::make_unique<Impl>(options, std::move(levels), std::move(sink), std::nullopt)));
}

Result<std::unique_ptr<LogSink>> LogSink::install(const LogOptions& options, std::ostream& stream,
                                                  std::int64_t fixed_unix_ms) {
    COVENANT_TRY(LogLevels levels, LogLevels::parse(options.levels));
    auto sink = std::make_shared<spdlog::sinks::ostream_sink_mt>(stream, true);
    return std::unique_ptr<LogSink>(new LogSink(
        std::make_unique<Impl>(options, std::move(levels), std::move(sink), fixed_unix_ms)));
}

}  // namespace covenant::node
