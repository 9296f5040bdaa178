#include "common/engine/engine.hpp"

#include "common/engine/model.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <exception>

#include <fmt/format.h>

namespace covenant::engine {
namespace {

bool all_finite(std::span<const float> values) {
    std::uint32_t bad = 0;
    for (const float value : values) {
        bad |= static_cast<std::uint32_t>((std::bit_cast<std::uint32_t>(value) & 0x7F800000U) ==
                                          0x7F800000U);
    }
    return bad == 0;
}

// Exceptions are libtorch's (its what() ends in a stack trace) or bad_alloc; the first line says
// enough.
Error torch_failed(const std::exception& error) {
    std::string text = error.what();
    text.resize(std::min(text.find('\n'), text.size()));
    return {Errc::kPrecondition, "libtorch: " + text, false};
}

}  // namespace

TrainState TrainState::fresh(ParameterBuffer theta) {
    TrainState state;
    state.m = theta.clone();
    state.m.set_zero();
    state.v = state.m.clone();
    state.theta = std::move(theta);
    return state;
}

TrainState TrainState::clone() const {
    TrainState copy;
    copy.theta = theta.clone();
    copy.m = m.clone();
    copy.v = v.clone();
    copy.adam_t = adam_t;
    return copy;
}

struct Engine::Impl {
    Impl(const ModelConfig& config, const Profile& the_profile)
        : layout(config),
          profile(the_profile),
          model(layout, the_profile.kernels),
          gradient(layout) {}

    [[nodiscard]] std::size_t window_tokens() const {
        return std::size_t{layout.config().seq_len} + 1;
    }

    Status check(const ParameterBuffer& theta, std::span<const std::uint32_t> tokens) const {
        if (theta.size() != layout.total_floats()) {
            return fail(Errc::kInvalidArgument,
                        fmt::format("parameters have {} floats, the model needs {}", theta.size(),
                                    layout.total_floats()));
        }
        if (tokens.empty() || tokens.size() % window_tokens() != 0) {
            return fail(Errc::kInvalidArgument,
                        fmt::format("{} tokens are no whole number of windows of {}", tokens.size(),
                                    window_tokens()));
        }
        const std::uint32_t vocabulary = layout.config().vocab_size;
        const auto outside =
            std::ranges::find_if(tokens, [&](std::uint32_t token) { return token >= vocabulary; });
        if (outside != tokens.end()) {
            return fail(Errc::kInvalidArgument,
                        fmt::format("token {} at position {} is outside the vocabulary of {}",
                                    *outside, outside - tokens.begin(), vocabulary));
        }
        return {};
    }

    Result<float> gradient_of(const ParameterBuffer& theta, std::span<const std::uint32_t> tokens,
                              std::uint32_t micro_batch, ParameterBuffer& out) {
        out.set_zero();
        const std::size_t windows = tokens.size() / window_tokens();
        float loss = 0.0F;
        try {
            for (std::size_t at = 0; at < windows; at += micro_batch) {
                const std::size_t count = std::min<std::size_t>(micro_batch, windows - at);
                const float weight = static_cast<float>(count) / static_cast<float>(windows);
                loss += weight * model.loss_and_gradient(
                                     theta.floats(),
                                     tokens.subspan(at * window_tokens(), count * window_tokens()),
                                     weight, out.floats());
            }
        } catch (const std::exception& error) {
            return fail(torch_failed(error));
        }
        if (!std::isfinite(loss)) {
            return fail(Errc::kRejected, fmt::format("training loss is {}", loss));
        }
        return loss;
    }

