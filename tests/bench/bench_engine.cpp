// Inner steps of the 10M and 50M presets on 2048 tokens, 1 and 2 threads: the canonical profiles
// beside the same model in PyTorch eager (reference/llama_torch.py), in turns and in one run.
//
// Every measurement is a process of its own, so that its peak memory is its own: this binary
// executes itself as
//     bench_engine --train PROFILE ISA PRESET THREADS SECONDS
// (ISA "best" or a name) and prints one JSON object. A cell (preset, threads) runs all its variants
// one after another, round by round; a variant's figure is its best step of all rounds.
// COVENANT_BENCH_QUICK=1: the 10M preset alone, one round.
#include "common/engine/engine.hpp"
#include "common/engine/genesis.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <map>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

namespace {

using namespace covenant;
using namespace covenant::engine;
using Json = nlohmann::json;
using SteadyClock = std::chrono::steady_clock;

constexpr std::size_t kTokens = 2048;  // a step
constexpr int kMostSteps = 40;         // timed, of one process
constexpr int kRounds = 2;

// ------------------------------------------------------------------------- the measured process

std::size_t peak_rss_bytes() {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);) {
        if (line.starts_with("VmHWM:")) return std::stoull(line.substr(6)) * 1024;
    }
    throw std::runtime_error("/proc/self/status has no line VmHWM");
}

template <typename T>
T value_of(Result<T> result) {
    if (!result) throw std::runtime_error(result.error().context);
    return std::move(*result);
}

Json train(std::string_view profile_name, std::string_view isa, std::string_view preset,
           unsigned threads, double seconds) {
    ProfileOptions options{.isa = {}, .threads = threads};
    if (isa != "best") options.isa = value_of(kernels::parse_isa(isa));
    const Profile profile = value_of(load_profile(profile_name, options));
    const ModelConfig config = value_of(model_preset(preset));
    Engine engine = value_of(Engine::create(config, profile));
    TrainState state = TrainState::fresh(genesis_parameters(engine.layout(), 1));
    InnerHyper hyper;
    hyper.schedule = {{.step = 0, .lr = 3e-4}};
    std::mt19937 rng(1);
    std::uniform_int_distribution<std::uint32_t> token(0, config.vocab_size - 1);
    std::vector<std::uint32_t> tokens(kTokens / config.seq_len * (config.seq_len + 1));
    std::generate(tokens.begin(), tokens.end(), [&] { return token(rng); });

    std::vector<float> losses;
    double best = 0.0;
    double best_cpu = 0.0;
    double spent = 0.0;
    for (std::uint64_t step = 0; step <= kMostSteps && (step <= 2 || spent < seconds); ++step) {
        const auto begin = SteadyClock::now();
        const std::clock_t cpu_begin = std::clock();
        losses.push_back(value_of(engine.train_step(state, tokens, hyper, step)).loss);
        const double cpu = static_cast<double>(std::clock() - cpu_begin) / CLOCKS_PER_SEC;
        const double wall = std::chrono::duration<double>(SteadyClock::now() - begin).count();
        if (step == 0) continue;  // the first step allocates
        spent += wall;
        best = std::max(best, static_cast<double>(kTokens) / wall);
        best_cpu = std::max(best_cpu, static_cast<double>(kTokens) / cpu);
    }
    return {{"isa", kernels::isa_name(profile.isa)},
            {"tokens_per_s", {{"best", best}}},
            {"cpu_tokens_per_s", best_cpu},
            {"peak_rss_bytes", peak_rss_bytes()},
            {"losses", losses}};
}

// ------------------------------------------------------------------------------ the measurements

struct Cell {
    std::string preset;
    unsigned threads = 1;
    double seconds = 0.0;  // of timed steps, of one process
};

struct Variant {
    std::string name;
    std::string profile;  // empty: PyTorch
    std::string isa = "best";
    bool bf16 = false;  // PyTorch only
};

struct Figures {
    double tokens_per_s = 0.0;
    double cpu_tokens_per_s = 0.0;
    double peak_rss_bytes = 0.0;  // the least of the rounds
    std::string error;
};

std::string command(const Cell& cell, const Variant& variant) {
    if (variant.profile.empty()) {
        return fmt::format(
            "/usr/bin/python3 -B '{}/tests/bench/reference/llama_torch.py' --preset {} --threads "
            "{} "
            "--tokens {} --steps {} --seconds {}{}",
            COVENANT_SOURCE_DIR, cell.preset, cell.threads, kTokens, kMostSteps, cell.seconds,
            variant.bf16 ? " --bf16" : "");
    }
    char self[4096] = {};
    if (readlink("/proc/self/exe", self, sizeof self - 1) < 0) {
        throw std::runtime_error("cannot read /proc/self/exe");
    }
    return fmt::format("'{}' --train {} {} {} {} {}", self, variant.profile, variant.isa,
                       cell.preset, cell.threads, cell.seconds);
}

