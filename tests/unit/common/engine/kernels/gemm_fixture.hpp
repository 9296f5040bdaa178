// What the tests of the matrix products share: all implementations that run here, operands that end
// where their memory ends, and the rules E2 and E3 once more, from the text of
// common/engine/README.md alone.
#pragma once

#include "common/engine/kernels/kernels.hpp"

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace covenant::kernels {

struct Implementation {
    std::string name;
    void (*gemm)(const Gemm&);
    bool f32;  // runs Precision::kF32 too
};
// This CPU's instruction sets, and the AVX-512 and AMX sources over emulated instructions.
const std::vector<Implementation>& implementations();

// The same source as the kernel's, compiled over SIMDe and over tiles in plain C++.
void gemm_avx512_simde(const Gemm& gemm);
void gemm_amx_emulated(const Gemm& gemm);

// Floats followed by memory that may not be touched.
class GuardedFloats {
  public:
    explicit GuardedFloats(std::size_t count);
    ~GuardedFloats();
    GuardedFloats(const GuardedFloats&) = delete;
    GuardedFloats& operator=(const GuardedFloats&) = delete;
    [[nodiscard]] float* data() const { return data_; }
    [[nodiscard]] std::size_t size() const { return count_; }

  private:
    void* mapping_ = nullptr;
    std::size_t bytes_ = 0;
    float* data_ = nullptr;
    std::size_t count_;
};

enum class Values : unsigned char {
    kPlain,      // -1 .. 1
    kWide,       // 1e-30 .. 1e30
    kTiny,       // products around the smallest normal number; denormals, zeros of both signs
    kAnyFinite,  // any pattern that is finite
    kCancel,     // few values of either sign: sums that cancel to zero
};
constexpr Values kAllValues[] = {Values::kPlain, Values::kWide, Values::kTiny, Values::kAnyFinite,
                                 Values::kCancel};
float draw(Values kind, std::mt19937_64& random);

// C as rules E2 and E3 write it.
void textbook(const Gemm& gemm);

// Bits, where a NaN equals every NaN.
bool same_bits(float a, float b);

// Operands and C of one product, filled with values; `gemm()` points into them.
class Problem {
  public:
    Problem(Precision precision, std::size_t m, std::size_t n, std::size_t k, bool a_by_columns,
            bool b_by_columns, bool accumulate, Values values, std::uint64_t seed);
    // C after `run` on a copy of the first C, the gap between its rows included.
    [[nodiscard]] std::vector<float> result(void (*run)(const Gemm&)) const;
    [[nodiscard]] const Gemm& gemm() const { return gemm_; }
    [[nodiscard]] float* a() const { return a_.data(); }
    [[nodiscard]] float* b() const { return b_.data(); }
    [[nodiscard]] std::vector<float>& c() { return c_; }
    [[nodiscard]] std::string describe() const;

  private:
    GuardedFloats a_, b_;
    std::vector<float> c_;
    Gemm gemm_;
};

float* workspace();

// Index of the first difference, or "" when there is none.
std::string difference(const std::vector<float>& got, const std::vector<float>& want);

}  // namespace covenant::kernels
