// The canonical kernels: one table of functions per instruction set, all of them with the same
// bits. What each function computes, operation by operation, is law (rules E1 to E12 of
// common/engine/README.md); how an instruction set gets there is its own affair.
//
// Every function runs on the calling thread, which has a CanonicalFloatMode in force; callers
// split outputs among threads, never sums. Pointers need no alignment. No function allocates.
// Dimensions may be any value, zero included.
#pragma once

#include "common/base/result.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace covenant::kernels {

enum class Isa : unsigned char { kScalar, kAvx2, kAvx512, kAmx };

// Operands of matrix products: rounded to bf16 (E2) or as they are (E3).
enum class Precision : unsigned char { kBf16, kF32 };

// C[m, n] = (accumulate ? C : +0) + A[m, k] * B[k, n], row-major C. Element (i, p) of A is
// a[i * a_row + p * a_col], element (p, j) of B is b[p * b_row + j * b_col]; of each pair of
// strides one is 1 (for speed only). C overlaps neither operand.
struct Gemm {
    Precision precision = Precision::kF32;
    std::size_t m = 0, n = 0, k = 0;
    const float* a = nullptr;
    std::size_t a_row = 0, a_col = 1;
    const float* b = nullptr;
    std::size_t b_row = 0, b_col = 1;
    float* c = nullptr;
    std::size_t c_row = 0;
    bool accumulate = false;
    // At least kGemmWorkspaceFloats floats, 64-byte aligned; packed operands live here.
    float* workspace = nullptr;
};
inline constexpr std::size_t kGemmWorkspaceFloats = std::size_t{1} << 20;

// AdamW's numbers of one step (inner_optimizer.hpp), all fp32.
struct AdamStep {
    float scale = 1.0F;  // of the gradient: the norm clip
    float beta1 = 0.0F, rest1 = 0.0F, beta2 = 0.0F, rest2 = 0.0F;
    float correct1 = 0.0F, correct2 = 0.0F;  // 1 / (1 - beta^t)
    float eps = 0.0F, rate = 0.0F, decay = 0.0F;
};

// Rows are consecutive: row i of x starts at x + i * cols.
struct Kernels {
    Isa isa;

    void (*gemm)(const Gemm&);

    // E5. y = (x * inv) * gain, inv = 1 / sqrt(mean(x^2) + eps); inv has one value per row.
    void (*rms_norm)(const float* x, const float* gain, std::size_t rows, std::size_t cols,
                     float eps, float* y, float* inv);
    // dx += gradient through the norm. gain_gradient[cols] is written, not added to: the sum over
    // these rows, ascending from +0.
    void (*rms_norm_backward)(const float* dy, const float* x, const float* gain, const float* inv,
                              std::size_t rows, std::size_t cols, float* dx, float* gain_gradient);
    // E6. In place on `heads` heads of head_dim in each of `rows` rows of `stride` floats; row i
    // stands at position i mod seq_len of the tables cos and sin [seq_len, head_dim / 2]. inverse
    // turns back (the gradient).
    void (*rope)(float* x, std::size_t rows, std::size_t stride, std::size_t heads,
                 std::size_t head_dim, std::size_t seq_len, const float* cos, const float* sin,
                 bool inverse);
    // E7. out = (gate * sigmoid(gate)) * up
    void (*swiglu)(const float* gate, const float* up, std::size_t count, float* out);
    // d_gate and d_up may be gate and up themselves.
    void (*swiglu_backward)(const float* d_out, const float* gate, const float* up,
                            std::size_t count, float* d_gate, float* d_up);
    // E8. One row of attention scores: s[0, live) becomes softmax(s * scale), s[live, cols) +0.
    // live >= 1.
    void (*softmax_row)(float* s, std::size_t live, std::size_t cols, float scale);
    // E8. dp[0, live) becomes (p * (dp - delta)) * scale, dp[live, cols) +0.
    void (*softmax_backward_row)(const float* p, float delta, std::size_t live, std::size_t cols,
                                 float scale, float* dp);
    // E4. Sum of a_i * b_i.
    float (*dot)(const float* a, const float* b, std::size_t count);
    // E9. Nats of one row, -log softmax(logits)[target]; target < vocab. With a weight that is not
    // zero, logits become weight * (softmax - onehot(target)); with 0 they are left alone.
    float (*cross_entropy_row)(float* logits, std::size_t vocab, std::size_t target, float weight);
    // E10. One AdamW update per element.
    void (*adamw)(const AdamStep& step, const float* gradient, std::size_t count, float* theta,
                  float* m, float* v);
    // E10. Sum of squares in fp64.
    double (*sum_of_squares)(const float* x, std::size_t count);
    // y += x
    void (*add)(const float* x, std::size_t count, float* y);
    bool (*all_finite)(const float* x, std::size_t count);
    // E1's functions over arrays, for tests and whoever needs them. exp wants x <= 0.
    void (*exp)(const float* x, std::size_t count, float* y);
    void (*sigmoid)(const float* x, std::size_t count, float* y);
};

// What this CPU and operating system can run, best last; kScalar is always there. AMX's tile state
// is asked of the kernel at the first call.
[[nodiscard]] std::vector<Isa> available_isas();
[[nodiscard]] std::string_view isa_name(Isa isa);  // "scalar", "avx2", "avx512", "amx"
// kNotFound: no such name.
[[nodiscard]] Result<Isa> parse_isa(std::string_view name);
// kPrecondition: this CPU lacks it; the message names what it has.
[[nodiscard]] Result<const Kernels*> kernels_for(Isa isa);

// Round to nearest even, denormals flushed on input and output, exceptions masked: in force on the
// thread while the object lives, then as before.
class CanonicalFloatMode {
  public:
    CanonicalFloatMode();
    ~CanonicalFloatMode();
    CanonicalFloatMode(const CanonicalFloatMode&) = delete;
    CanonicalFloatMode& operator=(const CanonicalFloatMode&) = delete;

  private:
    unsigned saved_;
};

}  // namespace covenant::kernels
