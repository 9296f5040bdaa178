#include "common/net/retry.hpp"

#include <algorithm>

namespace covenant::net {

Millis retry_delay(const RetryPolicy& policy, unsigned attempt, CounterRng& rng) {
    std::int64_t delay = policy.first_delay.count();
    const std::int64_t limit = std::max<std::int64_t>(policy.max_delay.count(), 0);
    for (unsigned i = 0; i < attempt && delay < limit; ++i) {
        delay = delay * static_cast<std::int64_t>(policy.growth_percent) / 100;
    }
    delay = std::clamp<std::int64_t>(delay, 0, limit);
    const std::int64_t percent = std::min<std::int64_t>(policy.jitter_percent, 100);
    const auto span = static_cast<std::uint64_t>(delay * percent / 100);
    return Millis(delay - static_cast<std::int64_t>(rng.below(span + 1)));
}

}  // namespace covenant::net
