// What a devnet consists of, before anything runs: who takes part, the run's parameters, and its
// deadlines, which follow from the measured time of one inner step.
#pragma once

#include "common/base/result.hpp"
#include "common/crypto/secp256k1.hpp"
#include "common/protocol/roster.hpp"
#include "common/protocol/run_spec.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace covenant::devnet {

struct Options {
    std::uint64_t rounds = 6;
    std::uint64_t miners = 3;
    std::uint64_t validators = 3;
    std::string profile = "canon-bf16";  // or "canon-f32"
    std::string cheat = "half-batch";    // KIND[@HOTKEY] or "none"
    std::uint64_t seed = 7;
    std::string datadir;  // "" = ./devnet-<seed>
    bool keep = false;
    std::uint16_t port = 0;  // of the explorer; 0 = any
};

struct Participant {
    std::string name;
    protocol::Role role = protocol::Role::kNone;
    std::string cheat = "none";
};

// alice, bob, ... mine, vera, victor, ... validate; the cheat is the named miner, or the last one,
// who is then mallory. kInvalidArgument: no miner of that name, more than 16 miners or validators,
// none of either.
Result<std::vector<Participant>> participants(const Options& options);

// Development keys follow from the seed and are no secret.
crypto::SecretKey hotkey_of(std::uint64_t seed, const std::string& name);
crypto::SecretKey coldkey_of(std::uint64_t seed, const std::string& name);
crypto::SecretKey operator_of(std::uint64_t seed);

// The nano preset (0.887 M parameters) for this many rounds; genesis root, data, timing, chain and
// profile are still open.
protocol::RunSpec nano_run(std::uint64_t rounds);

// Deadlines for this machine. step_ms: one inner step on an idle core.
protocol::TimingSpec plan_timing(const protocol::RunSpec& spec, const Options& options,
                                 double step_ms, unsigned cores);

// Files of a devnet folder.
struct Layout {
    std::filesystem::path root;
    [[nodiscard]] std::filesystem::path record() const { return root / "devnet.json"; }
    [[nodiscard]] std::filesystem::path network() const { return root / "network.json"; }
    [[nodiscard]] std::filesystem::path chain() const { return root / "chain"; }
    [[nodiscard]] std::filesystem::path data() const { return root / "data"; }
    [[nodiscard]] std::filesystem::path store() const { return root / "store"; }
    [[nodiscard]] std::filesystem::path index() const { return root / "index.sqlite"; }
    [[nodiscard]] std::filesystem::path logs() const { return root / "logs"; }
    [[nodiscard]] std::filesystem::path nodes() const { return root / "nodes"; }
    [[nodiscard]] std::filesystem::path password() const { return root / "password"; }
};

}  // namespace covenant::devnet
