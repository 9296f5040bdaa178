// The training engine: one model definition, run by miners and re-run by validators. One thread at
// a time may use an Engine; it has its own threads inside.
#pragma once

#include "common/base/result.hpp"
#include "common/base/thread_pool.hpp"
#include "common/engine/inner_optimizer.hpp"
#include "common/engine/model_config.hpp"
#include "common/engine/parameter_buffer.hpp"
#include "common/engine/parameter_layout.hpp"
#include "common/engine/profile.hpp"

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace covenant::engine {

// All that a segment of inner steps starts from and leaves behind.
struct TrainState {
    ParameterBuffer theta;
    ParameterBuffer m;         // first moments
    ParameterBuffer v;         // second moments
    std::uint64_t adam_t = 0;  // updates since the moments were zero

    // Zero moments around the given parameters.
    static TrainState fresh(ParameterBuffer theta);
    [[nodiscard]] TrainState clone() const;
};

struct StepReport {
    float loss = 0.0F;           // mean nats per token of the step's windows, before the update
    double gradient_norm = 0.0;  // before clipping
    double learning_rate = 0.0;
};

class Engine {
  public:
    // kInvalidArgument: the config is not valid. kPrecondition: the profile's kernels or the native
    // module cannot be had.
    static Result<Engine> create(const ModelConfig& config, const Profile& profile);
    Engine(Engine&&) noexcept;
    Engine& operator=(Engine&&) noexcept;
    ~Engine();

    [[nodiscard]] const ModelConfig& config() const;
    [[nodiscard]] const ParameterLayout& layout() const;
    [[nodiscard]] const Profile& profile() const;
    // Its threads, for other work of the thread that uses the engine, between its calls.
    [[nodiscard]] ThreadPool& pool();

    // One inner step on tokens = n windows of seq_len + 1 tokens each, one after another, n >= 1.
    // What is computed, in which order: rules E1 to E12 of README.md. inner_step (0-based, since
    // the start of the run) picks the learning rate; state.adam_t + 1 the bias corrections.
    // kInvalidArgument: token count, a token >= vocab_size, a buffer of another size (state
    // untouched). kRejected: loss, gradient or a parameter became NaN or infinite; state is then to
    // be discarded.
    Result<StepReport> train_step(TrainState& state, std::span<const std::uint32_t> tokens,
                                  const InnerHyper& hyper, std::uint64_t inner_step);

    // Mean nats per token over the windows: the fp64 sum of E9 over micro-batches as in E12,
    // divided last. Depends on the windows' order only through rounding; pass them in the order the
    // protocol gives. kInvalidArgument as above; kRejected: not finite.
    Result<double> loss(const ParameterBuffer& theta, std::span<const std::uint32_t> tokens);

    // Loss and the gradient in the chunked layout, as train_step computes them (tests, tools).
    Result<float> gradient(const ParameterBuffer& theta, std::span<const std::uint32_t> tokens,
                           ParameterBuffer& gradient_out);

    // Logits [vocab_size] of the token that follows tokens, 1 to seq_len of them.
    Result<std::vector<float>> logits(const ParameterBuffer& theta,
                                      std::span<const std::uint32_t> tokens);

  private:
    struct Impl;
    explicit Engine(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace covenant::engine
