#include "chain/refusal.hpp"

#include "common/protocol/not_counted.hpp"

#include <gtest/gtest.h>

namespace covenant::chain {
namespace {

using protocol::ChainTime;
using protocol::Verdict;

TEST(Refusal, ReadsTheContractsErrors) {
    const Refusal late = read_refusal("RoundManagerOutsideWindow(1031, 1000, 1030)");
    EXPECT_EQ(late.rule, Verdict::kWrongPhase);
    EXPECT_EQ(late.late_seconds, 1U);
    const Refusal early = read_refusal("ScoreLedgerOutsideWindow(999, 1000, 1030)");
    EXPECT_EQ(early.rule, Verdict::kWrongPhase);
    EXPECT_FALSE(early.late_seconds);
    EXPECT_EQ(read_refusal("RoundManagerWrongBaseRoot(0x01, 0x02)").rule, Verdict::kWrongBase);
}

TEST(Refusal, ReadsAVerdictsName) {
    EXPECT_EQ(read_refusal("wrong_phase").rule, Verdict::kWrongPhase);
    EXPECT_EQ(read_refusal("duplicate").rule, Verdict::kDuplicate);
    EXPECT_EQ(read_refusal("reverted without a reason").rule, Verdict::kAccept);
    EXPECT_EQ(read_refusal("").rule, Verdict::kAccept);
    EXPECT_FALSE(read_refusal("RoundManagerOutsideWindow(").late_seconds);
    EXPECT_FALSE(
        read_refusal("RoundManagerOutsideWindow(99999999999999999999999, 1, 2)").late_seconds);
}

TEST(Refusal, TheSendersClockTellsThePartBelowASecond) {
    const Refusal at_once = read_refusal("RoundManagerOutsideWindow(1030, 1000, 1030)");
    EXPECT_DOUBLE_EQ(late_seconds(at_once, ChainTime(1030), 1'030'400).value(), 0.4);
    EXPECT_DOUBLE_EQ(late_seconds(at_once, ChainTime(1030), 1'090'000).value(), 1.0)
        << "the chain said so in the second of the deadline";
    EXPECT_DOUBLE_EQ(late_seconds(at_once, ChainTime(1030), 1'000'000).value(), 0.0);
    const Refusal silent = read_refusal("wrong_phase");
    EXPECT_DOUBLE_EQ(late_seconds(silent, ChainTime(1030), 1'030'400).value(), 0.4);
    EXPECT_FALSE(late_seconds(silent, ChainTime(1030), 1'029'000));
    EXPECT_FALSE(late_seconds(read_refusal("duplicate"), ChainTime(1), 5'000));
}

TEST(Refusal, ALateCommitmentSpeaks) {
    const Refusal refusal = read_refusal("RoundManagerOutsideWindow(1030, 1000, 1030)");
    const auto why = protocol::refused_because(protocol::PostCommitment{}, refusal.rule,
                                               late_seconds(refusal, ChainTime(1030), 1'030'400));
    ASSERT_TRUE(why);
    EXPECT_EQ(protocol::describe(*why), "late_commit (late by 0.4 s)");
}

}  // namespace
}  // namespace covenant::chain
