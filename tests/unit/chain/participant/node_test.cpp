#include "chain/participant/node.hpp"

#include "chain/participant/housekeeping.hpp"
#include "chain/participant/parameter_sources.hpp"
#include "common/base/hex.hpp"
#include "common/store/sealed_artifact.hpp"
#include "tests/sim/node_rig.hpp"
#include "tests/support/flip_bit.hpp"

#include <filesystem>

#include <gtest/gtest.h>

namespace covenant::participant {
namespace {

using protocol::Round;
using simulation::testing::NodeRig;
using simulation::testing::Scene;

TEST(Housekeeping, StageKeysSortByRound) {
    EXPECT_LT(stage_key(Round(9), "z"), stage_key(Round(10), "a"));
    EXPECT_TRUE(stage_key(Round(7), "screen").starts_with("round/00000000000000000007/"));
}

TEST(Housekeeping, PruningKeepsWhatTheChainAndTheCallerName) {
    Scene scene;
    scene.run_to(1, 19);
    NodeRig rig(scene, "validator-0");
    store::StateStore& states = rig.node->training().states;
    engine::ParameterBuffer other(rig.run.engine.layout());
    other.floats()[0] = 1.0F;
    const Hash256 kept = execution::state_root(other);
    ASSERT_TRUE(states.put(kept, other.floats()));
    other.floats()[0] = 2.0F;
    const Hash256 dropped = execution::state_root(other);
    ASSERT_TRUE(states.put(dropped, other.floats()));
    ASSERT_TRUE(prune_states(states, scene.state(), Round(2), {kept}));
    EXPECT_TRUE(states.has(kept).value());
    EXPECT_FALSE(states.has(dropped).value());
    for (std::uint64_t r = 0; r <= 1; ++r) {
        EXPECT_TRUE(states.has(scene.record(r).accepted->root).value()) << r;
    }
}

TEST(Node, WhatIsNotTheCheckpointIsAsGoodAsNone) {
    Scene scene;
    NodeRig rig(scene, "validator-0");
    const Seat& seat = rig.node->seat();
    store::ArtifactStore& store = scene.store();
    const Hash256 root{{1}};
    const auto sources = parameter_sources(seat, store, rig.node->training().states);
    engine::ParameterBuffer out(rig.run.engine.layout());
    EXPECT_EQ(sources.load(root, out).error().code, Errc::kNotFound);
    const std::size_t size = out.bytes().size();
    std::uint8_t first = 1;
    for (const std::size_t bytes : {std::size_t{5}, size, size + 1}) {
        const Hash256 name{{++first}};
        ASSERT_TRUE(store.publish(store::checkpoint_name(seat.run, name),
                                  store.put(Bytes(bytes, 7)).value()));
        EXPECT_EQ(sources.load(name, out).error().code, Errc::kNotFound) << bytes;
    }
    ASSERT_TRUE(sources.load(seat.spec.genesis_root, out));
    EXPECT_TRUE(engine::same_bits(out, rig.run.genesis));
    EXPECT_EQ(sources.artifact(scene.state(), Round(0), protocol::Uid(0)).error().code,
              Errc::kNotFound);
}

TEST(Node, PublishingACheckpointAgainIsFine) {
    Scene scene;
    NodeRig rig(scene, "validator-0");
    const Seat& seat = rig.node->seat();
    engine::ParameterBuffer buffer(rig.run.engine.layout());
    const Hash256 root = execution::state_root(buffer);
    ASSERT_TRUE(publish_checkpoint(seat, scene.store(), root, buffer));
    ASSERT_TRUE(publish_checkpoint(seat, scene.store(), root, buffer));
    EXPECT_TRUE(scene.store().resolve(store::checkpoint_name(seat.run, root)));
}

TEST(Node, KnowsItsSeatFromTheLedger) {
    Scene scene;
    NodeRig rig(scene, "miner-1");
    EXPECT_EQ(rig.node->seat().uid, scene.uid("miner-1"));
    EXPECT_EQ(rig.node->seat().run, scene.state().run);
    const crypto::SecretKey stranger = simulation::testing::scene_key("stranger");
    const auto refused = Node::open({.ledger = rig.ledger,
                                     .store = scene.store(),
                                     .engine = rig.run.engine,
                                     .windows = rig.run.windows,
                                     .clock = rig.clock,
                                     .folder = scene.folder("stranger"),
                                     .key = stranger});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::kPrecondition);
}

// Whatever the umask lets others do: it holds stream keys and unpublished work.
TEST(Node, ItsFolderIsItsOwn) {
    Scene scene;
    const NodeRig rig(scene, "validator-0");
    for (const char* name : {"", "journal.sqlite", "states", "index"}) {
        const auto perms =
            std::filesystem::status(scene.folder("validator-0") / name).permissions();
        EXPECT_EQ(static_cast<unsigned>(perms) & 077U, 0U) << name;
    }
}

// One changed bit on this node's own disk: the state is no state any more, whatever its size says.
TEST(Node, AStateThatIsNotItsRootIsSetAside) {
    Scene scene;
    scene.run_to(1, 2);
    NodeRig rig(scene, "validator-0");
    const Hash256 root = scene.record(0).accepted->root;
    const auto file = scene.folder("validator-0") / "states" / (to_hex(root.view()) + ".f32");
    covenant::testing::flip_bit(file, 1000);
    engine::ParameterBuffer out(rig.run.engine.layout());
    store::StateStore& states = rig.node->training().states;
    EXPECT_EQ(states.get(root, out.floats()).error().code, Errc::kCorrupt);
    EXPECT_EQ(states.get(root, out.floats()).error().code, Errc::kNotFound);
    // A validator has published the same parameters: the node goes on with those.
    const auto sources = parameter_sources(rig.node->seat(), scene.store(), states);
    ASSERT_TRUE(sources.load(root, out));
    EXPECT_EQ(execution::state_root(out), root);
}

}  // namespace
}  // namespace covenant::participant
