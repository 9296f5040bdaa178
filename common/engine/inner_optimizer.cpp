#include "common/engine/inner_optimizer.hpp"

#include "common/base/assert.hpp"

#include <array>
#include <cmath>

#include <fmt/format.h>

namespace covenant::engine {
namespace {

constexpr std::size_t kLanes = 16;

Status unit_range(const char* name, float value) {
    if (value >= 0.0F && value < 1.0F) return {};
    return fail(Errc::kInvalidArgument,
                fmt::format("inner optimiser: {} is {}, must be in [0, 1)", name, value));
}

}  // namespace

Status InnerHyper::validate() const {
    COVENANT_CHECK(unit_range("beta1", beta1));
    COVENANT_CHECK(unit_range("beta2", beta2));
    COVENANT_CHECK(unit_range("weight_decay", weight_decay));
    if (!(eps > 0.0F && eps <= 1.0F)) {
        return fail(Errc::kInvalidArgument,
                    fmt::format("inner optimiser: eps is {}, must be in (0, 1]", eps));
    }
    if (!(clip_norm >= 0.0F && std::isfinite(clip_norm))) {
        return fail(Errc::kInvalidArgument,
                    fmt::format("inner optimiser: clip_norm is {}, must be >= 0", clip_norm));
    }
    if (micro_batch_windows < 1 || micro_batch_windows > 65536) {
        return fail(Errc::kInvalidArgument,
                    fmt::format("inner optimiser: micro_batch_windows is {}, must be in [1, 65536]",
                                micro_batch_windows));
    }
    if (schedule.empty()) {
        return fail(Errc::kInvalidArgument, "inner optimiser: the learning-rate schedule is empty");
    }
    for (std::size_t i = 0; i < schedule.size(); ++i) {
        if (!(schedule[i].lr >= 0.0 && schedule[i].lr <= 1.0)) {
            return fail(
                Errc::kInvalidArgument,
                fmt::format("inner optimiser: learning rate {} at step {} must be in [0, 1]",
                            schedule[i].lr, schedule[i].step));
        }
        if (i > 0 && schedule[i].step <= schedule[i - 1].step) {
            return fail(Errc::kInvalidArgument,
                        fmt::format("inner optimiser: schedule step {} must be above {}",
                                    schedule[i].step, schedule[i - 1].step));
        }
    }
    return {};
}

double learning_rate(std::span<const LrPoint> schedule, std::uint64_t step) {
    COVENANT_ASSERT(!schedule.empty(), "validate() refuses an empty schedule");
    if (step <= schedule.front().step) return schedule.front().lr;
    for (std::size_t i = 1; i < schedule.size(); ++i) {
        const LrPoint& p = schedule[i - 1];
        const LrPoint& q = schedule[i];
        if (step < q.step) {
            const double at =
                static_cast<double>(step - p.step) / static_cast<double>(q.step - p.step);
            return p.lr + (q.lr - p.lr) * at;
        }
    }
    return schedule.back().lr;
}

double bias_correction(float beta, std::uint64_t t) {
    COVENANT_ASSERT(t >= 1, "updates are counted from 1");
    constexpr double kNegligible = 1.0 / 1152921504606846976.0;  // 2^-60
    const double base = static_cast<double>(beta);
    double power = base;
    for (std::uint64_t i = 1; i < t && power >= kNegligible; ++i)
        power *= base;
    return 1.0 - power;
}

double global_norm(const ParameterLayout& layout, std::span<const float> gradient) {
    COVENANT_ASSERT(gradient.size() == layout.total_floats(), "a gradient has the layout's size");
    double total = 0.0;
    for (const TensorSlot& slot : layout.tensors()) {
        const float* g = gradient.data() + slot.offset;
        std::array<double, kLanes> lane{};
        std::size_t i = 0;
        for (; i + kLanes <= slot.numel; i += kLanes) {
            for (std::size_t l = 0; l < kLanes; ++l) {
                const double x = static_cast<double>(g[i + l]);
                lane[l] += x * x;
            }
        }
        for (std::size_t l = 0; i + l < slot.numel; ++l) {
            const double x = static_cast<double>(g[i + l]);
            lane[l] += x * x;
        }
        for (std::size_t half = kLanes / 2; half >= 1; half /= 2) {
            for (std::size_t l = 0; l < half; ++l)
                lane[l] += lane[l + half];
        }
        total += lane[0];
    }
    return std::sqrt(total);
}

void adamw_update(const ParameterLayout& layout, const InnerHyper& hyper, double lr, double norm,
                  std::uint64_t adam_t, std::span<const float> gradient, std::span<float> theta,
                  std::span<float> m, std::span<float> v) {
    const std::size_t size = layout.total_floats();
    COVENANT_ASSERT(
        gradient.size() == size && theta.size() == size && m.size() == size && v.size() == size,
        "optimiser buffers have the layout's size");
    const double clip = static_cast<double>(hyper.clip_norm);
    const float scale = clip > 0.0 && clip < norm ? static_cast<float>(clip / norm) : 1.0F;
    const float beta1 = hyper.beta1;
    const float beta2 = hyper.beta2;
    const float rest1 = 1.0F - beta1;
    const float rest2 = 1.0F - beta2;
    const float eps = hyper.eps;
    const float c1 = static_cast<float>(1.0 / bias_correction(beta1, adam_t));
    const float c2 = static_cast<float>(1.0 / bias_correction(beta2, adam_t));
    const float lr32 = static_cast<float>(lr);
    const float matrix_decay = static_cast<float>(lr * static_cast<double>(hyper.weight_decay));
    for (const TensorSlot& slot : layout.tensors()) {
        const float decay = slot.is_norm ? 0.0F : matrix_decay;
        const float* __restrict gp = gradient.data() + slot.offset;
        float* __restrict tp = theta.data() + slot.offset;
        float* __restrict mp = m.data() + slot.offset;
        float* __restrict vp = v.data() + slot.offset;
        for (std::size_t i = 0; i < slot.numel; ++i) {
            const float g = gp[i] * scale;
            const float mi = beta1 * mp[i] + rest1 * g;
            const float vi = beta2 * vp[i] + (rest2 * g) * g;
            const float u = (mi * c1) / (std::sqrt(vi * c2) + eps);
            mp[i] = mi;
            vp[i] = vi;
            tp[i] = (tp[i] - decay * tp[i]) - lr32 * u;
        }
    }
}

}  // namespace covenant::engine
