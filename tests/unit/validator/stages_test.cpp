#include "tests/sim/node_rig.hpp"
#include "tests/support/log_lines.hpp"
#include "validator/round_work.hpp"
#include "validator/stages/audit.hpp"
#include "validator/stages/collect.hpp"
#include "validator/stages/duties.hpp"
#include "validator/stages/score.hpp"
#include "validator/stages/screen.hpp"
#include "validator/validator.hpp"

#include <algorithm>
#include <bit>
#include <filesystem>

#include <gtest/gtest.h>

namespace covenant::validator {
namespace {

using protocol::Round;
using protocol::Verdict;
using simulation::testing::NodeRig;
using simulation::testing::Scene;

// Round 1 after its beacon: everything is published, and this validator looks at it.
class StagesTest : public ::testing::Test {
  protected:
    StagesTest() {
        scene.run_to(1, 13);
        rig.emplace(scene, "validator-0");
        view = rig->view(1);
        for (const protocol::MinerView& miner : view.miners) {
            const auto ciphertext = store::fetch_ciphertext(
                scene.store(), miner.commitment->signed_commitment.commitment, node().seat().spec,
                node().seat().chunk_elements);
            auto fetched = collect(node().seat(), node().artifacts(), view.round, miner,
                                   ciphertext.value().value());
            collected[miner.uid] =
                std::make_shared<store::FetchedArtifact>(std::move(fetched.value()));
        }
    }
    const participant::Node& node() { return *rig->node; }
    Result<std::vector<Screened>> screened() {
        return screen(node().seat(), node().artifacts(), node().training(), scene.state(), view,
                      collected);
    }
    std::map<protocol::Uid, Verdict> verdicts() {
        std::map<protocol::Uid, Verdict> out;
        const auto all = screened();
        EXPECT_TRUE(all) << all.error().context;
        for (const Screened& one : *all)
            out[one.uid] = one.verdict;
        return out;
    }
    store::FetchedArtifact& fetched() {
        return const_cast<store::FetchedArtifact&>(*collected.at(kMiner));
    }
    protocol::Artifact& artifact() { return fetched().artifact; }
    // The miner whose audit this is, whoever was drawn to do it.
    Result<std::optional<AuditResult>> audited(bool final = true) {
        const auto duty = scene.duty(1, "miner-1");
        return audit(node().seat(), node().artifacts(), node().training(),
                     {.state = scene.state(),
                      .view = view,
                      .duty = *duty,
                      .fetched = fetched(),
                      .final = final});
    }
    void expect_audit(Verdict verdict) {
        const auto result = audited();
        ASSERT_TRUE(result) << result.error().context;
        ASSERT_TRUE(*result);
        EXPECT_EQ(protocol::to_string((*result)->verdict), protocol::to_string(verdict));
        const bool pass = verdict == Verdict::kAccept;
        EXPECT_EQ((*result)->finding.verdict,
                  pass ? protocol::kFindingPass : protocol::kFindingFail);
        if (!pass) {
            EXPECT_EQ(scene.evidence((*result)->finding).verdict, verdict);
        }
        EXPECT_EQ(decode_audit(encode_audit(**result)).value().finding, (*result)->finding);
    }
    void forget(const std::string& name) {
        ASSERT_TRUE(scene.store().erase(scene.store().resolve(name).value()));
    }
    void damage(const std::string& name) {
        ASSERT_TRUE(scene.store().corrupt(scene.store().resolve(name).value()));
    }
    std::string segment_name() {
        return store::state_opening_name(node().seat().run, Round(1), kMiner,
                                         scene.duty(1, "miner-1")->segments.back());
    }
    std::string chunks_name() {
        return store::chunk_opening_name(node().seat().run, Round(1), kMiner, *view.sigma);
    }

