// The chain takes blocks back in the middle of round 1.
#include "tests/sim/scene.hpp"

#include <gtest/gtest.h>

namespace covenant::simulation::testing {
namespace {

using protocol::Round;

struct Fork {
    const char* name;
    std::uint64_t second;  // of round 1
    std::uint64_t depth;
};

class ReorgTest : public ::testing::TestWithParam<Fork> {};

TEST_P(ReorgTest, NodesAgreeAgain) {
    Scene scene;
    scene.run_to(1, GetParam().second);
    scene.net().chain().reorg(GetParam().depth);
    scene.run_until_settled(2);
    for (std::uint64_t r = 0; r <= 2; ++r) {
        SCOPED_TRACE(r);
        EXPECT_TRUE(scene.record(r).accepted);
        EXPECT_EQ(scene.record(r).commitments.size(), 3U);
        EXPECT_EQ(scene.record(r).reveals.size(), 3U);
        for (const std::string& name : scene.miners()) {
            EXPECT_TRUE(scene.included(r, name)) << name;
            EXPECT_FALSE(scene.failed(r, name)) << name;
            EXPECT_GT(scene.credit(r, name).units, 0U) << name;
        }
    }
    scene.expect_nothing_signed_twice(2);
}

INSTANTIATE_TEST_SUITE_P(At, ReorgTest,
                         ::testing::Values(Fork{"Commitments", 3, 2}, Fork{"Keys", 6, 1},
                                           Fork{"BeaconAndOpenings", 12, 3},
                                           Fork{"InclusionVotes", 13, 2}, Fork{"Parameters", 17, 2},
                                           Fork{"Scores", 18, 3}),
                         [](const auto& test) { return std::string(test.param.name); });

// So deep that slot 1 cannot be proven again in time: round 1 has no beacon, and nobody commits in
// it on another's randomness. The next round is a round like any other.
TEST(Reorg, ARoundThatLosesItsBeaconIsNull) {
    Scene scene;
    scene.run_to(1, 2);
    ASSERT_EQ(scene.record(1).commitments.size(), 3U);
    scene.net().chain().reorg(17);  // back to second 5 of round 0: before its beacon
    scene.run_until_settled(2);
    EXPECT_FALSE(protocol::rho(scene.state(), Round(1)).has_value());
    EXPECT_TRUE(scene.record(1).commitments.empty());
    EXPECT_FALSE(scene.record(0).accepted);
    ASSERT_TRUE(scene.record(2).accepted);
    EXPECT_EQ(protocol::base_root(scene.state(), Round(2)), scene.spec().genesis_root);
    for (const std::string& name : scene.miners()) {
        EXPECT_TRUE(scene.included(2, name)) << name;
        EXPECT_FALSE(scene.failed(2, name)) << name;
    }
}

}  // namespace
}  // namespace covenant::simulation::testing
