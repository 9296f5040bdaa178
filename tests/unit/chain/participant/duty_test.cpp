#include "chain/participant/duty.hpp"

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
    std::vector<std::string> tried;
};

TEST_F(AgendaTest, TakesTheNearestDeadlineThatCanBeDone) {
    const std::vector<Duty> duties{duty("late", 0, 90, true), duty("soon", 0, 20, false),
                                   duty("next", 0, 40, true)};
    const auto report = run_due(duties, ChainTime(10));
    ASSERT_TRUE(report);
    EXPECT_TRUE(report->busy());
    EXPECT_EQ(report->duty, "next");
    EXPECT_EQ(report->round, Round(7));
    EXPECT_EQ(report->note, "done");
    EXPECT_EQ(tried, (std::vector<std::string>{"soon", "next"}));
}

TEST_F(AgendaTest, AWindowIsHalfOpen) {
    const std::vector<Duty> duties{duty("opens", 10, 20, true)};
    EXPECT_FALSE(run_due(duties, ChainTime(9))->busy());
    EXPECT_TRUE(run_due(duties, ChainTime(10))->busy());
    EXPECT_TRUE(run_due(duties, ChainTime(19))->busy());
    EXPECT_FALSE(run_due(duties, ChainTime(20))->busy());
}

TEST_F(AgendaTest, EqualDeadlinesKeepTheirOrder) {
    const std::vector<Duty> duties{duty("first", 0, 20, false), duty("second", 0, 20, false)};
    EXPECT_FALSE(run_due(duties, ChainTime(1))->busy());
    EXPECT_EQ(tried, (std::vector<std::string>{"first", "second"}));
}

TEST_F(AgendaTest, AFailureNamesItsDuty) {
    std::vector<Duty> duties{duty("settle", 0, 20, true)};
    duties.front().run = []() -> Step { return fail(Errc::kIo, "the disk is full"); };
    const auto report = run_due(duties, ChainTime(1));
    ASSERT_FALSE(report);
    EXPECT_EQ(report.error().code, Errc::kIo);
    EXPECT_NE(report.error().context.find("settle of round 7"), std::string::npos)
        << report.error().context;
}

}  // namespace
}  // namespace covenant::participant
