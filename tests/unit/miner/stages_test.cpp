#include "common/store/sealed_artifact.hpp"
#include "common/store/trace_record.hpp"
#include "miner/stages/execute.hpp"
#include "miner/stages/package.hpp"
#include "miner/stages/plan.hpp"
#include "miner/stages/publish.hpp"
#include "tests/sim/node_rig.hpp"

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
    Result<std::optional<Plan>> plan(MinerContext& context) {
        return plan_round(context, scene.state(), rig->view(1), why);
    }
    Result<execution::RoundResult> executed(MinerContext& context) {
        auto made = plan(context);
        return execute_plan(context, rig->view(1), std::move(made.value().value()));
    }
    Scene scene;
    std::optional<NodeRig> rig;
    std::string why;
};

TEST_F(StagesTest, PlanContinuesTheLastCommitment) {
    MinerContext context = rig->miner();
    const auto made = plan(context);
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
    MinerContext context = rig->miner();
    context.uid = scene.uid("validator-0");
    const auto made = plan(context);
    ASSERT_TRUE(made);
    EXPECT_FALSE(*made);
    EXPECT_NE(why.find("is not active"), std::string::npos) << why;
}

TEST_F(StagesTest, PlanSaysThatItsStateIsGone) {
    MinerContext context = rig->miner();
    const auto before = scene.artifact(0, kName);
    ASSERT_TRUE(context.states.erase(before.trace.back().m_root));
    const auto made = plan(context);
    ASSERT_TRUE(made);
    EXPECT_FALSE(*made);
    EXPECT_NE(why.find("a fresh start is allowed from round 5"), std::string::npos) << why;
}

TEST_F(StagesTest, PlanDistrustsARecordOfAnotherCommitment) {
    MinerContext context = rig->miner();
    auto record = store::get_trace_record(context.index, Round(0), context.uid).value();
    record.commitment_root = Hash256{};
    ASSERT_TRUE(store::put_trace_record(context.index, Round(0), context.uid, record));
    const auto made = plan(context);
    ASSERT_TRUE(made);
    EXPECT_FALSE(*made);
    EXPECT_NE(why.find("another commitment"), std::string::npos) << why;
}

TEST_F(StagesTest, PackagesOnceAndRefusesASecondContent) {
    MinerContext context = rig->miner();
    const auto result = executed(context);
    ASSERT_TRUE(result) << result.error().context;
    EXPECT_FALSE(sealed_package(context, rig->view(1)).value());
    const auto package = package_round(context, rig->view(1), *result);
    ASSERT_TRUE(package) << package.error().context;
    const auto sealed = sealed_package(context, rig->view(1));
    ASSERT_TRUE(sealed);
    ASSERT_TRUE(*sealed);
    EXPECT_EQ((*sealed)->commitment, package->commitment);
    EXPECT_EQ((*sealed)->key, package->key);
    EXPECT_EQ(protocol::verify_commitment(package->commitment, context.ledger.domain(),
                                          rig->key.address()),
              protocol::Verdict::kAccept);
    // The same work under another key would be another commitment.
    const auto second = package_round(context, rig->view(1), *result);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, Errc::kAlreadyExists);
    EXPECT_EQ(sealed_package(context, rig->view(1)).value()->commitment, package->commitment);
}

TEST_F(StagesTest, TheArtifactOpensOnlyAfterItsKeyIsPublished) {
    MinerContext context = rig->miner();
    const auto result = executed(context);
    ASSERT_TRUE(result);
    const auto package = package_round(context, rig->view(1), *result);
    ASSERT_TRUE(package);
    const auto fetch = [&] {
        return store::fetch_artifact(context.store, package->commitment.commitment,
                                     rig->key.address(), context.spec, context.chunk_elements)
            .value();
    };
    EXPECT_EQ(fetch().verdict, protocol::Verdict::kUnavailable);
    ASSERT_TRUE(publish_key(context, rig->view(1), *package));
    EXPECT_EQ(fetch().verdict, protocol::Verdict::kAccept);
    EXPECT_EQ(fetch().artifact, result->artifact);
}

// What was sealed before the process died is what is sent.
TEST_F(StagesTest, ATickSendsTheSealedCommitment) {
    MinerContext context = rig->miner();
    const auto result = executed(context);
    const auto package = package_round(context, rig->view(1), result.value());
    ASSERT_TRUE(package);
    Miner miner(rig->miner());
    const auto report = miner.tick(rig->ledger.sync().value());
    ASSERT_TRUE(report) << report.error().context;
    EXPECT_EQ(report->activity, Activity::kCommitted);
    EXPECT_EQ(report->note, "resumed");
    scene.run_to(1, 3);
    EXPECT_EQ(scene.record(1).commitments.at(context.uid).signed_commitment, package->commitment);
}

TEST_F(StagesTest, NothingIsStartedTooLateForTheDeadline) {
    scene.run_to(1, 4);
    Miner miner(rig->miner());
    const auto report = miner.tick(rig->ledger.sync().value());
    ASSERT_TRUE(report);
    EXPECT_EQ(report->activity, Activity::kWaiting);
    EXPECT_FALSE(
        sealed_package(*std::make_unique<MinerContext>(rig->miner()), rig->view(1)).value());
}

TEST_F(StagesTest, AStolenHotkeyIsNoticed) {
    MinerContext context = rig->miner();
    const auto result = executed(context);
    const auto package = package_round(context, rig->view(1), result.value());
    ASSERT_TRUE(package);
    ASSERT_TRUE(context.ledger.submit("x", protocol::PostCommitment{package->commitment}));
    scene.run_to(1, 5);
    ASSERT_TRUE(context.journal.prune_before("round/", "round/9"));
    Miner miner(rig->miner());
    const auto report = miner.tick(rig->ledger.sync().value());
    ASSERT_FALSE(report);
    EXPECT_EQ(report.error().code, Errc::kPrecondition);
}

}  // namespace
}  // namespace covenant::miner
