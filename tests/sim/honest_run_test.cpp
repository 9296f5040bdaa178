// Everybody is honest and online.
#include "tests/sim/scene.hpp"

#include <bit>
#include <cmath>

#include <gtest/gtest.h>

namespace covenant::simulation::testing {
namespace {

constexpr std::uint64_t kLastRound = 2;

TEST(HonestRun, TrainsAgreesAndPays) {
    Scene scene;
    scene.run_until_settled(kLastRound);
    Hash256 before = scene.spec().genesis_root;
    for (std::uint64_t r = 0; r <= kLastRound; ++r) {
        SCOPED_TRACE(r);
        const protocol::RoundRecord& round = scene.record(r);
        ASSERT_TRUE(round.accepted);
        EXPECT_NE(round.accepted->root, before);
        before = round.accepted->root;
        const float loss = std::bit_cast<float>(round.accepted->loss_bits);
        EXPECT_TRUE(std::isfinite(loss) && loss > 0.0F) << loss;
        for (const auto& [uid, vote] : round.parameters_votes) {
            EXPECT_EQ(vote.root, round.accepted->root);
            EXPECT_EQ(vote.loss_bits, round.accepted->loss_bits);
        }
        EXPECT_EQ(round.commitments.size(), 3U);
        EXPECT_EQ(round.inclusion_votes.size(), 3U);
        EXPECT_EQ(round.reveals.size(), 3U);
        ASSERT_TRUE(round.settled);
        Uint128 paid = round.settled->treasury.units;
        for (const auto& [uid, amount] : round.credits)
            paid += amount.units;
        EXPECT_LE(paid, scene.spec().emission.per_round.units);
        EXPECT_GT(round.settled->miners.units, 0U);
        for (const std::string& name : scene.names()) {
            EXPECT_GT(scene.credit(r, name).units, 0U) << name;
        }
        for (const std::string& name : scene.miners()) {
            EXPECT_TRUE(scene.included(r, name)) << name;
            EXPECT_FALSE(scene.failed(r, name)) << name;
            EXPECT_EQ(scene.findings(r, name).size(), scene.spec().audit.auditors) << name;
            for (const auto& [validator, finding] : scene.findings(r, name)) {
                EXPECT_EQ(finding.verdict, protocol::kFindingPass) << name;
            }
        }
    }
    scene.expect_nothing_signed_twice(kLastRound);
}

// An auditor's receipt of a pass cannot be another one's copied.
TEST(HonestRun, ReceiptsOfTwoAuditorsDiffer) {
    Scene scene;
    scene.run_until_settled(0);
    for (const std::string& name : scene.miners()) {
        std::set<Hash256> receipts;
        for (const auto& [validator, finding] : scene.findings(0, name)) {
            EXPECT_FALSE(finding.evidence.is_zero());
            receipts.insert(finding.evidence);
        }
        EXPECT_EQ(receipts.size(), 2U) << name;
    }
}

TEST(HonestRun, TheLossFalls) {
    Scene scene;
    scene.run_until_settled(3);
    EXPECT_LT(std::bit_cast<float>(scene.record(3).accepted->loss_bits),
              std::bit_cast<float>(scene.record(0).accepted->loss_bits));
}

TEST(HonestRun, TheSameSeedGivesTheSameChain) {
    const auto play = [](std::uint64_t seed) {
        Scene scene({.seed = seed});
        scene.run_until_settled(1);
        return scene.history(1);
    };
    const std::string first = play(5);
    EXPECT_EQ(first, play(5));
    EXPECT_NE(first, play(6));
}

// Nothing that another node could read before T1 opens an artifact.
TEST(HonestRun, KeysStaySecretUntilCommitsClose) {
    Scene scene;
    scene.run_to(0, 4);
    ASSERT_EQ(scene.record(0).commitments.size(), 3U);
    for (const auto& [uid, one] : scene.record(0).commitments) {
        EXPECT_TRUE(scene.store().has(one.signed_commitment.commitment.ciphertext_hash).value());
    }
    EXPECT_TRUE(scene.record(0).keys.empty());
    scene.run_to(0, 8);
    EXPECT_EQ(scene.record(0).keys.size(), 3U);
}

}  // namespace
}  // namespace covenant::simulation::testing
