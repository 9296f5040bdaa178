// The decoder, defined once over Ops: forward and backward pass (rule E11). Internal to the engine.
#pragma once

#include "common/engine/ops.hpp"
#include "common/engine/parameter_layout.hpp"

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace covenant::engine {

class Model {
  public:
    // ops outlives the model.
    Model(const ParameterLayout& layout, Ops& ops);
    ~Model();
    Model(const Model&) = delete;
    Model& operator=(const Model&) = delete;

    // Sum of nats over tokens = windows of seq_len + 1 tokens below vocab_size. theta has the
    // layout's size and is not written.
    double loss(std::span<const float> theta, std::span<const std::uint32_t> tokens);

    // The same sum; adds the gradient of weight * sum to `gradient` (the layout's size; padding
    // untouched).
    double loss_and_gradient(std::span<const float> theta, std::span<const std::uint32_t> tokens,
                             float weight, std::span<float> gradient);

    // Logits [V] of the token after tokens, 1 to seq_len of them.
    std::vector<float> next_logits(std::span<const float> theta,
                                   std::span<const std::uint32_t> tokens);

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace covenant::engine
