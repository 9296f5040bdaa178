// Sixteen fp32 lanes as an array, for row_kernels.inl: the meaning of the vector class that each
// instruction set brings. Arithmetic is that of scalar_float.hpp, whatever FTZ and DAZ say.
#pragma once

#include "common/engine/kernels/scalar_float.hpp"

#include <bit>
#include <cstddef>
#include <cstdint>

namespace covenant::kernels {
namespace {

#define COVENANT_INLINE inline

struct Mask {
    bool lane[16];
};

struct Vec {
    float lane[16];

    static Vec load(const float* p) { return load_first(p, 16); }
    // The first n of 16 (0 <= n <= 16) from memory, the others +0; nothing beyond is touched.
    static Vec load_first(const float* p, std::size_t n) {
        Vec v{};
        for (std::size_t i = 0; i < n; ++i)
            v.lane[i] = p[i];
        return v;
    }
    static Vec set1(float x) {
        Vec v{};
        for (float& lane : v.lane)
            lane = x;
        return v;
    }
    // set1 of a bit pattern.
    static Vec bits(std::uint32_t x) { return set1(std::bit_cast<float>(x)); }
    void store(float* p) const { store_first(p, 16); }
    void store_first(float* p, std::size_t n) const {
        for (std::size_t i = 0; i < n; ++i)
            p[i] = lane[i];
    }
    [[nodiscard]] float lane0() const { return lane[0]; }
    // E4: lanes fold 8-4-2-1.
    [[nodiscard]] float sum() const {
        Vec v = *this;
        for (std::size_t half = 8; half >= 1; half /= 2) {
            for (std::size_t i = 0; i < half; ++i)
                v.lane[i] = scalar::add(v.lane[i], v.lane[i + half]);
        }
        return v.lane[0];
    }
    [[nodiscard]] float largest() const {
        float high = lane[0];
        for (const float x : lane)
            high = x > high ? x : high;
        return high;
    }
};

template <class F>
Vec map(F f) {
    Vec v{};
    for (std::size_t i = 0; i < 16; ++i)
        v.lane[i] = f(i);
    return v;
}

inline Vec operator+(const Vec& a, const Vec& b) {
    return map([&](std::size_t i) { return scalar::add(a.lane[i], b.lane[i]); });
}
inline Vec operator-(const Vec& a, const Vec& b) {
    return map([&](std::size_t i) { return scalar::sub(a.lane[i], b.lane[i]); });
}
inline Vec operator*(const Vec& a, const Vec& b) {
    return map([&](std::size_t i) { return scalar::mul(a.lane[i], b.lane[i]); });
}
inline Vec operator/(const Vec& a, const Vec& b) {
    return map([&](std::size_t i) { return scalar::div(a.lane[i], b.lane[i]); });
}
inline Vec sqrt(const Vec& a) {
    return map([&](std::size_t i) { return scalar::sqrt(a.lane[i]); });
}
inline Vec fma(const Vec& a, const Vec& b, const Vec& c) {
    return map([&](std::size_t i) { return scalar::fma(a.lane[i], b.lane[i], c.lane[i]); });
}
// b where either is NaN. Which zero (or denormal) wins is open: callers must not depend on it.
inline Vec max(const Vec& a, const Vec& b) {
    return map([&](std::size_t i) { return a.lane[i] > b.lane[i] ? a.lane[i] : b.lane[i]; });
}
// To the nearest integer, ties to even.
inline Vec rint(const Vec& a) {
    constexpr float kShift = 12582912.0F;  // 1.5 * 2^23: its neighbours are the integers
    return map([&](std::size_t i) {
        const float x = scalar::flush(a.lane[i]);
        if (!(x > -4194304.0F && x < 4194304.0F)) return x;
        const float n = (x + kShift) - kShift;
        return n == 0.0F ? std::bit_cast<float>(std::bit_cast<std::uint32_t>(x) & 0x80000000U) : n;
    });
}
// 2^n of an integer n in [-126, 127]; anything for others.
inline Vec power_of_two(const Vec& n) {
    return map([&](std::size_t i) {
        const float x = n.lane[i];
        if (!(x >= -126.0F && x <= 127.0F)) return 0.0F;
        return std::bit_cast<float>(static_cast<std::uint32_t>(static_cast<int>(x) + 127) << 23);
    });
}
inline Vec bit_or(const Vec& a, const Vec& b) {
    return map([&](std::size_t i) {
        return std::bit_cast<float>(std::bit_cast<std::uint32_t>(a.lane[i]) |
                                    std::bit_cast<std::uint32_t>(b.lane[i]));
    });
}
inline Vec bit_xor(const Vec& a, const Vec& b) {
    return map([&](std::size_t i) {
        return std::bit_cast<float>(std::bit_cast<std::uint32_t>(a.lane[i]) ^
                                    std::bit_cast<std::uint32_t>(b.lane[i]));
    });
}
// False where either is NaN.
inline Mask less(const Vec& a, const Vec& b) {
    Mask m{};
    for (std::size_t i = 0; i < 16; ++i)
        m.lane[i] = scalar::flush(a.lane[i]) < scalar::flush(b.lane[i]);
    return m;
}
inline Mask first(std::size_t n) {
    Mask m{};
    for (std::size_t i = 0; i < n; ++i)
        m.lane[i] = true;
    return m;
}
inline Vec select(const Mask& m, const Vec& yes, const Vec& no) {
    return map([&](std::size_t i) { return m.lane[i] ? yes.lane[i] : no.lane[i]; });
}

// Sixteen fp64 sums.
struct Wide {
    double lane[16];

    static Wide zero() { return {}; }
    void add_squares(const Vec& x) {
        for (std::size_t i = 0; i < 16; ++i) {
            const double wide = double{scalar::flush(x.lane[i])};
            lane[i] += wide * wide;
        }
    }
    [[nodiscard]] double sum() const {
        Wide w = *this;
        for (std::size_t half = 8; half >= 1; half /= 2) {
            for (std::size_t i = 0; i < half; ++i)
                w.lane[i] += w.lane[i + half];
        }
        return w.lane[0];
    }
};

}  // namespace
}  // namespace covenant::kernels