    ParameterLayout layout;
    Profile profile;
    Model model;
    ParameterBuffer gradient;
};

Result<Engine> Engine::create(const ModelConfig& config, const Profile& profile) {
    COVENANT_CHECK(config.validate());
    try {
        return Engine(std::make_unique<Impl>(config, profile));
    } catch (const std::exception& error) {
        return fail(torch_failed(error));
    }
}

Engine::Engine(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Engine::Engine(Engine&&) noexcept = default;
Engine& Engine::operator=(Engine&&) noexcept = default;
Engine::~Engine() = default;

const ModelConfig& Engine::config() const {
    return impl_->layout.config();
}
const ParameterLayout& Engine::layout() const {
    return impl_->layout;
}
const Profile& Engine::profile() const {
    return impl_->profile;
}

Result<StepReport> Engine::train_step(TrainState& state, std::span<const std::uint32_t> tokens,
                                      const InnerHyper& hyper, std::uint64_t inner_step) {
    COVENANT_CHECK(hyper.validate());
    COVENANT_CHECK(impl_->check(state.theta, tokens));
    if (state.m.size() != state.theta.size() || state.v.size() != state.theta.size()) {
        return fail(Errc::kInvalidArgument,
                    fmt::format("moments have {} and {} floats, the parameters {}", state.m.size(),
                                state.v.size(), state.theta.size()));
    }
    StepReport report;
    COVENANT_TRY(report.loss, impl_->gradient_of(state.theta, tokens, hyper.micro_batch_windows,
                                                 impl_->gradient));
    report.gradient_norm = global_norm(impl_->layout, impl_->gradient.floats());
    if (!std::isfinite(report.gradient_norm)) {
        return fail(Errc::kRejected, fmt::format("gradient norm is {}", report.gradient_norm));
    }
    report.learning_rate = learning_rate(hyper.schedule, inner_step);
    ++state.adam_t;
    adamw_update(impl_->layout, hyper, report.learning_rate, report.gradient_norm, state.adam_t,
                 impl_->gradient.floats(), state.theta.floats(), state.m.floats(),
                 state.v.floats());
    // An infinite first moment shows in theta; an infinite second one hides in a division.
    if (!all_finite(state.theta.floats()) || !all_finite(state.v.floats())) {
        return fail(Errc::kRejected,
                    fmt::format("a parameter became NaN or infinite at inner step {} (loss {}, "
                                "gradient norm {})",
                                inner_step, report.loss, report.gradient_norm));
    }
    return report;
}

Result<double> Engine::loss(const ParameterBuffer& theta, std::span<const std::uint32_t> tokens) {
    COVENANT_CHECK(impl_->check(theta, tokens));
    const std::size_t windows = tokens.size() / impl_->window_tokens();
    double sum = 0.0;
    try {
        for (std::size_t at = 0; at < windows; at += kLossMicroBatch) {
            const std::size_t count = std::min<std::size_t>(kLossMicroBatch, windows - at);
            const float mean = impl_->model.loss(
                theta.floats(),
                tokens.subspan(at * impl_->window_tokens(), count * impl_->window_tokens()));
            sum += static_cast<double>(mean) *
                   static_cast<double>(count * impl_->layout.config().seq_len);
        }
    } catch (const std::exception& error) {
        return fail(torch_failed(error));
    }
    const double mean = sum / static_cast<double>(windows * impl_->layout.config().seq_len);
    if (!std::isfinite(mean)) return fail(Errc::kRejected, fmt::format("loss is {}", mean));
    return mean;
}

Result<float> Engine::gradient(const ParameterBuffer& theta, std::span<const std::uint32_t> tokens,
                               std::uint32_t micro_batch_windows, ParameterBuffer& gradient_out) {
    COVENANT_CHECK(impl_->check(theta, tokens));
    if (gradient_out.size() != theta.size() || micro_batch_windows == 0) {
        return fail(Errc::kInvalidArgument,
                    fmt::format("gradient of {} floats in micro-batches of {}, need {} floats and "
                                "at least one window",
                                gradient_out.size(), micro_batch_windows, theta.size()));
    }
    return impl_->gradient_of(theta, tokens, micro_batch_windows, gradient_out);
}

}  // namespace covenant::engine
