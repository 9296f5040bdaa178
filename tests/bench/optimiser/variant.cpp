#include "tests/bench/optimiser/variant.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace covenant::bench {
namespace {

using engine::SupportExponent;

void add_dense(Grid& grid, std::uint32_t inner_steps) {
    grid.variants.push_back({.optimiser = Optimiser::kDense, .inner_steps = inner_steps});
    grid.variants.push_back({.optimiser = Optimiser::kDiloco, .inner_steps = inner_steps});
}

void add_sparse(Grid& grid, std::uint32_t inner_steps, SupportExponent support,
                std::uint32_t keep) {
    grid.variants.push_back({.optimiser = Optimiser::kSparseLoco,
                             .inner_steps = inner_steps,
                             .support = support,
                             .keep = keep});
}

Grid nano() {
    Grid grid{.name = "nano",
              .preset = "nano",
              .sequence_length = 128,
              .vocab_size = 2048,
              .windows = 2,
              .steps = 660,
              .learning_rate = 4e-3,
              .evaluate_every = 60,
              .curve_windows = 128,
              .final_windows = 256,
              .seeds = {1, 2, 3},
              .variants = {{}}};
    for (const std::uint32_t inner_steps : {10U, 30U}) {
        add_dense(grid, inner_steps);
        for (const SupportExponent support :
             {SupportExponent::kZero, SupportExponent::kHalf, SupportExponent::kOne}) {
            for (const std::uint32_t keep : {64U, 256U, 1024U})
                add_sparse(grid, inner_steps, support, keep);
        }
    }
    return grid;
}

Grid four_million() {
    Grid grid{.name = "4M",
              .preset = "4M",
              .sequence_length = 256,
              .vocab_size = 4096,
              .windows = 2,
              .steps = 640,
              .learning_rate = 2e-3,
              .evaluate_every = 40,
              .curve_windows = 64,
              .final_windows = 256,
              .seeds = {1, 2, 3},
              .variants = {{}}};
    add_dense(grid, 10);
    for (const SupportExponent support : {SupportExponent::kZero, SupportExponent::kHalf}) {
        for (const std::uint32_t keep : {256U, 1024U})
            add_sparse(grid, 10, support, keep);
    }
    add_sparse(grid, 10, SupportExponent::kOne, 256);  // nano's nearest to dense at that density
    return grid;
}

Grid ten_million() {
    Grid grid{.name = "10M",
              .preset = "10M",
              .sequence_length = 256,
              .vocab_size = 8192,
              .windows = 4,
              .steps = 320,
              .learning_rate = 1e-3,
              .evaluate_every = 20,
              .curve_windows = 64,
              .final_windows = 256,
              .seeds = {1},
              .variants = {{}}};
    grid.variants.push_back({.optimiser = Optimiser::kDense, .inner_steps = 5});
    add_sparse(grid, 5, SupportExponent::kOne, 256);  // the best of 4M at that density
    return grid;
}

Grid quick() {
    Grid grid = nano();
    grid.name = "quick";
    grid.steps = 40;
    grid.evaluate_every = 20;
    grid.curve_windows = 16;
    grid.final_windows = 64;
    grid.seeds = {1};
    grid.variants = {{}};
    add_dense(grid, 10);
    add_sparse(grid, 10, SupportExponent::kHalf, 1024);
    return grid;
}

}  // namespace

double Variant::alpha() const {
    return support == SupportExponent::kOne ? 0.5 : 1.0;
}

std::string Variant::name() const {
    switch (optimiser) {
        case Optimiser::kAdamW:
            return "adamw";
        case Optimiser::kDense:
        case Optimiser::kDiloco:
            return fmt::format("{} H={}", to_string(optimiser), inner_steps);
        case Optimiser::kSparseLoco:
            break;
    }
    return fmt::format("sparseloco p={} k={} H={}", to_string(support), keep, inner_steps);
}

std::string_view to_string(Optimiser optimiser) {
    switch (optimiser) {
        case Optimiser::kAdamW:
            return "adamw";
        case Optimiser::kDense:
            return "dense";
        case Optimiser::kDiloco:
            return "diloco";
        case Optimiser::kSparseLoco:
            return "sparseloco";
    }
    return "unknown";
}

std::string_view to_string(SupportExponent support) {
    switch (support) {
        case SupportExponent::kZero:
            return "0";
        case SupportExponent::kHalf:
            return "1/2";
        case SupportExponent::kOne:
            return "1";
    }
    return "unknown";
}

engine::InnerHyper Grid::inner_hyper() const {
    const std::uint64_t warm_up = std::clamp<std::uint64_t>(steps / 4, 1, 60);
    engine::InnerHyper hyper;
    hyper.schedule = {{0, learning_rate / static_cast<double>(warm_up)}, {warm_up, learning_rate}};
    if (steps > warm_up) hyper.schedule.push_back({steps, learning_rate / 10.0});
    return hyper;
}

Result<Grid> grid_by_name(std::string_view name) {
    for (const auto make : {nano, four_million, ten_million, quick}) {
        Grid grid = make();
        if (grid.name == name) return grid;
    }
    return fail(Errc::kNotFound,
                fmt::format("no grid '{}'; there are nano, 4M, 10M and quick", name));
}

std::string run_key(const Grid& grid, const Variant& variant, std::uint64_t seed,
                    std::string_view profile, std::string_view data) {
    return fmt::format(
        "{} {} seed={} {} R={} preset={} T={} windows={} steps={} lr={} evaluate={}/{}/{} data={} "
        "format={}",
        grid.name, variant.name(), seed, profile, kPeers, grid.preset, grid.sequence_length,
        grid.windows, grid.steps, grid.learning_rate, grid.evaluate_every, grid.curve_windows,
        grid.final_windows, data, kResultFormat);
}

}  // namespace covenant::bench
