// Every operation against plain loops in double precision: the forward pass directly, the backward
// pass against central differences of those loops (step 1e-5, error about 1e-9).
#include "tests/unit/common/engine/native/native_fixture.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <random>
#include <vector>

namespace covenant::engine {
namespace {

using Doubles = std::vector<double>;

struct Shape {
    ModelConfig config;
    std::size_t windows = 1;
    [[nodiscard]] std::size_t rows() const { return windows * config.seq_len; }
};

// Grouped queries (3 to a key head), sizes that are no powers of two.
Shape grouped() {
    return {.config = {.vocab_size = 11,
                       .d_model = 24,
                       .layers = 1,
                       .heads = 6,
                       .kv_heads = 2,
                       .d_ff = 7,
                       .seq_len = 5},
            .windows = 2};
}

// More positions than the attention takes in one piece, and more tokens than the head does.
Shape long_windows() {
    return {.config = {.vocab_size = 7,
                       .d_model = 4,
                       .layers = 1,
                       .heads = 2,
                       .kv_heads = 1,
                       .d_ff = 3,
                       .seq_len = 150},
            .windows = 7};
}

// ------------------------------------------------------------------------- plain double loops

Doubles rms_norm(const Doubles& x, const Doubles& gain, double eps) {
    const std::size_t cols = gain.size();
    Doubles y(x.size());
    for (std::size_t row = 0; row < x.size() / cols; ++row) {
        double sum = 0.0;
        for (std::size_t i = 0; i < cols; ++i)
            sum += x[row * cols + i] * x[row * cols + i];
        const double inv = 1.0 / std::sqrt(sum / static_cast<double>(cols) + eps);
        for (std::size_t i = 0; i < cols; ++i) {
            y[row * cols + i] = x[row * cols + i] * inv * gain[i];
        }
    }
    return y;
}

// x[rows, in] * w[out, in]^T
Doubles linear(const Doubles& x, const Doubles& w, std::size_t in) {
    const std::size_t rows = x.size() / in;
    const std::size_t out = w.size() / in;
    Doubles y(rows * out);
    for (std::size_t r = 0; r < rows; ++r) {
        for (std::size_t o = 0; o < out; ++o) {
            for (std::size_t i = 0; i < in; ++i)
                y[r * out + o] += x[r * in + i] * w[o * in + i];
        }
    }
    return y;
}

// x[rows, heads * D], position = row mod T.
Doubles rope(const Doubles& x, const Shape& shape, std::size_t heads, double sign) {
    const std::size_t size = shape.config.head_dim();
    const std::size_t half = size / 2;
    Doubles y(x.size());
    for (std::size_t row = 0; row < shape.rows(); ++row) {
        const auto position = static_cast<double>(row % shape.config.seq_len);
        for (std::size_t head = 0; head < heads; ++head) {
            const std::size_t at = (row * heads + head) * size;
            for (std::size_t i = 0; i < half; ++i) {
                const double angle =
                    position * std::pow(static_cast<double>(shape.config.rope_theta),
                                        -static_cast<double>(i) / static_cast<double>(half));
                const double cos = std::cos(angle);
                const double sin = sign * std::sin(angle);
                y[at + i] = x[at + i] * cos - x[at + half + i] * sin;
                y[at + half + i] = x[at + half + i] * cos + x[at + i] * sin;
            }
        }
    }
    return y;
}

Doubles attention(const Doubles& q, const Doubles& k, const Doubles& v, const Shape& shape) {
    const ModelConfig& c = shape.config;
    const std::size_t size = c.head_dim();
    const std::size_t group = c.heads / c.kv_heads;
    Doubles o(q.size());
    for (std::size_t row = 0; row < shape.rows(); ++row) {
        const std::size_t first = row - row % c.seq_len;
        for (std::size_t head = 0; head < c.heads; ++head) {
            const double* query = &q[(row * c.heads + head) * size];
            const auto key_at = [&](std::size_t j) {
                return (j * c.kv_heads + head / group) * size;
            };
            Doubles weight(row - first + 1);
            double total = 0.0;
            for (std::size_t j = first; j <= row; ++j) {
                double dot = 0.0;
                for (std::size_t i = 0; i < size; ++i)
                    dot += query[i] * k[key_at(j) + i];
                weight[j - first] = std::exp(dot / std::sqrt(static_cast<double>(size)));
                total += weight[j - first];
            }
            for (std::size_t j = first; j <= row; ++j) {
                for (std::size_t i = 0; i < size; ++i) {
                    o[(row * c.heads + head) * size + i] +=
                        weight[j - first] / total * v[key_at(j) + i];
                }
            }
        }
    }
    return o;
}

Doubles swiglu(const Doubles& gate, const Doubles& up) {
    Doubles out(gate.size());
    for (std::size_t i = 0; i < out.size(); ++i) {
        out[i] = gate[i] / (1.0 + std::exp(-gate[i])) * up[i];
    }
    return out;
}

// Sum of nats over tokens.
double head_loss(const Doubles& h, const Doubles& table, const std::vector<std::uint32_t>& targets,
                 std::size_t width) {
    const Doubles logits = linear(h, table, width);
    const std::size_t vocab = table.size() / width;
    double nats = 0.0;
    for (std::size_t t = 0; t < targets.size(); ++t) {
        double total = 0.0;
        for (std::size_t j = 0; j < vocab; ++j)
            total += std::exp(logits[t * vocab + j]);
        nats += std::log(total) - logits[t * vocab + targets[t]];
    }
    return nats;
}

// ------------------------------------------------------------------------------------ helpers

double dot(const Doubles& a, const Doubles& b) {
    double sum = 0.0;
    for (std::size_t i = 0; i < a.size(); ++i)
        sum += a[i] * b[i];
    return sum;
}

// At most `most` coordinates, spread evenly, are differenced; the others come back as NaN.
Doubles gradient_of(const std::function<double(const Doubles&)>& f, Doubles x,
                    std::size_t most = 400) {
    constexpr double kStep = 1e-5;
    Doubles out(x.size(), std::nan(""));
    const std::size_t stride = (x.size() + most - 1) / most;
    for (std::size_t i = 0; i < x.size(); i += stride) {
        const double at = x[i];
        x[i] = at + kStep;
        const double above = f(x);
        x[i] = at - kStep;
        out[i] = (above - f(x)) / (2.0 * kStep);
        x[i] = at;
    }
    return out;
}

// ||got - want|| / ||want|| over the coordinates of want that are numbers.
double relative_error(const Doubles& got, const Doubles& want) {
    if (got.size() != want.size()) return std::numeric_limits<double>::infinity();
    double error = 0.0;
    double norm = 0.0;
    for (std::size_t i = 0; i < want.size(); ++i) {
        if (std::isnan(want[i])) continue;
        error += (got[i] - want[i]) * (got[i] - want[i]);
        norm += want[i] * want[i];
    }
    return std::sqrt(error / norm);
}

Doubles sum(const Doubles& a, const Doubles& b) {
    Doubles out(a.size());
    std::transform(a.begin(), a.end(), b.begin(), out.begin(), std::plus<>());
    return out;
}

struct Case {
    const char* name;
    Shape shape;
    int precision;
    double tolerance;  // of products; the rest is fp32 in both precisions
};

class NativeOps : public testing::TestWithParam<Case> {
  protected:
    static constexpr double kFp32 = 2e-6;

