// Exponential back-off with jitter, over a Clock and a stop token: tests wait in virtual time.
#pragma once

#include "common/base/clock.hpp"
#include "common/base/counter_rng.hpp"
#include "common/base/result.hpp"

#include <cstdint>
#include <stop_token>
#include <string>
#include <utility>

namespace covenant::net {

struct RetryPolicy {
    unsigned attempts = 5;  // calls in all, at least 1
    Millis first_delay{200};
    Millis max_delay{10'000};
    std::uint32_t growth_percent = 200;  // each delay is the one before times this
    std::uint32_t jitter_percent = 50;   // of the delay, taken off at random: 50 = [d/2, d]
};

// The wait after failed attempt `attempt` (0-based).
Millis retry_delay(const RetryPolicy& policy, unsigned attempt, CounterRng& rng);

// Calls `operation` until it succeeds, fails with an error that is not retryable, runs out of
// attempts or is asked to stop (kInterrupted, with the last error's text). The last error tells how
// often it was tried.
template <typename Operation>
auto retry(const RetryPolicy& policy, Clock& clock, CounterRng& rng, const std::stop_token& stop,
           Operation&& operation) -> decltype(operation()) {
    for (unsigned attempt = 0;; ++attempt) {
        auto result = operation();
        if (result || !result.error().retryable) return result;
        if (attempt + 1 >= policy.attempts) {
            if (attempt == 0) return result;
            return fail(std::move(result).error().within("after " + std::to_string(attempt + 1) +
                                                         " attempts"));
        }
        if (stop.stop_requested() || !clock.sleep_for(retry_delay(policy, attempt, rng), stop)) {
            return fail(Errc::kInterrupted, "stopped while retrying: " + result.error().context);
        }
    }
}

}  // namespace covenant::net
