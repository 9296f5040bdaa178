// Every instruction set against the rules, bit for bit: sizes with every tail, and values at the
// edges of fp32.
#include "tests/unit/common/engine/kernels/rows_reference.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <random>
#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace covenant::kernels {
namespace {

constexpr float kSentinel = 12345.678F;
constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

struct Subject {
    std::string name;
    Kernels kernels;
};

const std::vector<Subject>& subjects() {
    static const std::vector<Subject> all = [] {
        std::vector<Subject> found;
        for (const Isa isa : available_isas())
            found.push_back({std::string(isa_name(isa)), *kernels_for(isa).value()});
        if (found.size() > 1) found.push_back({"avx512 over SIMDe", row_kernels_simde()});
        return found;
    }();
    return all;
}

// Floats, at an odd address, between margins that must survive.
class Buffer {
  public:
    explicit Buffer(std::size_t size) : all_(size + 2 * kMargin, kSentinel), size_(size) {}

    float* data() { return all_.data() + kMargin; }
    std::size_t size() const { return size_; }
    float& operator[](std::size_t i) { return all_[kMargin + i]; }
    const std::vector<float>& all() const { return all_; }

  private:
    static constexpr std::size_t kMargin = 17;
    std::vector<float> all_;
    std::size_t size_;
};

// What a kernel left behind, as bits; all NaN are one.
class Trace {
  public:
    void put(const Buffer& buffer) {
        for (const float x : buffer.all())
            put(x);
    }
    void put(float x) { bits_.push_back(std::isnan(x) ? kNanBits : std::bit_cast<unsigned>(x)); }
    void put(double x) {
        bits_.push_back(std::isnan(x) ? kNanBits : std::bit_cast<std::uint64_t>(x));
    }
    bool operator==(const Trace&) const = default;

    static std::string difference(const Trace& a, const Trace& b) {
        if (a.bits_.size() != b.bits_.size()) return "sizes differ";
        const auto at = std::mismatch(a.bits_.begin(), a.bits_.end(), b.bits_.begin()).first;
        const auto i = static_cast<std::size_t>(at - a.bits_.begin());
        return fmt::format("word {} of {}: {:08x} should be {:08x}", i, a.bits_.size(), a.bits_[i],
                           b.bits_[i]);
    }

  private:
    static constexpr std::uint64_t kNanBits = 0x7FC00000;
    std::vector<std::uint64_t> bits_;
};

// Runs the kernel everywhere and compares with the rules. The scalar kernels also run without the
// float mode: they do not need it.
void expect_by_the_rules(const std::string& what, const std::function<Trace(const Kernels&)>& run) {
    Trace right;
    {
        const CanonicalFloatMode mode;
        right = run(reference_rows());
    }
    for (const Subject& subject : subjects()) {
        Trace got;
        {
            const CanonicalFloatMode mode;
            got = run(subject.kernels);
        }
        ASSERT_TRUE(got == right) << subject.name << ", " << what << ": "
                                  << Trace::difference(got, right);
    }
    const Trace without_mode = run(subjects().front().kernels);
    ASSERT_TRUE(without_mode == right) << "scalar in the default float mode, " << what << ": "
                                       << Trace::difference(without_mode, right);
}

enum class Flavour { kPlain, kTiny, kEdges, kWild, kBroken };
constexpr Flavour kFlavours[] = {Flavour::kPlain, Flavour::kTiny, Flavour::kEdges, Flavour::kWild,
                                 Flavour::kBroken};

class Source {
  public:
    explicit Source(std::size_t seed) : random_(seed) {}

    float value(Flavour flavour) {
        const auto word = static_cast<std::uint32_t>(random_());
        switch (flavour) {
            case Flavour::kPlain:
                return std::normal_distribution<float>(0.0F, 2.0F)(random_);
            case Flavour::kTiny:  // products lie about the smallest normal number
                return std::ldexp(std::bit_cast<float>((word & 0x807FFFFFU) | 0x3F800000U),
                                  -66 + static_cast<int>(random_() % 7));
            case Flavour::kEdges: {
                constexpr std::uint32_t kEdges[] = {0,          1,          0x007FFFFF, 0x00800000,
                                                    0x00800001, 0x3F800000, 0x3F7FFFFF, 0x7F7FFFFF,
                                                    0x00400000, 0x33800000, 0x42AE0000, 0x42AE0001};
                return std::bit_cast<float>((word & 0x80000000U) |
                                            kEdges[random_() % std::size(kEdges)]);
            }
            case Flavour::kWild:
                return (word & 0x7F800000U) == 0x7F800000U ? 1.0F : std::bit_cast<float>(word);
            case Flavour::kBroken:
                if (word % 23 != 0) return value(Flavour::kPlain);
                return word % 3 == 0 ? kNan : word % 3 == 1 ? kInf : -kInf;
        }
        return 0.0F;
    }
    Buffer row(std::size_t size, Flavour flavour) {
        Buffer row(size);
        for (std::size_t i = 0; i < size; ++i)
            row[i] = value(flavour);
        return row;
    }

