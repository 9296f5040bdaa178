// What a devnet consists of, before anything runs: who takes part, the run's parameters, and its
// deadlines, which follow from a trial of all its work at once.
#pragma once

#include "common/base/result.hpp"
#include "common/crypto/secp256k1.hpp"
#include "common/protocol/roster.hpp"
#include "common/protocol/run_spec.hpp"

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace covenant::devnet {

struct Options {
    std::uint64_t rounds = 6;
    std::uint64_t miners = 3;
    std::uint64_t validators = 3;
    std::string profile = "canon-bf16";  // or "canon-f32"
    std::string cheat;  // KIND[@HOTKEY] or "none"; the kinds are those of covenant-adversary
    std::uint64_t seed = 7;
    std::string datadir;  // "" = ./devnet-<seed>
    bool keep = false;
    std::uint16_t port = 0;  // of the explorer; 0 = any
};

inline constexpr std::string_view kNoCheat = "none";

struct Participant {
    std::string name;
    protocol::Role role = protocol::Role::kNone;
    std::string cheat{kNoCheat};

    [[nodiscard]] bool cheats() const { return cheat != kNoCheat; }
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

// What `covenant-engine trial` measured while every process's work ran at once, in milliseconds.
struct Trial {
    double start_ms = 0.0;    // a process until it can work
    double segment_ms = 0.0;  // training or replaying one, with its digests and its file
    double round_ms = 0.0;    // what a miner does beside its segments
    double screen_ms = 0.0;   // the losses of one artifact
    double window_ms = 0.0;   // one loss on one window
};

// Deadlines that hold on this machine: the trial's work with a margin of a half, times `factor`,
// which is more than 1 after deadlines were missed. A round has time for all its miners' training,
// all audits of the round before it, and all screening. start_time is left open.
protocol::TimingSpec plan_timing(const protocol::RunSpec& spec, const Options& options,
                                 const Trial& trial, unsigned cores, double factor);
// From the run's creation to round 0: the first parameters get their loss and all nodes start.
std::uint64_t lead_seconds(const protocol::RunSpec& spec, const Trial& trial);

// Files of a devnet folder.
struct Layout {
    std::filesystem::path root;
    [[nodiscard]] std::filesystem::path record() const { return root / "devnet.json"; }
    [[nodiscard]] std::filesystem::path network() const { return root / "network.json"; }
    [[nodiscard]] std::filesystem::path spec() const { return root / "run.spec"; }
    [[nodiscard]] std::filesystem::path trial() const { return root / "trial"; }
    [[nodiscard]] std::filesystem::path trial_spec() const { return root / "trial.spec"; }
    [[nodiscard]] std::filesystem::path chain() const { return root / "chain"; }
    [[nodiscard]] std::filesystem::path data() const { return root / "data"; }
    [[nodiscard]] std::filesystem::path store() const { return root / "store"; }
    [[nodiscard]] std::filesystem::path index() const { return root / "index.sqlite"; }
    [[nodiscard]] std::filesystem::path logs() const { return root / "logs"; }
    [[nodiscard]] std::filesystem::path nodes() const { return root / "nodes"; }
    [[nodiscard]] std::filesystem::path password() const { return root / "password"; }
};

}  // namespace covenant::devnet
