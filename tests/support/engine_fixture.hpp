// What the engine's tests share: profiles, a tiny model and deterministic tokens.
#pragma once

#include "common/base/counter_rng.hpp"
#include "common/engine/engine.hpp"
#include "common/engine/genesis.hpp"

#include <bit>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

namespace covenant::engine::testing {

inline Profile test_profile(std::string_view name = kCanonF32, const ProfileOptions& options = {}) {
    Result<Profile> loaded = load_profile(name, options);
    if (!loaded) throw std::runtime_error(loaded.error().context);
    return std::move(*loaded);
}

inline Engine make_engine(const ModelConfig& config = tiny_config(),
                          std::string_view profile = kCanonF32,
                          const ProfileOptions& options = {}) {
    return std::move(Engine::create(config, test_profile(profile, options)).value());
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

// FNV-1a over the bits of parameters and moments.
inline std::uint64_t state_hash(const TrainState& state) {
    std::uint64_t hash = 0xCBF29CE484222325U;
    for (const ParameterBuffer* buffer : {&state.theta, &state.m, &state.v}) {
        for (const float value : buffer->floats()) {
            hash = (hash ^ std::bit_cast<std::uint32_t>(value)) * 0x100000001B3U;
        }
    }
    return hash;
}

}  // namespace covenant::engine::testing
