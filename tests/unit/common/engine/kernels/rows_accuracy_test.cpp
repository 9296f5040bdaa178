// The rules themselves: how far exp and sigmoid are from the truth, and whether every backward is
// the derivative of its forward (finite differences in fp64). Bits are rows_test.cpp's affair, so
// one instruction set is enough here.
#include "common/engine/kernels/kernels.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>
#include <random>

#include <gtest/gtest.h>

namespace covenant::kernels {
namespace {

using Doubles = std::vector<double>;
using Floats = std::vector<float>;

const Kernels& best() {
    return *kernels_for(std::min(available_isas().back(), Isa::kAvx512)).value();
}

// |got - right| in units of the last place of `right`.
double ulps(float got, long double right) {
    int exponent = 0;
    std::frexp(static_cast<double>(right), &exponent);
    return static_cast<double>(std::fabs(static_cast<long double>(got) - right) *
                               std::ldexp(1.0L, 24 - exponent));
}

// Floats of one sign, from the smallest normal one to `last`, every `stride`-th.
Floats walk(float last, std::uint32_t stride) {
    const std::uint32_t sign = std::bit_cast<std::uint32_t>(last) & 0x80000000U;
    Floats x;
    for (std::uint32_t bits = sign | 0x00800000U; bits < std::bit_cast<std::uint32_t>(last);
         bits += stride)
        x.push_back(std::bit_cast<float>(bits));
    x.push_back(last);
    return x;
}

TEST(RowAccuracy, ExpIsWithinTheBoundOfItsRule) {
    // Half of the floats that matter lie in [-87, -2^-6]: they are walked more densely.
    Floats x = walk(-87.0F, 16381);
    for (std::uint32_t bits = 0xBC800000U; bits < 0xC2AE0000U; bits += 997)
        x.push_back(std::bit_cast<float>(bits));
    x.push_back(std::bit_cast<float>(0xC0BC17A1U));  // the worst of all, 1.0103
    Floats y(x.size());
    const CanonicalFloatMode mode;
    best().exp(x.data(), x.size(), y.data());
    double worst = 0;
    for (std::size_t i = 0; i < x.size(); ++i)
        worst = std::max(worst, ulps(y[i], std::exp(static_cast<long double>(x[i]))));
    EXPECT_LT(worst, 1.02);
    EXPECT_GT(worst, 0.9) << "the sample does not see the worst cases any more";
}

TEST(RowAccuracy, ExpAtTheEnds) {
    constexpr float kInf = std::numeric_limits<float>::infinity();
    const Floats x{0.0F, -0.0F, -0x1p-126F, -87.0F, std::nextafter(-87.0F, -kInf), -1e30F, -kInf};
    Floats y(x.size());
    const CanonicalFloatMode mode;
    for (const Isa isa : available_isas()) {
        kernels_for(isa).value()->exp(x.data(), x.size(), y.data());
        EXPECT_EQ(y[0], 1.0F);
        EXPECT_EQ(y[1], 1.0F);
        EXPECT_EQ(y[2], 1.0F);
        EXPECT_NEAR(y[3], 1.6458115e-38, 1e-44);
        for (std::size_t i = 4; i < 7; ++i)
            EXPECT_EQ(std::bit_cast<std::uint32_t>(y[i]), 0U) << x[i];
    }
}

TEST(RowAccuracy, SigmoidIsWithinTheBoundOfItsRule) {
    for (const float end : {30.0F, -30.0F}) {
        const Floats x = walk(end, 16381);
        Floats y(x.size());
        const CanonicalFloatMode mode;
        best().sigmoid(x.data(), x.size(), y.data());
        double worst = 0;
        for (std::size_t i = 0; i < x.size(); ++i) {
            const long double right = 1.0L / (1.0L + std::exp(-static_cast<long double>(x[i])));
            worst = std::max(worst, ulps(y[i], right));
        }
        EXPECT_LT(worst, end > 0 ? 1.51 : 2.84);
    }
}

class Source {
  public:
    Floats row(std::size_t size, float scale = 1.0F) {
        std::normal_distribution<float> normal(0.0F, scale);
        Floats row(size);
        for (float& x : row)
            x = normal(random_);
        return row;
    }

