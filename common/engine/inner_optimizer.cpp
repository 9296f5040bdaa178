#include "common/engine/inner_optimizer.hpp"

#include "common/base/assert.hpp"
#include "common/engine/canonical_ops.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace covenant::engine {
namespace {

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

double global_norm(const ParameterLayout& layout, std::span<const float> gradient,
                   const kernels::Kernels& kernels, ThreadPool& pool) {
    COVENANT_ASSERT(gradient.size() == layout.total_floats(), "a gradient has the layout's size");
    const std::span<const TensorSlot> tensors = layout.tensors();
    std::vector<double> squares(tensors.size());
    for_each_canonical(pool, tensors.size(), [&](std::size_t i, unsigned) {
        squares[i] = kernels.sum_of_squares(gradient.data() + tensors[i].offset, tensors[i].numel);
    });
    double total = 0.0;
    for (const double square : squares)
        total += square;
    return std::sqrt(total);
}

void adamw_update(const ParameterLayout& layout, const InnerHyper& hyper, double lr, double norm,
                  std::uint64_t adam_t, std::span<const float> gradient, std::span<float> theta,
                  std::span<float> m, std::span<float> v, const kernels::Kernels& kernels,
                  ThreadPool& pool) {
    const std::size_t size = layout.total_floats();
    COVENANT_ASSERT(
        gradient.size() == size && theta.size() == size && m.size() == size && v.size() == size,
        "optimiser buffers have the layout's size");
    const double clip = static_cast<double>(hyper.clip_norm);
    kernels::AdamStep step;
    step.scale = clip > 0.0 && clip < norm ? static_cast<float>(clip / norm) : 1.0F;
    step.beta1 = hyper.beta1;
    step.beta2 = hyper.beta2;
    step.rest1 = 1.0F - hyper.beta1;
    step.rest2 = 1.0F - hyper.beta2;
    step.eps = hyper.eps;
    step.correct1 = static_cast<float>(1.0 / bias_correction(hyper.beta1, adam_t));
    step.correct2 = static_cast<float>(1.0 / bias_correction(hyper.beta2, adam_t));
    step.rate = static_cast<float>(lr);
    const float matrix_decay = static_cast<float>(lr * static_cast<double>(hyper.weight_decay));
    // A task is a run of chunks inside one tensor, so that one decay holds for it.
    struct Task {
        std::size_t first, count;
        bool is_norm;
    };
    constexpr std::size_t kTaskFloats = 16 * kChunkFloats;
    std::vector<Task> tasks;
    for (const TensorSlot& slot : layout.tensors()) {
        for (std::size_t at = 0; at < slot.numel; at += kTaskFloats) {
            tasks.push_back(
                {slot.offset + at, std::min(kTaskFloats, slot.numel - at), slot.is_norm});
        }
    }
    for_each_canonical(pool, tasks.size(), [&](std::size_t i, unsigned) {
        const Task& task = tasks[i];
        kernels::AdamStep own = step;
        own.decay = task.is_norm ? 0.0F : matrix_decay;
        kernels.adamw(own, gradient.data() + task.first, task.count, theta.data() + task.first,
                      m.data() + task.first, v.data() + task.first);
    });
}

}  // namespace covenant::engine
