#include "chain/participant/node.hpp"

#include "chain/ledger.hpp"
#include "chain/participant/parameter_sources.hpp"
#include "common/base/durable_file.hpp"
#include "common/base/hex.hpp"
#include "common/crypto/secp256k1.hpp"
#include "common/data/windows.hpp"
#include "common/engine/engine.hpp"
#include "common/execution/parameter_follower.hpp"
#include "common/execution/state_digest.hpp"
#include "common/node/journal.hpp"
#include "common/protocol/model_shape.hpp"
#include "common/store/artifact_store.hpp"
#include "common/store/index_store.hpp"
#include "common/store/state_store.hpp"

namespace covenant::participant {
struct Node::Impl {
    chain::Ledger& ledger;
    const Clock& clock;
    protocol::RunSpec spec;
    std::unique_ptr<node::Journal> journal;
    std::unique_ptr<store::IndexStore> index;
    store::StateStore states;
    Seat seat;
    Artifacts artifacts;
    execution::ParameterFollower parameters;
    Training training;

    Impl(NodeParts parts, const protocol::RunState& state, protocol::Uid uid,
         std::unique_ptr<node::Journal> journal_file, std::unique_ptr<store::IndexStore> index_file,
         store::StateStore state_files)
        : ledger(parts.ledger),
          clock(parts.clock),
          spec(*state.spec),
          journal(std::move(journal_file)),
          index(std::move(index_file)),
          states(std::move(state_files)),
          seat{.key = parts.key,
               .spec = spec,
               .run = state.run,
               .uid = uid,
               .chunk_elements = protocol::chunk_elements(spec.model),
               .zero_root = execution::zero_state_root(parts.engine.layout())},
          artifacts{.store = parts.store, .index = *index},
          parameters(parts.engine.layout(), spec, parameter_sources(seat, parts.store, states),
                     &parts.engine.pool()),
          training{.engine = parts.engine,
                   .windows = parts.windows,
                   .parameters = parameters,
                   .states = states,
                   .stop = std::move(parts.stop)} {}
};

Node::Node(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Node::~Node() = default;

Result<std::unique_ptr<Node>> Node::open(NodeParts parts) {
    const auto state = parts.ledger.state();
    if (!state->spec) {
        return fail(Errc::kPrecondition, "the run is not on this chain yet");
    }
    const Address address = parts.key.address();
    const protocol::Neuron* neuron = state->roster.find(address);
    if (neuron == nullptr) {
        return fail(Errc::kPrecondition, "hotkey " + to_0x(address) + " is not registered");
    }
    COVENANT_CHECK(create_folders_durably(parts.folder, Access::kPrivate));
    COVENANT_TRY(auto journal, node::Journal::open(parts.folder / "journal.sqlite"));
    COVENANT_TRY(auto index, store::IndexStore::open(parts.folder / "index"));
    // A state that is read back is what its name says, or it is set aside.
    COVENANT_TRY(auto states, store::StateStore::open(parts.folder / "states",
                                                      [](std::span<const float> values) {
                                                          return execution::state_root(values);
                                                      }));
    return std::unique_ptr<Node>(
        new Node(std::make_unique<Impl>(std::move(parts), *state, neuron->uid, std::move(journal),
                                        std::move(index), std::move(states))));
}

chain::Ledger& Node::ledger() const {
    return impl_->ledger;
}
const Clock& Node::clock() const {
    return impl_->clock;
}
node::Journal& Node::journal() const {
    return *impl_->journal;
}
const Seat& Node::seat() const {
    return impl_->seat;
}
const Artifacts& Node::artifacts() const {
    return impl_->artifacts;
}
const Training& Node::training() const {
    return impl_->training;
}

}  // namespace covenant::participant