  private:
    std::mt19937 random_{7};
};

// d loss / d x by central differences.
Doubles slope(const std::function<double(const Doubles&)>& loss, const Floats& at) {
    constexpr double kStep = 1e-5;
    Doubles x(at.begin(), at.end());
    Doubles slopes(x.size());
    for (std::size_t i = 0; i < x.size(); ++i) {
        const double middle = x[i];
        x[i] = middle + kStep;
        const double up = loss(x);
        x[i] = middle - kStep;
        slopes[i] = (up - loss(x)) / (2 * kStep);
        x[i] = middle;
    }
    return slopes;
}

void expect_near(const Floats& got, const Doubles& right, double tolerance) {
    ASSERT_EQ(got.size(), right.size());
    for (std::size_t i = 0; i < got.size(); ++i)
        EXPECT_NEAR(static_cast<double>(got[i]), right[i], tolerance) << "element " << i;
}

constexpr double kTolerance = 3e-6;

double weighted(const Doubles& y, const Floats& weights) {
    double sum = 0;
    for (std::size_t i = 0; i < y.size(); ++i)
        sum += y[i] * static_cast<double>(weights[i]);
    return sum;
}

TEST(RowAccuracy, RmsNormBackwardIsTheSlope) {
    constexpr std::size_t kRows = 3, kCols = 21;
    constexpr double kEps = 0.25;  // large, so that a wrong place for it shows
    Source source;
    const Floats x = source.row(kRows * kCols), gain = source.row(kCols),
                 dy = source.row(kRows * kCols), before = source.row(kRows * kCols);
    const auto norm = [&](const Doubles& x64, const Doubles& gain64) {
        Doubles y(x64.size());
        for (std::size_t i = 0; i < kRows; ++i) {
            double square = 0;
            for (std::size_t j = 0; j < kCols; ++j)
                square += x64[i * kCols + j] * x64[i * kCols + j];
            for (std::size_t j = 0; j < kCols; ++j)
                y[i * kCols + j] =
                    x64[i * kCols + j] * gain64[j] / std::sqrt(square / kCols + kEps);
        }
        return y;
    };
    const Doubles x64(x.begin(), x.end()), gain64(gain.begin(), gain.end());
    const CanonicalFloatMode mode;
    Floats y(x.size()), inv(kRows), dx = before, gain_gradient(kCols);
    best().rms_norm(x.data(), gain.data(), kRows, kCols, static_cast<float>(kEps), y.data(),
                    inv.data());
    expect_near(y, norm(x64, gain64), kTolerance);
    best().rms_norm_backward(dy.data(), x.data(), gain.data(), inv.data(), kRows, kCols, dx.data(),
                             gain_gradient.data());
    Doubles right = slope([&](const Doubles& at) { return weighted(norm(at, gain64), dy); }, x);
    for (std::size_t i = 0; i < right.size(); ++i)
        right[i] += static_cast<double>(before[i]);
    expect_near(dx, right, kTolerance);
    expect_near(gain_gradient,
                slope([&](const Doubles& at) { return weighted(norm(x64, at), dy); }, gain),
                kTolerance);
}

TEST(RowAccuracy, RopeTurnsPairsAndTurnsThemBack) {
    constexpr std::size_t kRows = 5, kHeads = 2, kDim = 12, kHalf = kDim / 2, kSeqLen = 5;
    Source source;
    const Floats angle = source.row(kSeqLen * kHalf, 3.0F);
    Floats cos(angle.size()), sin(angle.size());
    std::transform(angle.begin(), angle.end(), cos.begin(), [](float a) { return std::cos(a); });
    std::transform(angle.begin(), angle.end(), sin.begin(), [](float a) { return std::sin(a); });
    const Floats x = source.row(kRows * kHeads * kDim);
    Doubles right(x.size());
    for (std::size_t i = 0; i < x.size(); ++i) {
        const std::size_t row = i / (kHeads * kDim), j = i % kDim;
        const double a = static_cast<double>(angle[row * kHalf + j % kHalf]);
        const double other = static_cast<double>(j < kHalf ? -x[i + kHalf] : x[i - kHalf]);
        right[i] = static_cast<double>(x[i]) * std::cos(a) + other * std::sin(a);
    }
    const CanonicalFloatMode mode;
    Floats turned = x;
    best().rope(turned.data(), kRows, kHeads * kDim, kHeads, kDim, kSeqLen, cos.data(), sin.data(),
                false);
    expect_near(turned, right, kTolerance);
    best().rope(turned.data(), kRows, kHeads * kDim, kHeads, kDim, kSeqLen, cos.data(), sin.data(),
                true);
    expect_near(turned, Doubles(x.begin(), x.end()), kTolerance);
}

TEST(RowAccuracy, SwiGluBackwardIsTheSlope) {
    constexpr std::size_t kCount = 37;
    Source source;
    const Floats gate = source.row(kCount, 3.0F), up = source.row(kCount),
                 d_out = source.row(kCount);
    const auto forward = [](const Doubles& g, const Doubles& u) {
        Doubles out(g.size());
        for (std::size_t i = 0; i < g.size(); ++i)
            out[i] = g[i] / (1 + std::exp(-g[i])) * u[i];
        return out;
    };
    const Doubles g64(gate.begin(), gate.end()), u64(up.begin(), up.end());
    const CanonicalFloatMode mode;
    Floats out(kCount), dg(kCount), du(kCount);
    best().swiglu(gate.data(), up.data(), kCount, out.data());
    expect_near(out, forward(g64, u64), kTolerance);
    best().swiglu_backward(d_out.data(), gate.data(), up.data(), kCount, dg.data(), du.data());
    expect_near(dg, slope([&](const Doubles& g) { return weighted(forward(g, u64), d_out); }, gate),
                kTolerance);
    expect_near(du, slope([&](const Doubles& u) { return weighted(forward(g64, u), d_out); }, up),
                kTolerance);
}

Doubles softmax(const Doubles& x, double scale) {
    const double high = scale * *std::max_element(x.begin(), x.end());
    Doubles p(x.size());
    double sum = 0;
    for (std::size_t i = 0; i < x.size(); ++i)
        sum += p[i] = std::exp(x[i] * scale - high);
    for (double& one : p)
        one /= sum;
    return p;
}

TEST(RowAccuracy, SoftmaxBackwardIsTheSlope) {
    constexpr std::size_t kCount = 29, kMore = 3;
    constexpr double kScale = 0.375;
    Source source;
    const Floats scores = source.row(kCount, 4.0F), dp = source.row(kCount);
    const CanonicalFloatMode mode;
    Floats p = scores, ds = dp;
    p.resize(kCount + kMore, 7.0F);
    ds.resize(kCount + kMore, 7.0F);
    best().softmax_row(p.data(), kCount, kCount + kMore, static_cast<float>(kScale));
    const float delta = best().dot(p.data(), dp.data(), kCount);
    best().softmax_backward_row(p.data(), delta, kCount, kCount + kMore, static_cast<float>(kScale),
                                ds.data());
    Doubles right_p = softmax(Doubles(scores.begin(), scores.end()), kScale);
    Doubles right_ds =
        slope([&](const Doubles& x) { return weighted(softmax(x, kScale), dp); }, scores);
    right_p.resize(kCount + kMore, 0.0);
    right_ds.resize(kCount + kMore, 0.0);
    expect_near(p, right_p, kTolerance);
    expect_near(ds, right_ds, kTolerance);
}

TEST(RowAccuracy, CrossEntropyGradientIsTheSlope) {
    constexpr std::size_t kVocab = 301, kTarget = 17;
    constexpr double kWeight = 0.125;
    Source source;
    const Floats logits = source.row(kVocab, 3.0F);
    const auto nats = [](const Doubles& z) { return -std::log(softmax(z, 1.0)[kTarget]); };
    const CanonicalFloatMode mode;
    Floats z = logits;
    const float loss = best().cross_entropy_row(z.data(), kVocab, kTarget, 0.0F);
    EXPECT_EQ(z, logits) << "weight 0 leaves the logits alone";
    EXPECT_NEAR(static_cast<double>(loss), nats(Doubles(logits.begin(), logits.end())), kTolerance);
    EXPECT_EQ(best().cross_entropy_row(z.data(), kVocab, kTarget, static_cast<float>(kWeight)),
              loss);
    expect_near(z, slope([&](const Doubles& x) { return kWeight * nats(x); }, logits), 1e-7);
}

TEST(RowAccuracy, SumsAreSums) {
    Source source;
    const Floats a = source.row(1003), b = source.row(1003);
    double dot = 0;
    double squares = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        dot += static_cast<double>(a[i]) * static_cast<double>(b[i]);
        squares += static_cast<double>(a[i]) * static_cast<double>(a[i]);
    }
    const CanonicalFloatMode mode;
    EXPECT_NEAR(static_cast<double>(best().dot(a.data(), b.data(), a.size())), dot, 2e-5);
    EXPECT_NEAR(best().sum_of_squares(a.data(), a.size()), squares, 1e-10);
}

}  // namespace
}  // namespace covenant::kernels
