// What benchmark B1 compares: optimisers of one run, and the grids of them.
#pragma once

#include "common/base/result.hpp"
#include "common/engine/aggregate.hpp"
#include "common/engine/inner_optimizer.hpp"
#include "common/engine/model_config.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace covenant::bench {

inline constexpr std::size_t kPeers = 8;
inline constexpr int kResultFormat = 1;  // changes when equal keys would no longer mean equal runs

enum class Optimiser : std::uint8_t {
    kAdamW,       // one AdamW update a step on the mean gradient of all peers' batches
    kDense,       // plain mean of the peers' pseudo-gradients
    kDiloco,      // the same with an outer Nesterov momentum (DiLoCo)
    kSparseLoco,  // engine::compress and engine::aggregate
};

struct Variant {
    Optimiser optimiser = Optimiser::kAdamW;
    std::uint32_t inner_steps = 1;                                     // H, between two exchanges
    engine::SupportExponent support = engine::SupportExponent::kZero;  // SparseLoCo's p
    std::uint32_t keep = 0;                                            // SparseLoCo's k of 4096

    // SparseLoCo's outer learning rate: 1/2 where every coordinate is averaged over its senders
    // alone (p = 1), else 1.
    [[nodiscard]] double alpha() const;
    // "sparseloco p=1/2 k=256 H=10"
    [[nodiscard]] std::string name() const;
};

std::string_view to_string(Optimiser optimiser);
std::string_view to_string(engine::SupportExponent support);

struct Grid {
    std::string name;
    std::string preset;
    std::uint32_t sequence_length = 0;
    std::uint32_t vocab_size = 0;
    std::uint32_t windows = 0;  // of one peer's step
    std::uint32_t steps = 0;    // of one peer
    double learning_rate = 0.0;
    std::uint32_t evaluate_every = 0;  // inner steps, a multiple of every H
    std::uint32_t curve_windows = 0;   // held out, for each point of the curve
    std::uint32_t final_windows = 0;   // held out, for the last loss
    std::vector<std::uint64_t> seeds;
    std::vector<Variant> variants;

    // Warm-up over 60 steps (a quarter of a run that has fewer than 240), then down to a tenth at
    // the end, linear both. The same for every variant.
    [[nodiscard]] engine::InnerHyper inner_hyper() const;
    [[nodiscard]] std::uint64_t tokens_per_step() const {  // of all peers
        return std::uint64_t{windows} * sequence_length * kPeers;
    }
};

// "nano", "4M", "10M" and "quick" (a minute's worth of nano). kNotFound naming those there are.
Result<Grid> grid_by_name(std::string_view name);

// All that a run's result depends on. data: the data set's root, in hex.
std::string run_key(const Grid& grid, const Variant& variant, std::uint64_t seed,
                    std::string_view profile, std::string_view data);

}  // namespace covenant::bench
