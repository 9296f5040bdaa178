// Histories, version 1: version u16, count u32, then for each uid, ascending: uid u16, mu, sigma
// (binary64 bits), audits_passed u32, liveness, own_minus_heldout (binary64 bits), rounds u32.
#include "common/protocol/score.hpp"

#include "common/codec/reader.hpp"
#include "common/codec/writer.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace covenant::protocol {
namespace {

constexpr std::uint16_t kVersion = 1;
constexpr std::size_t kHistoryBytes = 42;
constexpr double kLivenessStep = 0.1;
constexpr double kSignStep = 0.05;
constexpr double kMaxTokenShare = 4.0;
constexpr double kMaxTrust = 0.98;

double sign(double x) {
    if (x > 0.0) return 1.0;
    return x < 0.0 ? -1.0 : 0.0;
}

bool counts(const MinerRound& miner) {
    return miner.eligible && miner.committed && !(miner.audited && !miner.audit_passed) &&
           std::isfinite(miner.loss_score_heldout);
}

// 1 + the number of players with a better score; equal scores share a rank.
std::vector<std::uint32_t> ranks_of(std::span<const double> scores) {
    std::vector<std::uint32_t> ranks;
    ranks.reserve(scores.size());
    for (const double own : scores) {
        const auto better =
            std::count_if(scores.begin(), scores.end(), [&](double other) { return other > own; });
        ranks.push_back(static_cast<std::uint32_t>(better) + 1);
    }
    return ranks;
}

void remember(const MinerRound& miner, MinerHistory& history) {
    if (miner.audited) {
        history.audits_passed = miner.audit_passed ? history.audits_passed + 1 : 0;
    }
    history.liveness += kLivenessStep * ((counts(miner) ? 1.0 : 0.0) - history.liveness);
    if (counts(miner) && std::isfinite(miner.loss_score_own)) {
        const double difference = sign(miner.loss_score_own - miner.loss_score_heldout);
        history.own_minus_heldout += kSignStep * (difference - history.own_minus_heldout);
    }
    ++history.rounds;
}

double score_of(const RunSpec& spec, const MinerRound& miner, const MinerHistory& history,
                double quality) {
    const double full = static_cast<double>(spec.windows_per_round() * spec.model.seq_len);
    const double work = std::min(static_cast<double>(miner.tokens) / full, kMaxTokenShare);
    const double passed = history.audits_passed;
    const double trust = std::min((passed + 1.0) / (passed + 3.0), kMaxTrust);
    return work * trust * (0.7 + 0.3 * quality) * (0.5 + 0.5 * history.liveness);
}

}  // namespace

Bytes encode_history(const std::map<Uid, MinerHistory>& histories) {
    codec::Writer out(6 + kHistoryBytes * histories.size());
    out.u16(kVersion).count(histories.size());
    for (const auto& [uid, h] : histories) {
        out.id(uid)
            .u64(std::bit_cast<std::uint64_t>(h.rating.mu))
            .u64(std::bit_cast<std::uint64_t>(h.rating.sigma))
            .u32(h.audits_passed)
            .u64(std::bit_cast<std::uint64_t>(h.liveness))
            .u64(std::bit_cast<std::uint64_t>(h.own_minus_heldout))
            .u32(h.rounds);
    }
    return out.take();
}

Outcome<std::map<Uid, MinerHistory>> decode_history(ByteView bytes) {
    codec::Reader in(bytes);
    const std::uint16_t version = in.u16();
    if (in.ok() && version != kVersion) return refuse(Verdict::kUnsupportedVersion);
    const std::size_t count = in.count(kHistoryBytes, kMaxUids);
    std::map<Uid, MinerHistory> out;
    for (std::size_t i = 0; i < count; ++i) {
        const Uid uid = in.id<Uid>();
        MinerHistory h;
        h.rating.mu = std::bit_cast<double>(in.u64());
        h.rating.sigma = std::bit_cast<double>(in.u64());
        h.audits_passed = in.u32();
        h.liveness = std::bit_cast<double>(in.u64());
        h.own_minus_heldout = std::bit_cast<double>(in.u64());
        h.rounds = in.u32();
        if (uid.value >= kMaxUids) return refuse(Verdict::kMalformed);
        if (!out.empty() && uid <= out.rbegin()->first) return refuse(Verdict::kNotCanonical);
        if (!std::isfinite(h.rating.mu) || !std::isfinite(h.rating.sigma) ||
            !std::isfinite(h.liveness) || !std::isfinite(h.own_minus_heldout)) {
            return refuse(Verdict::kNotFinite);
        }
        out.emplace_hint(out.end(), uid, h);
    }
    if (!in.finish()) return refuse(Verdict::kMalformed);
    return out;
}

std::vector<MinerScore> score_round(const RunSpec& spec, std::span<const MinerRound> miners,
                                    std::map<Uid, MinerHistory>& histories) {
    std::vector<Rating> ratings;
    std::vector<double> heldout;
    for (const MinerRound& miner : miners) {
        remember(miner, histories[miner.uid]);
        if (!counts(miner)) continue;
        ratings.push_back(histories[miner.uid].rating);
        heldout.push_back(miner.loss_score_heldout);
    }
    update_ratings(ratings, ranks_of(heldout));
    const std::vector<double> quality = rating_quality(ratings);

    std::vector<MinerScore> scores;
    scores.reserve(miners.size());
    std::size_t player = 0;
    for (const MinerRound& miner : miners) {
        MinerHistory& history = histories[miner.uid];
        double score = 0.0;
        if (counts(miner)) {
            history.rating = ratings[player];
            score = score_of(spec, miner, history, quality[player]);
            ++player;
        }
        scores.push_back({.uid = miner.uid, .score = score});
    }
    return scores;
}

std::vector<std::uint16_t> weights_from_scores(std::span<const MinerScore> scores) {
    std::size_t size = 0;
    double best = 0.0;
    for (const MinerScore& entry : scores) {
        size = std::max<std::size_t>(size, entry.uid.value + std::size_t{1});
        best = std::max(best, entry.score);
    }
    std::vector<std::uint16_t> weights(size, 0);
    for (const MinerScore& entry : scores) {
        if (!(entry.score > 0.0)) continue;
        weights[entry.uid.value] =
            static_cast<std::uint16_t>(std::floor(65535.0 * (entry.score / best)));
    }
    return weights;
}

std::vector<bool> loss_gate(std::span<const double> heldout_scores) {
    std::vector<double> sorted;
    for (const double score : heldout_scores) {
        if (std::isfinite(score)) sorted.push_back(score);
    }
    std::sort(sorted.begin(), sorted.end());
    double median = 0.0;
    if (!sorted.empty()) {
        const std::size_t half = sorted.size() / 2;
        median = sorted.size() % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2.0;
    }
    const double floor = std::max(0.0, 0.25 * median);
    std::vector<bool> passed;
    passed.reserve(heldout_scores.size());
    for (const double score : heldout_scores) {
        passed.push_back(std::isfinite(score) && score >= floor);
    }
    return passed;
}

}  // namespace covenant::protocol
