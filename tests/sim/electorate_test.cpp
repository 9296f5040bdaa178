// Who decides when some are silent, and what a stranger with next to nothing can say.
#include "tests/sim/scene.hpp"

#include <gtest/gtest.h>

namespace covenant::simulation::testing {
namespace {

using protocol::Round;
using protocol::Verdict;

// 60 of 100 are not a quorum. The silent are jailed after six rounds, and then the others go on;
// half of all seated stake has to agree as before. Who comes back has its vote again.
TEST(ElectorateRun, SilenceOfTwoFifthsStopsARunForEightRoundsAtMost) {
    Scene scene({.validators = 5});
    scene.run_to(0, 19);
    const auto set_online = [&](bool online) {
        scene.net().set_online("validator-3", online);
        scene.net().set_online("validator-4", online);
    };
    ASSERT_TRUE(scene.record(0).accepted);
    set_online(false);
    scene.run_to(9, 19);
    std::uint64_t stopped = 0;
    while (!scene.record(1 + stopped).accepted) {
        ASSERT_LT(++stopped, 9U);
    }
    EXPECT_GT(stopped, 4U) << "six rounds are missed before anybody can be jailed";
    for (std::uint64_t r = 1; r <= stopped; ++r) {
        for (const std::string& name : scene.names()) {
            EXPECT_EQ(scene.credit(r, name), Amount{}) << "null rounds pay nobody: " << r << name;
        }
    }
    EXPECT_EQ(protocol::electorate(scene.state(), Round(9)).size(), 3U);
    EXPECT_EQ(protocol::accepted_rounds(scene.state(), Round(10)), 10U - stopped);
    set_online(true);
    scene.run_until_settled(14);
    EXPECT_EQ(protocol::electorate(scene.state(), Round(14)).size(), 5U);
    EXPECT_EQ(scene.record(14).inclusion_votes.size(), 5U);
    for (std::uint64_t r = 9; r <= 14; ++r) {
        EXPECT_TRUE(scene.record(r).accepted) << r;
        EXPECT_GT(scene.credit(r, "miner-0").units, 0U) << r;
    }
}

// A stranger registers as a validator with one unit of stake and tries everything at once.
TEST(ElectorateRun, OneUnitOfStakeSaysNothing) {
    Scene scene;
    scene.run_to(0, 3);
    const crypto::SecretKey key = scene_key("stranger");
    auto& chain = scene.net().chain();
    const protocol::RunId run = scene.state().run;
    const protocol::Uid uid(static_cast<std::uint16_t>(scene.state().roster.neurons.size()));
    int number = 0;
    const auto send = [&](const protocol::Intent& intent) {
        const std::string name = "stranger/" + std::to_string(number++);
        ASSERT_TRUE(chain.submit(key.address(), name, intent));
    };
    send(protocol::RegisterHotkey{Address{{9}}, key.address(), protocol::Role::kValidator, {}});
    scene.run_to(0, 5);
    send(protocol::AddStake{uid, Amount{1}});
    for (std::uint64_t r = 1; r <= 2; ++r) {
        scene.run_to(r, 11);
        protocol::UidSet nobody;
        send(protocol::VoteInclusion{run, Round(r), nobody, {}});
        scene.run_to(r, 16);
        send(protocol::VoteParameters{run, Round(r), Hash256{{7}}, 0});
    }
    scene.run_until_settled(2);
    ASSERT_EQ(scene.state().roster.neurons.size(), uid.value + std::size_t{1});
    for (std::uint64_t r = 1; r <= 2; ++r) {
        EXPECT_FALSE(scene.record(r).inclusion_votes.contains(uid)) << r;
        EXPECT_FALSE(scene.record(r).parameters_votes.contains(uid)) << r;
        EXPECT_TRUE(scene.record(r).accepted) << r;
        for (const std::string& name : scene.miners()) {
            EXPECT_TRUE(scene.included(r, name)) << name;
        }
    }
}

// A miner that commits and withholds what it committed to: the others' votes do not wait for it.
TEST(ElectorateRun, AWithheldArtifactDelaysNobodysVote) {
    Scene scene;
    scene.net().set_probe([&](const std::string&, Round round, std::string_view) {
        const auto& commitments = scene.record(round.value).commitments;
        const auto held = commitments.find(scene.uid("miner-1"));
        if (round == Round(1) && held != commitments.end()) {
            static_cast<void>(
                scene.store().erase(held->second.signed_commitment.commitment.ciphertext_hash));
        }
        return true;
    });
    scene.run_until_settled(2);
    EXPECT_TRUE(scene.record(1).keys.contains(scene.uid("miner-1")));
    EXPECT_EQ(scene.record(1).inclusion_votes.size(), 3U);
    EXPECT_TRUE(protocol::included(scene.state(), Round(1)).test(scene.uid("miner-0").value));
    EXPECT_TRUE(scene.record(2).accepted);
}

}  // namespace
}  // namespace covenant::simulation::testing
