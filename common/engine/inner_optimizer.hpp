// AdamW with global norm clipping, one pass, in a written order of operations: fp32 with round to
// nearest even, no fused multiply-add, no libm function but sqrt. Equal bits on every CPU.
#pragma once

#include "common/base/result.hpp"
#include "common/base/thread_pool.hpp"
#include "common/engine/kernels/kernels.hpp"
#include "common/engine/parameter_buffer.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace covenant::engine {

struct LrPoint {
    std::uint64_t step = 0;  // inner steps since the start of the run, 0-based
    double lr = 0.0;
    bool operator==(const LrPoint&) const = default;
};

struct InnerHyper {
    float beta1 = 0.9F;
    float beta2 = 0.95F;
    float eps = 1e-8F;
    float weight_decay =
        0.1F;                // decoupled, on matrices (embedding and head included), not on norms
    float clip_norm = 1.0F;  // 0: no clipping
    std::vector<LrPoint> schedule;  // ascending steps, at least one point

    // kInvalidArgument naming the field and its value.
    [[nodiscard]] Status validate() const;
    bool operator==(const InnerHyper&) const = default;
};

// Piecewise linear through the points, constant before the first and after the last. Between p and
// q: p.lr + (q.lr - p.lr) * (double(step - p.step) / double(q.step - p.step)), fp64.
[[nodiscard]] double learning_rate(std::span<const LrPoint> schedule, std::uint64_t step);

// 1 - beta^t for t >= 1: beta (fp32, widened) multiplied t times in fp64, stopping once the power
// is below 2^-60, where the difference rounds to 1.
[[nodiscard]] double bias_correction(float beta, std::uint64_t t);

// |g|_2 in fp64: per tensor, element i adds double(g)^2 to lane i mod 16 in ascending order, lanes
// fold 8-4-2-1 (lane i += lane i + 8, ...); tensors add in model order; sqrt last.
[[nodiscard]] double global_norm(const ParameterLayout& layout, std::span<const float> gradient,
                                 const kernels::Kernels& kernels, ThreadPool& pool);

// One update; adam_t is the step number, from 1. Per element, fp32, left to right, each operation
// rounded:
//   g' = g * scale                      scale = clip_norm < norm ? float(clip_norm / norm) : 1
//   m  = beta1 * m + (1 - beta1) * g'
//   v  = beta2 * v + ((1 - beta2) * g') * g'
//   u  = (m * c1) / (sqrt(v * c2) + eps)         c1 = float(1 / (1 - beta1^t)), c2 likewise
//   theta = (theta - decay * theta) - lr32 * u   decay = float(lr * weight_decay) on matrices, 0 on
//   norms
// All spans have layout.total_floats() elements; padding is left alone.
void adamw_update(const ParameterLayout& layout, const InnerHyper& hyper, double lr, double norm,
                  std::uint64_t adam_t, std::span<const float> gradient, std::span<float> theta,
                  std::span<float> m, std::span<float> v, const kernels::Kernels& kernels,
                  ThreadPool& pool);

}  // namespace covenant::engine
