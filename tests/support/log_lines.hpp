// What was logged while the object lived, for tests of what a program says. Lines of several
// threads are kept, too.
#pragma once

#include "common/base/log.hpp"

#include <algorithm>
#include <mutex>
#include <string>
#include <variant>
#include <vector>

#include <fmt/format.h>

namespace covenant::testing {

class LogLines {
  public:
    LogLines() {
        log::set_sink([this](log::Level, std::string_view target, std::string_view message,
                             std::span<const log::Field> fields) {
            std::string line = fmt::format("{} {}", target, message);
            for (const log::Field& field : fields) {
                line += fmt::format(
                    " {}={}", field.key,
                    std::visit([](const auto& value) { return fmt::format("{}", value); },
                               field.value));
            }
            const std::lock_guard lock(mutex_);
            lines_.push_back(std::move(line));
        });
    }
    LogLines(const LogLines&) = delete;
    LogLines& operator=(const LogLines&) = delete;
    ~LogLines() { log::set_sink({}); }

    [[nodiscard]] std::size_t count(std::string_view part) const {
        const std::lock_guard lock(mutex_);
        return static_cast<std::size_t>(std::ranges::count_if(
            lines_, [&](const std::string& line) { return line.find(part) != std::string::npos; }));
    }
    [[nodiscard]] std::string text() const {
        const std::lock_guard lock(mutex_);
        std::string out;
        for (const std::string& line : lines_)
            out += line + "\n";
        return out;
    }

  private:
    mutable std::mutex mutex_;
    std::vector<std::string> lines_;
};

}  // namespace covenant::testing
