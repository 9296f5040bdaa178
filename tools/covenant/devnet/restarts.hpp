// Whether a node that a signal ended is started again. A single kill is what a service manager
// mends; a node that dies again and again is broken, and starting it for ever would hide that.
#pragma once

#include "common/base/clock.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <string>

namespace covenant::devnet {

class RestartLimit {
  public:
    static constexpr std::size_t kRestarts = 5;
    static constexpr Millis kWindow{30'000};

    // True, and counted, while the node had fewer than kRestarts restarts in the last kWindow.
    // now_ms: of one clock that never goes back.
    bool allow(const std::string& name, std::int64_t now_ms) {
        std::deque<std::int64_t>& times = restarts_[name];
        while (!times.empty() && now_ms - times.front() >= kWindow.count()) {
            times.pop_front();
        }
        if (times.size() >= kRestarts) {
            return false;
        }
        times.push_back(now_ms);
        return true;
    }

    // For the error's text: what it was that no restart followed.
    static std::string text() {
        return " (a signal), more than " + std::to_string(kRestarts) + " times within " +
               std::to_string(kWindow.count() / 1000) + " s";
    }

  private:
    std::map<std::string, std::deque<std::int64_t>> restarts_;  // unix milliseconds, ascending
};

}  // namespace covenant::devnet
