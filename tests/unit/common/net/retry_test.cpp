#include "common/net/retry.hpp"

#include <gtest/gtest.h>

namespace covenant::net {
namespace {

TEST(Retry, DelayGrowsUpToTheLimitAndKeepsItsJitterInRange) {
    const RetryPolicy policy{5, Millis(100), Millis(350), 200, 50};
    CounterRng rng(1);
    const std::int64_t full[] = {100, 200, 350, 350, 350};
    for (unsigned attempt = 0; attempt < 5; ++attempt) {
        for (int i = 0; i < 100; ++i) {
            const auto delay = retry_delay(policy, attempt, rng).count();
            EXPECT_LE(delay, full[attempt]);
            EXPECT_GE(delay, full[attempt] / 2);
        }
    }
}

TEST(Retry, DelayIsAFunctionOfTheSeed) {
    const RetryPolicy policy;
    CounterRng a(7), b(7), c(8);
    bool differs = false;
    for (unsigned i = 0; i < 5; ++i) {
        const auto x = retry_delay(policy, i, a);
        EXPECT_EQ(x, retry_delay(policy, i, b));
        differs = differs || x != retry_delay(policy, i, c);
    }
    EXPECT_TRUE(differs);
}

TEST(Retry, WithoutJitterTheDelayIsExact) {
    const RetryPolicy policy{3, Millis(100), Millis(1000), 300, 0};
    CounterRng rng(0);
    EXPECT_EQ(retry_delay(policy, 0, rng), Millis(100));
    EXPECT_EQ(retry_delay(policy, 1, rng), Millis(300));
    EXPECT_EQ(retry_delay(policy, 60, rng), Millis(1000));
}

struct Fixture : testing::Test {
    VirtualClock clock{1000};
    CounterRng rng{3};
    std::stop_source stop;
    int calls = 0;
    RetryPolicy policy{4, Millis(100), Millis(10'000), 200, 0};
};

TEST_F(Fixture, SucceedsOnceTheRemoteAnswers) {
    const auto result = retry(policy, clock, rng, stop.get_token(), [&]() -> Result<int> {
        if (++calls < 3) return fail(Errc::kUnavailable, "refused");
        return 42;
    });
    ASSERT_TRUE(result);
    EXPECT_EQ(*result, 42);
    EXPECT_EQ(calls, 3);
    EXPECT_EQ(clock.unix_ms(), 1000 + 100 + 200);
}

TEST_F(Fixture, GivesUpAndSaysHowOftenItTried) {
    const auto result = retry(policy, clock, rng, stop.get_token(), [&]() -> Status {
        ++calls;
        return fail(Errc::kTimeout, "slow");
    });
    ASSERT_FALSE(result);
    EXPECT_EQ(calls, 4);
    EXPECT_EQ(result.error().code, Errc::kTimeout);
    EXPECT_EQ(result.error().context, "after 4 attempts: slow");
}

TEST_F(Fixture, LeavesFinalErrorsAlone) {
    const auto result = retry(policy, clock, rng, stop.get_token(), [&]() -> Status {
        ++calls;
        return fail(Errc::kMalformed, "not JSON");
    });
    EXPECT_EQ(calls, 1);
    EXPECT_EQ(result.error().context, "not JSON");
}

TEST_F(Fixture, StopsWhenAsked) {
    const auto result = retry(policy, clock, rng, stop.get_token(), [&]() -> Status {
        ++calls;
        stop.request_stop();
        return fail(Errc::kUnavailable, "refused");
    });
    EXPECT_EQ(calls, 1);
    EXPECT_EQ(result.error().code, Errc::kInterrupted);
    EXPECT_NE(result.error().context.find("refused"), std::string::npos);
}

}  // namespace
}  // namespace covenant::net
