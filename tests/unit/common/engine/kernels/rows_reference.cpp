#include "tests/unit/common/engine/kernels/rows_reference.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <numbers>

namespace covenant::kernels {
namespace {

float from_bits(std::uint32_t bits) {
    return std::bit_cast<float>(bits);
}

// E1
float exp1(float x) {
    if (std::isnan(x)) return x;
    if (x < -87.0F) return 0.0F;
    const float n = std::nearbyint(x * from_bits(0x3FB8AA3B));
    float r = std::fma(n, -from_bits(0x3F318000), x);
    r = std::fma(n, from_bits(0x395E8083), r);
    float q = from_bits(0x39506967);
    for (const std::uint32_t c : {0x3AB743CEU, 0x3C088908U, 0x3D2AA9C1U, 0x3E2AAAAAU, 0x3F000000U})
        q = std::fma(q, r, from_bits(c));
    const float y = std::fma(q, r * r, r) + 1.0F;
    return std::ldexp(y, static_cast<int>(n));
}

float sigmoid1(float x) {
    const float e = exp1(-std::fabs(x));
    const float s = 1.0F / (1.0F + e);
    return x >= 0.0F ? s : e * s;
}

double log1(double x) {
    double exponent = 0.0;
    for (; x >= 2.0; x *= 0.5)
        exponent += 1.0;
    const double z = (x - 1.0) / (x + 1.0);
    double sum = 0.0;
    for (int k = 30; k >= 0; --k)
        sum = sum * (z * z) + 1.0 / (2.0 * k + 1.0);
    return exponent * std::numbers::ln2 + 2.0 * z * sum;
}

// E4: element i, in ascending order, to lane i mod 16; lanes fold 8-4-2-1.
template <class T>
struct Lanes {
    std::array<T, 16> lane{};
    std::size_t next = 0;

