#include "chain/participant/duty.hpp"

#include "tests/support/log_lines.hpp"

#include <vector>

#include <gtest/gtest.h>

namespace covenant::participant {
namespace {

using protocol::ChainTime;
using protocol::Round;

class AgendaTest : public ::testing::Test {
  protected:
    Duty duty(std::string_view name, std::uint64_t opens, std::uint64_t closes, bool works) {
        return {name, Round(7), ChainTime(opens), ChainTime(closes), [this, name, works]() -> Step {
                    tried.emplace_back(name);
                    return works ? did("done") : waits();
                }};
    }
    Duty failing(std::string_view name, Errc code, std::uint64_t round = 7) {
        return {name, Round(round), ChainTime(0), ChainTime(10), [this, name, code]() -> Step {
                    tried.emplace_back(name);
                    return fail(code, "no luck");
                }};
    }
    std::vector<std::string> tried;
    Setbacks setbacks;
};

TEST_F(AgendaTest, TakesTheNearestDeadlineThatCanBeDone) {
    const std::vector<Duty> duties{duty("late", 0, 90, true), duty("soon", 0, 20, false),
                                   duty("next", 0, 40, true)};
    const auto report = run_due(duties, ChainTime(10), setbacks);
    ASSERT_TRUE(report);
    EXPECT_TRUE(report->busy());
    EXPECT_EQ(report->duty, "next");
    EXPECT_EQ(report->round, Round(7));
    EXPECT_EQ(report->note, "done");
    EXPECT_EQ(tried, (std::vector<std::string>{"soon", "next"}));
}

TEST_F(AgendaTest, AWindowIsHalfOpen) {
    const std::vector<Duty> duties{duty("opens", 10, 20, true)};
    EXPECT_FALSE(run_due(duties, ChainTime(9), setbacks)->busy());
    EXPECT_TRUE(run_due(duties, ChainTime(10), setbacks)->busy());
    EXPECT_TRUE(run_due(duties, ChainTime(19), setbacks)->busy());
    EXPECT_FALSE(run_due(duties, ChainTime(20), setbacks)->busy());
}

TEST_F(AgendaTest, EqualDeadlinesKeepTheirOrder) {
    const std::vector<Duty> duties{duty("first", 0, 20, false), duty("second", 0, 20, false)};
    EXPECT_FALSE(run_due(duties, ChainTime(1), setbacks)->busy());
    EXPECT_EQ(tried, (std::vector<std::string>{"first", "second"}));
}

TEST_F(AgendaTest, AFailureHoldsUpNoOtherDuty) {
    const std::vector<Duty> duties{failing("screen", Errc::kMismatch), duty("vote", 0, 20, true)};
    EXPECT_EQ(run_due(duties, ChainTime(1), setbacks)->duty, "vote");
}

TEST_F(AgendaTest, WhatCannotPassIsGivenUpInItsRoundAndSaidOnce) {
    covenant::testing::LogLines log;
    const std::vector<Duty> duties{failing("screen", Errc::kMismatch),
                                   failing("screen", Errc::kMismatch, 8)};
    for (int look = 0; look < 3; ++look) {
        EXPECT_FALSE(run_due(duties, ChainTime(1), setbacks)->busy());
    }
    EXPECT_EQ(tried.size(), 2U) << "once in each round";
    EXPECT_EQ(log.count("not done: screen: no luck round=7"), 1U) << log.text();
    EXPECT_EQ(log.count("not done: screen: no luck round=8"), 1U) << log.text();
}

TEST_F(AgendaTest, WhatMayPassIsTriedAgainAndSaidOnce) {
    covenant::testing::LogLines log;
    const std::vector<Duty> duties{failing("fetch", Errc::kUnavailable)};
    for (int look = 0; look < 3; ++look) {
        EXPECT_FALSE(run_due(duties, ChainTime(1), setbacks)->busy());
    }
    EXPECT_EQ(tried.size(), 3U);
    EXPECT_EQ(log.count("waiting to fetch: no luck"), 1U) << log.text();
}

TEST_F(AgendaTest, RoundsThatAreForgottenAreTriedAsNew) {
    const std::vector<Duty> duties{failing("screen", Errc::kMismatch)};
    static_cast<void>(run_due(duties, ChainTime(1), setbacks));
    setbacks.forget(Round(7));
    EXPECT_FALSE(setbacks.allow(duties.front()));
    setbacks.forget(Round(8));
    EXPECT_TRUE(setbacks.allow(duties.front()));
}

// The node's own files, and the wish to stop.
TEST_F(AgendaTest, DamageOfItsOwnEndsTheNodeAndNamesTheDuty) {
    for (const Errc code : {Errc::kIo, Errc::kCorrupt, Errc::kPermission, Errc::kInterrupted}) {
        const auto report =
            run_due(std::vector<Duty>{failing("settle", code)}, ChainTime(1), setbacks);
        ASSERT_FALSE(report);
        EXPECT_EQ(report.error().code, code);
        EXPECT_EQ(report.error().context, "settle of round 7: no luck");
    }
}

}  // namespace
}  // namespace covenant::participant