    void SetUp() override {
        ops_ = make_native(config(), GetParam().precision);
        ASSERT_NE(ops_, nullptr);
    }

    [[nodiscard]] const Shape& shape() const { return GetParam().shape; }
    [[nodiscard]] const ModelConfig& config() const { return GetParam().shape.config; }
    [[nodiscard]] std::size_t rows() const { return shape().rows(); }
    [[nodiscard]] double tolerance() const { return GetParam().tolerance; }

    // Normal values that fp32 holds exactly.
    Doubles random(std::size_t count, double deviation = 1.0) {
        std::normal_distribution<float> normal(0.0F, static_cast<float>(deviation));
        Doubles out(count);
        std::generate(out.begin(), out.end(), [&] { return static_cast<double>(normal(rng_)); });
        return out;
    }
    std::vector<std::uint32_t> random_tokens() {
        std::uniform_int_distribution<std::uint32_t> token(0, config().vocab_size - 1);
        std::vector<std::uint32_t> out(rows());
        std::generate(out.begin(), out.end(), [&] { return token(rng_); });
        return out;
    }

    std::shared_ptr<float[]> in(const Doubles& values) {
        std::vector<float> floats(values.size());
        std::transform(values.begin(), values.end(), floats.begin(),
                       [](double value) { return static_cast<float>(value); });
        std::shared_ptr<float[]> out = ops_->allocate(floats.size());
        ops_->copy_in(floats.data(), floats.size(), out.get());
        return out;
    }
    // Memory that must be overwritten, not added to.
    std::shared_ptr<float[]> garbage(std::size_t count) { return in(Doubles(count, 1e30)); }
    Doubles out(const std::shared_ptr<float[]>& from, std::size_t count) {
        std::vector<float> floats(count);
        ops_->copy_out(from.get(), count, floats.data());
        return {floats.begin(), floats.end()};
    }

