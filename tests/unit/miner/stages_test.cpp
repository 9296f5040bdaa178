#include "common/base/hex.hpp"
#include "common/crypto/sha256.hpp"
#include "common/store/sealed_artifact.hpp"
#include "common/store/trace_record.hpp"
#include "miner/miner.hpp"
#include "miner/stages/execute.hpp"
#include "miner/stages/package.hpp"
#include "miner/stages/plan.hpp"
#include "miner/stages/publish.hpp"
#include "tests/sim/node_rig.hpp"
#include "tests/support/flip_bit.hpp"
#include "tests/support/log_lines.hpp"

#include <filesystem>
#include <functional>

#include <gtest/gtest.h>

namespace covenant::miner {
namespace {

using protocol::Round;
using simulation::testing::NodeRig;
using simulation::testing::Scene;

constexpr const char* kName = "miner-1";

// Round 0 is over for everybody; round 1 has just begun for this miner alone.
class StagesTest : public ::testing::Test {
  protected:
    StagesTest() {
        scene.run_to(0, 19);
        rig.emplace(scene, kName);
        scene.run_to(1, 1);
        static_cast<void>(rig->ledger.sync());
    }
    const participant::Node& node() { return *rig->node; }
    Result<std::optional<Plan>> plan(const participant::Seat& seat) {
        return plan_round(seat, node().artifacts(), node().training(), scene.state(), rig->view(1),
                          why);
    }
    Result<std::optional<Plan>> plan() { return plan(node().seat()); }
    Result<execution::RoundResult> executed() {
        auto made = plan();
        return execute_plan(node().seat(), node().artifacts(), node().training(),
                            std::move(made.value().value()), execution::honest());
    }
    Result<Package> packaged(const execution::RoundResult& result) {
        COVENANT_TRY(Package package,
                     encrypt_round(node().seat(), scene.store(), rig->view(1), result));
        return seal_package(node().seat(), node().journal(), rig->ledger.domain(), rig->view(1),
                            std::move(package));
    }
    Result<std::optional<Package>> in_journal() {
        return sealed_package(node().journal(), rig->view(1));
    }
    Scene scene;
    std::optional<NodeRig> rig;
    std::string why;
};

TEST_F(StagesTest, PlanContinuesTheLastCommitment) {
    const auto made = plan();
    ASSERT_TRUE(made) << made.error().context;
    ASSERT_TRUE(*made) << why;
    const auto before = scene.artifact(0, kName);
    EXPECT_EQ((*made)->base_root, scene.record(0).accepted->root);
    EXPECT_EQ((*made)->start.adam_t, before.trace.back().adam_t);
    EXPECT_EQ(execution::state_root((*made)->start.m), before.trace.back().m_root);
    EXPECT_EQ(execution::state_root((*made)->feedback), before.feedback.sum_root);
    EXPECT_EQ((*made)->arrived, before.update);
}

TEST_F(StagesTest, PlanSaysThatTheMinerIsNotActive) {
    participant::Seat seat{
        node().seat().key,        node().seat().spec,           node().seat().run,
        scene.uid("validator-0"), node().seat().chunk_elements, node().seat().zero_root};
    const auto made = plan(seat);
    ASSERT_TRUE(made);
    EXPECT_FALSE(*made);
    EXPECT_NE(why.find("is not active"), std::string::npos) << why;
}

TEST_F(StagesTest, PlanSaysThatItsStateIsGone) {
    const auto before = scene.artifact(0, kName);
    ASSERT_TRUE(node().training().states.erase(before.trace.back().m_root));
    const auto made = plan();
    ASSERT_TRUE(made);
    EXPECT_FALSE(*made);
    EXPECT_NE(why.find("starts fresh in round 5 at the latest"), std::string::npos) << why;
}

TEST_F(StagesTest, PlanDistrustsARecordOfAnotherCommitment) {
    auto record =
        store::get_trace_record(node().artifacts().index, Round(0), node().seat().uid).value();
    record.commitment_root = Hash256{};
    ASSERT_TRUE(
        store::put_trace_record(node().artifacts().index, Round(0), node().seat().uid, record));
    const auto made = plan();
    ASSERT_TRUE(made);
    EXPECT_FALSE(*made);
    EXPECT_NE(why.find("another commitment"), std::string::npos) << why;
}

TEST_F(StagesTest, PackagesOnceAndRefusesASecondContent) {
    const auto result = executed();
    ASSERT_TRUE(result) << result.error().context;
    EXPECT_FALSE(in_journal().value());
    const auto package = packaged(*result);
    ASSERT_TRUE(package) << package.error().context;
    const auto sealed = in_journal();
    ASSERT_TRUE(sealed);
    ASSERT_TRUE(*sealed);
    EXPECT_EQ((*sealed)->commitment, package->commitment);
    EXPECT_EQ((*sealed)->key, package->key);
    EXPECT_EQ(
        protocol::verify_commitment(package->commitment, rig->ledger.domain(), rig->key.address()),
        protocol::Verdict::kAccept);
    // The same work under another key would be another commitment.
    const auto second = packaged(*result);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, Errc::kAlreadyExists);
    EXPECT_EQ(in_journal().value()->commitment, package->commitment);
}

TEST_F(StagesTest, TheArtifactOpensWithItsKeyOnly) {
    const auto result = executed();
    ASSERT_TRUE(result);
    const auto package = packaged(*result);
    ASSERT_TRUE(package);
    const auto fetch = [&](const crypto::StreamKey& key) {
        return store::fetch_artifact(scene.store(), package->commitment.commitment, key,
                                     node().seat().spec, node().seat().chunk_elements)
            .value();
    };
    EXPECT_EQ(crypto::sha256(package->key.view()), package->commitment.commitment.key_hash);
    EXPECT_EQ(fetch(crypto::new_stream_key()).verdict, protocol::Verdict::kDecryptFailed);
    EXPECT_EQ(fetch(package->key).verdict, protocol::Verdict::kAccept);
    EXPECT_EQ(fetch(package->key).artifact, result->artifact);
}

// What was sealed before the process died is what is sent.
TEST_F(StagesTest, ATickSendsTheSealedCommitment) {
    const auto result = executed();
    const auto package = packaged(result.value());
    ASSERT_TRUE(package);
    Miner miner(node(), rig->background);
    const auto report = miner.tick(rig->ledger.sync().value());
    ASSERT_TRUE(report) << report.error().context;
    EXPECT_EQ(report->duty, "commit");
    EXPECT_EQ(report->note, "resumed");
    scene.run_to(1, 3);
    EXPECT_EQ(scene.record(1).commitments.at(node().seat().uid).signed_commitment,
              package->commitment);
}

// What a sealed commitment promises is damaged while the miner is stopped: it is never sent.
class DamagedPromiseTest : public StagesTest {
  protected:
    [[nodiscard]] std::filesystem::path file_of(const Hash256& root) const {
        return scene.folder(kName) / "states" / (to_hex(root.view()) + ".f32");
    }
    void expect_not_sent(const std::string& what,
                         const std::function<void(const execution::RoundResult&,
                                                  const protocol::Commitment&)>& damage) {
        const auto result = executed();
        ASSERT_TRUE(result) << result.error().context;
        const auto package = packaged(*result);
        ASSERT_TRUE(package) << package.error().context;
        damage(*result, package->commitment.commitment);
        covenant::testing::LogLines log;
        Miner miner(node(), rig->background);
        for (int look = 0; look < 2; ++look) {
            const auto report = miner.tick(rig->ledger.sync().value());
            ASSERT_TRUE(report) << report.error().context;
            EXPECT_FALSE(report->busy());
        }
        EXPECT_EQ(log.count("what it promises is gone"), 1U) << log.text();
        EXPECT_NE(log.text().find(what), std::string::npos) << log.text();
        scene.run_to(1, 3);
        EXPECT_FALSE(scene.record(1).commitments.contains(node().seat().uid));
    }
};

TEST_F(DamagedPromiseTest, ACiphertextThatIsNotWhole) {
    expect_not_sent("ciphertext is not whole",
                    [&](const execution::RoundResult&, const protocol::Commitment& commitment) {
                        ASSERT_TRUE(scene.store().corrupt(commitment.ciphertext_hash));
                    });
}

TEST_F(DamagedPromiseTest, ACiphertextThatIsGone) {
    expect_not_sent("ciphertext is not here",
                    [&](const execution::RoundResult&, const protocol::Commitment& commitment) {
                        ASSERT_TRUE(scene.store().erase(commitment.ciphertext_hash));
                    });
}

TEST_F(DamagedPromiseTest, OneBitOfAState) {
    std::filesystem::path file;
    expect_not_sent(".bad", [&](const execution::RoundResult& result, const protocol::Commitment&) {
        file = file_of(result.artifact.trace.at(1).theta_root);
        covenant::testing::flip_bit(file, 1000);
    });
    EXPECT_FALSE(std::filesystem::exists(file));
    EXPECT_TRUE(std::filesystem::exists(file.replace_extension(".bad")));
}

TEST_F(DamagedPromiseTest, AnErrorFeedbackThatIsCutShort) {
    expect_not_sent(".bad", [&](const execution::RoundResult& result, const protocol::Commitment&) {
        std::filesystem::resize_file(file_of(result.artifact.feedback.sum_root), 4000);
    });
}

TEST_F(DamagedPromiseTest, ARecordOfAnotherCommitment) {
    expect_not_sent("another commitment", [&](const execution::RoundResult& result,
                                              const protocol::Commitment&) {
        ASSERT_TRUE(store::put_trace_record(node().artifacts().index, Round(1), node().seat().uid,
                                            store::trace_record(result.artifact, Hash256{})));
    });
}

TEST_F(StagesTest, NothingIsStartedTooLateForTheDeadline) {
    scene.run_to(1, 4);
    Miner miner(node(), rig->background);
    const auto report = miner.tick(rig->ledger.sync().value());
    ASSERT_TRUE(report);
    EXPECT_FALSE(report->busy());
    EXPECT_FALSE(in_journal().value());
}

// Everything but its keys is gone, or another process mines with its hotkey: it says so once, and
// goes on.
TEST_F(StagesTest, ACommitmentWithoutItsKeyIsSaidAndSatOut) {
    const auto result = executed();
    const auto package = packaged(result.value());
    ASSERT_TRUE(package);
    ASSERT_TRUE(rig->ledger.submit("x", protocol::PostCommitment{package->commitment}));
    scene.run_to(1, 5);
    ASSERT_TRUE(node().journal().prune_before("round/", "round/9"));
    covenant::testing::LogLines log;
    Miner miner(node(), rig->background);
    for (int look = 0; look < 3; ++look) {
        const auto report = miner.tick(rig->ledger.sync().value());
        ASSERT_TRUE(report) << report.error().context;
    }
    EXPECT_EQ(log.count("starts fresh in round 6 at the latest"), 1U) << log.text();
}

// A round is lost: the log says which, why, and what it lacked.
TEST_F(StagesTest, ALateRoundSaysWhy) {
    scene.run_to(1, 4);
    covenant::testing::LogLines log;
    Miner miner(node(), rig->background);
    ASSERT_TRUE(miner.tick(rig->ledger.sync().value()));
    scene.run_to(1, 6);
    for (int look = 0; look < 2; ++look) {
        ASSERT_TRUE(miner.tick(rig->ledger.sync().value()));
    }
    EXPECT_EQ(log.count("round not counted: late_commit"), 1U) << log.text();
    EXPECT_NE(log.text().find("with 1 s left before commits closed"), std::string::npos)
        << log.text();
}

// Success is said when a block has it, not when it is sent.
TEST_F(StagesTest, ACommitmentIsSaidWhenABlockHasIt) {
    const auto result = executed();
    const auto package = packaged(result.value());
    ASSERT_TRUE(package);
    covenant::testing::LogLines log;
    Miner miner(node(), rig->background);
    const auto head = rig->ledger.sync().value();
    ASSERT_TRUE(miner.tick(head));
    EXPECT_EQ(log.count("in the chain: commitment"), 0U) << log.text();
    scene.run_to(1, 2);
    ASSERT_TRUE(miner.tick(rig->ledger.sync().value()));
    EXPECT_EQ(log.count("in the chain: commitment"), 1U) << log.text();
    EXPECT_NE(log.text().find("block="), std::string::npos) << log.text();
}

}  // namespace
}  // namespace covenant::miner
