// Scores, weights, ratings and the loss gate (R8, R6.9).
#include "common/protocol/rating.hpp"

#include "common/base/counter_rng.hpp"
#include "common/protocol/score.hpp"
#include "tests/support/protocol_fixture.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>

namespace covenant::protocol {
namespace {

double unit(CounterRng& rng) {
    return static_cast<double>(rng.next_u64() >> 11) * 0x1p-53;
}

TEST(CanonicalExp, IsWithinAFewUlpOfTheTrueValue) {
    CounterRng rng(1);
    for (int i = 0; i < 200000; ++i) {
        const double scale = i % 2 == 0 ? 1.0 : 700.0;
        const double x = (2.0 * unit(rng) - 1.0) * scale;
        const long double expected = std::exp(static_cast<long double>(x));
        const long double error =
            std::fabs((static_cast<long double>(canonical_exp(x)) - expected) / expected);
        ASSERT_LT(error, 1e-15L) << x;
    }
    EXPECT_EQ(canonical_exp(0.0), 1.0);
    EXPECT_EQ(canonical_exp(-0.0), 1.0);
}

TEST(CanonicalExp, IsClampedAndDefinedEverywhere) {
    const double infinity = std::numeric_limits<double>::infinity();
    EXPECT_EQ(canonical_exp(1e9), canonical_exp(700.0));
    EXPECT_EQ(canonical_exp(infinity), canonical_exp(700.0));
    EXPECT_EQ(canonical_exp(-infinity), canonical_exp(-700.0));
    EXPECT_EQ(canonical_exp(std::nan("")), canonical_exp(-700.0));
    EXPECT_GT(canonical_exp(-700.0), 0.0);
}

// The bits are the contract between validators: these must never change.
TEST(CanonicalExp, KeepsItsBits) {
    EXPECT_EQ(canonical_exp(1.0), 0x1.5bf0a8b14576ap+1);
    EXPECT_EQ(canonical_exp(-1.0), 0x1.78b56362cef38p-2);
    EXPECT_EQ(canonical_exp(0.5), 0x1.a61298e1e069cp+0);
    EXPECT_EQ(canonical_exp(-3.25), 0x1.3da368521902dp-5);
    EXPECT_EQ(canonical_exp(100.0), 0x1.3494a9b171bf5p+144);
}

// Weng and Lin's formulas written down again, in long double and in another order of loops.
std::vector<Rating> reference_update(const std::vector<Rating>& before,
                                     const std::vector<std::uint32_t>& ranks) {
    const std::size_t n = before.size();
    long double total = 0;
    for (const Rating& r : before) {
        total += static_cast<long double>(r.sigma) * r.sigma + 0.01L + 49.0L;
    }
    const long double c = std::sqrt(total);
    std::vector<Rating> after(n);
    for (std::size_t i = 0; i < n; ++i) {
        const long double variance =
            static_cast<long double>(before[i].sigma) * before[i].sigma + 0.01L;
        long double omega = 0;
        long double delta = 0;
        for (std::size_t q = 0; q < n; ++q) {
            if (ranks[q] > ranks[i]) continue;
            long double denominator = 0;
            for (std::size_t s = 0; s < n; ++s) {
                if (ranks[s] >= ranks[q]) {
                    denominator +=
                        std::exp((static_cast<long double>(before[s].mu) - before[i].mu) / c);
                }
            }
            const long double p = 1.0L / denominator;
            const auto tied =
                static_cast<long double>(std::count(ranks.begin(), ranks.end(), ranks[q]));
            omega += ((q == i ? 1.0L : 0.0L) - p) / tied;
            delta += p * (1.0L - p) / tied;
        }
        omega *= variance / c;
        delta *= std::sqrt(variance) / c * variance / (c * c);
        after[i].mu = static_cast<double>(before[i].mu + omega);
        after[i].sigma = static_cast<double>(std::sqrt(variance * std::max(1.0L - delta, 1e-4L)));
    }
    return after;
}

TEST(PlackettLuce, AgreesWithTheFormulasInHigherPrecision) {
    CounterRng rng(2);
    for (int trial = 0; trial < 200; ++trial) {
        const std::size_t n = 2 + rng.below(30);
        std::vector<Rating> ratings(n);
        std::vector<std::uint32_t> ranks(n);
        for (std::size_t i = 0; i < n; ++i) {
            ratings[i] = {.mu = 50.0 * unit(rng), .sigma = 0.5 + 8.0 * unit(rng)};
            ranks[i] = static_cast<std::uint32_t>(1 + rng.below(n));
        }
        const std::vector<Rating> expected = reference_update(ratings, ranks);
        update_ratings(ratings, ranks);
        for (std::size_t i = 0; i < n; ++i) {
            ASSERT_NEAR(ratings[i].mu, expected[i].mu, 1e-11);
            ASSERT_NEAR(ratings[i].sigma, expected[i].sigma, 1e-11);
        }
    }
}

// Two new players, worked by hand: c^2 = 2 (625/9 + .01 + 49), p = 1/2.
TEST(PlackettLuce, TwoNewPlayersMoveSymmetrically) {
    std::vector<Rating> ratings(2);
    update_ratings(ratings, std::vector<std::uint32_t>{1, 2});
    const double variance = 625.0 / 9.0 + 0.01;
    const double c = std::sqrt(2.0 * (variance + 49.0));
    EXPECT_NEAR(ratings[0].mu, 25.0 + variance / c * 0.5, 1e-12);
    EXPECT_NEAR(ratings[0].mu + ratings[1].mu, 50.0, 1e-12);
    EXPECT_LT(ratings[0].sigma, 25.0 / 3.0);
}

TEST(PlackettLuce, TiesMoveNobodyOfEqualRating) {
    std::vector<Rating> ratings(4);
    update_ratings(ratings, std::vector<std::uint32_t>{1, 1, 1, 1});
    for (const Rating& r : ratings) {
        EXPECT_NEAR(r.mu, 25.0, 1e-12);
        EXPECT_EQ(r.sigma, ratings[0].sigma);
    }
}

TEST(PlackettLuce, BetterRanksNeverEndLower) {
    std::vector<Rating> ratings(10);
    std::vector<std::uint32_t> ranks(10);
    std::iota(ranks.begin(), ranks.end(), 1U);
    for (int round = 0; round < 20; ++round)
        update_ratings(ratings, ranks);
    for (std::size_t i = 1; i < ratings.size(); ++i)
        EXPECT_GT(ratings[i - 1].mu, ratings[i].mu);
}

TEST(PlackettLuce, OnePlayerAloneLearnsNothing) {
    std::vector<Rating> one(1);
    update_ratings(one, std::vector<std::uint32_t>{1});
    EXPECT_EQ(one[0], Rating{});
}

constexpr std::uint16_t kWhole = 6;  // segments of a round of the sample run

MinerRound honest(std::uint16_t uid, std::optional<double> loss_score) {
    return {.uid = Uid(uid),
            .segments = kWhole,
            .loss_score = loss_score,
            .payload_root = filled_hash(static_cast<std::uint8_t>(uid + 1))};
}

std::vector<double> scored(const std::vector<MinerRound>& miners) {
    std::vector<double> out;
    for (const MinerScore& one : score_round(sample_spec(), miners))
        out.push_back(one.score);
    return out;
}

TEST(Score, IsTheWorkAndAThirdOfItByWhatItImproved) {
    // The median is .2: twice of it or more is the most, nothing or less the least.
    const auto x =
        scored({honest(0, 0.2), honest(1, 0.4), honest(2, 9.0), honest(3, -1.0), honest(4, 0.1)});
    EXPECT_EQ(x, (std::vector{0.7 + 0.3 * 0.5, 1.0, 1.0, 0.7, 0.7 + 0.3 * 0.25}));
    const auto scores = score_round(sample_spec(), std::vector{honest(7, 0.1), honest(3, 0.1)});
    EXPECT_EQ(scores[0].uid, Uid(7)) << "in the order given";
}

TEST(Score, AnEvenCountHasItsMedianBetweenTheMiddleTwo) {
    EXPECT_EQ(scored({honest(0, 0.1), honest(1, 0.3)}),
              (std::vector{0.7 + 0.3 * (0.1 / (2.0 * ((0.1 + 0.3) / 2.0))),
                           0.7 + 0.3 * (0.3 / (2.0 * ((0.1 + 0.3) / 2.0)))}));
}

TEST(Score, WithoutAMedianAboveZeroAllAreInTheMiddle) {
    const double middle = 0.7 + 0.3 * 0.5;
    EXPECT_EQ(scored({honest(0, 0.0), honest(1, 0.0), honest(2, 5.0)}),
              (std::vector{middle, middle, middle}));
    EXPECT_EQ(scored({honest(0, -1.0)}), std::vector{middle});
}

TEST(Score, WhatCannotBeScoredIsInTheMiddleAndMovesNoMedian) {
    const double middle = 0.7 + 0.3 * 0.5;
    EXPECT_EQ(scored({honest(0, std::nullopt), honest(1, 0.2), honest(2, std::nan(""))}),
              (std::vector{middle, middle, middle}));
    EXPECT_EQ(scored({honest(0, std::nullopt), honest(1, 0.1), honest(2, 0.2), honest(3, 0.4)}),
              (std::vector{middle, 0.7 + 0.3 * 0.25, middle, 1.0}));
}

TEST(Score, IsLinearInTheWorkUpToAWholeRound) {
    const auto score_for = [](std::uint16_t segments) {
        MinerRound miner = honest(0, 0.1);
        miner.segments = segments;
        return scored({miner})[0];
    };
    EXPECT_EQ(score_for(kWhole) * 0.5, score_for(kWhole / 2));
    EXPECT_EQ(score_for(kWhole), score_for(4 * kWhole)) << "more than all of it is not paid";
    EXPECT_EQ(score_for(65535), score_for(kWhole));
    EXPECT_EQ(score_for(0), 0.0);
}

TEST(Score, EqualPayloadsArePaidNeither) {
    MinerRound copy = honest(1, 0.2);
    copy.payload_root = honest(0, 0.2).payload_root;
    EXPECT_EQ(scored({honest(0, 0.2), copy, honest(2, 0.2)}),
              (std::vector{0.0, 0.0, 0.7 + 0.3 * 0.5}));
    MinerRound unseen = honest(3, std::nullopt);
    unseen.payload_root.reset();
    EXPECT_GT(scored({unseen, unseen})[0], 0.0) << "who shows no payload copies nobody's";
}

TEST(RateRound, MovesWhoHasAScore) {
    std::map<Uid, Rating> ratings;
    rate_round(std::vector{honest(0, 0.1), honest(1, 0.3), honest(2, std::nullopt)}, ratings);
    EXPECT_GT(ratings.at(Uid(1)).mu, ratings.at(Uid(0)).mu);
    EXPECT_FALSE(ratings.contains(Uid(2)));
    const auto before = ratings;
    rate_round(std::vector{honest(0, 0.1)}, ratings);
    EXPECT_EQ(ratings, before) << "nobody to be compared with";
}

TEST(Weights, ScaleTheBestTo65535) {
    const std::vector<MinerScore> scores = {{Uid(4), 0.5}, {Uid(1), 1.0}, {Uid(2), 0.0}};
    EXPECT_EQ(weights_from_scores(scores), (std::vector<std::uint16_t>{0, 65535, 0, 0, 32767}));
    EXPECT_EQ(weights_from_scores(std::vector<MinerScore>{{Uid(1), 0.0}}),
              (std::vector<std::uint16_t>{0, 0}));
    EXPECT_TRUE(weights_from_scores({}).empty());
}

TEST(LossGate, IsAQuarterOfTheMedianAndNeverBelowZero) {
    const double nan = std::nan("");
    EXPECT_EQ(loss_gate(std::vector{0.4, 0.1, 0.8}), (std::vector<bool>{true, true, true}));
    EXPECT_EQ(loss_gate(std::vector{0.4, 0.099, 0.8, 0.4}),
              (std::vector<bool>{true, false, true, true}));
    EXPECT_EQ(loss_gate(std::vector{-0.4, -0.1, 0.0}), (std::vector<bool>{false, false, true}));
    EXPECT_EQ(loss_gate(std::vector{nan, 0.4}), (std::vector<bool>{false, true}));
    EXPECT_TRUE(loss_gate({}).empty());
}

}  // namespace
}  // namespace covenant::protocol
