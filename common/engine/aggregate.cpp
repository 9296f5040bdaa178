#include "common/engine/aggregate.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include <fmt/format.h>

namespace covenant::engine {
namespace {

constexpr std::uint64_t kMaxTokens = std::uint64_t{1} << 48;  // exact in fp64, sums cannot wrap

Status check_inputs(const ParameterLayout& layout, const OuterHyper& hyper,
                    std::span<const Contribution> contributions, const ParameterBuffer& theta) {
    if (theta.size() != layout.total_floats()) {
        return fail(Errc::kInvalidArgument,
                    fmt::format("aggregate into {} floats, the model needs {}", theta.size(),
                                layout.total_floats()));
    }
    if (!(hyper.alpha > 0.0 && std::isfinite(hyper.alpha)) || hyper.full_tokens == 0 ||
        hyper.full_tokens > kMaxTokens) {
        return fail(Errc::kInvalidArgument,
                    fmt::format("aggregate with alpha {} and {} tokens a round", hyper.alpha,
                                hyper.full_tokens));
    }
    for (std::size_t i = 0; i < contributions.size(); ++i) {
        const Contribution& one = contributions[i];
        if (i > 0 && one.uid <= contributions[i - 1].uid) {
            return fail(Errc::kInvalidArgument,
                        fmt::format("aggregate: uid {} follows {}, must ascend", one.uid,
                                    contributions[i - 1].uid));
        }
        if (one.tokens == 0 || one.tokens > kMaxTokens) {
            return fail(Errc::kInvalidArgument,
                        fmt::format("aggregate: uid {} declares {} tokens", one.uid, one.tokens));
        }
        if (one.chunks.size() != layout.chunk_count()) {
            return fail(Errc::kInvalidArgument,
                        fmt::format("aggregate: uid {} has {} chunks, the model {}", one.uid,
                                    one.chunks.size(), layout.chunk_count()));
        }
    }
    return {};
}

// The smallest norm whose contributions up to it hold half of the tokens.
double weighted_median(std::span<const Contribution> contributions,
                       std::span<const ContributionOutcome> outcomes) {
    std::vector<std::size_t> order(outcomes.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::ranges::stable_sort(order, {}, [&](std::size_t i) { return outcomes[i].norm; });
    std::uint64_t total = 0;
    for (const Contribution& one : contributions)
        total += one.tokens;
    std::uint64_t below = 0;
    for (const std::size_t i : order) {
        below += contributions[i].tokens;
        if (2 * below >= total) return outcomes[i].norm;
    }
    return 0.0;
}

struct Peer {
    std::span<const SparseChunk> chunks;
    double weight;   // w_i
    double clipped;  // w_i * c_i
};

// Numerator and support of one chunk's coordinates.
struct Sums {
    std::array<double, kChunkFloats> numerator;
    std::array<double, kChunkFloats> support;
};

void add_peer(const SparseChunk& chunk, const Peer& peer, Sums& sums) {
    // The four values a code can mean, weighted once.
    const double low = peer.clipped * static_cast<double>(chunk.low);
    const double high = peer.clipped * static_cast<double>(chunk.high);
    const std::array<double, 4> weighted{low, high, -low, -high};
    for (std::size_t i = 0; i < chunk.indices.size(); ++i) {
        const std::size_t at = chunk.indices[i];
        sums.numerator[at] += weighted[chunk.codes[i] & 3U];
        sums.support[at] += peer.weight;
    }
}

}  // namespace

Result<AggregateReport> aggregate(const ParameterLayout& layout, const OuterHyper& hyper,
                                  std::span<const Contribution> contributions,
                                  ParameterBuffer& theta) {
    COVENANT_CHECK(check_inputs(layout, hyper, contributions, theta));
    AggregateReport report;
    for (const Contribution& one : contributions) {
        report.contributions.push_back({.uid = one.uid, .norm = decoded_norm(one.chunks)});
    }
    report.median_norm = weighted_median(contributions, report.contributions);
    std::vector<Peer> peers;
    double total_weight = 0.0;
    for (std::size_t i = 0; i < contributions.size(); ++i) {
        ContributionOutcome& outcome = report.contributions[i];
        outcome.dropped = outcome.norm == 0.0 || outcome.norm < 0.1 * report.median_norm;
        if (outcome.dropped) continue;
        outcome.clip = std::min(1.0, report.median_norm / outcome.norm);
        const double weight =
            static_cast<double>(contributions[i].tokens) / static_cast<double>(hyper.full_tokens);
        total_weight += weight;
        peers.push_back({contributions[i].chunks, weight, weight * outcome.clip});
    }
    if (peers.empty()) return report;

    auto sums = std::make_unique<Sums>();
    std::uint32_t bad = 0;
    for (std::size_t at = 0; at < layout.chunk_count(); ++at) {
        sums->numerator.fill(0.0);
        sums->support.fill(0.0);
        for (const Peer& peer : peers)
            add_peer(peer.chunks[at], peer, *sums);
        const std::span<float> out = theta.chunk(at);
        for (std::size_t j = 0; j < layout.live_floats(at); ++j) {
            const double support = sums->support[j];
            if (support == 0.0) continue;
            const double divisor = hyper.support == SupportExponent::kZero ? total_weight
                                   : hyper.support == SupportExponent::kHalf
                                       ? std::sqrt(support * total_weight)
                                       : support;
            out[j] = static_cast<float>(static_cast<double>(out[j]) -
                                        hyper.alpha * (sums->numerator[j] / divisor));
            bad |= static_cast<std::uint32_t>(!std::isfinite(out[j]));
        }
    }
    if (bad != 0) return fail(Errc::kRejected, "aggregate: a parameter became NaN or infinite");
    return report;
}

}  // namespace covenant::engine
