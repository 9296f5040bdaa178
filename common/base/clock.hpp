// Time only through Clock&: protocol decisions use chain time, and tests a clock that they move by
// hand.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <stop_token>

namespace covenant {

using Millis = std::chrono::milliseconds;

class Clock {
  public:
    virtual ~Clock() = default;
    [[nodiscard]] virtual std::int64_t unix_ms() const = 0;
    // Returns early, with false, when stop is requested.
    virtual bool sleep_for(Millis duration, const std::stop_token& stop) = 0;
};

class SystemClock final : public Clock {
  public:
    [[nodiscard]] std::int64_t unix_ms() const override;
    bool sleep_for(Millis duration, const std::stop_token& stop) override;
};

// Moves only when advanced, or by exactly what a sleeper asks for. Thread-safe.
class VirtualClock final : public Clock {
  public:
    explicit VirtualClock(std::int64_t start_unix_ms) : now_ms_(start_unix_ms) {}
    [[nodiscard]] std::int64_t unix_ms() const override;
    bool sleep_for(Millis duration, const std::stop_token& stop) override;
    void advance(Millis duration);

  private:
    mutable std::mutex mutex_;
    std::int64_t now_ms_;
};

}  // namespace covenant
