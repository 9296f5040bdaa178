// The wire: what a pseudo-gradient of the 10M preset costs after some rounds of real training, and
// how fast it is compressed, coded, decoded and aggregated. One thread; beside each time stands
// what moving the same bytes takes on this machine.
#include "common/base/counter_rng.hpp"
#include "common/data/corpus/king_james.hpp"
#include "common/data/window_reader.hpp"
#include "common/engine/aggregate.hpp"
#include "common/engine/engine.hpp"
#include "common/engine/genesis.hpp"
#include "common/protocol/payload_format.hpp"
#include "tests/bench/wire/reference_quantiser.hpp"
#include "tests/support/temp_folder.hpp"
#include "tools/covenant/commands/artifact_view.hpp"
#include "tools/covenant/devnet/record/plan.hpp"

#include <algorithm>
#include <bit>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include <benchmark/benchmark.h>
#include <fmt/format.h>

namespace covenant {
namespace {

constexpr Sparsity kSparsity{.keep = 64, .code_bits = 2};
constexpr float kBeta = 0.95F;
constexpr std::size_t kRounds = 4;
constexpr std::size_t kSteps = 15;   // of a round
constexpr std::size_t kWindows = 4;  // of a step, 1024 tokens
constexpr std::size_t kPeers = 20;

template <typename T>
T must(Result<T> result) {
    if (!result) {
        fmt::print(stderr, "bench_wire: {}\n", result.error().context);
        std::exit(1);
    }
    return std::move(*result);
}

// A miner alone for some rounds: all that its last compression had before it.
struct Trained {
    engine::ModelConfig config = must(engine::model_preset("10M"));
    engine::ParameterLayout layout{config};
    engine::ParameterBuffer start{layout};
    engine::ParameterBuffer end{layout};
    engine::ParameterBuffer sum{layout};  // a
    SparseUpdate update;

