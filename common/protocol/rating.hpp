// Plackett-Luce rating (Weng and Lin, JMLR 2011, algorithm 4) in binary64 with IEEE basic
// operations and our own exp only (R8.4, R8.5). A statistic to look at: no pay depends on it.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace covenant::protocol {

struct Rating {
    double mu = 25.0;
    double sigma = 25.0 / 3.0;
    [[nodiscard]] double ordinal() const { return mu - 3.0 * sigma; }
    bool operator==(const Rating&) const = default;
};

// ranks[i]: 1 is best, ties share a rank. ratings is updated in place; same size. Does nothing
// below two players.
void update_ratings(std::span<Rating> ratings, std::span<const std::uint32_t> ranks);

// exp(x) for |x| <= 700 with relative error below 1e-15; clamped outside.
double canonical_exp(double x);

}  // namespace covenant::protocol
