// The whole network in one process: real miners and validators over a SimChain, virtual time, one
// engine. The same seed gives the same run, block by block; a recorded run's beacons and
// commitments can be fed in.
#pragma once

#include "chain/sim_ledger.hpp"
#include "common/base/clock.hpp"
#include "common/crypto/secp256k1.hpp"
#include "common/data/window_reader.hpp"
#include "common/engine/engine.hpp"
#include "common/execution/conduct.hpp"
#include "common/store/artifact_store.hpp"
#include "miner/miner.hpp"
#include "validator/validator.hpp"

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace covenant::simulation {

struct Member {
    std::string name;
    protocol::Role role = protocol::Role::kNone;
    const execution::Conduct& conduct = execution::honest();  // of a miner; outlives the network
    crypto::SecretKey hotkey;
    Address coldkey;
    Amount stake;
    PublicKey network_key;
};

struct NetworkOptions {
    protocol::RunSpec spec;        // complete: genesis root, data and timing included
    std::filesystem::path folder;  // for the nodes' states and journals; made, not removed
    chain::SimChainOptions
        chain;  // start_time must leave room for registration before the run starts
    // Which miners commit in a round, in this order; a miner that is not named stays silent. Unset:
    // everybody, as they come.
    std::function<std::optional<std::vector<std::string>>(protocol::Round)> commit_order;
    // Where a node's long work runs. Unset: at once, where it is asked for.
    std::function<std::unique_ptr<participant::Background>(const std::string& node,
                                                           const Clock& clock)>
        background = {};
    // Moments at which no validator does anything: what made a recorded round null. Unset: none.
    std::function<bool(protocol::ChainTime)> validators_silent = {};
};

class Network {
  public:
    // Registers the members in order (so uids follow it), stakes, creates the run. The engine, the
    // data and the store outlive the network; genesis is Theta_0.
    static Result<std::unique_ptr<Network>> create(NetworkOptions options,
                                                   std::vector<Member> members,
                                                   engine::Engine& engine,
                                                   const data::WindowReader& windows,
                                                   store::ArtifactStore& store,
                                                   const engine::ParameterBuffer& genesis);
    ~Network();

    // One block of virtual time, then every running node ticks until it waits.
    Status step();
    // Until the round is settled or `extra` seconds after its reveals close have passed. kTimeout
    // then.
    Status run_until_settled(protocol::Round round, std::uint64_t extra_seconds = 30);

    // As kill -9 and a restart: the node's memory is lost, its folder stays.
    Status kill(const std::string& name);
    Status restart(const std::string& name);
    // Node calls fail before the ledger sees them while it is off.
    void set_online(const std::string& name, bool online);
    // Called after every duty that did something; returning false kills the node there.
    using Probe =
        std::function<bool(const std::string& node, protocol::Round round, std::string_view duty)>;
    void set_probe(Probe probe) { probe_ = std::move(probe); }

    [[nodiscard]] chain::SimChain& chain() { return *chain_; }
    [[nodiscard]] const protocol::RunState& state() const { return *chain_->state(); }
    [[nodiscard]] protocol::Uid uid(const std::string& name) const { return uids_.at(name); }
    [[nodiscard]] protocol::ChainTime now() const { return chain_->head().time; }

  private:
    struct Node;
    Network(NetworkOptions options, engine::Engine& engine, const data::WindowReader& windows,
            store::ArtifactStore& store);
    Status set_up(const engine::ParameterBuffer& genesis);
    Status start(Node& node);
    Status tick(Node& node);
    [[nodiscard]] std::vector<Node*> order();
    Node& node(const std::string& name);

    NetworkOptions options_;
    engine::Engine& engine_;
    const data::WindowReader& windows_;
    store::ArtifactStore& store_;
    std::unique_ptr<VirtualClock> clock_;
    std::unique_ptr<chain::SimChain> chain_;
    std::vector<std::unique_ptr<Node>> nodes_;
    std::map<std::string, protocol::Uid> uids_;
    Probe probe_;
};

}  // namespace covenant::simulation
