// What the engine's tests share: the process's profile, a tiny model and deterministic tokens.
#pragma once

#include "common/base/counter_rng.hpp"
#include "common/engine/engine.hpp"
#include "common/engine/genesis.hpp"

#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

namespace covenant::engine::testing {

inline const Profile& test_profile() {
    static const Profile profile = [] {
        Result<Profile> loaded = load_profile(kBlasPinned1);
        if (!loaded) throw std::runtime_error(loaded.error().context);
        return *loaded;
    }();
    return profile;
}

inline Engine make_engine(const ModelConfig& config = tiny_config()) {
    return std::move(Engine::create(config, test_profile()).value());
}

inline InnerHyper make_hyper(double lr = 1e-2) {
    InnerHyper hyper;
    hyper.schedule = {{0, lr}};
    return hyper;
}

// Windows with structure to learn: a walk with few different steps.
inline std::vector<std::uint32_t> make_tokens(const ModelConfig& config, std::size_t windows,
                                              std::uint64_t seed) {
    CounterRng rng(seed);
    std::vector<std::uint32_t> tokens(windows * (std::size_t{config.seq_len} + 1));
    std::uint64_t at = 0;
    for (std::uint32_t& token : tokens) {
        at += 1 + rng.below(3);
        token = static_cast<std::uint32_t>(at % config.vocab_size);
    }
    return tokens;
}

// FNV-1a over the state's bits after `steps` steps of the tiny model, another batch each.
std::uint64_t trained_state_hash(int steps);

}  // namespace covenant::engine::testing
