// Nodes that are away for a while, and nodes that come late.
#include "common/store/sealed_artifact.hpp"
#include "tests/sim/scene.hpp"

#include <gtest/gtest.h>

namespace covenant::simulation::testing {
namespace {

using protocol::Round;

TEST(Outage, TwoOfThreeValidatorsAreAQuorum) {
    Scene scene;
    scene.run_to(0, 19);
    scene.net().set_online("validator-0", false);  // the one whose turn comes first
    scene.run_until_settled(3);
    for (std::uint64_t r = 1; r <= 3; ++r) {
        EXPECT_TRUE(scene.record(r).accepted) << r;
        EXPECT_FALSE(scene.record(r).inclusion_votes.contains(scene.uid("validator-0")));
        EXPECT_EQ(scene.credit(r, "validator-0"), Amount{}) << r;
        for (const std::string& name : scene.miners()) {
            EXPECT_TRUE(scene.included(r, name)) << r;
        }
    }
}

void set_two_online(Scene& scene, bool online) {
    scene.net().set_online("validator-1", online);
    scene.net().set_online("validator-2", online);
}

void expect_null_then_recovery(Scene& scene, std::uint64_t round) {
    scene.run_until_settled(round + 2);
    EXPECT_FALSE(scene.record(round).accepted);
    EXPECT_EQ(protocol::base_root(scene.state(), Round(round + 1)),
              protocol::base_root(scene.state(), Round(round)));
    for (const std::string& name : scene.miners()) {
        const auto lost = scene.artifact(round, name);
        const auto next = scene.artifact(round + 1, name);
        EXPECT_EQ(next.trace.front().m_root, lost.trace.back().m_root) << name;
        EXPECT_EQ(next.base_root, lost.base_root) << name;
        EXPECT_FALSE(scene.failed(round, name)) << name;
        EXPECT_FALSE(scene.failed(round + 1, name)) << "its error feedback is all that it had";
    }
    for (std::uint64_t r = round + 1; r <= round + 2; ++r) {
        EXPECT_TRUE(scene.record(r).accepted) << r;
        for (const std::string& name : scene.miners()) {
            EXPECT_TRUE(scene.included(r, name)) << name;
            EXPECT_GT(scene.credit(r, name).units, 0U) << name;
        }
    }
}

TEST(Outage, OneOfThreeValidatorsMakesANullRound) {
    Scene scene;
    scene.run_to(0, 19);
    set_two_online(scene, false);
    scene.run_to(1, 19);
    set_two_online(scene, true);
    expect_null_then_recovery(scene, 1);
    EXPECT_TRUE(protocol::included(scene.state(), Round(1)).none());
}

// Included by two thirds, but no quorum on what follows.
TEST(Outage, NoQuorumOnTheParametersIsANullRoundToo) {
    Scene scene;
    scene.run_to(1, 13);
    ASSERT_EQ(scene.record(1).inclusion_votes.size(), 3U);
    set_two_online(scene, false);
    scene.run_to(1, 19);
    set_two_online(scene, true);
    expect_null_then_recovery(scene, 1);
    EXPECT_EQ(protocol::included(scene.state(), Round(1)).count(), 3U);
}

// A round without any validator proves no beacon: the next one is null, too, and then all goes on.
TEST(Outage, ARoundWithoutABeacon) {
    Scene scene;
    scene.run_to(0, 19);
    for (const std::string& name : scene.validators())
        scene.net().set_online(name, false);
    scene.run_to(1, 19);
    for (const std::string& name : scene.validators())
        scene.net().set_online(name, true);
    scene.run_until_settled(3);
    EXPECT_FALSE(scene.record(1).accepted);
    EXPECT_FALSE(scene.state().beacons.contains(protocol::beacon_slot_of(Round(1))));
    EXPECT_TRUE(scene.record(2).commitments.empty()) << "no rho to train on";
    ASSERT_TRUE(scene.record(3).accepted);
    for (const std::string& name : scene.miners()) {
        EXPECT_TRUE(scene.included(3, name)) << name;
        EXPECT_FALSE(scene.failed(3, name)) << "its error feedback is all that it had";
    }
}

TEST(LateJoiner, CatchesUpFromCheckpoints) {
    Scene scene;
    ASSERT_TRUE(scene.net().kill("miner-2"));
    ASSERT_TRUE(scene.net().kill("validator-2"));
    scene.run_to(1, 19);
    EXPECT_TRUE(scene.record(0).accepted);
    ASSERT_TRUE(scene.net().restart("miner-2"));
    ASSERT_TRUE(scene.net().restart("validator-2"));
    scene.run_until_settled(3);
    for (std::uint64_t r = 2; r <= 3; ++r) {
        ASSERT_TRUE(scene.record(r).accepted) << r;
        EXPECT_TRUE(scene.included(r, "miner-2")) << r;
        EXPECT_GT(scene.credit(r, "miner-2").units, 0U) << r;
        EXPECT_TRUE(scene.record(r).inclusion_votes.contains(scene.uid("validator-2"))) << r;
        EXPECT_TRUE(scene.record(r).reveals.contains(scene.uid("validator-2"))) << r;
        EXPECT_GT(scene.credit(r, "validator-2").units, 0U) << r;
    }
}

class WithoutCheckpoints : public ::testing::Test {
  protected:
    void forget(const Hash256& root) {
        const auto object =
            scene_.store().resolve(store::checkpoint_name(scene_.state().run, root));
        ASSERT_TRUE(object);
        ASSERT_TRUE(scene_.store().erase(*object));
    }
    void forget_artifact(std::uint64_t round, const std::string& name) {
        ASSERT_TRUE(scene_.store().erase(scene_.record(round)
                                             .commitments.at(scene_.uid(name))
                                             .signed_commitment.commitment.ciphertext_hash));
    }
    Scene scene_;
};

// The newest checkpoints are gone: the node computes forward from an older one.
TEST_F(WithoutCheckpoints, ALateJoinerComputesForward) {
    ASSERT_TRUE(scene_.net().kill("validator-2"));
    scene_.run_to(1, 19);
    ASSERT_TRUE(scene_.record(1).accepted);
    forget(scene_.record(0).accepted->root);
    ASSERT_TRUE(scene_.net().restart("validator-2"));
    scene_.run_until_settled(2);
    EXPECT_TRUE(scene_.record(2).inclusion_votes.contains(scene_.uid("validator-2")));
}

// Nothing is left to start from: the node waits and accuses nobody; the others go on.
TEST_F(WithoutCheckpoints, ALateJoinerWithoutAnySourceWaits) {
    ASSERT_TRUE(scene_.net().kill("validator-2"));
    ASSERT_TRUE(scene_.net().kill("miner-2"));
    scene_.run_to(2, 0);
    forget(scene_.spec().genesis_root);
    forget(scene_.record(0).accepted->root);
    forget(scene_.record(1).accepted->root);
    forget_artifact(0, "miner-0");
    forget_artifact(1, "miner-0");
    ASSERT_TRUE(scene_.net().restart("validator-2"));
    ASSERT_TRUE(scene_.net().restart("miner-2"));
    scene_.run_to(2, 13);
    EXPECT_FALSE(scene_.record(2).inclusion_votes.contains(scene_.uid("validator-2")));
    EXPECT_EQ(scene_.record(2).inclusion_votes.size(), 2U);
    EXPECT_FALSE(scene_.record(2).commitments.contains(scene_.uid("miner-2")));
    // Validators publish what round 2 agrees on, and with it everybody is back.
    scene_.run_until_settled(3);
    EXPECT_TRUE(scene_.record(3).accepted);
    EXPECT_TRUE(scene_.included(3, "miner-2"));
    EXPECT_TRUE(scene_.record(3).inclusion_votes.contains(scene_.uid("validator-2")));
}

}  // namespace
}  // namespace covenant::simulation::testing
