// `covenant-engine trial`: the work of all processes of a devnet at once, each in a thread of its
// own, timed. What one step takes on a quiet core says little about a machine on which a dozen
// processes train, replay and write to the same disk; deadlines follow from this instead.
#include "common/base/file.hpp"
#include "common/base/thread_pool.hpp"
#include "common/data/window_reader.hpp"
#include "common/engine/genesis.hpp"
#include "common/execution/loss_score.hpp"
#include "common/execution/opening.hpp"
#include "common/execution/round_executor.hpp"
#include "common/execution/run_engine.hpp"
#include "common/execution/state_digest.hpp"
#include "common/node/lifecycle.hpp"
#include "common/store/file_store.hpp"
#include "common/store/sealed_artifact.hpp"
#include "common/store/state_store.hpp"
#include "tools/covenant/engine/commands.hpp"

#include <atomic>
#include <barrier>
#include <chrono>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

namespace covenant::tool {
namespace {

using protocol::Round;
using protocol::Segment;
using SteadyClock = std::chrono::steady_clock;

// Of each worker; all go on until the last one has as many, so that every unit counted ran among
// all the others.
constexpr unsigned kUnits = 2;

double ms_between(SteadyClock::time_point from, SteadyClock::time_point to) {
    return std::chrono::duration<double, std::milli>(to - from).count();
}

class Mean {
  public:
    void add(double value) {
        sum_ += value;
        ++count_;
    }
    void add(const Mean& other) {
        sum_ += other.sum_;
        count_ += other.count_;
    }
    [[nodiscard]] double value() const { return count_ == 0 ? 0.0 : sum_ / count_; }

  private:
    double sum_ = 0.0;
    unsigned count_ = 0;
};

struct Times {
    Mean start;    // until a worker was ready
    Mean segment;  // the steps of one, with the boundary on disk or its replay's opening
    Mean round;    // what a miner does beside its segments
    Mean screen;   // of one artifact
    Mean window;   // one loss

    void add(const Times& other) {
        start.add(other.start);
        segment.add(other.segment);
        round.add(other.round);
        screen.add(other.screen);
        window.add(other.window);
    }
};

struct Trial {
    protocol::RunSpec spec;
    protocol::RunId run;
    const EngineOptions& options;
    std::uint32_t workers = 0;
};

// One process of the devnet, as a thread: its own engine of one thread, its own folder.
class Worker {
  public:
    static Result<std::unique_ptr<Worker>> make(const Trial& trial, std::uint32_t rank) {
        const auto begin = SteadyClock::now();
        COVENANT_TRY(engine::ProfileOptions kernels,
                     participant::profile_options(trial.options.kernels));
        kernels.threads = 1;
        COVENANT_TRY(engine::Engine engine, execution::open_engine(trial.spec, kernels));
        COVENANT_TRY(auto windows, data::WindowReader::open(trial.options.data, trial.spec.data));
        const std::filesystem::path folder(trial.options.store);
        COVENANT_TRY(auto states, store::StateStore::open(folder / std::to_string(rank)));
        COVENANT_TRY(auto store, store::FileStore::open(folder / "store"));
        auto worker =
            std::unique_ptr<Worker>(new Worker(trial, rank, std::move(engine), std::move(windows),
                                               std::move(states), std::move(store)));
        worker->times_.start.add(ms_between(begin, SteadyClock::now()));
        return worker;
    }

