// A whole tiny network for one test: its own folder, store and chain; the engine and the data are
// the process's. Rounds last 20 s of chain time in blocks of 1 s: commits close at 5, keys at 8,
// the beacon is due at 10, inclusion votes close at 15, openings are due at 17, score commitments
// close at 20, reveals at 24.
#pragma once

#include "common/store/memory_store.hpp"
#include "tests/support/temp_folder.hpp"
#include "tools/simulation/network.hpp"

#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace covenant::simulation::testing {

inline constexpr std::uint64_t kRunStart = 1'000'010;

struct SceneOptions {
    std::uint64_t seed = 1;
    std::size_t miners = 3;                                     // "miner-0".., the lowest uids
    std::size_t validators = 3;                                 // "validator-0"..
    std::map<std::string, const execution::Conduct*> cheats{};  // others are honest
    std::function<void(protocol::RunSpec&)> change{};
    // As NetworkOptions::background.
    std::function<std::unique_ptr<participant::Background>(const std::string& node,
                                                           const Clock& clock)>
        background{};
};

// The run that scenes play, on the process's data and kernels.
protocol::RunSpec scene_spec();
crypto::SecretKey scene_key(const std::string& name);

class Scene {
  public:
    explicit Scene(const SceneOptions& options = {});

    Network& net() { return *network_; }
    [[nodiscard]] const protocol::RunState& state() const { return network_->state(); }
    [[nodiscard]] const protocol::RoundRecord& record(std::uint64_t round) const;
    [[nodiscard]] const protocol::RunSpec& spec() const { return spec_; }
    store::MemoryStore& store() { return store_; }
    [[nodiscard]] const std::vector<std::string>& names() const { return names_; }
    [[nodiscard]] std::vector<std::string> miners() const;
    [[nodiscard]] std::vector<std::string> validators() const;
    [[nodiscard]] std::filesystem::path folder(const std::string& name) const;
    [[nodiscard]] protocol::Uid uid(const std::string& name) const { return network_->uid(name); }

    // Blocks until the chain's time is that many seconds into the round.
    void run_to(std::uint64_t round, std::uint64_t second = 0);
    void run_until_settled(std::uint64_t last_round);
    // Kills the node where it has first done that duty in the round or a later one ("show-key",
    // "audit"), and restarts it that many blocks later, or never.
    void fail_at(const std::string& name, const std::string& duty, std::uint64_t round,
                 std::optional<std::uint64_t> restart_after = 2);
    [[nodiscard]] bool failed_as_planned() const { return !plan_ || plan_->killed_at.has_value(); }

    // ---- what the chain says
    [[nodiscard]] bool included(std::uint64_t round, const std::string& name) const;
    [[nodiscard]] Amount credit(std::uint64_t round, const std::string& name) const;
    [[nodiscard]] bool failed(std::uint64_t round, const std::string& name) const;
    // Findings about the miner, by validator that revealed one.
    [[nodiscard]] std::map<protocol::Uid, protocol::Finding> findings(
        std::uint64_t round, const std::string& name) const;
    // The evidence of a fail, from the store, checked against its hash on chain and decoded.
    protocol::Evidence evidence(const protocol::Finding& finding);
    [[nodiscard]] std::optional<protocol::AuditDuty> duty(std::uint64_t round,
                                                          const std::string& name) const;
    // What a commitment covers, decrypted from the store.
    protocol::Artifact artifact(std::uint64_t round, const std::string& name);
    // Everything of rounds 0..last that has to be equal between equal runs: commitment roots,
    // inclusion, agreed parameters and losses, weights, findings, credits.
    [[nodiscard]] std::string history(std::uint64_t last_round) const;
    [[nodiscard]] std::string parameters(std::uint64_t last_round) const;

    // ---- what a node's folder says; the node is stopped for it and started again
    void with_index(const std::string& name, const std::function<void(store::IndexStore&)>& look);
    void with_journal(const std::string& name, const std::function<void(node::Journal&)>& look);
    protocol::Verdict screened(const std::string& validator, std::uint64_t round,
                               const std::string& miner);
    // Every sealed row agrees with what the chain holds: one package a round and miner under one
    // rho, one ballot a round and validator.
    void expect_nothing_signed_twice(std::uint64_t last_round);

  private:
    struct Plan {
        std::string name;
        std::string duty;
        std::uint64_t round = 0;
        std::optional<std::uint64_t> restart_after;
        std::optional<std::uint64_t> killed_at;  // seconds of chain time
        bool restarted = false;
    };
    void step();

    covenant::testing::TempFolder temp_;
    protocol::RunSpec spec_;
    store::MemoryStore store_;
    std::vector<std::string> names_;
    std::unique_ptr<Network> network_;
    std::optional<Plan> plan_;
};

}  // namespace covenant::simulation::testing