  private:
    std::mt19937_64 random_;
};

// Calls test(size, flavour, source) for every tail and a long row.
template <class F>
void for_sizes(F test) {
    std::vector<std::size_t> sizes(71);
    std::iota(sizes.begin(), sizes.end(), std::size_t{0});
    sizes.push_back(4099);
    for (const std::size_t size : sizes) {
        for (const Flavour flavour : kFlavours) {
            SCOPED_TRACE(::testing::Message()
                         << size << " elements, flavour " << static_cast<int>(flavour));
            Source source(size * 8 + static_cast<std::size_t>(flavour));
            test(size, flavour, source);
            if (::testing::Test::HasFatalFailure()) return;
        }
    }
}

TEST(RowKernels, Dot) {
    for_sizes([](std::size_t size, Flavour flavour, Source& source) {
        Buffer a = source.row(size, flavour);
        Buffer b = source.row(size, flavour);
        expect_by_the_rules("dot", [&](const Kernels& k) {
            Trace trace;
            trace.put(k.dot(a.data(), b.data(), size));
            return trace;
        });
    });
}

// The lanes past the end of a row stay as they are, even where they hold -0: seventeen products
// that flush to -0 sum to -0.
TEST(RowKernels, DotAddsNothingPastTheEnd) {
    Buffer a(17);
    Buffer b(17);
    for (std::size_t i = 0; i < 17; ++i) {
        a[i] = 0x1p-100F;
        b[i] = -0x1p-100F;
    }
    const CanonicalFloatMode mode;
    for (const Subject& subject : subjects()) {
        EXPECT_EQ(std::bit_cast<std::uint32_t>(subject.kernels.dot(a.data(), b.data(), 17)),
                  0x80000000U)
            << subject.name;
        EXPECT_EQ(std::bit_cast<std::uint32_t>(subject.kernels.dot(a.data(), b.data(), 15)), 0U)
            << subject.name;
    }
}

TEST(RowKernels, RmsNorm) {
    for_sizes([](std::size_t size, Flavour flavour, Source& source) {
        for (const std::size_t rows : {1U, 3U}) {
            if (size > 100 && rows > 1) continue;
            Buffer x = source.row(rows * size, flavour);
            Buffer gain = source.row(size, flavour);
            expect_by_the_rules("rms_norm", [&](const Kernels& k) {
                Buffer y(rows * size);
                Buffer inv(rows);
                k.rms_norm(x.data(), gain.data(), rows, size, 1e-5F, y.data(), inv.data());
                Trace trace;
                trace.put(y);
                trace.put(inv);
                return trace;
            });
        }
    });
}

TEST(RowKernels, RmsNormBackward) {
    for_sizes([](std::size_t size, Flavour flavour, Source& source) {
        for (const std::size_t rows : {0U, 1U, 3U}) {
            if (size > 100 && rows > 1) continue;
            Buffer dy = source.row(rows * size, flavour);
            Buffer x = source.row(rows * size, flavour);
            Buffer gain = source.row(size, flavour);
            Buffer inv = source.row(rows, flavour);
            const Buffer before = source.row(rows * size, flavour);
            expect_by_the_rules("rms_norm_backward", [&](const Kernels& k) {
                Buffer dx = before;
                Buffer gain_gradient(size);
                k.rms_norm_backward(dy.data(), x.data(), gain.data(), inv.data(), rows, size,
                                    dx.data(), gain_gradient.data());
                Trace trace;
                trace.put(dx);
                trace.put(gain_gradient);
                return trace;
            });
        }
    });
}

TEST(RowKernels, Rope) {
    constexpr std::size_t kRows = 7, kHeads = 2, kSeqLen = 3;
    for (const std::size_t head_dim : {2U, 6U, 16U, 32U, 64U, 70U}) {
        for (const Flavour flavour : kFlavours) {
            Source source(head_dim);
            const std::size_t stride = kHeads * head_dim + 5;
            const Buffer before = source.row(kRows * stride, flavour);
            Buffer cos = source.row(kSeqLen * head_dim / 2, flavour);
            Buffer sin = source.row(kSeqLen * head_dim / 2, flavour);
            for (const bool inverse : {false, true}) {
                expect_by_the_rules("rope", [&](const Kernels& k) {
                    Buffer x = before;
                    k.rope(x.data(), kRows, stride, kHeads, head_dim, kSeqLen, cos.data(),
                           sin.data(), inverse);
                    Trace trace;
                    trace.put(x);
                    return trace;
                });
            }
        }
    }
}

TEST(RowKernels, SwiGlu) {
    for_sizes([](std::size_t size, Flavour flavour, Source& source) {
        Buffer gate = source.row(size, flavour);
        Buffer up = source.row(size, flavour);
        expect_by_the_rules("swiglu", [&](const Kernels& k) {
            Buffer out(size);
            k.swiglu(gate.data(), up.data(), size, out.data());
            Trace trace;
            trace.put(out);
            return trace;
        });
    });
}

TEST(RowKernels, SwiGluBackwardInPlaceAndNot) {
    for_sizes([](std::size_t size, Flavour flavour, Source& source) {
        Buffer d_out = source.row(size, flavour);
        const Buffer gate = source.row(size, flavour);
        const Buffer up = source.row(size, flavour);
        for (const bool in_place : {false, true}) {
            expect_by_the_rules("swiglu_backward", [&](const Kernels& k) {
                Buffer g = gate;
                Buffer u = up;
                Buffer dg(size);
                Buffer du(size);
                k.swiglu_backward(d_out.data(), g.data(), u.data(), size,
                                  in_place ? g.data() : dg.data(), in_place ? u.data() : du.data());
                Trace trace;
                trace.put(in_place ? g : dg);
                trace.put(in_place ? u : du);
                return trace;
            });
        }
    });
}

TEST(RowKernels, SoftmaxRow) {
    for_sizes([](std::size_t size, Flavour flavour, Source& source) {
        const Buffer scores = source.row(size, flavour);
        for (const std::size_t live : {std::size_t{1}, size / 2, size}) {
            if (live == 0 || live > size) continue;
            expect_by_the_rules("softmax_row", [&](const Kernels& k) {
                Buffer s = scores;
                k.softmax_row(s.data(), live, size, 0.17677669F);
                Trace trace;
                trace.put(s);
                return trace;
            });
        }
    });
}

TEST(RowKernels, SoftmaxBackwardRow) {
    for_sizes([](std::size_t size, Flavour flavour, Source& source) {
        Buffer p = source.row(size, flavour);
        const Buffer before = source.row(size, flavour);
        const float delta = source.value(flavour);
        expect_by_the_rules("softmax_backward_row", [&](const Kernels& k) {
            Buffer dp = before;
            k.softmax_backward_row(p.data(), delta, (size + 1) / 2, size, 0.17677669F, dp.data());
            Trace trace;
            trace.put(dp);
            return trace;
        });
    });
}

TEST(RowKernels, CrossEntropyRow) {
    for_sizes([](std::size_t size, Flavour flavour, Source& source) {
        if (size == 0) return;
        const Buffer logits = source.row(size, flavour);
        for (const float weight : {0.0F, 0.001F, 0x1.8p-120F}) {
            expect_by_the_rules("cross_entropy_row", [&](const Kernels& k) {
                Buffer z = logits;
                Trace trace;
                trace.put(k.cross_entropy_row(z.data(), size, (size * 7) / 11, weight));
                trace.put(z);
                return trace;
            });
        }
    });
}

TEST(RowKernels, AdamW) {
    const AdamStep step{.scale = 0.3F,
                        .beta1 = 0.9F,
                        .rest1 = 1.0F - 0.9F,
                        .beta2 = 0.95F,
                        .rest2 = 1.0F - 0.95F,
                        .correct1 = 2.5F,
                        .correct2 = 7.25F,
                        .eps = 1e-8F,
                        .rate = 3e-4F,
                        .decay = 3e-5F};
    for_sizes([&](std::size_t size, Flavour flavour, Source& source) {
        Buffer gradient = source.row(size, flavour);
        const Buffer theta = source.row(size, flavour);
        const Buffer m = source.row(size, flavour);
        Buffer v = source.row(size, flavour);
        for (std::size_t i = 0; i < size; ++i)
            v[i] = std::fabs(v[i]);
        expect_by_the_rules("adamw", [&](const Kernels& k) {
            Buffer theta_after = theta;
            Buffer m_after = m;
            Buffer v_after = v;
            k.adamw(step, gradient.data(), size, theta_after.data(), m_after.data(),
                    v_after.data());
            Trace trace;
            trace.put(theta_after);
            trace.put(m_after);
            trace.put(v_after);
            return trace;
        });
    });
}

TEST(RowKernels, SumOfSquares) {
    for_sizes([](std::size_t size, Flavour flavour, Source& source) {
        Buffer x = source.row(size, flavour);
        expect_by_the_rules("sum_of_squares", [&](const Kernels& k) {
            Trace trace;
            trace.put(k.sum_of_squares(x.data(), size));
            return trace;
        });
    });
}

TEST(RowKernels, Add) {
    for_sizes([](std::size_t size, Flavour flavour, Source& source) {
        Buffer x = source.row(size, flavour);
        const Buffer before = source.row(size, flavour);
        expect_by_the_rules("add", [&](const Kernels& k) {
            Buffer y = before;
            k.add(x.data(), size, y.data());
            Trace trace;
            trace.put(y);
            return trace;
        });
    });
}

TEST(RowKernels, ExpAndSigmoid) {
    for_sizes([](std::size_t size, Flavour flavour, Source& source) {
        Buffer x = source.row(size, flavour);
        Buffer below = x;
        for (std::size_t i = 0; i < size; ++i)
            below[i] = -std::fabs(x[i]);
        expect_by_the_rules("exp and sigmoid", [&](const Kernels& k) {
            Buffer e(size);
            Buffer s(size);
            k.exp(below.data(), size, e.data());
            k.sigmoid(x.data(), size, s.data());
            Trace trace;
            trace.put(e);
            trace.put(s);
            return trace;
        });
    });
}

// Dense enough to notice a wrong digit of a constant.
TEST(RowKernels, ExpAndSigmoidDensely) {
    constexpr std::size_t kCount = 40000;
    Buffer below(kCount);
    Buffer x(kCount);
    for (std::size_t i = 0; i < kCount; ++i) {
        below[i] = -88.0F * (static_cast<float>(i) / static_cast<float>(kCount));
        x[i] = 24.0F * (static_cast<float>(i) / static_cast<float>(kCount)) - 12.0F;
    }
    expect_by_the_rules("exp and sigmoid, densely", [&](const Kernels& k) {
        Buffer e(kCount);
        Buffer s(kCount);
        k.exp(below.data(), kCount, e.data());
        k.sigmoid(x.data(), kCount, s.data());
        Trace trace;
        trace.put(e);
        trace.put(s);
        return trace;
    });
}

TEST(RowKernels, AllFinite) {
    const CanonicalFloatMode mode;
    for (const Subject& subject : subjects()) {
        for (const std::size_t size : {1U, 7U, 16U, 33U, 70U}) {
            Source source(size);
            Buffer good = source.row(size, Flavour::kEdges);
            EXPECT_TRUE(subject.kernels.all_finite(good.data(), size)) << subject.name;
            for (std::size_t i = 0; i < size; ++i) {
                for (const float bad : {kNan, -kNan, kInf, -kInf}) {
                    Buffer x = good;
                    x[i] = bad;
                    EXPECT_FALSE(subject.kernels.all_finite(x.data(), size))
                        << subject.name << ": " << bad << " at " << i << " of " << size;
                    EXPECT_TRUE(subject.kernels.all_finite(x.data(), i))
                        << subject.name << ": reads past " << i;
                }
            }
        }
        EXPECT_TRUE(subject.kernels.all_finite(nullptr, 0)) << subject.name;
    }
}

// A NaN anywhere in a row must not vanish in a maximum or a mask, whatever its payload.
TEST(RowKernels, NanInNanOut) {
    const CanonicalFloatMode mode;
    for (const Subject& subject : subjects()) {
        const Kernels& k = subject.kernels;
        for (const std::uint32_t bits : {0x7FC00000U, 0xFFC00000U, 0x7FFFFFFFU, 0xFFC001FFU}) {
            for (std::size_t at = 0; at < 40; ++at) {
                SCOPED_TRACE(::testing::Message() << subject.name << ", " << at);
                Source source(at);
                Buffer x = source.row(40, Flavour::kPlain);
                x[at] = std::bit_cast<float>(bits);
                Buffer y(40);
                k.exp(x.data() + at, 1, y.data());
                k.sigmoid(x.data() + at, 1, y.data() + 1);
                EXPECT_TRUE(std::isnan(y[0]) && std::isnan(y[1]));
                EXPECT_TRUE(std::isnan(k.dot(x.data(), x.data(), 40)));
                EXPECT_TRUE(std::isnan(k.sum_of_squares(x.data(), 40)));
                Buffer s = x;
                EXPECT_TRUE(std::isnan(k.cross_entropy_row(s.data(), 40, 3, 1.0F)));
                EXPECT_TRUE(std::isnan(s[3]) && std::isnan(s[39]));
                s = x;
                k.softmax_row(s.data(), 40, 40, 1.0F);
                EXPECT_TRUE(std::isnan(s[0]) && std::isnan(s[39]));
            }
        }
    }
}

}  // namespace
}  // namespace covenant::kernels
