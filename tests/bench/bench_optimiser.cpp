// Benchmark B1: how well does a model train that peers seldom exchange? AdamW with all gradients,
// the dense mean, DiLoCo and SparseLoCo at equal tokens; see README.md. tools/bench optimiser
// builds and starts it, and makes the table and the picture.
#include "common/engine/engine.hpp"
#include "common/engine/genesis.hpp"
#include "common/node/command.hpp"
#include "tests/bench/optimiser/results.hpp"
#include "tests/bench/optimiser/text_source.hpp"
#include "tests/bench/optimiser/trainer.hpp"
#include "tests/bench/optimiser/variant.hpp"

#include <algorithm>
#include <atomic>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>

namespace covenant::bench {
namespace {

std::atomic<bool> stopping{false};
static_assert(std::atomic<bool>::is_always_lock_free);

extern "C" void ask_to_stop(int /*signal*/) {
    stopping = true;
}

using SteadyClock = std::chrono::steady_clock;

double seconds_since(SteadyClock::time_point start) {
    return std::chrono::duration<double>(SteadyClock::now() - start).count();
}

struct Options {
    std::string grid = "nano";
    std::string profile{engine::kCanonF32};
    std::string corpus;
    std::string cache = "build/bench";
    std::string results = "tests/bench/results/optimiser.jsonl";
    std::vector<std::uint64_t> seeds;
    std::uint32_t steps = 0;
    std::uint32_t jobs = std::max(1U, std::thread::hardware_concurrency());
    bool speed = false;
};

struct Job {
    std::uint64_t seed = 0;
    Variant variant;
    std::string key;
};

// What the workers share.
class Bench {
  public:
    Bench(const Options& options, const Grid& grid, const Text& text, ResultsFile results)
        : options_(options), grid_(grid), text_(text), results_(std::move(results)) {
        // Seeds outermost: an interrupted grid has whole seeds.
        for (const std::uint64_t seed : grid.seeds) {
            for (const Variant& variant : grid.variants) {
                std::string key = run_key(grid, variant, seed, options.profile, text.root);
                if (!results_.has(key)) jobs_.push_back({seed, variant, std::move(key)});
            }
        }
        fmt::print(stderr, "grid {}: {} runs, {} of them to do, on {} ({})\n", grid.name,
                   grid.seeds.size() * grid.variants.size(), jobs_.size(), text.name, text.root);
    }

    Status run() {
        std::vector<std::thread> workers;
        for (std::size_t i = 0; i < std::min<std::size_t>(options_.jobs, jobs_.size()); ++i)
            workers.emplace_back([this] { work(); });
        for (std::thread& worker : workers)
            worker.join();
        return status_;
    }

  private:
    void work() {
        for (;;) {
            const std::size_t at = next_++;
            if (at >= jobs_.size() || stopping) return;
            if (Status done = run_one(jobs_[at]); !done) {
                const std::lock_guard lock(mutex_);
                if (status_)
                    status_ = fail(std::move(done.error()).within(jobs_[at].variant.name()));
                stopping = true;
                return;
            }
        }
    }