// Runs it and takes its figures, the better of these and those before.
void measure(const Cell& cell, const Variant& variant, Figures& figures) {
    const std::string line = command(cell, variant);
    std::FILE* const pipe = popen(line.c_str(), "r");
    if (pipe == nullptr) throw std::runtime_error("cannot start: " + line);
    std::string text;
    char buffer[4096];
    for (std::size_t n; (n = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;) {
        text.append(buffer, n);
    }
    if (const int status = pclose(pipe); status != 0) {
        throw std::runtime_error(
            fmt::format("status {} of: {} (PyTorch is Debian's python3-torch)", status, line));
    }
    const Json result = Json::parse(text);
    const auto losses = result.at("losses").get<std::vector<double>>();
    if (!(losses.back() < losses.front())) {
        throw std::runtime_error(fmt::format("does not learn, loss {} after {}: {}", losses.back(),
                                             losses.front(), line));
    }
    const double rss = result.at("peak_rss_bytes").get<double>();
    figures.peak_rss_bytes =
        figures.peak_rss_bytes == 0.0 ? rss : std::min(figures.peak_rss_bytes, rss);
    figures.tokens_per_s =
        std::max(figures.tokens_per_s, result.at("tokens_per_s").at("best").get<double>());
    figures.cpu_tokens_per_s =
        std::max(figures.cpu_tokens_per_s, result.at("cpu_tokens_per_s").get<double>());
}

bool quick() {
    return std::getenv("COVENANT_BENCH_QUICK") != nullptr;
}

std::vector<Cell> cells() {
    std::vector<Cell> out{{"10M", 1, 3.0}, {"10M", 2, 3.0}};
    if (!quick()) {
        out.push_back({"50M", 1, 8.0});
        out.push_back({"50M", 2, 8.0});
    }
    return out;
}

// canon-bf16 as trained where there is AMX, and as replayed by an auditor who has none.
std::vector<Variant> variants() {
    const std::vector<kernels::Isa> isas = kernels::available_isas();
    const kernels::Isa best = isas.back();
    std::vector<Variant> out;
    const auto replay = std::find_if(isas.rbegin(), isas.rend(),
                                     [](kernels::Isa isa) { return isa != kernels::Isa::kAmx; });
    if (best == kernels::Isa::kAmx) out.push_back({"canon-bf16-amx", "canon-bf16", "amx"});
    out.push_back({"canon-bf16-replay", "canon-bf16", std::string(kernels::isa_name(*replay))});
    out.push_back({"canon-f32", "canon-f32"});
    out.push_back({"python-f32", ""});
    // Without AVX-512 libtorch multiplies bf16 element by element, ten times slower than fp32.
    if (best >= kernels::Isa::kAvx512) out.push_back({"python-bf16", "", "", true});
    return out;
}

std::map<std::string, Figures> measure_all(const Cell& cell) {
    std::map<std::string, Figures> out;
    for (int round = 0; round < (quick() ? 1 : kRounds); ++round) {
        for (const Variant& variant : variants()) {
            Figures& figures = out[variant.name];
            if (!figures.error.empty()) continue;
            try {
                measure(cell, variant, figures);
            } catch (const std::exception& failure) {
                figures.error = failure.what();
            }
        }
    }
    return out;
}

void report(benchmark::State& state, const Cell& cell, const std::string& variant) {
    static std::map<std::pair<std::string, unsigned>, std::map<std::string, Figures>> measured;
    const auto [at, fresh] = measured.try_emplace({cell.preset, cell.threads});
    if (fresh) at->second = measure_all(cell);
    const Figures& figures = at->second.at(variant);
    for (auto _ : state) {
        if (!figures.error.empty()) {
            state.SkipWithError(figures.error.c_str());
            break;
        }
        state.SetIterationTime(static_cast<double>(kTokens) / figures.tokens_per_s);
    }
    state.counters["tokens_per_s"] = figures.tokens_per_s;
    state.counters["cpu_tokens_per_s"] = figures.cpu_tokens_per_s;
    state.counters["peak_rss"] = figures.peak_rss_bytes;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc == 7 && std::string_view(argv[1]) == "--train") {
        try {
            const auto threads = static_cast<unsigned>(std::stoul(argv[5]));
            fmt::print("{}\n",
                       train(argv[2], argv[3], argv[4], threads, std::stod(argv[6])).dump());
            return 0;
        } catch (const std::exception& failure) {
            fmt::print(stderr, "bench_engine: {}\n", failure.what());
            return 1;
        }
    }
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
    benchmark::AddCustomContext("isa",
                                std::string(kernels::isa_name(kernels::available_isas().back())));
    for (const Cell& cell : cells()) {
        for (const Variant& variant : variants()) {
            const std::string name =
                fmt::format("{}/{}/{}", cell.preset, cell.threads, variant.name);
            benchmark::RegisterBenchmark(
                name.c_str(),
                [cell, variant](benchmark::State& state) { report(state, cell, variant.name); })
                ->UseManualTime()
                ->Iterations(1)
                ->Unit(benchmark::kMillisecond);
        }
    }
    benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
    return 0;
}
