// One node of a run, assembled once for everybody: a daemon, a simulation and a test of single
// stages give the same seven parts and get the same node. A stage takes the groups that it uses.
//
// Files in the node's folder: journal.sqlite (node/journal), index/ (RocksDB), states/ (large
// buffers by their root).
#pragma once

#include "common/base/result.hpp"
#include "common/protocol/ids.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <stop_token>
#include <vector>

namespace covenant {
class Clock;
}
namespace covenant::chain {
class Ledger;
}
namespace covenant::crypto {
class SecretKey;
}
namespace covenant::data {
class Windows;
}
namespace covenant::engine {
class Engine;
}
namespace covenant::execution {
class ParameterFollower;
}
namespace covenant::node {
class Journal;
}
namespace covenant::protocol {
struct RunSpec;
}
namespace covenant::store {
class ArtifactStore;
class IndexStore;
class StateStore;
}  // namespace covenant::store

namespace covenant::participant {

// What a node is assembled from. All of it outlives the node.
struct NodeParts {
    chain::Ledger& ledger;        // synced: the run is on it and the key is registered
    store::ArtifactStore& store;  // shared with everybody
    engine::Engine& engine;       // of the run's profile and model
    const data::Windows& windows;
    const Clock& clock;
    std::filesystem::path folder;  // this node's own; made where it is missing
    const crypto::SecretKey& key;  // the hotkey
    std::stop_token stop{};        // ends long work with kInterrupted
};

// Who the node is in the run. Never changes, so any thread may read it.
struct Seat {
    const crypto::SecretKey& key;
    const protocol::RunSpec& spec;
    protocol::RunId run;
    protocol::Uid uid;
    std::vector<std::uint16_t> chunk_elements;  // live values of each compression chunk
    Hash256 zero_root;                          // state root of an all-zero buffer
};

// Artifacts: everybody's bytes, and what this node remembers of those it has seen. Thread-safe.
struct Artifacts {
    store::ArtifactStore& store;
    store::IndexStore& index;
};

// What trains and re-executes. One thread at a time, `states` excepted.
struct Training {
    engine::Engine& engine;
    const data::Windows& windows;
    execution::ParameterFollower& parameters;
    store::StateStore& states;  // this node's own large buffers, by root
    std::stop_token stop;
};

class Node {
  public:
    // kPrecondition: the run or the key is not on the ledger. Errors of the files' opening.
    static Result<std::unique_ptr<Node>> open(NodeParts parts);
    ~Node();
    Node(const Node&) = delete;
    Node& operator=(const Node&) = delete;

    [[nodiscard]] chain::Ledger& ledger() const;
    [[nodiscard]] node::Journal& journal() const;
    [[nodiscard]] const Clock& clock() const;
    [[nodiscard]] const Seat& seat() const;
    [[nodiscard]] const Artifacts& artifacts() const;
    [[nodiscard]] const Training& training() const;

  private:
    struct Impl;
    explicit Node(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace covenant::participant