    Status run_one(const Job& job) {
        const SteadyClock::time_point start = SteadyClock::now();
        COVENANT_TRY(const engine::ModelConfig config, engine::model_preset(grid_.preset));
        COVENANT_TRY(const engine::Profile profile,
                     engine::load_profile(options_.profile, {.isa = {}, .threads = 1}));
        COVENANT_TRY(engine::Engine engine, engine::Engine::create(config, profile));
        COVENANT_TRY(const Source source, make_source(text_.reader, grid_, job.seed));
        const auto outer = outer_step(job.variant, engine.layout(), kPeers);
        const Plan plan{.peers = kPeers,
                        .steps = grid_.steps,
                        .inner_steps = job.variant.inner_steps,
                        .evaluate_every = grid_.evaluate_every,
                        .inner = grid_.inner_hyper()};
        const Watch watch{.evaluated = [&](const Point& point) { show(job, point); },
                          .trained = [&](std::uint64_t steps) { peer_steps_ += steps; },
                          .stop = [] { return stopping.load(); }};
        COVENANT_TRY(const Outcome outcome,
                     train(engine, engine::genesis_parameters(engine.layout(), job.seed), plan,
                           source, outer.get(), watch));
        RunRecord record{
            .key = job.key,
            .grid = grid_.name,
            .optimiser = std::string(to_string(job.variant.optimiser)),
            .support = {},
            .alpha = job.variant.alpha(),
            .keep = job.variant.keep,
            .inner_steps = job.variant.inner_steps,
            .seed = job.seed,
            .profile = options_.profile,
            .preset = grid_.preset,
            .text = text_.name,
            .data = text_.root,
            .parameters = engine.layout().parameter_count(),
            .peers = kPeers,
            .steps = grid_.steps,
            .tokens = grid_.steps * grid_.tokens_per_step(),
            .learning_rate = grid_.learning_rate,
            .bytes_per_round = outer ? outer->bytes_per_round()
                                     : 4.0 * static_cast<double>(engine.layout().parameter_count()),
            .seconds = seconds_since(start),
            .final_loss = outcome.final_loss,
            .curve = {}};
        if (job.variant.optimiser == Optimiser::kSparseLoco)
            record.support = to_string(job.variant.support);
        for (const Point& point : outcome.curve)
            record.curve.emplace_back(point.step * grid_.tokens_per_step(), point.loss);
        const std::lock_guard lock(mutex_);
        ++finished_;
        fmt::print(stderr, "{} seed {}: final {:.4f} nats, {:.0f} s, {} of {} runs done\n",
                   job.variant.name(), job.seed, record.final_loss, record.seconds, finished_,
                   jobs_.size());
        return results_.append(record);
    }

    void show(const Job& job, const Point& point) {
        const double done = static_cast<double>(peer_steps_.load());
        const double all = static_cast<double>(jobs_.size() * grid_.steps * kPeers);
        const double left = done == 0.0 ? 0.0 : seconds_since(start_) * (all - done) / done;
        const std::lock_guard lock(mutex_);
        fmt::print(stderr, "{} seed {}: {} tokens, held-out {:.4f}; {:.0f}% of the grid{}\n",
                   job.variant.name(), job.seed, point.step * grid_.tokens_per_step(), point.loss,
                   100.0 * done / all,
                   done == 0.0 ? "" : fmt::format(", {:.0f} min left", left / 60.0));
    }

