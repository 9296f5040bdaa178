// A node dies right after it did something, and comes back two blocks later: the chain ends where
// an undisturbed one does, and nothing is signed twice.
#include "tests/sim/scene.hpp"

#include <algorithm>

#include <gtest/gtest.h>

namespace covenant::simulation::testing {
namespace {

constexpr std::uint64_t kLastRound = 2;

const std::string& undisturbed() {
    static const std::string history = [] {
        Scene scene;
        scene.run_until_settled(kLastRound);
        return scene.history(kLastRound);
    }();
    return history;
}

struct Death {
    const char* name;
    const char* node;
    const char* duty;
};

class InterruptionTest : public ::testing::TestWithParam<Death> {};

TEST_P(InterruptionTest, ChangesNothing) {
    Scene scene;
    scene.fail_at(GetParam().node, GetParam().duty, 1);
    scene.run_until_settled(kLastRound);
    ASSERT_TRUE(scene.failed_as_planned()) << "nobody did " << GetParam().duty;
    EXPECT_EQ(scene.history(kLastRound), undisturbed());
    scene.expect_nothing_signed_twice(kLastRound);
}

INSTANTIATE_TEST_SUITE_P(
    After, InterruptionTest,
    ::testing::Values(Death{"Committed", "miner-1", "commit"},
                      Death{"KeyShown", "miner-1", "show-key"},
                      Death{"OpeningsPublished", "miner-1", "publish-openings"},
                      Death{"BeaconProven", "validator-0", "prove-beacon"},
                      Death{"Voted", "validator-0", "vote-inclusion"},
                      Death{"Agreed", "validator-0", "vote-parameters"},
                      Death{"Checkpointed", "validator-0", "publish-checkpoint"},
                      Death{"Audited", "validator-0", "audit"},
                      Death{"Scored", "validator-0", "commit-scores"},
                      Death{"Revealed", "validator-0", "reveal-scores"},
                      Death{"Settled", "validator-0", "settle"}),
    [](const auto& test) { return std::string(test.param.name); });

// Every miner and every validator dies once in the same round, each at another stage.
TEST(Interruptions, EverybodyOnce) {
    Scene scene;
    const std::map<std::string, std::string> deaths{
        {"miner-0", "commit"},           {"miner-1", "show-key"},
        {"miner-2", "publish-openings"}, {"validator-0", "vote-inclusion"},
        {"validator-1", "audit"},        {"validator-2", "commit-scores"}};
    std::map<std::string, std::uint64_t> died;
    scene.net().set_probe([&](const std::string& node, protocol::Round at, std::string_view what) {
        if (at.value < 1 || died.contains(node) || what != deaths.at(node)) return true;
        died[node] = scene.net().now().value;
        return false;
    });
    std::set<std::string> back;
    while (!scene.record(kLastRound).settled && scene.net().now().value < kRunStart + 90) {
        for (const auto& [node, when] : died) {
            if (scene.net().now().value >= when + 2 && back.insert(node).second) {
                ASSERT_TRUE(scene.net().restart(node));
            }
        }
        scene.run_to(0, scene.net().now().value + 1 - kRunStart);
    }
    EXPECT_EQ(died.size(), deaths.size());
    EXPECT_EQ(scene.history(kLastRound), undisturbed());
    scene.expect_nothing_signed_twice(kLastRound);
}

// Every block, every node: nothing may live in memory only.
TEST(Interruptions, ARestartOfAllAtEveryBlock) {
    Scene scene;
    while (!scene.record(1).settled && scene.net().now().value < kRunStart + 70) {
        for (const std::string& name : scene.names()) {
            ASSERT_TRUE(scene.net().kill(name));
            ASSERT_TRUE(scene.net().restart(name));
        }
        scene.run_to(0, scene.net().now().value + 1 - kRunStart);
    }
    Scene calm;
    calm.run_until_settled(1);
    EXPECT_EQ(scene.history(1), calm.history(1));
}

// R3.7 and the round's timeline: a key that is not shown before the beacon's block opens nothing,
// or one could wait for the draw. It costs the round and nothing else.
TEST(Interruptions, AKeyThatIsNotShownCostsTheRound) {
    Scene scene;
    scene.fail_at("miner-1", "commit", 1, std::nullopt);
    scene.run_to(1, 14);
    ASSERT_TRUE(scene.failed_as_planned());
    ASSERT_TRUE(scene.net().restart("miner-1"));
    scene.run_until_settled(kLastRound);
    EXPECT_TRUE(scene.record(1).commitments.contains(scene.uid("miner-1")));
    EXPECT_FALSE(scene.record(1).keys.contains(scene.uid("miner-1")));
    EXPECT_FALSE(scene.included(1, "miner-1"));
    EXPECT_EQ(scene.credit(1, "miner-1"), Amount{});
    EXPECT_FALSE(scene.duty(1, "miner-1").has_value()) << "nothing to draw";
    EXPECT_FALSE(scene.failed(1, "miner-1"));
    EXPECT_TRUE(scene.record(1).accepted) << "the others' round is not held up";
    EXPECT_TRUE(scene.included(2, "miner-1")) << "and it goes on";
}

// A drawn miner that shows its key and not its openings.
TEST(Interruptions, OpeningsThatNeverComeFail) {
    Scene scene;
    scene.fail_at("miner-1", "show-key", 1, std::nullopt);
    scene.run_until_settled(1);
    ASSERT_TRUE(scene.failed_as_planned());
    EXPECT_TRUE(scene.included(1, "miner-1")) << "its artifact is whole";
    EXPECT_TRUE(scene.failed(1, "miner-1"));
    EXPECT_EQ(scene.credit(1, "miner-1"), Amount{});
    for (const auto& [validator, finding] : scene.findings(1, "miner-1")) {
        const protocol::Evidence evidence = scene.evidence(finding);
        EXPECT_EQ(evidence.verdict, protocol::Verdict::kOpeningMissing);
        EXPECT_TRUE(evidence.opening.is_zero());
        EXPECT_EQ(evidence.segment, scene.duty(1, "miner-1")->segments.front());
    }
}

}  // namespace
}  // namespace covenant::simulation::testing
