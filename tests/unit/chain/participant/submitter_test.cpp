#include "chain/participant/submitter.hpp"

#include "tests/support/log_lines.hpp"

#include <map>

#include <gtest/gtest.h>

namespace covenant::participant {
namespace {

using protocol::ChainTime;
using protocol::Round;

constexpr std::uint64_t kDeadline = 1030;

// Gives every intent the status that a test sets.
class ToldLedger final : public chain::Ledger {
  public:
    [[nodiscard]] protocol::SigningDomain domain() const override { return {}; }
    [[nodiscard]] Address score_ledger() const override { return {}; }
    [[nodiscard]] Address sender() const override { return {}; }
    Result<chain::Head> sync() override { return chain::Head{}; }
    [[nodiscard]] std::shared_ptr<const protocol::RunState> state() const override {
        return std::make_shared<const protocol::RunState>();
    }
    Status submit(const std::string& key, const protocol::Intent&) override {
        told[key].phase = chain::IntentPhase::kPending;
        return {};
    }
    Result<chain::IntentStatus> status(const std::string& key) override { return told[key]; }

    std::map<std::string, chain::IntentStatus> told;
};

class SubmitterTest : public ::testing::Test {
  protected:
    // What the log says after the contract refused it, 0.4 s after its deadline.
    std::string said_of(const protocol::Intent& intent, const std::string& reason) {
        const covenant::testing::LogLines log;
        EXPECT_TRUE(submitter.submit(
            "it/0", intent,
            {.what = "sends it", .round = Round(7), .deadline = ChainTime(kDeadline)}));
        EXPECT_TRUE(submitter.follow(ChainTime(kDeadline - 1)));
        EXPECT_EQ(log.count("refused"), 0U) << log.text();
        ledger.told["it/0"].phase = chain::IntentPhase::kRefused;
        ledger.told["it/0"].reason = reason;
        EXPECT_TRUE(submitter.follow(ChainTime(kDeadline)));
        EXPECT_TRUE(submitter.follow(ChainTime(kDeadline + 1)));
        EXPECT_EQ(log.count("refused"), 1U) << log.text();
        return log.text();
    }

    ToldLedger ledger;
    VirtualClock clock{kDeadline * 1000 + 400};
    Submitter submitter{ledger, clock};
};

TEST_F(SubmitterTest, ARefusedCommitmentIsALateCommit) {
    const std::string said =
        said_of(protocol::PostCommitment{}, "RoundManagerOutsideWindow(1030, 1000, 1030)");
    EXPECT_NE(said.find("late_commit (late by 0.4 s) round=7"), std::string::npos) << said;
}

TEST_F(SubmitterTest, ARefusedVoteIsALateBallot) {
    const std::string said =
        said_of(protocol::VoteInclusion{}, "RoundManagerOutsideWindow(1030, 1000, 1030)");
    EXPECT_NE(said.find("late_ballot (late by 0.4 s) round=7"), std::string::npos) << said;
    EXPECT_EQ(said.find("late_commit"), std::string::npos) << said;
}

TEST_F(SubmitterTest, WhatCountsForNobodyIsRefusedInTheContractsWordsAlone) {
    const std::string said =
        said_of(protocol::SettleRound{}, "ScoreLedgerOutsideWindow(1030, 1000, 1030)");
    EXPECT_NE(said.find("refused: ScoreLedgerOutsideWindow(1030, 1000, 1030) round=7"),
              std::string::npos)
        << said;
}

}  // namespace
}  // namespace covenant::participant
