#include "common/engine/rope_table.hpp"

#include <cstddef>

namespace covenant::engine {
namespace {

// ln x for x >= 1: halve into [1, 2), then 2 atanh((x - 1) / (x + 1)); 30 terms leave less than
// 2^-60.
double natural_log(double x) {
    constexpr double kLn2 = 0.693147180559945309417232121458;
    double exponent = 0.0;
    while (x >= 2.0) {
        x *= 0.5;
        exponent += 1.0;
    }
    const double z = (x - 1.0) / (x + 1.0);
    const double z2 = z * z;
    double sum = 0.0;
    for (int k = 30; k >= 0; --k)
        sum = sum * z2 + 1.0 / static_cast<double>(2 * k + 1);
    return exponent * kLn2 + 2.0 * z * sum;
}

// e^x for x <= 0: e^(x / 32) by Taylor (Horner, 20 terms), squared five times.
double exponential(double x) {
    const double y = x / 32.0;
    double sum = 1.0;
    for (int k = 20; k >= 1; --k)
        sum = 1.0 + sum * (y / static_cast<double>(k));
    for (int k = 0; k < 5; ++k)
        sum *= sum;
    return sum;
}

struct Rotation {
    double cos;
    double sin;
};

// Of an angle in [0, 1].
Rotation rotation(double angle) {
    const double square = angle * angle;
    double cos = 1.0;
    double sin = 1.0;
    for (int k = 12; k >= 1; --k) {
        const double n = static_cast<double>(2 * k);
        cos = 1.0 - cos * (square / (n * (n - 1.0)));
        sin = 1.0 - sin * (square / (n * (n + 1.0)));
    }
    return {cos, angle * sin};
}

}  // namespace

RopeTable rope_table(std::uint32_t seq_len, std::uint32_t head_dim, float theta) {
    RopeTable table{.seq_len = seq_len, .half = head_dim / 2, .cos = {}, .sin = {}};
    const std::size_t half = table.half;
    table.cos.resize(std::size_t{seq_len} * half);
    table.sin.resize(table.cos.size());
    const double log_theta = natural_log(static_cast<double>(theta));
    for (std::size_t i = 0; i < half; ++i) {
        const double share = static_cast<double>(i) / static_cast<double>(half);
        const Rotation unit = rotation(exponential(-(share * log_theta)));
        Rotation at{1.0, 0.0};
        for (std::size_t t = 0; t < seq_len; ++t) {
            table.cos[t * half + i] = static_cast<float>(at.cos);
            table.sin[t * half + i] = static_cast<float>(at.sin);
            at = {at.cos * unit.cos - at.sin * unit.sin, at.sin * unit.cos + at.cos * unit.sin};
        }
    }
    return table;
}

}  // namespace covenant::engine