    static constexpr protocol::Uid kMiner{1};
    Scene scene;
    std::optional<NodeRig> rig;
    protocol::RoundView view;
    Collected collected;
};

TEST_F(StagesTest, ScreensTheHonest) {
    for (const auto& [uid, verdict] : verdicts())
        EXPECT_EQ(verdict, Verdict::kAccept);
}

TEST_F(StagesTest, ScreeningSurvivesTheJournal) {
    const auto all = screened().value();
    EXPECT_EQ(decode_screened(encode_screened(all)).value(), all);
    EXPECT_EQ(decode_screened(as_bytes("x")).error().code, Errc::kCorrupt);
}

TEST_F(StagesTest, RefusesAnotherProfile) {
    artifact().profile_id.bytes[0] ^= 1;
    EXPECT_EQ(verdicts().at(kMiner), Verdict::kWrongProfile);
}

TEST_F(StagesTest, RefusesEveryBrokenLink) {
    const protocol::Artifact good = artifact();
    const std::vector<std::function<void(protocol::Artifact&)>> lies{
        [](auto& a) { a.trace.front().theta_root.bytes[0] ^= 1; },
        [](auto& a) { a.trace.front().m_root.bytes[0] ^= 1; },
        [](auto& a) { a.trace.front().v_root.bytes[0] ^= 1; },
        [](auto& a) { a.feedback.previous_commitment.bytes[0] ^= 1; },
        [](auto& a) { a.trace.back().adam_t += 1; },
        [](auto& a) { a.trace.back().cursor += 1; }};
    for (std::size_t i = 0; i < lies.size(); ++i) {
        artifact() = good;
        lies[i](artifact());
        EXPECT_EQ(verdicts().at(kMiner), Verdict::kBrokenContinuity) << i;
        expect_audit(Verdict::kBrokenContinuity);
    }
}

TEST_F(StagesTest, RefusesAWrongNormAndAVanishingOne) {
    const protocol::Artifact good = artifact();
    artifact().feedback.norm_bits += 1;
    EXPECT_EQ(verdicts().at(kMiner), Verdict::kNormOutOfBounds);
    artifact() = good;
    SparseUpdate& update = artifact().update;
    for (std::size_t i = 0; i < update.chunk_count(); ++i)
        std::ranges::fill(update.chunk(i).levels, std::uint8_t{0});
    artifact().feedback.norm_bits = std::bit_cast<std::uint64_t>(0.0);
    EXPECT_EQ(verdicts().at(kMiner), Verdict::kNormOutOfBounds);
}

TEST_F(StagesTest, RefusesAnUpdateThatDoesHarm) {
    SparseUpdate& update = artifact().update;
    for (std::size_t i = 0; i < update.chunk_count(); ++i) {
        for (std::uint8_t& code : update.chunk(i).codes)
            code ^= kCodeNegative;  // up where it should be down
    }
    EXPECT_EQ(verdicts().at(kMiner), Verdict::kLossGate);
}

TEST_F(StagesTest, KeepsTheVerdictOfTheFetch) {
    fetched().verdict = Verdict::kDecryptFailed;
    EXPECT_EQ(verdicts().at(kMiner), Verdict::kDecryptFailed);
    expect_audit(Verdict::kDecryptFailed);
}

TEST_F(StagesTest, AuditPassesTheHonest) {
    expect_audit(Verdict::kAccept);
}

TEST_F(StagesTest, AuditWaitsForOpeningsUntilItIsFinal) {
    forget(segment_name());
    EXPECT_FALSE(audited(false).value());
    expect_audit(Verdict::kOpeningMissing);
}

TEST_F(StagesTest, AuditNeedsTheChunksToo) {
    forget(chunks_name());
    EXPECT_FALSE(audited(false).value());
    expect_audit(Verdict::kOpeningMissing);
}

TEST_F(StagesTest, DamagedOpeningsAreMissing) {
    damage(chunks_name());
    expect_audit(Verdict::kOpeningMissing);
}

TEST_F(StagesTest, AuditWaitsForAnArtifactUntilItIsFinal) {
    fetched().verdict = Verdict::kUnavailable;
    EXPECT_FALSE(audited(false).value());
    expect_audit(Verdict::kUnavailable);
}

TEST_F(StagesTest, AuditSeesAnotherState) {
    artifact().trace.at(scene.duty(1, "miner-1")->segments.back().value).m_root.bytes[0] ^= 1;
    const auto result = audited();
    ASSERT_TRUE(result);
    EXPECT_EQ((*result)->finding.verdict, protocol::kFindingFail);
}

// Its openings are there, but nobody can read the commitment that it continues.
TEST_F(StagesTest, AuditFailsWhatContinuesTheUnreadable) {
    rig.reset();
    std::filesystem::remove_all(scene.folder("validator-0") / "index");
    rig.emplace(scene, "validator-0");
    const auto& last = scene.record(0).commitments.at(kMiner).signed_commitment.commitment;
    ASSERT_TRUE(scene.store().erase(last.ciphertext_hash));
    EXPECT_EQ(verdicts().at(kMiner), Verdict::kBrokenContinuity);
    const auto waits = audited(false);
    ASSERT_TRUE(waits) << waits.error().context;
    EXPECT_FALSE(*waits);
    expect_audit(Verdict::kOpeningMissing);
}

TEST_F(StagesTest, AuditSeesAnotherChunk) {
    artifact().update.chunk(0).codes.front() ^= kCodeNegative;
    expect_audit(Verdict::kChunkMismatch);
}

TEST_F(StagesTest, AuditSeesOtherWindows) {
    const auto segment = scene.duty(1, "miner-1")->segments.front().value;
    artifact().trace.at(segment + std::size_t{1}).window_root.bytes[0] ^= 1;
    expect_audit(Verdict::kWindowMismatch);
}

TEST_F(StagesTest, WithoutAVoteItAsksNothingOfTheContracts) {
    participant::Submitter submitter(node().ledger(), node().clock());
    Desk desk{node(), rig->background, submitter, {}};
    RoundWork work;
    const auto duties = [&] {
        const auto at = std::make_shared<const participant::RoundMoment>(
            participant::RoundMoment{rig->ledger.state(), scene.net().now(), view});
        return vote_inclusion_duty(desk, work, at).has_value() +
               audit_duty(desk, work, at).has_value() +
               commit_scores_duty(desk, work, at).has_value();
    };
    view.inclusion_votes.clear();
    EXPECT_EQ(duties(), 3);
    view.electorate.clear();
    EXPECT_EQ(duties(), 0);
}

TEST_F(StagesTest, ABallotIsMadeOnce) {
    const auto all = screened().value();
    const auto first = score(node().seat(), node().journal(), view, all, {});
    ASSERT_TRUE(first) << first.error().context;
    // Whatever is thought later, this is what was said.
    const auto second = score(node().seat(), node().journal(), view, {}, {});
    ASSERT_TRUE(second);
    EXPECT_EQ(second->weights, first->weights);
    EXPECT_EQ(second->salt, first->salt);
    EXPECT_EQ(ballot_hash(node().seat(), rig->ledger, Round(1), *second),
              ballot_hash(node().seat(), rig->ledger, Round(1), *first));
    EXPECT_TRUE(std::any_of(first->weights.begin(), first->weights.end(),
                            [](std::uint16_t weight) { return weight > 0; }));
}

// A row says what the round's artifacts are worth; who audited what is another matter.
TEST_F(StagesTest, AuditsMoveNoRow) {
    const auto all = screened().value();
    AuditResult failure;
    failure.finding = {kMiner, protocol::kFindingFail, {}, Hash256{}};
    failure.verdict = Verdict::kSegmentMismatch;
    const auto ballot = score(node().seat(), node().journal(), view, all, std::span(&failure, 1));
    ASSERT_TRUE(ballot);
    EXPECT_EQ(ballot->findings.size(), 1U);
    EXPECT_EQ(ballot->weights.size(), 3U);
    for (const std::uint16_t weight : ballot->weights)
        EXPECT_GE(weight, 65535 * 7 / 10);
}

// Whoever committed has a place in the row, so that refusing a rival pays nobody.
TEST_F(StagesTest, WhatCannotBeScoredStandsInTheMiddle) {
    fetched().verdict = Verdict::kUnavailable;
    const auto ballot = score(node().seat(), node().journal(), view, screened().value(), {});
    ASSERT_TRUE(ballot);
    EXPECT_GE(ballot->weights.at(kMiner.value), 65535 * 85 / 100);
}

TEST_F(StagesTest, EqualPayloadsWeighNothing) {
    artifact().feedback.payload_root =
        collected.at(protocol::Uid(0))->artifact.feedback.payload_root;
    const auto ballot = score(node().seat(), node().journal(), view, screened().value(), {});
    ASSERT_TRUE(ballot);
    EXPECT_EQ(ballot->weights.at(0), 0);
    EXPECT_EQ(ballot->weights.at(kMiner.value), 0);
    EXPECT_EQ(ballot->weights.at(2), 65535);
}

// The node was away from the beacon of round 1 until that round's reveals were over.
TEST(Ballots, ThatDidNotCountAreSaidOnce) {
    Scene scene;
    scene.run_to(1, 5);
    NodeRig rig(scene, "validator-0");
    scene.run_to(2, 5);
    const covenant::testing::LogLines log;
    Validator validator(*rig.node, rig.background);
    for (int look = 0; look < 8; ++look) {
        ASSERT_TRUE(validator.tick(rig.ledger.sync().value()));
    }
    EXPECT_EQ(log.count("ballot not counted: inclusion late_ballot round=1"), 1U) << log.text();
    EXPECT_EQ(log.count("ballot not counted: scores late_ballot round=1"), 1U) << log.text();
    EXPECT_EQ(log.count("ballot not counted"), 2U)
        << "round 0 counted, and others had accepted the parameters of round 1:\n"
        << log.text();
}

}  // namespace
}  // namespace covenant::validator
