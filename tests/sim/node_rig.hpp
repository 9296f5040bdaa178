// The parts of one node of a scene, for tests of its stages: the scene's own process of that node
// is stopped, its folder is opened here.
#pragma once

#include "chain/participant/background.hpp"
#include "chain/participant/node.hpp"
#include "common/execution/parameter_follower.hpp"
#include "common/execution/state_digest.hpp"
#include "common/node/journal.hpp"
#include "common/protocol/round_view.hpp"
#include "common/store/index_store.hpp"
#include "common/store/state_store.hpp"
#include "tests/sim/scene.hpp"
#include "tests/support/execution_fixture.hpp"

#include <memory>

namespace covenant::simulation::testing {

class NodeRig {
  public:
    NodeRig(Scene& whole, const std::string& name)
        : scene(whole),
          key(scene_key(name)),
          ledger((static_cast<void>(scene.net().kill(name)), scene.net().chain()), key.address()) {
        static_cast<void>(ledger.sync());
        node = participant::Node::open({.ledger = ledger,
                                        .store = scene.store(),
                                        .engine = run.engine,
                                        .windows = run.windows,
                                        .clock = clock,
                                        .folder = scene.folder(name),
                                        .key = key})
                   .value();
    }

    [[nodiscard]] protocol::RoundView view(std::uint64_t round) const {
        return protocol::round_view(scene.state(), protocol::Round(round)).value();
    }

    execution::testing::TestRun& run = execution::testing::shared_run();
    Scene& scene;
    crypto::SecretKey key;
    chain::SimLedger ledger;
    SystemClock clock;  // for the words about late refusals only
    participant::InlineBackground background;
    std::unique_ptr<participant::Node> node;
};

}  // namespace covenant::simulation::testing