    // One round of a single segment.
    Status mine() {
        const auto begin = SteadyClock::now();
        SteadyClock::time_point first;
        SteadyClock::time_point last;
        const execution::RoundJob job{
            .spec = short_spec_,
            .windows = windows_,
            .assignment = assignment(short_spec_),
            .uid = protocol::Uid(static_cast<std::uint16_t>(rank_)),
            .base_root = base_root_,
            .previous_commitment = {},
            .stop = {},
            .on_step = {},
            .on_boundary = [&](Segment segment, const engine::TrainState& state,
                               const protocol::SegmentRecord& record) -> Status {
                COVENANT_CHECK(states_.put(record.theta_root, state.theta.floats()));
                COVENANT_CHECK(states_.put(record.m_root, state.m.floats()));
                COVENANT_CHECK(states_.put(record.v_root, state.v.floats()));
                (segment.value == 0 ? first : last) = SteadyClock::now();
                return {};
            },
        };
        COVENANT_TRY(
            const execution::RoundResult result,
            execution::execute_round(engine_, theta_, engine::TrainState::fresh(theta_.clone()),
                                     engine::ParameterBuffer(engine_.layout()), job));
        COVENANT_CHECK(states_.put(result.artifact.feedback.sum_root, result.sum.floats()));
        COVENANT_TRY(
            const Hash256 address,
            store_->put(
                store::seal_artifact(protocol::encode_artifact(result.artifact)).ciphertext));
        static_cast<void>(address);
        times_.segment.add(ms_between(first, last));
        times_.round.add(ms_between(begin, SteadyClock::now()) - ms_between(first, last));
        ++unit_;
        return {};
    }

    // One replayed segment and one screened artifact.
    Status validate() {
        const auto begin = SteadyClock::now();
        const auto state = engine::TrainState::fresh(theta_.clone());
        const auto record = execution::record_of(state, 0, {}, 0);
        auto boundary = execution::decode_state_opening(execution::encode_state_opening(state),
                                                        engine_.layout(), record);
        if (!boundary) {
            return fail(Errc::kMismatch, "the trial's own opening does not decode");
        }
        COVENANT_TRY(const auto trained,
                     execution::execute_segment(engine_, *boundary,
                                                {.spec = trial_.spec,
                                                 .windows = windows_,
                                                 .assignment = assignment(trial_.spec),
                                                 .segment = Segment(0),
                                                 .stop = {},
                                                 .on_step = {}}));
        static_cast<void>(trained);
        static_cast<void>(execution::state_digest(*boundary));
        times_.segment.add(ms_between(begin, SteadyClock::now()));
        COVENANT_CHECK(screen());
        ++unit_;
        return {};
    }

    [[nodiscard]] const Times& times() const { return times_; }

  private:
    Worker(const Trial& trial, std::uint32_t rank, engine::Engine engine,
           data::WindowReader windows, store::StateStore states,
           std::unique_ptr<store::FileStore> store)
        : trial_(trial),
          rank_(rank),
          engine_(std::move(engine)),
          windows_(std::move(windows)),
          states_(std::move(states)),
          store_(std::move(store)),
          theta_(engine::genesis_parameters(engine_.layout(), trial.options.seed)),
          base_root_(execution::state_root(theta_)),
          short_spec_(trial.spec) {
        short_spec_.inner.steps_per_round = short_spec_.inner.steps_per_segment;
    }

    // Another round each time: a state that is on disk already is not written again.
    [[nodiscard]] protocol::AssignmentInput assignment(const protocol::RunSpec& spec) const {
        return {.run = trial_.run,
                .round = Round(unit_),
                .rho = trial_.run,
                .base = unit_ * trial_.workers * spec.windows_per_round(),
                .active_miners = trial_.workers,
                .rank = rank_};
    }

    // The losses before and after one artifact, on the miner's windows and on held-out ones.
    Status screen() {
        const protocol::ScoreSpec& rules = trial_.spec.score;
        const auto begin = SteadyClock::now();
        const auto own = protocol::sample_assigned(trial_.spec, assignment(trial_.spec), trial_.run,
                                                   rules.assigned_windows);
        const auto heldout =
            protocol::heldout_windows(trial_.spec, "score", trial_.run, rules.heldout_windows);
        COVENANT_TRY(const auto own_tokens, windows_.windows(own));
        COVENANT_TRY(const auto heldout_tokens, windows_.heldout_windows(heldout));
        const engine::ParameterBuffer probe = theta_.clone();
        const auto losses = SteadyClock::now();
        for (const auto* tokens : {&own_tokens, &own_tokens, &heldout_tokens}) {
            COVENANT_TRY(const double loss, engine_.loss(probe, *tokens));
            static_cast<void>(loss);
        }
        const auto end = SteadyClock::now();
        times_.screen.add(ms_between(begin, end));
        times_.window.add(ms_between(losses, end) /
                          static_cast<double>(2 * own.size() + heldout.size()));
        return {};
    }

