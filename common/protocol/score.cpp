// Ratings, version 2: version u16, count u32, then for each uid, ascending: uid u16, mu, sigma
// (binary64 bits).
#include "common/protocol/score.hpp"

#include "common/codec/reader.hpp"
#include "common/codec/writer.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace covenant::protocol {
namespace {

constexpr std::uint16_t kVersion = 2;
constexpr std::size_t kRatingBytes = 18;
constexpr double kBase = 0.7;    // of the work's worth, for having done it
constexpr double kRanked = 0.3;  // at most, for what it improved
constexpr double kMiddle = 0.5;  // where nothing can be compared

bool has_score(const MinerRound& miner) {
    return miner.loss_score && std::isfinite(*miner.loss_score);
}

std::vector<double> loss_scores(std::span<const MinerRound> miners) {
    std::vector<double> out;
    for (const MinerRound& miner : miners) {
        if (has_score(miner)) out.push_back(*miner.loss_score);
    }
    return out;
}

// Zero of none.
double median_of(std::vector<double> values) {
    if (values.empty()) return 0.0;
    std::sort(values.begin(), values.end());
    const std::size_t half = values.size() / 2;
    return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2.0;
}

bool is_copied(const MinerRound& miner, std::span<const MinerRound> miners) {
    return miner.payload_root &&
           std::count_if(miners.begin(), miners.end(), [&](const MinerRound& other) {
               return other.payload_root == miner.payload_root;
           }) > 1;
}

double improvement(const MinerRound& miner, double median) {
    if (!has_score(miner) || !(median > 0.0)) return kMiddle;
    return std::clamp(*miner.loss_score / (2.0 * median), 0.0, 1.0);
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

}  // namespace

double work_share(std::uint64_t done, std::uint64_t whole) {
    return std::min(static_cast<double>(done) / static_cast<double>(whole), 1.0);
}

std::vector<MinerScore> score_round(const RunSpec& spec, std::span<const MinerRound> miners) {
    const double median = median_of(loss_scores(miners));
    std::vector<MinerScore> scores;
    scores.reserve(miners.size());
    for (const MinerRound& miner : miners) {
        const double worth = kBase + kRanked * improvement(miner, median);
        scores.push_back({.uid = miner.uid,
                          .score = is_copied(miner, miners)
                                       ? 0.0
                                       : worth * work_share(miner.segments, spec.segments())});
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
    std::vector<double> finite;
    for (const double score : heldout_scores) {
        if (std::isfinite(score)) finite.push_back(score);
    }
    const double floor = std::max(0.0, 0.25 * median_of(std::move(finite)));
    std::vector<bool> passed;
    passed.reserve(heldout_scores.size());
    for (const double score : heldout_scores) {
        passed.push_back(std::isfinite(score) && score >= floor);
    }
    return passed;
}

void rate_round(std::span<const MinerRound> miners, std::map<Uid, Rating>& ratings) {
    std::vector<Rating> players;
    for (const MinerRound& miner : miners) {
        if (has_score(miner)) players.push_back(ratings[miner.uid]);
    }
    update_ratings(players, ranks_of(loss_scores(miners)));
    std::size_t player = 0;
    for (const MinerRound& miner : miners) {
        if (has_score(miner)) ratings[miner.uid] = players[player++];
    }
}

Bytes encode_ratings(const std::map<Uid, Rating>& ratings) {
    codec::Writer out(6 + kRatingBytes * ratings.size());
    out.u16(kVersion).count(ratings.size());
    for (const auto& [uid, rating] : ratings) {
        out.id(uid)
            .u64(std::bit_cast<std::uint64_t>(rating.mu))
            .u64(std::bit_cast<std::uint64_t>(rating.sigma));
    }
    return out.take();
}

Outcome<std::map<Uid, Rating>> decode_ratings(ByteView bytes) {
    codec::Reader in(bytes);
    const std::uint16_t version = in.u16();
    if (in.ok() && version != kVersion) return refuse(Verdict::kUnsupportedVersion);
    const std::size_t count = in.count(kRatingBytes, kMaxUids);
    std::map<Uid, Rating> out;
    for (std::size_t i = 0; i < count; ++i) {
        const Uid uid = in.id<Uid>();
        Rating rating;
        rating.mu = std::bit_cast<double>(in.u64());
        rating.sigma = std::bit_cast<double>(in.u64());
        if (uid.value >= kMaxUids) return refuse(Verdict::kMalformed);
        if (!out.empty() && uid <= out.rbegin()->first) return refuse(Verdict::kNotCanonical);
        if (!std::isfinite(rating.mu) || !std::isfinite(rating.sigma)) {
            return refuse(Verdict::kNotFinite);
        }
        out.emplace_hint(out.end(), uid, rating);
    }
    if (!in.finish()) return refuse(Verdict::kMalformed);
    return out;
}

}  // namespace covenant::protocol