    Trained() {
        const testing::TempFolder folder;
        data::CorpusOptions options = data::king_james_options();
        options.vocab_size = config.vocab_size;
        options.sequence_length = config.seq_len;
        must(data::prepare_king_james(folder.path(), options));
        const data::WindowReader windows = must(data::WindowReader::open(folder.path()));
        const unsigned threads = std::max(1U, std::thread::hardware_concurrency());
        engine::Engine engine = must(engine::Engine::create(
            config,
            must(engine::load_profile(engine::kCanonBf16, {.isa = {}, .threads = threads}))));
        engine::TrainState state = engine::TrainState::fresh(engine::genesis_parameters(layout, 7));
        engine::InnerHyper hyper;
        hyper.schedule = {{0, 1e-5}, {30, 1e-3}};
        CounterRng rng(7);
        for (std::size_t round = 0; round < kRounds; ++round) {
            start = state.theta.clone();
            float loss = 0.0F;
            for (std::size_t step = 0; step < kSteps; ++step) {
                std::vector<protocol::WindowIndex> drawn;
                for (std::size_t i = 0; i < kWindows; ++i)
                    drawn.emplace_back(rng.below(windows.manifest().data_spec().window_count));
                const auto tokens = must(windows.windows(drawn));
                loss = must(engine.train_step(state, tokens, hyper, round * kSteps + step)).loss;
            }
            end = state.theta.clone();
            update = must(engine::compress(layout, {kBeta, kSparsity}, start, end, sum, nullptr,
                                           round > 0 ? &update : nullptr))
                         .update;
            // The outer step of a round with this artifact alone.
            state.theta = start.clone();
            engine::subtract_scaled(state.theta, update, 1.0F);
            fmt::print(stderr, "wire: round {} of {}, loss {:.3f}\n", round + 1, kRounds, loss);
        }
    }
    [[nodiscard]] double elements() const { return static_cast<double>(layout.parameter_count()); }
};

const Trained& trained() {
    static const Trained one;
    return one;
}

// The same update as other peers would send it: each chunk's indices turned round by another
// amount, so that supports meet as those of strangers do.
std::vector<SparseUpdate> peers_of(const Trained& one) {
    std::vector<SparseUpdate> out;
    for (std::uint64_t peer = 0; peer < kPeers; ++peer) {
        SparseUpdate& update = out.emplace_back(one.update);
        CounterRng rng(peer);
        for (std::size_t i = 0; i < update.chunk_count(); ++i) {
            const MutableSparseView chunk = update.chunk(i);
            const std::uint32_t live = one.layout.live_floats(i);
            const auto by = static_cast<std::uint32_t>(rng.below(live));
            for (std::uint16_t& index : chunk.indices)
                index = static_cast<std::uint16_t>((index + by) % live);
            const auto first = std::ranges::min_element(chunk.indices) - chunk.indices.begin();
            std::ranges::rotate(chunk.indices, chunk.indices.begin() + first);
            std::ranges::rotate(chunk.codes, chunk.codes.begin() + first);
        }
    }
    return out;
}

void set_time(benchmark::State& state, double elements) {
    state.counters["ns_per_element"] =
        benchmark::Counter(elements * 1e-9, benchmark::Counter::kIsIterationInvariantRate |
                                                benchmark::Counter::kInvert);
}

// ---- sizes and errors

void artifact_size(benchmark::State& state) {
    const Trained& one = trained();
    protocol::RunSpec spec = devnet::nano_run(1);
    spec.outer.density = {{.round = 0, .kept_per_chunk = kSparsity.keep}};
    spec.model.vocab_size = one.config.vocab_size;
    spec.model.d_model = one.config.d_model;
    spec.model.layers = one.config.layers;
    spec.model.heads = one.config.heads;
    spec.model.kv_heads = one.config.kv_heads;
    spec.model.d_ff = one.config.d_ff;
    protocol::Artifact artifact;
    artifact.trace.resize(spec.segments() + std::size_t{1});
    artifact.update = one.update;
    artifact.feedback.kept_per_chunk = kSparsity.keep;
    for (auto _ : state) {
        const std::uint64_t size = protocol::encode_artifact(artifact).size();
        const commands::ArtifactSummary summary = commands::summarize(artifact, spec, size, size);
        state.counters["bits_per_value"] = summary.bits_per_value;
        state.counters["bits_per_kept_value"] = summary.bits_per_kept_value;
        state.counters["entropy_ratio"] = summary.entropy_ratio;
        state.counters["compression_ratio"] = summary.compression_ratio;
    }
}
BENCHMARK(artifact_size)->Iterations(1);

// |a - s|^2 over |a|^2 on the values that are sent, ours and by the reference's rule.
void quantiser_error(benchmark::State& state) {
    const Trained& one = trained();
    for (auto _ : state) {
        double ours = 0.0;
        double reference = 0.0;
        double total = 0.0;
        std::size_t at = 0;
        for (const engine::TensorSlot& slot : one.layout.tensors()) {
            std::vector<float> sent;
            for (const std::size_t end = at + slot.chunks(); at < end; ++at) {
                const SparseView chunk = one.update.chunk(at);
                const auto a = one.sum.chunk(at);
                for (std::size_t i = 0; i < chunk.indices.size(); ++i) {
                    const float value = a[chunk.indices[i]];
                    sent.push_back(value);
                    const double off =
                        static_cast<double>(value) - static_cast<double>(chunk.value(i));
                    ours += off * off;
                    total += static_cast<double>(value) * static_cast<double>(value);
                }
            }
            reference += bench::reference_squared_error(sent);
        }
        state.counters["relative_squared_error"] = ours / total;
        state.counters["reference_error"] = reference / total;
        state.counters["of_reference"] = ours / reference;
    }
}
BENCHMARK(quantiser_error)->Iterations(1);

// ---- times

// Round after round of the same training, each with the feedback that the one before left.
void encode(benchmark::State& state) {
    const Trained& one = trained();
    ThreadPool pool(static_cast<unsigned>(state.range(0)));
    engine::ParameterBuffer feedback = one.sum.clone();
    SparseUpdate sent = one.update;
    for (auto _ : state) {
        sent = must(engine::compress(one.layout, {kBeta, kSparsity}, one.start, one.end, feedback,
                                     &pool, &sent))
                   .update;
        benchmark::DoNotOptimize(protocol::encode_payload(sent));
    }
    set_time(state, one.elements());
}
BENCHMARK(encode)->ArgName("threads")->Arg(1)->Arg(2)->UseRealTime()->Unit(benchmark::kMillisecond);

// a = beta a + (start - end): what compress() reads and writes, without the compressing.
void encode_floor(benchmark::State& state) {
    const Trained& one = trained();
    engine::ParameterBuffer sum = one.sum.clone();
    for (auto _ : state) {
        const std::span<float> a = sum.floats();
        const std::span<const float> start = one.start.floats();
        const std::span<const float> end = one.end.floats();
        for (std::size_t i = 0; i < a.size(); ++i)
            a[i] = kBeta * a[i] + (start[i] - end[i]);
        benchmark::DoNotOptimize(a.data());
    }
    set_time(state, one.elements());
}
BENCHMARK(encode_floor)->UseRealTime()->Unit(benchmark::kMillisecond);

void decode(benchmark::State& state) {
    const Trained& one = trained();
    const Bytes payload = protocol::encode_payload(one.update);
    for (auto _ : state) {
        const auto update =
            protocol::decode_payload(payload, kSparsity, one.layout.chunk_elements());
        if (!update) {
            state.SkipWithError("the payload does not decode");
            break;
        }
        benchmark::DoNotOptimize(update);
    }
    set_time(state, one.elements());
}
BENCHMARK(decode)->UseRealTime()->Unit(benchmark::kMillisecond);

// The bytes of the payload read, those of the decoded arrays written.
void decode_floor(benchmark::State& state) {
    const Trained& one = trained();
    const Bytes payload = protocol::encode_payload(one.update);
    Bytes out(3 * one.update.value_count());
    for (auto _ : state) {
        std::copy(payload.begin(), payload.end(), out.begin());
        std::fill(out.begin() + static_cast<std::ptrdiff_t>(payload.size()), out.end(),
                  std::uint8_t{1});
        benchmark::DoNotOptimize(out.data());
    }
    set_time(state, one.elements());
}
BENCHMARK(decode_floor)->UseRealTime()->Unit(benchmark::kMillisecond);

void aggregate(benchmark::State& state) {
    const Trained& one = trained();
    static const std::vector<SparseUpdate> updates = peers_of(one);
    std::vector<engine::Contribution> contributions;
    for (std::uint16_t peer = 0; peer < kPeers; ++peer)
        contributions.push_back({.uid = peer, .segments = 1000, .update = &updates[peer]});
    engine::ParameterBuffer theta = one.start.clone();
    ThreadPool pool(static_cast<unsigned>(state.range(0)));
    for (auto _ : state) {
        benchmark::DoNotOptimize(
            must(engine::aggregate(one.layout, {1e-3, engine::SupportExponent::kHalf, 1000},
                                   contributions, theta, &pool)));
    }
    set_time(state, one.elements());
}
BENCHMARK(aggregate)->ArgName("threads")->Arg(1)->Arg(2)->UseRealTime()->Unit(
    benchmark::kMillisecond);

// The parameters read and written, the values of twenty updates read.
void aggregate_floor(benchmark::State& state) {
    const Trained& one = trained();
    engine::ParameterBuffer theta = one.start.clone();
    const Bytes values(kPeers * 3 * one.update.value_count(), 1);
    for (auto _ : state) {
        for (float& value : theta.floats())
            value *= 1.0001F;
        std::uint64_t sum = 0;
        for (std::size_t i = 0; i + 8 <= values.size(); i += 8)
            sum += load_le<std::uint64_t>(values.data() + i);
        benchmark::DoNotOptimize(sum);
    }
    set_time(state, one.elements());
}
BENCHMARK(aggregate_floor)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace covenant

BENCHMARK_MAIN();
