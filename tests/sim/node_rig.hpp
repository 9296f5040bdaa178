// The parts of one node of a scene, for tests of its stages: the scene's own process of that node
// is stopped, its folder is opened here.
#pragma once

#include "common/execution/state_digest.hpp"
#include "common/protocol/model_shape.hpp"
#include "tests/sim/scene.hpp"
#include "tests/support/execution_fixture.hpp"

#include <memory>

namespace covenant::simulation::testing {

class NodeRig {
  public:
    NodeRig(Scene& whole, const std::string& name)
        : scene(whole),
          key(scene_key(name)),
          ledger((static_cast<void>(scene.net().kill(name)), scene.net().chain()), key.address()),
          journal(node::Journal::open(scene.folder(name) / "journal.sqlite").value()),
          index(store::IndexStore::open(scene.folder(name) / "index").value()),
          states(store::StateStore::open(scene.folder(name) / "states").value()),
          elements(protocol::chunk_elements(scene.spec().model)),
          parameters(run.engine.layout(), scene.spec(),
                     participant::parameter_sources(states, scene.store(), scene.state().run,
                                                    scene.spec(), elements, ledger)),
          uid(scene.uid(name)) {
        static_cast<void>(ledger.sync());
    }

    [[nodiscard]] participant::NodeContext context() {
        return {ledger,
                scene.store(),
                states,
                *index,
                *journal,
                run.engine,
                run.windows,
                parameters,
                key,
                scene.spec(),
                scene.state().run,
                uid,
                elements,
                {}};
    }
    [[nodiscard]] miner::MinerContext miner() { return {context(), execution::Cheat::kNone, 1}; }
    [[nodiscard]] validator::ValidatorContext validator() {
        return {context(), execution::zero_state_root(run.engine.layout()), 2};
    }
    [[nodiscard]] protocol::RoundView view(std::uint64_t round) const {
        return protocol::round_view(scene.state(), protocol::Round(round)).value();
    }

    execution::testing::TestRun& run = execution::testing::shared_run();
    Scene& scene;
    crypto::SecretKey key;
    chain::SimLedger ledger;
    std::unique_ptr<node::Journal> journal;
    std::unique_ptr<store::IndexStore> index;
    store::StateStore states;
    std::vector<std::uint16_t> elements;
    execution::ParameterFollower parameters;
    protocol::Uid uid;
};

}  // namespace covenant::simulation::testing
