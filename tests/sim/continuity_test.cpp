// What a miner's next round must start from: the moments and the error feedback of its last
// commitment, or nothing (R4.12, R6.6).
#include "common/base/hex.hpp"
#include "common/execution/state_digest.hpp"
#include "common/store/trace_record.hpp"
#include "tests/sim/scene.hpp"
#include "tests/support/execution_fixture.hpp"
#include "tests/support/flip_bit.hpp"
#include "tests/support/log_lines.hpp"

#include <filesystem>

#include <gtest/gtest.h>

namespace covenant::simulation::testing {
namespace {

using protocol::Round;
using protocol::Verdict;

constexpr const char* kMiner = "miner-1";

Hash256 zero_root() {
    return execution::state_root(
        engine::ParameterBuffer(execution::testing::shared_run().engine.layout()));
}

// That the error feedback continues too is for the audits to see (R7.5).
void expect_continues(const protocol::Artifact& now, const protocol::Artifact& before) {
    EXPECT_EQ(now.trace.front().m_root, before.trace.back().m_root);
    EXPECT_EQ(now.trace.front().v_root, before.trace.back().v_root);
    EXPECT_EQ(now.trace.front().adam_t, before.trace.back().adam_t);
}

void expect_fresh(const protocol::Artifact& artifact) {
    EXPECT_EQ(artifact.trace.front().m_root, zero_root());
    EXPECT_EQ(artifact.trace.front().v_root, zero_root());
    EXPECT_EQ(artifact.trace.front().adam_t, 0U);
    EXPECT_TRUE(artifact.feedback.previous_commitment.is_zero());
}

// Plays round 0, leaves the miner out until `back`, and plays that round too.
void play_gap(Scene& scene, std::uint64_t back) {
    scene.run_to(0, 19);
    scene.net().set_online(kMiner, false);
    scene.run_to(back - 1, 19);
    scene.net().set_online(kMiner, true);
    scene.run_until_settled(back);
    for (std::uint64_t r = 1; r < back; ++r) {
        EXPECT_FALSE(scene.record(r).commitments.contains(scene.uid(kMiner)));
        EXPECT_EQ(scene.credit(r, kMiner), Amount{});
        EXPECT_TRUE(scene.record(r).accepted) << "the others go on";
    }
    EXPECT_TRUE(scene.included(back, kMiner));
    EXPECT_FALSE(scene.failed(back, kMiner)) << "every chunk is audited, and so its feedback";
    EXPECT_GT(scene.credit(back, kMiner).units, 0U);
}

TEST(Continuity, EveryRoundContinuesTheOneBefore) {
    Scene scene;
    scene.run_until_settled(1);
    for (const std::string& name : scene.miners()) {
        expect_fresh(scene.artifact(0, name));
        expect_continues(scene.artifact(1, name), scene.artifact(0, name));
        EXPECT_FALSE(scene.failed(1, name));
    }
}

TEST(Continuity, ARoundWithoutTheMiner) {
    Scene scene;
    play_gap(scene, 2);
    expect_continues(scene.artifact(2, kMiner), scene.artifact(0, kMiner));
}

TEST(Continuity, AGapOfFourRoundsStillContinues) {
    Scene scene;
    play_gap(scene, 4);
    expect_continues(scene.artifact(4, kMiner), scene.artifact(0, kMiner));
}

TEST(Continuity, AGapOfMoreThanFourRoundsStartsFresh) {
    Scene scene;
    play_gap(scene, 5);
    expect_fresh(scene.artifact(5, kMiner));
}

// It committed and died before it showed its key: nobody can read what it committed, so nothing
// continues it, and what was there before is continued.
TEST(Continuity, WhatWasNotOpenedIsSkipped) {
    Scene scene;
    scene.fail_at(kMiner, "commit", 1, std::nullopt);
    scene.run_to(2, 19);
    ASSERT_TRUE(scene.failed_as_planned());
    ASSERT_TRUE(scene.net().restart(kMiner));
    scene.run_until_settled(3);
    EXPECT_TRUE(scene.record(1).commitments.contains(scene.uid(kMiner)));
    EXPECT_FALSE(scene.failed(1, kMiner));
    EXPECT_TRUE(scene.included(3, kMiner));
    EXPECT_FALSE(scene.failed(3, kMiner)) << "every chunk is audited, and so its feedback";
    expect_continues(scene.artifact(3, kMiner), scene.artifact(0, kMiner));
}

// Everything but its hotkey is gone after a commitment: it sits the rounds out in which that would
// have to be continued, and then starts from nothing.
TEST(Continuity, AFolderThatIsGoneStartsFreshAfterFiveRounds) {
    Scene scene({.change = [](protocol::RunSpec& spec) { spec.audit.probability_ppm = 1; }});
    scene.run_to(0, 8);
    ASSERT_TRUE(scene.record(0).keys.contains(scene.uid(kMiner)));
    ASSERT_TRUE(scene.net().kill(kMiner));
    std::filesystem::remove_all(scene.folder(kMiner));
    ASSERT_TRUE(scene.net().restart(kMiner));
    scene.run_to(5, 19);
    for (std::uint64_t r = 1; r <= 4; ++r) {
        EXPECT_FALSE(scene.record(r).commitments.contains(scene.uid(kMiner))) << r;
    }
    ASSERT_TRUE(scene.included(5, kMiner));
    expect_fresh(scene.artifact(5, kMiner));
}

// One bit of its stored moments changes while it is stopped. It sees that the file is not what its
// name says, sets it aside and sits out what would have to continue it; nobody has anything against
// it.
TEST(Continuity, DamagedMomentsAreSetAsideAndSatOut) {
    Scene scene;
    scene.run_to(0, 19);
    const Hash256 moments = scene.artifact(0, kMiner).trace.back().m_root;
    ASSERT_TRUE(scene.net().kill(kMiner));
    auto file = scene.folder(kMiner) / "states" / (to_hex(moments.view()) + ".f32");
    covenant::testing::flip_bit(file, 1000);
    const covenant::testing::LogLines log;
    ASSERT_TRUE(scene.net().restart(kMiner));
    scene.run_until_settled(5);
    EXPECT_FALSE(std::filesystem::exists(file));
    EXPECT_TRUE(std::filesystem::exists(file.replace_extension(".bad")));
    EXPECT_EQ(log.count("set aside as " + file.string()), 1U) << log.text();
    for (std::uint64_t r = 0; r <= 5; ++r) {
        EXPECT_EQ(scene.record(r).commitments.contains(scene.uid(kMiner)), r == 0 || r == 5) << r;
        EXPECT_FALSE(scene.failed(r, kMiner)) << r;
    }
    ASSERT_TRUE(scene.included(5, kMiner));
    expect_fresh(scene.artifact(5, kMiner));
}

class BrokenTest : public ::testing::Test {
  protected:
    // Before round 1 the miner's memory of round 0 is changed behind its back.
    void play(const std::function<void(store::TraceRecord&)>& damage) {
        scene_.run_to(0, 19);
        scene_.with_index(kMiner, [&](store::IndexStore& index) {
            auto record = store::get_trace_record(index, Round(0), scene_.uid(kMiner));
            ASSERT_TRUE(record);
            damage(*record);
            ASSERT_TRUE(store::put_trace_record(index, Round(0), scene_.uid(kMiner), *record));
        });
        scene_.run_until_settled(1);
    }
    void expect_refused() {
        ASSERT_TRUE(scene_.record(1).commitments.contains(scene_.uid(kMiner)));
        EXPECT_FALSE(scene_.included(1, kMiner));
        EXPECT_EQ(scene_.credit(1, kMiner), Amount{});
        EXPECT_GT(scene_.credit(1, "miner-0").units, 0U);
        EXPECT_EQ(protocol::to_string(scene_.screened("validator-0", 1, kMiner)),
                  "broken_continuity");
        EXPECT_TRUE(scene_.failed(1, kMiner)) << "an audit checks the links too";
        for (const auto& [validator, finding] : scene_.findings(1, kMiner)) {
            EXPECT_EQ(protocol::to_string(scene_.evidence(finding).verdict), "broken_continuity");
        }
    }
    Scene scene_;
};

// Nobody commits to e: the artifact passes the screening, and no opening can be made for it.
TEST_F(BrokenTest, AnotherErrorFeedback) {
    play([](store::TraceRecord& record) { record.feedback.sum_root = record.trace.back().m_root; });
    EXPECT_EQ(protocol::to_string(scene_.screened("validator-0", 1, kMiner)), "accept");
    EXPECT_TRUE(scene_.failed(1, kMiner));
    EXPECT_EQ(scene_.credit(1, kMiner), Amount{});
    EXPECT_GT(scene_.credit(1, "miner-0").units, 0U);
    for (const auto& [validator, finding] : scene_.findings(1, kMiner)) {
        EXPECT_EQ(protocol::to_string(scene_.evidence(finding).verdict), "opening_mismatch");
    }
}

TEST_F(BrokenTest, OtherMoments) {
    play([](store::TraceRecord& record) {
        record.trace.back().m_root = record.trace.front().m_root;
        record.trace.back().v_root = record.trace.front().v_root;
    });
    expect_refused();
}

TEST_F(BrokenTest, AnotherStepCount) {
    play([](store::TraceRecord& record) { record.trace.back().adam_t += 1; });
    expect_refused();
}

// What was smuggled in does not become the state that the next round may continue.
TEST_F(BrokenTest, IsNotContinued) {
    play([](store::TraceRecord& record) {
        record.trace.back().m_root = record.trace.front().m_root;
    });
    scene_.run_until_settled(3);
    EXPECT_TRUE(scene_.included(3, kMiner));
    expect_fresh(scene_.artifact(3, kMiner));
}

}  // namespace
}  // namespace covenant::simulation::testing
