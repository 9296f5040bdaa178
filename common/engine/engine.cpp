#include "common/engine/engine.hpp"

#include "common/engine/canonical_ops.hpp"
#include "common/engine/model.hpp"
#include "common/engine/native_loader.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <exception>

#include <fmt/format.h>

namespace covenant::engine {
namespace {

// Tokens of one forward and backward pass (E12).
constexpr std::size_t kMicroBatchTokens = 1024;
constexpr std::size_t kFiniteBlock = 16 * kChunkFloats;

// An exception of a step as an error: no memory, or one of libtorch's from native operations. Of
// the text the first line is kept, because libtorch's ends in a stack trace.
Error computation_failed(const std::exception& error) {
    std::string text = error.what();
    text.resize(std::min(text.find('\n'), text.size()));
    return {Errc::kPrecondition, "computing a step: " + text, false};
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
    Impl(const ModelConfig& config, const Profile& the_profile, const kernels::Kernels& table)
        : layout(config), profile(the_profile), kernels(table), pool(the_profile.threads) {}

    Status load() {
        if (profile.native) {
            COVENANT_TRY(ops, load_native_ops(layout.config(), profile));
        } else {
            ops = make_canonical_ops(layout.config(), kernels, profile.precision, pool);
        }
        model = std::make_unique<Model>(layout, *ops);
        return {};
    }

    [[nodiscard]] std::size_t micro_batch() const {
        return std::max<std::size_t>(1, kMicroBatchTokens / layout.config().seq_len);
    }

    bool all_finite(std::span<const float> values) {
        std::atomic<bool> finite = true;
        const std::size_t blocks = (values.size() + kFiniteBlock - 1) / kFiniteBlock;
        for_each_canonical(pool, blocks, [&](std::size_t block, unsigned) {
            const auto part = values.subspan(block * kFiniteBlock);
            if (!kernels.all_finite(part.data(), std::min(part.size(), kFiniteBlock)))
                finite = false;
        });
        return finite;
    }

    // Calls pass(tokens of the micro-batch) in order and adds what it returns.
    template <typename Pass>
    double over_micro_batches(std::span<const std::uint32_t> tokens, const Pass& pass) {
        const std::size_t step = micro_batch() * window_tokens();
        double sum = 0.0;
        for (std::size_t at = 0; at < tokens.size(); at += step)
            sum += pass(tokens.subspan(at, std::min(step, tokens.size() - at)));
        return sum;
    }

    [[nodiscard]] double predicted(std::span<const std::uint32_t> tokens) const {
        const std::size_t windows = tokens.size() / window_tokens();
        return static_cast<double>(windows * layout.config().seq_len);
    }

    [[nodiscard]] std::size_t window_tokens() const {
        return std::size_t{layout.config().seq_len} + 1;
    }

    Status check_parameters(const ParameterBuffer& theta) const {
        if (theta.size() == layout.total_floats()) return {};
        return fail(Errc::kInvalidArgument,
                    fmt::format("parameters have {} floats, the model needs {}", theta.size(),
                                layout.total_floats()));
    }

    Status check_vocabulary(std::span<const std::uint32_t> tokens) const {
        const std::uint32_t vocabulary = layout.config().vocab_size;
        const auto outside =
            std::ranges::find_if(tokens, [&](std::uint32_t token) { return token >= vocabulary; });
        if (outside == tokens.end()) return {};
        return fail(Errc::kInvalidArgument,
                    fmt::format("token {} at position {} is outside the vocabulary of {}", *outside,
                                outside - tokens.begin(), vocabulary));
    }

    Status check(const ParameterBuffer& theta, std::span<const std::uint32_t> tokens) const {
        COVENANT_CHECK(check_parameters(theta));
        if (tokens.empty() || tokens.size() % window_tokens() != 0) {
            return fail(Errc::kInvalidArgument,
                        fmt::format("{} tokens are no whole number of windows of {}", tokens.size(),
                                    window_tokens()));
        }
        return check_vocabulary(tokens);
    }

    Result<float> gradient_of(const ParameterBuffer& theta, std::span<const std::uint32_t> tokens,
                              ParameterBuffer& out) {
        out.set_zero();
        const double count = predicted(tokens);
        const float weight = 1.0F / static_cast<float>(count);
        float loss = 0.0F;
        try {
            const double nats = over_micro_batches(tokens, [&](auto part) {
                return model->loss_and_gradient(theta.floats(), part, weight, out.floats());
            });
            loss = static_cast<float>(nats / count);
        } catch (const std::exception& error) {
            return fail(computation_failed(error));
        }
        if (!std::isfinite(loss)) {
            return fail(Errc::kRejected, fmt::format("training loss is {}", loss));
        }
        return loss;
    }

    ParameterLayout layout;
    Profile profile;
    const kernels::Kernels& kernels;
    ThreadPool pool;
    std::unique_ptr<Ops> ops;
    std::unique_ptr<Model> model;
    ParameterBuffer gradient;  // made by the first step
};

Result<Engine> Engine::create(const ModelConfig& config, const Profile& profile) {
    COVENANT_CHECK(config.validate());
    COVENANT_TRY(const kernels::Kernels* const table, kernels::kernels_for(profile.isa));
    try {
        auto impl = std::make_unique<Impl>(config, profile, *table);
        COVENANT_CHECK(impl->load());
        return Engine(std::move(impl));
    } catch (const std::exception& error) {
        return fail(computation_failed(error));
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
ThreadPool& Engine::pool() {
    return impl_->pool;
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
    if (impl_->gradient.size() == 0) impl_->gradient = ParameterBuffer(impl_->layout);
    COVENANT_TRY(report.loss, impl_->gradient_of(state.theta, tokens, impl_->gradient));
    report.gradient_norm =
        global_norm(impl_->layout, impl_->gradient.floats(), impl_->kernels, impl_->pool);
    if (!std::isfinite(report.gradient_norm)) {
        return fail(Errc::kRejected, fmt::format("gradient norm is {}", report.gradient_norm));
    }
    report.learning_rate = learning_rate(hyper.schedule, inner_step);
    ++state.adam_t;
    adamw_update(impl_->layout, hyper, report.learning_rate, report.gradient_norm, state.adam_t,
                 impl_->gradient.floats(), state.theta.floats(), state.m.floats(), state.v.floats(),
                 impl_->kernels, impl_->pool);
    // An infinite first moment shows in theta; an infinite second one hides in a division.
    if (!impl_->all_finite(state.theta.floats()) || !impl_->all_finite(state.v.floats())) {
        return fail(Errc::kRejected,
                    fmt::format("a parameter became NaN or infinite at inner step {} (loss {}, "
                                "gradient norm {})",
                                inner_step, report.loss, report.gradient_norm));
    }
    return report;
}

Result<double> Engine::loss(const ParameterBuffer& theta, std::span<const std::uint32_t> tokens) {
    COVENANT_CHECK(impl_->check(theta, tokens));
    double mean = 0.0;
    try {
        mean = impl_->over_micro_batches(tokens, [&](auto part) {
            return impl_->model->loss(theta.floats(), part);
        }) / impl_->predicted(tokens);
    } catch (const std::exception& error) {
        return fail(computation_failed(error));
    }
    if (!std::isfinite(mean)) return fail(Errc::kRejected, fmt::format("loss is {}", mean));
    return mean;
}

Result<float> Engine::gradient(const ParameterBuffer& theta, std::span<const std::uint32_t> tokens,
                               ParameterBuffer& gradient_out) {
    COVENANT_CHECK(impl_->check(theta, tokens));
    if (gradient_out.size() != theta.size()) {
        return fail(Errc::kInvalidArgument,
                    fmt::format("a gradient of {} floats for parameters of {}", gradient_out.size(),
                                theta.size()));
    }
    return impl_->gradient_of(theta, tokens, gradient_out);
}

Result<std::vector<float>> Engine::logits(const ParameterBuffer& theta,
                                          std::span<const std::uint32_t> tokens) {
    COVENANT_CHECK(impl_->check_parameters(theta));
    COVENANT_CHECK(impl_->check_vocabulary(tokens));
    if (tokens.empty() || tokens.size() > impl_->layout.config().seq_len) {
        return fail(Errc::kInvalidArgument,
                    fmt::format("{} tokens of context, the model takes 1 to {}", tokens.size(),
                                impl_->layout.config().seq_len));
    }
    try {
        return impl_->model->next_logits(theta.floats(), tokens);
    } catch (const std::exception& error) {
        return fail(computation_failed(error));
    }
}

}  // namespace covenant::engine