    const Trial& trial_;
    std::uint32_t rank_;
    engine::Engine engine_;
    data::WindowReader windows_;
    store::StateStore states_;
    std::unique_ptr<store::FileStore> store_;
    engine::ParameterBuffer theta_;
    Hash256 base_root_;
    protocol::RunSpec short_spec_;
    std::uint64_t unit_ = 0;
    Times times_;
};

// Everything that the threads share.
struct Start {
    explicit Start(std::uint32_t workers) : ready(workers) {}
    std::barrier<> ready;
    std::atomic<std::uint32_t> done{0};
    std::atomic<bool> failed{false};
};

Result<Times> work(const Trial& trial, std::uint32_t rank, Start& start) {
    auto worker = Worker::make(trial, rank);
    if (!worker) {
        start.failed = true;
    }
    start.ready.arrive_and_wait();
    if (!worker) {
        return fail(std::move(worker).error());
    }
    for (unsigned unit = 0; start.done < trial.workers && !start.failed;) {
        const bool mines = rank < trial.options.miners;
        if (Status done = mines ? (*worker)->mine() : (*worker)->validate(); !done) {
            start.failed = true;
            return fail(std::move(done).error());
        }
        if (++unit == kUnits) {
            ++start.done;
        }
    }
    return (*worker)->times();
}

Result<Times> work_together(const Trial& trial) {
    Start start(trial.workers);
    std::vector<std::optional<Result<Times>>> results(trial.workers);
    {
        std::vector<std::jthread> threads;
        threads.reserve(trial.workers);
        for (std::uint32_t rank = 0; rank < trial.workers; ++rank) {
            threads.emplace_back([&, rank] { results[rank].emplace(work(trial, rank, start)); });
        }
    }
    Times all;
    for (auto& one : results) {
        COVENANT_TRY(const Times times, std::move(*one));
        all.add(times);
    }
    return all;
}

Result<node::ExitCode> trial(const EngineOptions& options, node::Output& output) {
    COVENANT_TRY(const Bytes bytes, read_file(options.spec, protocol::kMaxRunSpecBytes));
    const auto spec = protocol::decode_run_spec(bytes);
    if (!spec) {
        return fail(Errc::kMalformed,
                    options.spec + ": " + std::string(protocol::to_string(spec.error())));
    }
    const Trial trial{.spec = *spec,
                      .run = protocol::run_id(bytes),
                      .options = options,
                      .workers = static_cast<std::uint32_t>(options.miners + options.validators)};
    COVENANT_TRY(const Times times, work_together(trial));
    codec::Json out = codec::Json::object();
    out.set("start_ms", times.start.value())
        .set("segment_ms", times.segment.value())
        .set("round_ms", times.round.value())
        .set("screen_ms", times.screen.value())
        .set("window_ms", times.window.value());
    output.stream(out);
    return node::ExitCode::kOk;
}

}  // namespace

void add_trial(node::CommandTree& tree, EngineOptions& options) {
    node::Command& command =
        tree.root().add("trial", "the work of a devnet's processes all at once, timed");
    node::OptionTable& table = command.options();
    table.add("spec", options.spec, "file with the RunSpec's bytes").value_name("FILE").required();
    table.add("data", options.data, "folder of the data set").value_name("DIR").required();
    table.add("store", options.store, "folder to write states and artifacts to")
        .value_name("DIR")
        .required();
    table.add("seed", options.seed, "of the first parameters").value_name("N");
    table.add("miners", options.miners, "that train").value_name("N").range(1, 64);
    table.add("validators", options.validators, "that replay and screen")
        .value_name("N")
        .range(1, 64);
    participant::describe(table, options.kernels);
    command.handler(
        [&options](const node::CommandContext& context) { return trial(options, context.output); });
}

}  // namespace covenant::tool
