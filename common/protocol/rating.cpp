#include "common/protocol/rating.hpp"

#include "common/base/assert.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

namespace covenant::protocol {
namespace {

constexpr double kBeta = 7.0;
constexpr double kTau = 0.1;
constexpr double kKappa = 1e-4;
constexpr double kMaxExponent = 700.0;

// ln 2 in two parts: the first ends in 20 zero bits, so n * kLn2High is exact for |n| < 2^20.
constexpr double kLn2High = 0x1.62e42feep-1;
constexpr double kLn2Low = 0x1.a39ef35793c76p-33;
constexpr double kLog2E = 0x1.71547652b82fep0;

// 1/13!, 1/12!, ... 1/1!, 1/0!: the remainder of the series is below 2^-57 for |r| <= ln 2 / 2.
constexpr std::array<double, 14> kInverseFactorials = {1.0 / 6227020800.0,
                                                       1.0 / 479001600.0,
                                                       1.0 / 39916800.0,
                                                       1.0 / 3628800.0,
                                                       1.0 / 362880.0,
                                                       1.0 / 40320.0,
                                                       1.0 / 5040.0,
                                                       1.0 / 720.0,
                                                       1.0 / 120.0,
                                                       1.0 / 24.0,
                                                       1.0 / 6.0,
                                                       0.5,
                                                       1.0,
                                                       1.0};

}  // namespace

double canonical_exp(double x) {
    if (!(x > -kMaxExponent)) x = -kMaxExponent;  // NaN too: a defined value for every input
    if (x > kMaxExponent) x = kMaxExponent;
    const double n = std::floor(x * kLog2E + 0.5);
    const double r = (x - n * kLn2High) - n * kLn2Low;
    double sum = kInverseFactorials[0];
    for (std::size_t i = 1; i < kInverseFactorials.size(); ++i) {
        sum = sum * r + kInverseFactorials[i];
    }
    const auto exponent = static_cast<std::uint64_t>(static_cast<std::int64_t>(n) + 1023);
    return sum * std::bit_cast<double>(exponent << 52);
}

void update_ratings(std::span<Rating> ratings, std::span<const std::uint32_t> ranks) {
    COVENANT_ASSERT(ratings.size() == ranks.size(), "one rank a player");
    const std::size_t players = ratings.size();
    if (players < 2) return;

    std::vector<double> variance(players);
    double c_squared = 0.0;
    for (std::size_t i = 0; i < players; ++i) {
        variance[i] = ratings[i].sigma * ratings[i].sigma + kTau * kTau;
        c_squared += variance[i] + kBeta * kBeta;
    }
    const double c = std::sqrt(c_squared);

    std::vector<double> strength(players);
    for (std::size_t i = 0; i < players; ++i)
        strength[i] = canonical_exp(ratings[i].mu / c);
    std::vector<double> field(players, 0.0);  // strengths of all who did not beat q
    std::vector<double> ties(players, 0.0);   // A_q
    for (std::size_t q = 0; q < players; ++q) {
        for (std::size_t s = 0; s < players; ++s) {
            if (ranks[s] >= ranks[q]) field[q] += strength[s];
            if (ranks[s] == ranks[q]) ties[q] += 1.0;
        }
    }
    for (std::size_t i = 0; i < players; ++i) {
        double omega = 0.0;
        double delta = 0.0;
        for (std::size_t q = 0; q < players; ++q) {
            if (ranks[q] > ranks[i]) continue;
            const double p = strength[i] / field[q];
            omega += ((q == i ? 1.0 : 0.0) - p) / ties[q];
            delta += p * (1.0 - p) / ties[q];
        }
        omega = (variance[i] / c) * omega;
        delta = (std::sqrt(variance[i]) / c) * (variance[i] / c_squared) * delta;
        ratings[i].mu += omega;
        ratings[i].sigma = std::sqrt(variance[i] * std::max(1.0 - delta, kKappa));
    }
}

}  // namespace covenant::protocol
