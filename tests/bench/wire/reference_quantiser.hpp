// The reference network's quantiser of the values that a tensor sends, as its public code has it:
// four bins over six standard deviations around the mean, each decoded to the mean of what fell
// into it.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <span>

namespace covenant::bench {

// Sum of (value - decoded)^2. Fewer than two values, or equal ones, cost nothing.
inline double reference_squared_error(std::span<const float> values) {
    constexpr int kBins = 4;
    constexpr double kRange = 6.0;
    if (values.size() < 2) return 0.0;
    double shift = 0.0;
    for (const float value : values)
        shift += static_cast<double>(value) / static_cast<double>(values.size());
    double variance = 0.0;
    for (const float value : values) {
        const double centred = static_cast<double>(value) - shift;
        variance += centred * centred / static_cast<double>(values.size() - 1);
    }
    const double scale = kRange * std::sqrt(variance) / kBins;
    if (scale == 0.0) return 0.0;
    const auto bin_of = [&](double centred) {
        return static_cast<std::size_t>(
            std::clamp(std::nearbyint(centred / scale + kBins / 2), 0.0, kBins - 1.0));
    };
    std::array<double, kBins> sums{};
    std::array<double, kBins> counts{};
    for (const float value : values) {
        const double centred = static_cast<double>(value) - shift;
        sums[bin_of(centred)] += centred;
        counts[bin_of(centred)] += 1.0;
    }
    double error = 0.0;
    for (const float value : values) {
        const double centred = static_cast<double>(value) - shift;
        const std::size_t bin = bin_of(centred);
        const double off = centred - sums[bin] / counts[bin];
        error += off * off;
    }
    return error;
}

}  // namespace covenant::bench
