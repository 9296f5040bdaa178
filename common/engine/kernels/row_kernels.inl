// The row kernels, once, over the sixteen-lane `Vec` of the file that includes this one after its
// vec_*.hpp. Names of rules are those of common/engine/README.md. Internal linkage throughout.
// NOLINTBEGIN(misc-definitions-in-headers)

namespace covenant::kernels {
namespace {

constexpr std::size_t kLanes = 16;

// Where a loop stands: sixteen elements, or the fewer that are left of a row.
struct Whole {
    std::size_t at;

    COVENANT_INLINE Vec load(const float* p) const { return Vec::load(p + at); }
    COVENANT_INLINE void store(float* p, const Vec& v) const { v.store(p + at); }
    // `fresh` in the lanes of the row, `old` in those past its end.
    COVENANT_INLINE Vec keep(const Vec& fresh, const Vec&) const { return fresh; }
};

struct Part {
    std::size_t at;
    std::size_t live;

    COVENANT_INLINE Vec load(const float* p) const { return Vec::load_first(p + at, live); }
    COVENANT_INLINE void store(float* p, const Vec& v) const { v.store_first(p + at, live); }
    COVENANT_INLINE Vec keep(const Vec& fresh, const Vec& old) const {
        return select(first(live), fresh, old);
    }
};

template <class F>
COVENANT_INLINE void each(std::size_t count, F&& f) {
    std::size_t i = 0;
    for (; i + kLanes <= count; i += kLanes)
        f(Whole{i});
    if (i < count) f(Part{i, count - i});
}

COVENANT_INLINE Vec zero() {
    return Vec::bits(0);
}
COVENANT_INLINE Vec one() {
    return Vec::set1(1.0F);
}

// E1. x <= 0 or NaN.
COVENANT_INLINE Vec exp_of(const Vec& x) {
    const Vec n = rint(x * Vec::bits(0x3FB8AA3B));
    Vec r = fma(n, Vec::bits(0xBF318000), x);
    r = fma(n, Vec::bits(0x395E8083), r);
    Vec q = Vec::bits(0x39506967);
    q = fma(q, r, Vec::bits(0x3AB743CE));
    q = fma(q, r, Vec::bits(0x3C088908));
    q = fma(q, r, Vec::bits(0x3D2AA9C1));
    q = fma(q, r, Vec::bits(0x3E2AAAAA));
    q = fma(q, r, Vec::bits(0x3F000000));
    const Vec y = fma(q, r * r, r) + one();
    return select(less(x, Vec::set1(-87.0F)), zero(), y * power_of_two(n));
}

COVENANT_INLINE Vec sigmoid_of(const Vec& x) {
    const Vec e = exp_of(bit_or(x, Vec::bits(0x80000000)));
    const Vec s = one() / (one() + e);
    return select(less(x, zero()), e * s, s);
}

// ln x for x >= 1: halve into [1, 2), then 2 atanh((x - 1) / (x + 1)).
COVENANT_INLINE double natural_log(double x) {
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

// Largest of scale * x; NaN counts for nothing.
COVENANT_INLINE float largest(const float* x, std::size_t count, const Vec& scale) {
    Vec high = Vec::bits(0xFF800000);
    each(count, [&](auto at) { high = at.keep(max(at.load(x) * scale, high), high); });
    return high.largest();
}

float dot(const float* a, const float* b, std::size_t count) {
    Vec lanes = zero();
    each(count, [&](auto at) { lanes = at.keep(fma(at.load(a), at.load(b), lanes), lanes); });
    return lanes.sum();
}

void rms_norm(const float* x, const float* gain, std::size_t rows, std::size_t cols, float eps,
              float* y, float* inv) {
    const Vec width = Vec::set1(static_cast<float>(cols));
    for (std::size_t i = 0; i < rows; ++i, x += cols, y += cols) {
        const Vec mean = Vec::set1(dot(x, x, cols)) / width;
        const Vec scale = one() / sqrt(mean + Vec::set1(eps));
        inv[i] = scale.lane0();
        each(cols, [&](auto at) { at.store(y, (at.load(x) * scale) * at.load(gain)); });
    }
}

void rms_norm_backward(const float* dy, const float* x, const float* gain, const float* inv,
                       std::size_t rows, std::size_t cols, float* dx, float* gain_gradient) {
    each(cols, [&](auto at) { at.store(gain_gradient, zero()); });
    const Vec width = Vec::set1(static_cast<float>(cols));
    for (std::size_t i = 0; i < rows; ++i, dy += cols, x += cols, dx += cols) {
        const Vec scale = Vec::set1(inv[i]);
        Vec lanes = zero();
        each(cols, [&](auto at) {
            const Vec d = at.load(dy);
            const Vec v = at.load(x);
            lanes = at.keep(fma(d * at.load(gain), v, lanes), lanes);
            at.store(gain_gradient, fma(d, v * scale, at.load(gain_gradient)));
        });
        const Vec s = (((Vec::set1(lanes.sum()) * scale) * scale) * scale) / width;
        each(cols, [&](auto at) {
            const Vec t = at.load(dy) * at.load(gain);
            at.store(dx, at.load(dx) + (t * scale - at.load(x) * s));
        });
    }
}

void rope(float* x, std::size_t rows, std::size_t stride, std::size_t heads, std::size_t head_dim,
          std::size_t seq_len, const float* cos, const float* sin, bool inverse) {
    const std::size_t half = head_dim / 2;
    const Vec turn = Vec::bits(inverse ? 0x80000000 : 0);
    for (std::size_t i = 0; i < rows; ++i, x += stride) {
        const std::size_t position = (i % seq_len) * half;
        for (std::size_t h = 0; h < heads; ++h) {
            float* low = x + h * head_dim;
            float* high = low + half;
            each(half, [&](auto at) {
                const Vec c = at.load(cos + position);
                const Vec s = bit_xor(at.load(sin + position), turn);
                const Vec l = at.load(low);
                const Vec u = at.load(high);
                at.store(low, l * c - u * s);
                at.store(high, u * c + l * s);
            });
        }
    }
}

void swiglu(const float* gate, const float* up, std::size_t count, float* out) {
    each(count, [&](auto at) {
        const Vec g = at.load(gate);
        at.store(out, (g * sigmoid_of(g)) * at.load(up));
    });
}

void swiglu_backward(const float* d_out, const float* gate, const float* up, std::size_t count,
                     float* d_gate, float* d_up) {
    each(count, [&](auto at) {
        const Vec d = at.load(d_out);
        const Vec g = at.load(gate);
        const Vec u = at.load(up);
        const Vec s = sigmoid_of(g);
        at.store(d_up, d * (g * s));
        at.store(d_gate, (d * u) * (s * (one() + g * (one() - s))));
    });
}

void softmax_row(float* s, std::size_t live, std::size_t cols, float scale) {
    const Vec factor = Vec::set1(scale);
    const Vec high = Vec::set1(largest(s, live, factor));
    Vec lanes = zero();
    each(live, [&](auto at) {
        const Vec p = exp_of(at.load(s) * factor - high);
        lanes = at.keep(lanes + p, lanes);
        at.store(s, p);
    });
    const Vec share = one() / Vec::set1(lanes.sum());
    each(live, [&](auto at) { at.store(s, at.load(s) * share); });
    each(cols - live, [&](auto at) { at.store(s + live, zero()); });
}

void softmax_backward_row(const float* p, float delta, std::size_t live, std::size_t cols,
                          float scale, float* dp) {
    const Vec mean = Vec::set1(delta);
    const Vec factor = Vec::set1(scale);
    each(live, [&](auto at) { at.store(dp, (at.load(p) * (at.load(dp) - mean)) * factor); });
    each(cols - live, [&](auto at) { at.store(dp + live, zero()); });
}

float cross_entropy_row(float* logits, std::size_t vocab, std::size_t target, float weight) {
    const Vec high = Vec::set1(largest(logits, vocab, one()));
    const Vec aimed = Vec::set1(logits[target]);
    const bool write = weight != 0.0F;
    Vec lanes = zero();
    each(vocab, [&](auto at) {
        const Vec e = exp_of(at.load(logits) - high);
        lanes = at.keep(lanes + e, lanes);
        if (write) at.store(logits, e);
    });
    const float total = lanes.sum();
    const Vec log = Vec::set1(static_cast<float>(natural_log(static_cast<double>(total))));
    if (write) {
        const Vec share = one() / Vec::set1(total);
        const Vec w = Vec::set1(weight);
        const Vec hit = ((Vec::set1(logits[target]) * share) - one()) * w;
        each(vocab, [&](auto at) { at.store(logits, (at.load(logits) * share) * w); });
        logits[target] = hit.lane0();
    }
    return ((log + high) - aimed).lane0();
}

void adamw(const AdamStep& step, const float* gradient, std::size_t count, float* theta, float* m,
           float* v) {
    const Vec scale = Vec::set1(step.scale), beta1 = Vec::set1(step.beta1),
              rest1 = Vec::set1(step.rest1), beta2 = Vec::set1(step.beta2),
              rest2 = Vec::set1(step.rest2), correct1 = Vec::set1(step.correct1),
              correct2 = Vec::set1(step.correct2), eps = Vec::set1(step.eps),
              rate = Vec::set1(step.rate), decay = Vec::set1(step.decay);
    each(count, [&](auto at) {
        const Vec g = at.load(gradient) * scale;
        const Vec mi = beta1 * at.load(m) + rest1 * g;
        const Vec vi = beta2 * at.load(v) + (rest2 * g) * g;
        const Vec u = (mi * correct1) / (sqrt(vi * correct2) + eps);
        const Vec t = at.load(theta);
        at.store(m, mi);
        at.store(v, vi);
        at.store(theta, (t - decay * t) - rate * u);
    });
}

double sum_of_squares(const float* x, std::size_t count) {
    Wide lanes = Wide::zero();  // never -0: adding the +0 of a missing lane changes nothing
    each(count, [&](auto at) { lanes.add_squares(at.load(x)); });
    return lanes.sum();
}

void add(const float* x, std::size_t count, float* y) {
    each(count, [&](auto at) { at.store(y, at.load(y) + at.load(x)); });
}

// x * 0 is a zero or, for NaN and infinity, NaN.
bool all_finite(const float* x, std::size_t count) {
    Vec seen = zero();
    each(count, [&](auto at) { seen = bit_or(seen, at.load(x) * zero()); });
    return seen.sum() == 0.0F;
}

void exp_array(const float* x, std::size_t count, float* y) {
    each(count, [&](auto at) { at.store(y, exp_of(at.load(x))); });
}

void sigmoid_array(const float* x, std::size_t count, float* y) {
    each(count, [&](auto at) { at.store(y, sigmoid_of(at.load(x))); });
}

Kernels row_kernels(Isa isa) {
    return {.isa = isa,
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
            .exp = exp_array,
            .sigmoid = sigmoid_array};
}

}  // namespace
}  // namespace covenant::kernels
// NOLINTEND(misc-definitions-in-headers)
