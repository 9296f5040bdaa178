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
                                           Fork{"BeaconAndOpenings", 8, 3},
                                           Fork{"InclusionVotes", 10, 2}, Fork{"Parameters", 16, 2},
                                           Fork{"Scores", 17, 3}),
                         [](const auto& test) { return std::string(test.param.name); });

// So deep that round 1 gets another beacon, and with it another domain: the honest commitment of
// before is no equivocation, and a new one is made.
TEST(Reorg, AnotherRhoIsAnotherDomain) {
    Scene scene;
    scene.run_to(1, 2);
    ASSERT_EQ(scene.record(1).commitments.size(), 3U);
    const auto before = scene.record(1).commitments;
    scene.net().chain().reorg(17);  // back to second 5 of round 0: before its beacon
    scene.run_until_settled(2);
    ASSERT_EQ(scene.record(1).commitments.size(), 3U);
    for (const auto& [uid, one] : scene.record(1).commitments) {
        const auto& was = before.at(uid).signed_commitment.commitment;
        const auto& is = one.signed_commitment.commitment;
        EXPECT_NE(is.rho, was.rho);
        EXPECT_NE(is.root, was.root) << "other windows";
        EXPECT_EQ(is.base_root, scene.spec().genesis_root) << "round 0 became a null round";
    }
    EXPECT_FALSE(scene.record(0).accepted);
    for (std::uint64_t r = 1; r <= 2; ++r) {
        EXPECT_TRUE(scene.record(r).accepted) << r;
        for (const std::string& name : scene.miners()) {
            EXPECT_TRUE(scene.included(r, name)) << name;
            EXPECT_FALSE(scene.failed(r, name)) << name;
        }
    }
}

}  // namespace
}  // namespace covenant::simulation::testing
