// State hashing on one core: SHA-256 of 16 KiB leaves in every way this processor has, beside what
// bounds it in the same run: the rate of sha256rnds2 where that is used, and reading the memory.
#include "common/base/counter_rng.hpp"
#include "common/base/thread_pool.hpp"
#include "common/crypto/merkle.hpp"
#include "common/crypto/sha256.hpp"

#include <array>
#include <cstring>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>
#include <immintrin.h>

namespace {

using namespace covenant;
using crypto::LeafHasher;

constexpr std::size_t kLeaf = 16384;
constexpr std::size_t kCached = 64 * kLeaf;  // stays in a core's caches
constexpr std::size_t kStateLeaves = 2560;   // theta of a 10M model: 40 MiB
constexpr std::size_t kState = kStateLeaves * kLeaf;

const Bytes& state_bytes() {
    static const Bytes bytes = [] {
        Bytes out(kState);
        CounterRng rng(1);
        for (std::size_t i = 0; i + 4 <= out.size(); i += 4) {
            const std::uint32_t word = rng.next_u32();
            std::memcpy(out.data() + i, &word, sizeof(word));
        }
        return out;
    }();
    return bytes;
}

void report(benchmark::State& state, std::size_t bytes) {
    const double total = static_cast<double>(bytes) * static_cast<double>(state.iterations());
    state.counters["GBps"] = benchmark::Counter(total / 1e9, benchmark::Counter::kIsRate);
}

void read_bytes(benchmark::State& state, ByteView bytes) {
    for (auto _ : state) {
        std::array<std::uint64_t, 8> sums{};
        for (std::size_t i = 0; i + 64 <= bytes.size(); i += 64) {
            std::array<std::uint64_t, 8> words;
            std::memcpy(words.data(), bytes.data() + i, sizeof(words));
            for (std::size_t k = 0; k < sums.size(); ++k)
                sums[k] += words[k];
        }
        benchmark::DoNotOptimize(sums);
    }
    report(state, bytes.size());
}

// 32 sha256rnds2 a block of 64 bytes, two independent streams of them and nothing else.
__attribute__((target("sha,sse4.1"))) void sha_instructions(benchmark::State& state) {
    constexpr std::size_t kBlocks = 1024;  // a stream
    __m128i first = _mm_set1_epi32(1);
    __m128i second = _mm_set1_epi32(2);
    const __m128i word = _mm_set1_epi32(3);
    for (auto _ : state) {
        for (std::size_t i = 0; i < kBlocks * 32; ++i) {
            first = _mm_sha256rnds2_epu32(first, word, word);
            second = _mm_sha256rnds2_epu32(second, word, word);
            asm volatile("" : "+x"(first), "+x"(second));
        }
    }
    report(state, 2 * kBlocks * 64);
}

// What no use of the SHA instructions can pass; where the chosen way uses none, reading the cache.
void ceiling_cached(benchmark::State& state) {
    if (crypto::leaf_hasher_chosen() == LeafHasher::kShaNiLanes) {
        sha_instructions(state);
        state.SetLabel("sha256rnds2");
    } else {
        read_bytes(state, ByteView(state_bytes()).first(kCached));
        state.SetLabel("reading");
    }
}

void ceiling_memory(benchmark::State& state) {
    read_bytes(state, state_bytes());
}

void hash_leaves(benchmark::State& state, LeafHasher hasher, std::size_t bytes) {
    const ByteView data = ByteView(state_bytes()).first(bytes);
    std::vector<Hash256> out(bytes / kLeaf);
    for (auto _ : state) {
        crypto::sha256_leaves_with(hasher, data, kLeaf, out);
        benchmark::DoNotOptimize(out.data());
    }
    state.SetLabel(std::string(to_string(hasher)));
    report(state, bytes);
}

void state_root(benchmark::State& state, unsigned threads) {
    ThreadPool pool(threads);
    std::vector<Hash256> leaves(kStateLeaves);
    for (auto _ : state) {
        crypto::sha256_leaves(state_bytes(), kLeaf, leaves, threads > 1 ? &pool : nullptr);
        benchmark::DoNotOptimize(crypto::merkle_root(leaves));
    }
    report(state, kState);
}

// A new root after one leaf in a hundred changed.
void changed_root(benchmark::State& state) {
    const ByteView data = state_bytes();
    std::vector<Hash256> leaves(kStateLeaves);
    crypto::sha256_leaves(data, kLeaf, leaves);
    crypto::MerkleTree tree(leaves);
    std::vector<ByteView> views;
    std::vector<crypto::LeafRange> ranges;
    for (std::uint64_t i = 0; i < kStateLeaves; i += 100) {
        ranges.push_back({i, 1});
        views.push_back(data.subspan(i * kLeaf, kLeaf));
    }
    std::vector<Hash256> hashes(views.size());
    for (auto _ : state) {
        crypto::sha256_leaves(views, hashes);
        tree.update(ranges, hashes);
        benchmark::DoNotOptimize(tree.root());
    }
}

void add(const std::string& name, LeafHasher hasher, std::size_t bytes) {
    benchmark::RegisterBenchmark(name.c_str(), [=](benchmark::State& state) {
        hash_leaves(state, hasher, bytes);
    })->Unit(benchmark::kMicrosecond);
}

void add_all() {
    using benchmark::RegisterBenchmark;
    const LeafHasher chosen = crypto::leaf_hasher_chosen();
    RegisterBenchmark("ceiling_cached", ceiling_cached)->Unit(benchmark::kMicrosecond);
    add("chosen_cached", chosen, kCached);
    add("one_stream_cached", LeafHasher::kOneStream, kCached);
    RegisterBenchmark("ceiling_memory", ceiling_memory)->Unit(benchmark::kMicrosecond);
    add("chosen_memory", chosen, kState);
    add("one_stream_memory", LeafHasher::kOneStream, kState);
    for (const LeafHasher hasher : crypto::kLeafHashers) {
        if (hasher == LeafHasher::kOneStream || !leaf_hasher_available(hasher)) continue;
        add("every_way/" + std::string(to_string(hasher)), hasher, kCached);
    }
    for (const unsigned threads : {1U, 2U}) {
        const std::string name = "state_root_" + std::to_string(threads) + "_threads";
        RegisterBenchmark(name.c_str(),
                          [=](benchmark::State& state) { state_root(state, threads); })
            ->Unit(benchmark::kMillisecond)
            ->UseRealTime();
    }
    RegisterBenchmark("changed_root", changed_root)->Unit(benchmark::kMillisecond);
}

}  // namespace

int main(int argc, char** argv) {
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
    add_all();
    benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
    return 0;
}
