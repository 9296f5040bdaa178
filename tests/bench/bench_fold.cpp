// A follower's cost at any age of a run: 10,000 rounds of 64 miners and 8 validators, folded block
// by block with a snapshot after each, as ChainView publishes them.
#include "common/protocol/run_state.hpp"
#include "tools/vectors/samples.hpp"

#include <algorithm>
#include <ctime>
#include <memory>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

namespace {

using namespace covenant;
using namespace covenant::protocol;

constexpr std::uint16_t kMiners = 64;
constexpr std::uint16_t kValidators = 8;
constexpr std::uint64_t kRounds = 10'000;
constexpr std::uint64_t kSample = 200;  // rounds that are timed at the start and at the end

using Block = std::vector<Event>;

// Of this thread: another program on the core must not count.
double cpu_ns() {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

double median(std::vector<double> values) {
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    return *middle;
}

Event event(ChainTime time, EventBody body) {
    return {.block = BlockNumber(time.value),
            .time = time,
            .index = 0,
            .transaction = {},
            .body = std::move(body)};
}

Uid validator(std::uint16_t index) {
    return Uid(static_cast<std::uint16_t>(kMiners + index));
}

Block enrolment(const RunSpec& spec, const Bytes& bytes, const RunId& run) {
    Block out;
    for (std::uint16_t i = 0; i < kMiners + kValidators; ++i) {
        Address hotkey;
        hotkey.bytes[0] = static_cast<std::uint8_t>(i + 1);
        out.push_back(
            event(ChainTime(1000),
                  HotkeyRegistered{
                      Uid(i), {}, hotkey, i < kMiners ? Role::kMiner : Role::kValidator, {}}));
        out.push_back(event(ChainTime(1000), StakeChanged{Uid(i), Amount{100 * kOneToken}}));
    }
    out.push_back(event(ChainTime(1001), RunCreated{run, terms_of(spec), bytes}));
    return out;
}

// A round as eight blocks.
std::vector<Block> round_blocks(const RunSpec& spec, const RunId& run, Round round) {
    const RoundTimes t = round_times(spec.timing, round);
    const Hash256 root = vectors::filled_hash(static_cast<std::uint8_t>(round.value));
    UidSet everybody;
    KeysShown keys{run, round, {}};
    std::vector<Block> out(8);
    for (std::uint16_t i = 0; i < kMiners; ++i) {
        ArtifactCommitted one;
        one.commitment.commitment.run = run;
        one.commitment.commitment.round = round;
        one.commitment.commitment.uid = Uid(i);
        out[i % 2].push_back(event(t.t0, one));
        keys.keys.push_back({Uid(i), {}});
        everybody.set(i);
    }
    out[2].push_back(event(t.t1, keys));
    out[2].push_back(event(t.beacon, BeaconProven{run, beacon_slot_of(round), {}, root, root}));
    for (std::uint16_t i = 0; i < kValidators; ++i) {
        const Uid uid = validator(i);
        const Amount stake{100 * kOneToken};
        out[3].push_back(event(t.beacon, InclusionVoted{run, round, uid, everybody, {}, stake}));
        out[4].push_back(event(t.t2, ParametersVoted{run, round, uid, root, 0, stake}));
        out[5].push_back(event(t.t2, ScoresCommitted{run, round, uid, root}));
        RevealedScores scores{uid, stake, std::vector<std::uint16_t>(kMiners, 7), {}};
        out[6].push_back(event(t.t2, ScoresRevealed{run, round, scores}));
    }
    out[4].push_back(event(t.t2, ParametersAccepted{run, round, root, 0}));
    for (std::uint16_t i = 0; i < kMiners; ++i) {
        out[7].push_back(event(t.t2, Credited{run, round, Uid(i), Amount{1}}));
    }
    out[7].push_back(event(t.t2, RoundSettled{run, round, {}, {}, {}}));
    return out;
}

void fold_10000_rounds(benchmark::State& bench) {
    const RunSpec spec = vectors::sample_spec();
    const Bytes bytes = encode_run_spec(spec);
    for ([[maybe_unused]] auto _ : bench) {
        RunState state;
        state.run = run_id(bytes);
        state.kept_rounds = kRecentRounds;
        std::shared_ptr<const RunState> published;
        std::vector<double> at_start;  // nanoseconds an event, round by round
        std::vector<double> at_end;
        for (const Event& one : enrolment(spec, bytes, state.run))
            apply(state, one);
        for (std::uint64_t r = 0; r < kRounds; ++r) {
            const std::vector<Block> blocks = round_blocks(spec, state.run, Round(r));
            std::uint64_t events = 0;
            const double before = cpu_ns();
            for (const Block& block : blocks) {
                for (const Event& one : block)
                    apply(state, one);
                events += block.size();
                published = std::make_shared<const RunState>(state);
            }
            const double took = (cpu_ns() - before) / static_cast<double>(events);
            // The start is timed once the window of kept rounds is full.
            if (r >= kRecentRounds && r < kRecentRounds + kSample) at_start.push_back(took);
            if (r >= kRounds - kSample) at_end.push_back(took);
        }
        const double start = median(at_start);
        const double end = median(at_end);
        bench.counters["start_ns"] = start;
        bench.counters["end_ns"] = end;
        bench.counters["end_over_start"] = end / start;
        bench.counters["rounds_kept"] = static_cast<double>(published->rounds.size());
    }
}
BENCHMARK(fold_10000_rounds)->Unit(benchmark::kMillisecond)->Iterations(1);

}  // namespace

BENCHMARK_MAIN();