    const Options& options_;
    const Grid& grid_;
    const Text& text_;
    std::vector<Job> jobs_;
    std::atomic<std::size_t> next_{0};
    std::atomic<std::uint64_t> peer_steps_{0};
    SteadyClock::time_point start_ = SteadyClock::now();
    std::mutex mutex_;  // the fields below, and stderr
    ResultsFile results_;
    std::size_t finished_ = 0;
    Status status_;
};

// Tokens a second of one thread, and what that makes of the grid.
Status show_speed(const Options& options, const Grid& grid, const Text& text) {
    constexpr std::uint64_t kSteps = 12;
    COVENANT_TRY(const engine::ModelConfig config, engine::model_preset(grid.preset));
    COVENANT_TRY(const engine::Profile profile,
                 engine::load_profile(options.profile, {.isa = {}, .threads = 1}));
    COVENANT_TRY(engine::Engine engine, engine::Engine::create(config, profile));
    COVENANT_TRY(const Source source, make_source(text.reader, grid, 1));
    engine::TrainState state =
        engine::TrainState::fresh(engine::genesis_parameters(engine.layout(), 1));
    const engine::InnerHyper hyper = grid.inner_hyper();
    double best = 0.0;
    for (std::uint64_t step = 0; step < kSteps; ++step) {
        COVENANT_TRY(const std::vector<std::uint32_t> tokens, source.batch(0, step));
        const SteadyClock::time_point start = SteadyClock::now();
        COVENANT_TRY([[maybe_unused]] const engine::StepReport report,
                     engine.train_step(state, tokens, hyper, step));
        const double took = seconds_since(start);
        best = step == 0 ? took : std::min(best, took);
    }
    const double step_tokens = static_cast<double>(grid.tokens_per_step()) / kPeers;
    const double runs = static_cast<double>(grid.seeds.size() * grid.variants.size());
    fmt::print("{} {}: {:.1f} ms a step, {:.0f} tokens/s of one thread; {} runs of {:.0f} s\n",
               grid.name, options.profile, best * 1e3, step_tokens / best, runs,
               best * grid.steps * static_cast<double>(kPeers));
    return {};
}

Status run(const Options& options) {
    COVENANT_TRY(Grid grid, grid_by_name(options.grid));
    if (!options.seeds.empty()) grid.seeds = options.seeds;
    if (options.steps != 0) grid.steps = options.steps;
    for (const Variant& variant : grid.variants) {
        if (grid.steps % variant.inner_steps != 0) {
            return fail(Errc::kInvalidArgument,
                        fmt::format("--steps {} is no multiple of the {} steps of a round of {}",
                                    grid.steps, variant.inner_steps, variant.name()));
        }
    }
    COVENANT_TRY(const Text text, open_text(options.corpus, options.cache, grid));
    if (options.speed) return show_speed(options, grid, text);
    COVENANT_TRY(ResultsFile results, ResultsFile::open(options.results));
    return Bench(options, grid, text, std::move(results)).run();
}

Status parse_seeds(std::string_view text, std::vector<std::uint64_t>& seeds) {
    while (!text.empty()) {
        std::uint64_t seed = 0;
        const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), seed);
        text.remove_prefix(static_cast<std::size_t>(end - text.data()));
        if (failed != std::errc{} || (!text.empty() && text.front() != ',')) {
            return fail(Errc::kInvalidArgument, "--seeds takes numbers with commas between them");
        }
        seeds.push_back(seed);
        if (!text.empty()) text.remove_prefix(1);
    }
    return {};
}

void describe(node::OptionTable& table, Options& options, std::string& seeds) {
    table.add("grid", options.grid, "what to train").choices({"nano", "4M", "10M", "quick"});
    table.add("profile", options.profile, "the engine's profile").value_name("NAME");
    table.add("corpus", options.corpus, "a folder of .txt files; default: the King James")
        .value_name("DIR");
    table.add("cache", options.cache, "where data folders are made and kept").value_name("DIR");
    table.add("results", options.results, "JSON Lines; runs that it holds are skipped")
        .value_name("FILE");
    table.add("seeds", seeds, "instead of the grid's").value_name("N,N,...");
    table.add("steps", options.steps, "of each peer, instead of the grid's");
    table.add("jobs", options.jobs, "runs side by side").range(1, 256);
    table.add("speed", options.speed, "only measure a step");
}

}  // namespace
}  // namespace covenant::bench

int main(int argc, char** argv) {
    using namespace covenant;
    bench::Options options;
    std::string seeds;
    node::CommandTree tree("bench_optimiser",
                           "Benchmark B1: optimisers at equal tokens, eight peers",
                           "bench_optimiser");
    bench::describe(tree.root().options(), options, seeds);
    tree.root().handler([&](const node::CommandContext&) -> Result<node::ExitCode> {
        COVENANT_CHECK(bench::parse_seeds(seeds, options.seeds));
        std::signal(SIGINT, bench::ask_to_stop);
        std::signal(SIGTERM, bench::ask_to_stop);
        COVENANT_CHECK(bench::run(options));
        return bench::stopping ? node::ExitCode::kInterrupted : node::ExitCode::kOk;
    });
    return tree.run(argc, argv);
}
