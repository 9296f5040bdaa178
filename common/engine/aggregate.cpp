#include "common/engine/aggregate.hpp"

#include "common/engine/for_chunks.hpp"
#include "common/engine/kernels/chunk_loops.hpp"
#include "common/engine/top_k.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <memory>
#include <numeric>
#include <vector>

#include <fmt/format.h>

namespace covenant::engine {
namespace {

constexpr std::uint64_t kMaxSegments = std::uint64_t{1} << 48;  // exact in fp64, sums cannot wrap

Status check_inputs(const ParameterLayout& layout, const OuterHyper& hyper,
                    std::span<const Contribution> contributions, const ParameterBuffer& theta) {
    if (theta.size() != layout.total_floats()) {
        return fail(Errc::kInvalidArgument,
                    fmt::format("aggregate into {} floats, the model needs {}", theta.size(),
                                layout.total_floats()));
    }
    if (!(hyper.alpha > 0.0 && std::isfinite(hyper.alpha)) || hyper.full_segments == 0 ||
        hyper.full_segments > kMaxSegments) {
        return fail(Errc::kInvalidArgument,
                    fmt::format("aggregate with alpha {} and {} segments a round", hyper.alpha,
                                hyper.full_segments));
    }
    for (std::size_t i = 0; i < contributions.size(); ++i) {
        const Contribution& one = contributions[i];
        if (i > 0 && one.uid <= contributions[i - 1].uid) {
            return fail(Errc::kInvalidArgument,
                        fmt::format("aggregate: uid {} follows {}, must ascend", one.uid,
                                    contributions[i - 1].uid));
        }
        if (one.segments == 0 || one.segments > kMaxSegments) {
            return fail(
                Errc::kInvalidArgument,
                fmt::format("aggregate: uid {} declares {} segments", one.uid, one.segments));
        }
        if (one.update == nullptr || one.update->chunk_count() != layout.chunk_count()) {
            return fail(Errc::kInvalidArgument,
                        fmt::format("aggregate: uid {} has {} chunks, the model {}", one.uid,
                                    one.update == nullptr ? 0 : one.update->chunk_count(),
                                    layout.chunk_count()));
        }
    }
    return {};
}

// The smallest norm whose contributions up to it hold half of the segments.
double weighted_median(std::span<const Contribution> contributions,
                       std::span<const ContributionOutcome> outcomes) {
    std::vector<std::size_t> order(outcomes.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::ranges::stable_sort(order, {}, [&](std::size_t i) { return outcomes[i].norm; });
    std::uint64_t total = 0;
    for (const Contribution& one : contributions)
        total += one.segments;
    std::uint64_t below = 0;
    for (const std::size_t i : order) {
        below += contributions[i].segments;
        if (2 * below >= total) return outcomes[i].norm;
    }
    return 0.0;
}

template <typename T>
void fetch_ahead(std::span<T> values) {
    constexpr std::size_t kLine = 64 / sizeof(T);
    for (std::size_t i = 0; i < values.size(); i += kLine)
        __builtin_prefetch(values.data() + i);
}

struct Peer {
    const SparseUpdate* update;
    double weight;   // w_i
    double clipped;  // w_i * c_i
};

// Sums for the coordinates of one chunk that some peer sent. They lie close together, in the order
// in which the coordinates first came: sums for all 4096 would fill the caches, mostly with zeros.
class ChunkSums {
  public:
    ChunkSums() { places_.fill(kNowhere); }

    // Not inlined: inside its caller the loop would not keep its pointers in registers.
    [[gnu::noinline]] void add(const SparseView& chunk, const Peer& peer) {
        // What each code adds, its weight applied once. Not unrolled: there are mostly two levels,
        // and eight turns at once would be slower for them.
        std::array<kernels::CoordinateSum, kCodeNegative + kMaxLevels> added;
#pragma GCC unroll 1
        for (std::size_t i = 0; i < chunk.levels.size(); ++i) {
            const double value = peer.clipped * static_cast<double>(level_value(chunk.levels[i]));
            added[i] = {value, peer.weight};
            added[i + kCodeNegative] = {-value, peer.weight};
        }
        const kernels::CoordinateSum* const of_code = added.data();
        kernels::CoordinateSum* const sums = sums_.data();
        std::uint16_t* const places = places_.data();
        std::uint32_t* const positions = positions_.data();
        std::uint32_t end = end_;
        for (std::size_t i = 0; i < chunk.indices.size(); ++i) {
            // No branch tells a new coordinate from a known one: it would be mispredicted, as no
            // two chunks are alike. A new coordinate takes the zero at kNowhere and a place at the
            // end.
            const std::uint32_t at = chunk.indices[i];
            const std::uint32_t known = places[at];
            const std::uint32_t place = std::min(known, end);
            places[at] = static_cast<std::uint16_t>(place);
            positions[end] = at;
            end += known / kNowhere;
            const kernels::CoordinateSum& sum = sums[known];
            const kernels::CoordinateSum& one = of_code[chunk.codes[i]];
            sums[place] = {sum.numerator + one.numerator, sum.support + one.support};
        }
        end_ = end;
    }

    // theta_j -= alpha * (N_j / D_j) for every coordinate j that was sent. Returns false when a
    // result is not finite. Afterwards the sums are empty.
    bool step(const OuterHyper& hyper, double total_weight, std::span<float> theta) {
        const kernels::CoordinateSum* const sums = sums_.data();
        const std::uint32_t* const positions = positions_.data();
        bool finite = true;
        if (hyper.support == SupportExponent::kHalf) {
            const std::uint32_t largest = kernels::chunk_loops().half_support_step(
                sums, positions, end_, hyper.alpha, total_weight, theta.data());
            finite = largest < kInfinityBits;
        } else {
            const bool by_all = hyper.support == SupportExponent::kZero;
            for (std::size_t i = 0; i < end_; ++i) {
                const double divisor = by_all ? total_weight : sums[i].support;
                float& out = theta[positions[i]];
                out = static_cast<float>(static_cast<double>(out) -
                                         hyper.alpha * (sums[i].numerator / divisor));
                finite &= std::isfinite(out);
            }
        }
        places_.fill(kNowhere);
        end_ = 0;
        return finite;
    }

  private:
    static constexpr std::uint16_t kNowhere = kChunkFloats;  // above every place, all below it

    std::uint32_t end_ = 0;
    std::array<std::uint16_t, kChunkFloats> places_;  // of each coordinate, in sums_
    // The coordinate of each place; one element more takes the writes that do not count. Elements
    // of four bytes, because writing two bytes takes these processors twice the time.
    std::array<std::uint32_t, kChunkFloats + 1> positions_;
    std::array<kernels::CoordinateSum, kChunkFloats + 1> sums_{};  // that of kNowhere stays zero
};

}  // namespace

Result<AggregateReport> aggregate(const ParameterLayout& layout, const OuterHyper& hyper,
                                  std::span<const Contribution> contributions,
                                  ParameterBuffer& theta, ThreadPool* pool) {
    COVENANT_CHECK(check_inputs(layout, hyper, contributions, theta));
    AggregateReport report;
    for (const Contribution& one : contributions) {
        report.contributions.push_back({.uid = one.uid, .norm = decoded_norm(*one.update, pool)});
    }
    report.median_norm = weighted_median(contributions, report.contributions);
    std::vector<Peer> peers;
    double total_weight = 0.0;
    for (std::size_t i = 0; i < contributions.size(); ++i) {
        ContributionOutcome& outcome = report.contributions[i];
        outcome.dropped = outcome.norm == 0.0 || outcome.norm < 0.1 * report.median_norm;
        if (outcome.dropped) continue;
        outcome.clip = std::min(1.0, report.median_norm / outcome.norm);
        const double weight = static_cast<double>(contributions[i].segments) /
                              static_cast<double>(hyper.full_segments);
        total_weight += weight;
        peers.push_back({contributions[i].update, weight, weight * outcome.clip});
    }
    if (peers.empty()) return report;

    std::vector<std::unique_ptr<ChunkSums>> workers(pool == nullptr ? 1 : pool->threads());
    std::atomic<bool> bad = false;
    const std::size_t share = (kChunkFloats + peers.size() - 1) / peers.size();
    for_chunks(layout.chunk_count(), pool, [&](std::size_t at, unsigned worker) {
        if (workers[worker] == nullptr) workers[worker] = std::make_unique<ChunkSums>();
        ChunkSums& sums = *workers[worker];
        const std::span<float> chunk = theta.chunk(at);
        const std::size_t next = std::min(at + 1, layout.chunk_count() - 1);
        for (std::size_t i = 0; i < peers.size(); ++i) {
            // While the sums are made, the parameters and the peer's next chunk are prefetched.
            const std::size_t first = std::min(i * share, chunk.size());
            fetch_ahead(chunk.subspan(first, std::min(share, chunk.size() - first)));
            const SparseView ahead = peers[i].update->chunk(next);
            fetch_ahead(ahead.indices);
            fetch_ahead(ahead.codes);
            sums.add(peers[i].update->chunk(at), peers[i]);
        }
        if (!sums.step(hyper, total_weight, chunk)) bad = true;
    });
    if (bad) return fail(Errc::kRejected, "aggregate: a parameter became NaN or infinite");
    return report;
}

}  // namespace covenant::engine
