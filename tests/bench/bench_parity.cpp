// Does rounding the operands of products to bf16 cost anything? The 10M preset on the King James
// text, 500 inner steps of 1024 tokens, with canon-bf16 and with canon-f32: same first parameters,
// same windows in the same order, warm-up and decay of the learning rate as in a real run; three
// seeds. Two runs that differ in one bit drift apart by about a hundredth of a nat while the rate
// is high, so the mean over the seeds is what is compared. COVENANT_PARITY_STEPS shortens it.
#include "common/base/counter_rng.hpp"
#include "common/data/corpus/king_james.hpp"
#include "common/data/window_reader.hpp"
#include "common/engine/engine.hpp"
#include "common/engine/genesis.hpp"
#include "tests/support/temp_folder.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <numeric>
#include <string>
#include <thread>

#include <benchmark/benchmark.h>
#include <fmt/format.h>

namespace covenant {
namespace {

constexpr std::array<std::uint64_t, 3> kSeeds{7, 8, 9};
constexpr std::size_t kWindows = 4;  // of a step
constexpr std::size_t kHeldout = 64;
constexpr std::size_t kEvery = 100;  // steps between held-out losses

std::size_t steps() {
    const char* const text = std::getenv("COVENANT_PARITY_STEPS");
    return text == nullptr ? 500 : std::strtoul(text, nullptr, 10);
}

template <typename T>
T must(Result<T> result) {
    if (!result) {
        fmt::print(stderr, "bench_parity: {}\n", result.error().context);
        std::exit(1);
    }
    return std::move(*result);
}

std::vector<protocol::WindowIndex> drawn(std::uint64_t seed, std::size_t step,
                                         std::uint64_t count) {
    CounterRng rng(seed * 1'000'000 + step);
    std::vector<protocol::WindowIndex> windows;
    for (std::size_t i = 0; i < kWindows; ++i)
        windows.emplace_back(rng.below(count));
    return windows;
}

// Held-out losses after every kEvery steps and at the end.
std::vector<double> curve(std::string_view profile, std::uint64_t seed,
                          const data::WindowReader& windows) {
    const engine::ModelConfig config = must(engine::model_preset("10M"));
    engine::Engine engine = must(engine::Engine::create(
        config, must(engine::load_profile(profile, {.isa = {}, .threads = 1}))));
    engine::TrainState state =
        engine::TrainState::fresh(engine::genesis_parameters(engine.layout(), seed));
    engine::InnerHyper hyper;
    hyper.schedule = {{0, 1e-5}, {100, 1e-3}, {500, 1e-4}};
    std::vector<protocol::WindowIndex> heldout;
    for (std::size_t i = 0; i < kHeldout; ++i)
        heldout.emplace_back(i);
    const auto heldout_tokens = must(windows.heldout_windows(heldout));
    std::vector<double> losses;
    for (std::size_t step = 0; step < steps(); ++step) {
        const auto tokens =
            must(windows.windows(drawn(seed, step, windows.manifest().data_spec().window_count)));
        must(engine.train_step(state, tokens, hyper, step));
        if ((step + 1) % kEvery == 0 || step + 1 == steps()) {
            losses.push_back(must(engine.loss(state.theta, heldout_tokens)));
            fmt::print(stderr, "{} seed {} step {}: held-out {:.4f}\n", profile, seed, step + 1,
                       losses.back());
        }
    }
    return losses;
}

void loss_curves(benchmark::State& state) {
    for (auto _ : state) {
        const testing::TempFolder folder;
        data::CorpusOptions options = data::king_james_options();
        options.vocab_size = 8192;
        options.sequence_length = 256;
        must(data::prepare_king_james(folder.path(), options));
        const data::WindowReader windows = must(data::WindowReader::open(folder.path()));
        double mean_bf16 = 0.0;
        double mean_f32 = 0.0;
        double largest = 0.0;
        for (const std::uint64_t seed : kSeeds) {
            std::vector<double> rounded;
            std::thread other([&] { rounded = curve(engine::kCanonBf16, seed, windows); });
            const double whole = curve(engine::kCanonF32, seed, windows).back();
            other.join();
            mean_bf16 += rounded.back() / static_cast<double>(kSeeds.size());
            mean_f32 += whole / static_cast<double>(kSeeds.size());
            largest = std::max(largest, std::fabs(rounded.back() - whole));
        }
        state.counters["heldout_bf16"] = mean_bf16;
        state.counters["heldout_f32"] = mean_f32;
        state.counters["difference"] = std::fabs(mean_bf16 - mean_f32);
        state.counters["largest"] = largest;
    }
}
BENCHMARK(loss_curves)->Iterations(1)->Unit(benchmark::kSecond);

}  // namespace
}  // namespace covenant

BENCHMARK_MAIN();
