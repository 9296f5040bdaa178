#include "common/base/clock.hpp"

#include <thread>

#include <gtest/gtest.h>

namespace covenant {
namespace {

TEST(VirtualClock, MovesOnlyWhenTold) {
    VirtualClock clock(1000);
    EXPECT_EQ(clock.unix_ms(), 1000);
    clock.advance(Millis(5));
    EXPECT_EQ(clock.unix_ms(), 1005);
    EXPECT_TRUE(clock.sleep_for(Millis(10), {}));
    EXPECT_EQ(clock.unix_ms(), 1015);
}

TEST(VirtualClock, SaysWhenItWasAskedToStop) {
    VirtualClock clock(0);
    std::stop_source stop;
    stop.request_stop();
    EXPECT_FALSE(clock.sleep_for(Millis(1), stop.get_token()));
}

TEST(SystemClock, StopEndsALongSleep) {
    SystemClock clock;
    const std::int64_t before = clock.unix_ms();
    EXPECT_GT(before, 1'600'000'000'000);
    bool slept = true;
    std::jthread sleeper(
        [&](const std::stop_token& stop) { slept = clock.sleep_for(std::chrono::hours(1), stop); });
    sleeper.request_stop();
    sleeper.join();
    EXPECT_FALSE(slept);
}

TEST(SystemClock, SleepsToTheEnd) {
    EXPECT_TRUE(SystemClock().sleep_for(Millis(1), {}));
}

}  // namespace
}  // namespace covenant
