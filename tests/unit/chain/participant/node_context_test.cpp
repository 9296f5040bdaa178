#include "chain/participant/node_context.hpp"

#include "common/store/sealed_artifact.hpp"
#include "tests/sim/node_rig.hpp"

#include <gtest/gtest.h>

namespace covenant::participant {
namespace {

using protocol::Round;
using simulation::testing::NodeRig;
using simulation::testing::Scene;

TEST(NodeContext, StageKeysSortByRound) {
    EXPECT_LT(stage_key(Round(9), "z"), stage_key(Round(10), "a"));
    EXPECT_TRUE(stage_key(Round(7), "screen").starts_with("round/00000000000000000007/"));
}

TEST(NodeContext, PruningKeepsWhatTheChainAndTheCallerName) {
    Scene scene;
    scene.run_to(1, 19);
    NodeRig rig(scene, "validator-0");
    NodeContext context = rig.context();
    engine::ParameterBuffer other(rig.run.engine.layout());
    other.floats()[0] = 1.0F;
    const Hash256 kept = execution::state_root(other);
    ASSERT_TRUE(context.states.put(kept, other.floats()));
    other.floats()[0] = 2.0F;
    const Hash256 dropped = execution::state_root(other);
    ASSERT_TRUE(context.states.put(dropped, other.floats()));
    ASSERT_TRUE(prune(context, scene.state(), Round(2), {kept}));
    EXPECT_TRUE(context.states.has(kept).value());
    EXPECT_FALSE(context.states.has(dropped).value());
    for (std::uint64_t r = 0; r <= 1; ++r) {
        EXPECT_TRUE(context.states.has(scene.record(r).accepted->root).value()) << r;
    }
}

TEST(NodeContext, LoadsCheckpointsAndChecksTheirSize) {
    Scene scene;
    NodeRig rig(scene, "validator-0");
    NodeContext context = rig.context();
    const Hash256 root{{1}};
    const auto sources = parameter_sources(context.states, context.store, context.run, context.spec,
                                           context.chunk_elements, context.ledger);
    engine::ParameterBuffer out(rig.run.engine.layout());
    EXPECT_EQ(sources.load(root, out).error().code, Errc::kNotFound);
    const Hash256 small = context.store.put(as_bytes("short")).value();
    ASSERT_TRUE(context.store.publish(store::checkpoint_name(context.run, root), small));
    EXPECT_EQ(sources.load(root, out).error().code, Errc::kCorrupt);
    ASSERT_TRUE(sources.load(context.spec.genesis_root, out));
    EXPECT_TRUE(engine::same_bits(out, rig.run.genesis));
    EXPECT_EQ(sources.artifact(Round(0), protocol::Uid(0)).error().code, Errc::kNotFound);
}

TEST(NodeContext, PublishingACheckpointAgainIsFine) {
    Scene scene;
    NodeRig rig(scene, "validator-0");
    NodeContext context = rig.context();
    engine::ParameterBuffer buffer(rig.run.engine.layout());
    const Hash256 root = execution::state_root(buffer);
    ASSERT_TRUE(publish_checkpoint(context, root, buffer));
    ASSERT_TRUE(publish_checkpoint(context, root, buffer));
    EXPECT_TRUE(context.store.resolve(store::checkpoint_name(context.run, root)));
}

}  // namespace
}  // namespace covenant::participant
