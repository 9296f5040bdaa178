#include "common/base/clock.hpp"

namespace covenant {

std::int64_t SystemClock::unix_ms() const {
    using namespace std::chrono;
    return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

bool SystemClock::sleep_for(Millis duration, const std::stop_token& stop) {
    std::mutex mutex;
    std::condition_variable_any wake;
    std::unique_lock lock(mutex);
    wake.wait_for(lock, stop, duration, [] { return false; });
    return !stop.stop_requested();
}

std::int64_t VirtualClock::unix_ms() const {
    const std::scoped_lock lock(mutex_);
    return now_ms_;
}

bool VirtualClock::sleep_for(Millis duration, const std::stop_token& stop) {
    advance(duration);
    return !stop.stop_requested();
}

void VirtualClock::advance(Millis duration) {
    const std::scoped_lock lock(mutex_);
    now_ms_ += duration.count();
}

}  // namespace covenant