    T& turn() { return lane[next++ % 16]; }
    T fold() const {
        std::array<T, 16> l = lane;
        for (const std::size_t half : {8U, 4U, 2U, 1U}) {
            for (std::size_t j = 0; j < half; ++j)
                l[j] += l[j + half];
        }
        return l[0];
    }
};

float dot(const float* a, const float* b, std::size_t count) {
    Lanes<float> lanes;
    for (std::size_t i = 0; i < count; ++i) {
        float& lane = lanes.turn();
        lane = std::fma(a[i], b[i], lane);
    }
    return lanes.fold();
}

void rms_norm(const float* x, const float* gain, std::size_t rows, std::size_t cols, float eps,
              float* y, float* inv) {
    for (std::size_t i = 0; i < rows; ++i) {
        const float* row = x + i * cols;
        inv[i] = 1.0F / std::sqrt(dot(row, row, cols) / static_cast<float>(cols) + eps);
        for (std::size_t j = 0; j < cols; ++j)
            y[i * cols + j] = (row[j] * inv[i]) * gain[j];
    }
}

void rms_norm_backward(const float* dy, const float* x, const float* gain, const float* inv,
                       std::size_t rows, std::size_t cols, float* dx, float* gain_gradient) {
    for (std::size_t j = 0; j < cols; ++j) {
        float acc = 0.0F;
        for (std::size_t i = 0; i < rows; ++i)
            acc = std::fma(dy[i * cols + j], x[i * cols + j] * inv[i], acc);
        gain_gradient[j] = acc;
    }
    for (std::size_t i = 0; i < rows; ++i) {
        std::vector<float> t(cols);
        for (std::size_t j = 0; j < cols; ++j)
            t[j] = dy[i * cols + j] * gain[j];
        const float d = dot(t.data(), x + i * cols, cols);
        const float s = (((d * inv[i]) * inv[i]) * inv[i]) / static_cast<float>(cols);
        for (std::size_t j = 0; j < cols; ++j) {
            float& out = dx[i * cols + j];
            out = out + (t[j] * inv[i] - x[i * cols + j] * s);
        }
    }
}

void rope(float* x, std::size_t rows, std::size_t stride, std::size_t heads, std::size_t head_dim,
          std::size_t seq_len, const float* cos, const float* sin, bool inverse) {
    const std::size_t half = head_dim / 2;
    for (std::size_t i = 0; i < rows; ++i) {
        for (std::size_t h = 0; h < heads; ++h) {
            for (std::size_t j = 0; j < half; ++j) {
                float& low = x[i * stride + h * head_dim + j];
                float& high = x[i * stride + h * head_dim + j + half];
                const float c = cos[(i % seq_len) * half + j];
                const float s =
                    inverse ? -sin[(i % seq_len) * half + j] : sin[(i % seq_len) * half + j];
                const float turned = low * c - high * s;
                high = high * c + low * s;
                low = turned;
            }
        }
    }
}

void swiglu(const float* gate, const float* up, std::size_t count, float* out) {
    for (std::size_t i = 0; i < count; ++i)
        out[i] = (gate[i] * sigmoid1(gate[i])) * up[i];
}

void swiglu_backward(const float* d_out, const float* gate, const float* up, std::size_t count,
                     float* d_gate, float* d_up) {
    for (std::size_t i = 0; i < count; ++i) {
        const float d = d_out[i];
        const float g = gate[i];
        const float u = up[i];
        const float s = sigmoid1(g);
        d_up[i] = d * (g * s);
        d_gate[i] = (d * u) * (s * (1.0F + g * (1.0F - s)));
    }
}

void softmax_row(float* s, std::size_t live, std::size_t cols, float scale) {
    float high = -std::numeric_limits<float>::infinity();
    for (std::size_t j = 0; j < live; ++j) {
        s[j] = s[j] * scale;
        high = std::max(high, s[j]);
    }
    Lanes<float> lanes;
    for (std::size_t j = 0; j < live; ++j) {
        s[j] = exp1(s[j] - high);
        lanes.turn() += s[j];
    }
    const float share = 1.0F / lanes.fold();
    for (std::size_t j = 0; j < cols; ++j)
        s[j] = j < live ? s[j] * share : 0.0F;
}

void softmax_backward_row(const float* p, float delta, std::size_t live, std::size_t cols,
                          float scale, float* dp) {
    for (std::size_t j = 0; j < cols; ++j)
        dp[j] = j < live ? (p[j] * (dp[j] - delta)) * scale : 0.0F;
}

float cross_entropy_row(float* logits, std::size_t vocab, std::size_t target, float weight) {
    const float high = *std::max_element(logits, logits + vocab);
    Lanes<float> lanes;
    for (std::size_t j = 0; j < vocab; ++j)
        lanes.turn() += exp1(logits[j] - high);
    const float l = lanes.fold();
    const float nats = (static_cast<float>(log1(static_cast<double>(l))) + high) - logits[target];
    if (weight == 0.0F) return nats;
    for (std::size_t j = 0; j < vocab; ++j) {
        const float p = exp1(logits[j] - high) * (1.0F / l);
        logits[j] = (p - (j == target ? 1.0F : 0.0F)) * weight;
    }
    return nats;
}

void adamw(const AdamStep& step, const float* gradient, std::size_t count, float* theta, float* m,
           float* v) {
    for (std::size_t i = 0; i < count; ++i) {
        const float g = gradient[i] * step.scale;
        m[i] = step.beta1 * m[i] + step.rest1 * g;
        v[i] = step.beta2 * v[i] + (step.rest2 * g) * g;
        const float u = (m[i] * step.correct1) / (std::sqrt(v[i] * step.correct2) + step.eps);
        theta[i] = (theta[i] - step.decay * theta[i]) - step.rate * u;
    }
}

double sum_of_squares(const float* x, std::size_t count) {
    Lanes<double> lanes;
    for (std::size_t i = 0; i < count; ++i) {
        const bool tiny = std::fabs(x[i]) < std::numeric_limits<float>::min();
        const double wide = tiny ? 0.0 : static_cast<double>(x[i]);
        lanes.turn() += wide * wide;
    }
    return lanes.fold();
}

void add(const float* x, std::size_t count, float* y) {
    for (std::size_t i = 0; i < count; ++i)
        y[i] = y[i] + x[i];
}

bool all_finite(const float* x, std::size_t count) {
    return std::all_of(x, x + count, [](float one) { return std::isfinite(one); });
}

void exp_all(const float* x, std::size_t count, float* y) {
    std::transform(x, x + count, y, exp1);
}

void sigmoid_all(const float* x, std::size_t count, float* y) {
    std::transform(x, x + count, y, sigmoid1);
}

}  // namespace

Kernels reference_rows() {
    return {.isa = Isa::kScalar,
            .gemm = nullptr,
            .rms_norm = rms_norm,
            .rms_norm_backward = rms_norm_backward,
            .rope = rope,
            .swiglu = swiglu,
            .swiglu_backward = swiglu_backward,
            .softmax_row = softmax_row,
            .softmax_backward_row = softmax_backward_row,
            .dot = dot,
            .cross_entropy_row = cross_entropy_row,
            .adamw = adamw,
            .sum_of_squares = sum_of_squares,
            .add = add,
            .all_finite = all_finite,
            .exp = exp_all,
            .sigmoid = sigmoid_all};
}

}  // namespace covenant::kernels
