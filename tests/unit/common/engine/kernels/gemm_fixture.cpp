#include "tests/unit/common/engine/kernels/gemm_fixture.hpp"

#include <bit>
#include <cmath>
#include <limits>
#include <memory>
#include <stdexcept>

#include <fmt/format.h>
#include <sys/mman.h>

namespace covenant::kernels {
namespace {

float from_bits(std::uint32_t bits) {
    return std::bit_cast<float>(bits);
}

// E2: to bf16 and back, by the book: eight significant binary digits, ties to even.
float bf16_operand(float x) {
    if (!std::isfinite(x)) return x;
    if (std::fpclassify(x) != FP_NORMAL) return std::copysign(0.0F, x);
    int exponent = 0;
    const double fraction = std::frexp(double{x}, &exponent);
    const double rounded = std::ldexp(std::nearbyint(fraction * 256.0), exponent - 8);
    if (std::fabs(rounded) >= 0x1p128)
        return std::copysign(std::numeric_limits<float>::infinity(), x);
    return static_cast<float>(rounded);
}

std::size_t pages(std::size_t bytes) {
    return (bytes + 4095) / 4096 * 4096;
}

}  // namespace

const std::vector<Implementation>& implementations() {
    static const std::vector<Implementation> all = [] {
        std::vector<Implementation> found;
        for (const Isa isa : available_isas()) {
            found.push_back({std::string(isa_name(isa)), kernels_for(isa).value()->gemm, true});
        }
        if (available_isas().size() > 1) {  // the emulations are compiled for AVX2
            found.push_back({"avx512 emulated", gemm_avx512_simde, true});
            found.push_back({"amx emulated", gemm_amx_emulated, false});
        }
        return found;
    }();
    return all;
}

GuardedFloats::GuardedFloats(std::size_t count) : count_(count) {
    const std::size_t used = pages(count * sizeof(float));
    bytes_ = used + 4096;
    mapping_ = ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapping_ == MAP_FAILED) throw std::runtime_error("mmap failed");
    char* const end = static_cast<char*>(mapping_) + used;
    if (::mprotect(end, 4096, PROT_NONE) != 0) throw std::runtime_error("mprotect failed");
    data_ = static_cast<float*>(static_cast<void*>(end)) - count;
}

GuardedFloats::~GuardedFloats() {
    ::munmap(mapping_, bytes_);
}

float draw(Values kind, std::mt19937_64& random) {
    const std::uint64_t r = random();
    const auto bits = static_cast<std::uint32_t>(r);
    const auto with_exponent = [bits](std::uint64_t exponent) {
        return from_bits((bits & 0x807FFFFFU) | (static_cast<std::uint32_t>(exponent) << 23));
    };
    switch (kind) {
        case Values::kPlain:
            return static_cast<float>(static_cast<std::int32_t>(bits)) * 0x1p-31F;
        case Values::kWide:
            return with_exponent(27 + (r >> 32) % 200);
        case Values::kTiny:
            if ((r >> 50) % 7 == 0) return with_exponent(0);
            if ((r >> 50) % 11 == 0) return from_bits(bits & 0x80000000U);
            return with_exponent(48 + (r >> 32) % 32);
        case Values::kAnyFinite:
            return with_exponent((r >> 32) % 255);
        case Values::kCancel:
            return static_cast<float>(static_cast<int>(r % 5) - 2) *
                   ((r >> 40) % 2 ? 1.0F : 0x1p-70F);
    }
    return 0.0F;
}

void textbook(const Gemm& g) {
    const auto a = [&g](std::size_t i, std::size_t p) { return g.a[i * g.a_row + p * g.a_col]; };
    const auto b = [&g](std::size_t p, std::size_t j) { return g.b[p * g.b_row + j * g.b_col]; };
    for (std::size_t i = 0; i < g.m; ++i) {
        for (std::size_t j = 0; j < g.n; ++j) {
            float c = g.accumulate ? g.c[i * g.c_row + j] : 0.0F;
            if (g.precision == Precision::kF32) {
                for (std::size_t block = 0; block < g.k; block += 256) {
                    float s = 0.0F;
                    for (std::size_t p = block; p < g.k && p < block + 256; ++p) {
                        s = std::fma(a(i, p), b(p, j), s);
                    }
                    c = c + s;
                }
            } else {
                for (std::size_t block = 0; block < g.k; block += 32) {
                    float chain[2] = {0.0F, 0.0F};
                    for (std::size_t p = block; p < block + 32; ++p) {
                        const float left = p < g.k ? bf16_operand(a(i, p)) : 0.0F;
                        const float right = p < g.k ? bf16_operand(b(p, j)) : 0.0F;
                        chain[p % 2] = std::fma(left, right, chain[p % 2]);
                    }
                    c = c + (chain[0] + chain[1]);
                }
            }
            g.c[i * g.c_row + j] = c;
        }
    }
}

bool same_bits(float a, float b) {
    return std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b) ||
           (std::isnan(a) && std::isnan(b));
}

float* workspace() {
    struct Free {
        void operator()(float* p) const { std::free(p); }
    };
    static const std::unique_ptr<float, Free> memory(
        static_cast<float*>(std::aligned_alloc(64, kGemmWorkspaceFloats * sizeof(float))));
    return memory.get();
}

Problem::Problem(Precision precision, std::size_t m, std::size_t n, std::size_t k,
                 bool a_by_columns, bool b_by_columns, bool accumulate, Values values,
                 std::uint64_t seed)
    : a_(m * k), b_(k * n) {
    std::mt19937_64 random(seed);
    for (std::size_t i = 0; i < a_.size(); ++i)
        a_.data()[i] = draw(values, random);
    for (std::size_t i = 0; i < b_.size(); ++i)
        b_.data()[i] = draw(values, random);
    const std::size_t c_row = n + random() % 3;
    c_.resize(m * c_row);
    for (float& x : c_)
        x = draw(values, random);
    gemm_ = {.precision = precision,
             .m = m,
             .n = n,
             .k = k,
             .a = a_.data(),
             .a_row = a_by_columns ? 1 : k,
             .a_col = a_by_columns ? m : 1,
             .b = b_.data(),
             .b_row = b_by_columns ? 1 : n,
             .b_col = b_by_columns ? k : 1,
             .c = nullptr,
             .c_row = c_row,
             .accumulate = accumulate,
             .workspace = workspace()};
}

std::vector<float> Problem::result(void (*run)(const Gemm&)) const {
    std::vector<float> c = c_;
    Gemm gemm = gemm_;
    gemm.c = c.data();
    run(gemm);
    return c;
}

std::string Problem::describe() const {
    return fmt::format(
        "{} {}x{}x{}, A {}, B {}{}", gemm_.precision == Precision::kBf16 ? "bf16" : "f32", gemm_.m,
        gemm_.n, gemm_.k, gemm_.a_col == 1 ? "by rows" : "by columns",
        gemm_.b_col == 1 ? "by rows" : "by columns", gemm_.accumulate ? ", accumulating" : "");
}

std::string difference(const std::vector<float>& got, const std::vector<float>& want) {
    for (std::size_t i = 0; i < want.size(); ++i) {
        if (!same_bits(got[i], want[i])) {
            return fmt::format("element {} of {}: {:a}, not {:a}", i, want.size(), got[i], want[i]);
        }
    }
    return "";
}

}  // namespace covenant::kernels
