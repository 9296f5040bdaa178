#include "common/base/safe_math.hpp"
#include "common/node/output.hpp"
#include "common/node/printable.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace covenant::node {

namespace {

// floor(done * parts / total) for done < total, without overflow.
std::uint64_t share(std::uint64_t done, std::uint64_t total, std::uint64_t parts) {
    return static_cast<std::uint64_t>(Uint128{done} * parts / total);
}

}  // namespace

std::string human_bytes(std::uint64_t bytes) {
    constexpr std::string_view kUnits[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
    auto value = static_cast<double>(bytes);
    std::size_t unit = 0;
    while (value >= 999.5 && unit + 1 < std::size(kUnits)) {
        value /= 1000;
        ++unit;
    }
    if (unit == 0) return fmt::format("{} B", bytes);
    return value < 9.95 ? fmt::format("{:.1f} {}", value, kUnits[unit])
                        : fmt::format("{:.0f} {}", value, kUnits[unit]);
}

std::string human_duration(Millis duration) {
    const std::int64_t seconds = std::max<std::int64_t>(duration.count(), 0) / 1000;
    if (seconds < 60) return fmt::format("{} s", seconds);
    if (seconds < 3600) return fmt::format("{}m{:02}s", seconds / 60, seconds % 60);
    return fmt::format("{}h{:02}m", seconds / 3600, seconds % 3600 / 60);
}

Progress::Progress(Output& output, const Clock& clock, std::string_view label, std::uint64_t total,
                   std::string unit)
    : output_(output),
      clock_(clock),
      label_(printable(label)),
      unit_(std::move(unit)),
      total_(total),
      start_ms_(clock.unix_ms()) {}

Progress::~Progress() {
    finish();
}

bool Progress::live() const {
    return output_.options_.err_is_terminal && !output_.options_.dumb;
}

std::string Progress::line(std::uint64_t done, std::int64_t now_ms) const {
    const auto amount = [&](std::uint64_t value) {
        return unit_ == "B" ? human_bytes(value) : fmt::format("{} {}", value, unit_);
    };
    const double seconds = static_cast<double>(now_ms - start_ms_) / 1000.0;
    std::string out = label_ + "  " + amount(done);
    if (total_ > 0) {
        const std::uint64_t percent = done >= total_ ? 100 : share(done, total_, 100);
        out += fmt::format(" of {}  {} %", amount(total_), percent);
    }
    if (seconds <= 0 || done == 0) return out;
    const double rate = static_cast<double>(done) / seconds;
    out += unit_ == "B" ? "  " + human_bytes(static_cast<std::uint64_t>(rate)) + "/s"
                        : fmt::format("  {:.3g} {}/s", rate, unit_);
    if (total_ > done) {
        const double left_ms = static_cast<double>(total_ - done) / rate * 1000.0;
        out += "  " + human_duration(Millis(static_cast<std::int64_t>(left_ms))) + " left";
    }
    return out;
}

void Progress::update(std::uint64_t done) {
    done_ = done;
    if (finished_ || output_.options_.quiet || output_.options_.json) return;
    const std::int64_t now = clock_.unix_ms();
    if (live()) {
        constexpr std::int64_t kRedrawMs = 100;
        if (drawn_ms_ >= 0 && now - drawn_ms_ < kRedrawMs) return;
        drawn_ms_ = now;
        *output_.err_ << "\r\x1b[K" << line(done, now) << std::flush;
        return;
    }
    if (total_ == 0) return;
    const std::uint64_t tenth = done >= total_ ? 10 : share(done, total_, 10);
    if (tenth < next_tenth_) return;
    next_tenth_ = tenth + 1;
    *output_.err_ << line(done, now) << '\n' << std::flush;
}

void Progress::finish() {
    if (finished_) return;
    finished_ = true;
    if (output_.options_.quiet || output_.options_.json) return;
    if (live()) {
        *output_.err_ << "\r\x1b[K" << line(done_, clock_.unix_ms()) << '\n' << std::flush;
    } else if (total_ == 0) {
        *output_.err_ << line(done_, clock_.unix_ms()) << '\n' << std::flush;
    }
}

}  // namespace covenant::node