    std::unique_ptr<Ops> ops_;
    std::mt19937 rng_{7};
};

TEST_P(NativeOps, embedding_picks_rows_and_its_gradient_adds_them) {
    const std::vector<std::uint32_t> tokens = random_tokens();
    const std::size_t width = config().d_model;
    const Doubles table = random(config().vocab_size * width);
    const Doubles dx = random(rows() * width);
    const Doubles before = random(table.size());
    Doubles want(dx.size());
    Doubles want_gradient = before;
    for (std::size_t t = 0; t < tokens.size(); ++t) {
        for (std::size_t i = 0; i < width; ++i) {
            want[t * width + i] = table[tokens[t] * width + i];
            want_gradient[tokens[t] * width + i] += dx[t * width + i];
        }
    }
    const auto x = garbage(dx.size());
    ops_->embedding(tokens, in(table).get(), x.get());
    EXPECT_EQ(out(x, dx.size()), want);
    const auto gradient = in(before);
    ops_->embedding_backward(tokens, in(dx).get(), gradient.get());
    EXPECT_LT(relative_error(out(gradient, before.size()), want_gradient), kFp32);
}

TEST_P(NativeOps, rms_norm_and_its_gradients) {
    const std::size_t width = config().d_model;
    const double eps = static_cast<double>(config().norm_eps);
    const Doubles x = random(rows() * width);
    const Doubles gain = random(width);
    const Doubles dy = random(x.size());
    const auto device_x = in(x);
    const auto device_gain = in(gain);
    const auto y = garbage(x.size());
    const auto inv = garbage(rows());
    ops_->rms_norm(device_x.get(), device_gain.get(), rows(), y.get(), inv.get());
    EXPECT_LT(relative_error(out(y, x.size()), rms_norm(x, gain, eps)), kFp32);

    const Doubles dx_before = random(x.size());
    const Doubles gain_before = random(width);
    const auto dx = in(dx_before);
    const auto d_gain = in(gain_before);
    ops_->rms_norm_backward(in(dy).get(), device_x.get(), device_gain.get(), inv.get(), rows(),
                            dx.get(), d_gain.get());
    const auto by_x = [&](const Doubles& at) { return dot(dy, rms_norm(at, gain, eps)); };
    const auto by_gain = [&](const Doubles& at) { return dot(dy, rms_norm(x, at, eps)); };
    EXPECT_LT(relative_error(out(dx, x.size()), sum(dx_before, gradient_of(by_x, x))), kFp32);
    EXPECT_LT(relative_error(out(d_gain, width), sum(gain_before, gradient_of(by_gain, gain))),
              kFp32);
}

TEST_P(NativeOps, linear_and_its_gradients_write_or_add) {
    const std::size_t width = config().d_model;
    const std::size_t wide = config().d_ff;
    const Doubles x = random(rows() * width);
    const Doubles w = random(wide * width);
    const Doubles dy = random(rows() * wide);
    const Doubles before_y = random(dy.size());
    const Doubles before_x = random(x.size());
    const Doubles before_w = random(w.size());
    const auto device_x = in(x);
    const auto device_w = in(w);
    const auto device_dy = in(dy);
    const Doubles want_y = linear(x, w, width);
    const Doubles want_dx =
        gradient_of([&](const Doubles& at) { return dot(dy, linear(at, w, width)); }, x, 100);
    const Doubles want_dw =
        gradient_of([&](const Doubles& at) { return dot(dy, linear(x, at, width)); }, w);
    for (const bool accumulate : {false, true}) {
        const auto y = accumulate ? in(before_y) : garbage(dy.size());
        ops_->linear(device_x.get(), device_w.get(), rows(), width, wide, accumulate, y.get());
        EXPECT_LT(relative_error(out(y, dy.size()), accumulate ? sum(before_y, want_y) : want_y),
                  tolerance());
        const auto dx = accumulate ? in(before_x) : garbage(x.size());
        ops_->linear_backward_input(device_dy.get(), device_w.get(), rows(), width, wide,
                                    accumulate, dx.get());
        EXPECT_LT(relative_error(out(dx, x.size()), accumulate ? sum(before_x, want_dx) : want_dx),
                  tolerance());
    }
    const auto dw = in(before_w);
    ops_->linear_backward_weight(device_dy.get(), device_x.get(), rows(), width, wide, dw.get());
    EXPECT_LT(relative_error(out(dw, w.size()), sum(before_w, want_dw)), tolerance());
}

TEST_P(NativeOps, rope_turns_and_turns_back) {
    const std::size_t keys = config().kv_heads;
    const std::size_t size = config().head_dim();
    const Doubles q = random(rows() * config().d_model);
    const Doubles k = random(rows() * keys * size);
    const auto device_q = in(q);
    const auto device_k = in(k);
    ops_->rope(device_q.get(), device_k.get(), rows(), false);
    EXPECT_LT(relative_error(out(device_q, q.size()), rope(q, shape(), config().heads, 1.0)),
              kFp32);
    EXPECT_LT(relative_error(out(device_k, k.size()), rope(k, shape(), keys, 1.0)), kFp32);
    ops_->rope(device_q.get(), device_k.get(), rows(), true);
    EXPECT_LT(relative_error(out(device_q, q.size()), q), kFp32);
    EXPECT_LT(relative_error(out(device_k, k.size()), k), kFp32);
}

TEST_P(NativeOps, attention_and_its_gradients) {
    const Doubles q = random(rows() * config().d_model);
    const Doubles k = random(rows() * config().kv_heads * config().head_dim());
    const Doubles v = random(k.size());
    const Doubles d_o = random(q.size());
    const auto device_q = in(q);
    const auto device_k = in(k);
    const auto device_v = in(v);
    const auto o = garbage(q.size());
    ops_->attention(device_q.get(), device_k.get(), device_v.get(), rows(), o.get());
    EXPECT_LT(relative_error(out(o, q.size()), attention(q, k, v, shape())), tolerance());

    const auto dq = garbage(q.size());
    const auto dk = garbage(k.size());
    const auto dv = garbage(v.size());
    ops_->attention_backward(device_q.get(), device_k.get(), device_v.get(), o.get(), in(d_o).get(),
                             rows(), dq.get(), dk.get(), dv.get());
    constexpr double kChained = 3.0;  // three products, one after another
    // Differences cost a whole forward pass each: fewer where that is long.
    const std::size_t most = rows() > 100 ? 12 : 240;
    const auto by_q = [&](const Doubles& at) { return dot(d_o, attention(at, k, v, shape())); };
    const auto by_k = [&](const Doubles& at) { return dot(d_o, attention(q, at, v, shape())); };
    const auto by_v = [&](const Doubles& at) { return dot(d_o, attention(q, k, at, shape())); };
    EXPECT_LT(relative_error(out(dq, q.size()), gradient_of(by_q, q, most)),
              kChained * tolerance());
    EXPECT_LT(relative_error(out(dk, k.size()), gradient_of(by_k, k, most)),
              kChained * tolerance());
    EXPECT_LT(relative_error(out(dv, v.size()), gradient_of(by_v, v, most)),
              kChained * tolerance());
}

TEST_P(NativeOps, swiglu_and_its_gradients) {
    const Doubles gate = random(rows() * config().d_ff, 2.0);
    const Doubles up = random(gate.size());
    const Doubles d_out = random(gate.size());
    const auto device_gate = in(gate);
    const auto device_up = in(up);
    const auto result = garbage(gate.size());
    ops_->swiglu(device_gate.get(), device_up.get(), gate.size(), result.get());
    EXPECT_LT(relative_error(out(result, gate.size()), swiglu(gate, up)), kFp32);
    ops_->swiglu_backward(in(d_out).get(), gate.size(), device_gate.get(), device_up.get());
    const auto by_gate = [&](const Doubles& at) { return dot(d_out, swiglu(at, up)); };
    const auto by_up = [&](const Doubles& at) { return dot(d_out, swiglu(gate, at)); };
    EXPECT_LT(relative_error(out(device_gate, gate.size()), gradient_of(by_gate, gate)), kFp32);
    EXPECT_LT(relative_error(out(device_up, gate.size()), gradient_of(by_up, up)), kFp32);
}

TEST_P(NativeOps, head_loss_with_and_without_gradients) {
    const std::size_t width = config().d_model;
    const std::vector<std::uint32_t> targets = random_tokens();
    const Doubles h = random(rows() * width);
    const Doubles table = random(config().vocab_size * width, 0.5);
    const Doubles before = random(table.size());
    const double weight = 0.375;
    const auto device_h = in(h);
    const auto device_table = in(table);
    const double want = head_loss(h, table, targets, width);
    const double loss_only =
        ops_->head_loss(device_h.get(), device_table.get(), targets, 1.0F, nullptr, nullptr);
    EXPECT_NEAR(loss_only, want, tolerance() * std::abs(want));

    const auto dh = garbage(h.size());
    const auto d_table = in(before);
    const double loss = ops_->head_loss(device_h.get(), device_table.get(), targets,
                                        static_cast<float>(weight), dh.get(), d_table.get());
    EXPECT_EQ(loss, loss_only);
    const std::size_t most = rows() > 100 ? 60 : 400;
    const auto by_h = [&](const Doubles& at) {
        return weight * head_loss(at, table, targets, width);
    };
    const auto by_table = [&](const Doubles& at) {
        return weight * head_loss(h, at, targets, width);
    };
    EXPECT_LT(relative_error(out(dh, h.size()), gradient_of(by_h, h, most)), tolerance());
    EXPECT_LT(
        relative_error(out(d_table, table.size()), sum(before, gradient_of(by_table, table, most))),
        tolerance());
}

TEST_P(NativeOps, two_threads_give_the_same_within_rounding) {
    const std::unique_ptr<Ops> two = make_native(config(), GetParam().precision, 2);
    ASSERT_NE(two, nullptr);
    const std::size_t width = config().d_model;
    const Doubles x = random(rows() * width);
    const Doubles w = random(width * width);
    const auto y = garbage(x.size());
    two->linear(in(x).get(), in(w).get(), rows(), width, width, false, y.get());
    EXPECT_LT(relative_error(out(y, x.size()), linear(x, w, width)), tolerance());
}

// bf16 keeps 8 bits: an operand is off by up to 2^-9 of itself, a product of two by about 3e-3.
INSTANTIATE_TEST_SUITE_P(All, NativeOps,
                         testing::Values(Case{"grouped_f32", grouped(), kNativeF32, 2e-6},
                                         Case{"grouped_bf16", grouped(), kNativeBf16, 1e-2},
                                         Case{"long_f32", long_windows(), kNativeF32, 2e-6},
                                         Case{"long_bf16", long_windows(), kNativeBf16, 1e-2}),
                         [](const auto& one) { return one.param.name; });

}  // namespace
}  // namespace covenant::engine
