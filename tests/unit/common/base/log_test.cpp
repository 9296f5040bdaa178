#include "common/base/log.hpp"

#include <vector>

#include <gtest/gtest.h>

namespace covenant::log {
namespace {

class LogTest : public testing::Test {
  protected:
    struct Line {
        Level level;
        std::string target;
        std::string message;
        std::vector<Field> fields;
    };

    void SetUp() override {
        set_sink([this](Level level, std::string_view target, std::string_view message,
                        std::span<const Field> fields) {
            lines_.push_back(
                {level, std::string(target), std::string(message), {fields.begin(), fields.end()}});
        });
    }
    void TearDown() override { set_sink({}); }

    std::vector<Line> lines_;
};

TEST_F(LogTest, CarriesLevelTargetMessageAndTypedFields) {
    info("round", "committed", {{"round", 7U}, {"loss", 4.5F}, {"ok", true}, {"delta", -1}});
    error("chain", "stopped", {{"why", "no answer"}, {"who", std::string("rpc")}});
    ASSERT_EQ(lines_.size(), 2U);
    EXPECT_EQ(lines_[0].level, Level::kInfo);
    EXPECT_EQ(lines_[0].target, "round");
    EXPECT_EQ(lines_[0].message, "committed");
    ASSERT_EQ(lines_[0].fields.size(), 4U);
    EXPECT_EQ(std::get<std::uint64_t>(lines_[0].fields[0].value), 7U);
    EXPECT_EQ(std::get<double>(lines_[0].fields[1].value), 4.5);
    EXPECT_TRUE(std::get<bool>(lines_[0].fields[2].value));
    EXPECT_EQ(std::get<std::int64_t>(lines_[0].fields[3].value), -1);
    EXPECT_EQ(lines_[1].level, Level::kError);
    EXPECT_EQ(std::get<std::string>(lines_[1].fields[0].value), "no answer");
    EXPECT_EQ(std::get<std::string>(lines_[1].fields[1].value), "rpc");
}

TEST_F(LogTest, EachLevelReachesTheSink) {
    warn("a", "b");
    debug("a", "b");
    ASSERT_EQ(lines_.size(), 2U);
    EXPECT_EQ(lines_[0].level, Level::kWarn);
    EXPECT_EQ(lines_[1].level, Level::kDebug);
}

TEST(Log, WithoutASinkNothingHappens) {
    info("a", "b", {{"c", 1}});
}

}  // namespace
}  // namespace covenant::log
