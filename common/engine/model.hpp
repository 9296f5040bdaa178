// The decoder, defined once over TensorOps. Internal to the engine.
#pragma once

#include "common/engine/ops.hpp"
#include "common/engine/parameter_layout.hpp"

#include <memory>
#include <span>

namespace covenant::engine {

class Model {
  public:
    Model(const ParameterLayout& layout, KernelSet kernels);
    ~Model();
    Model(const Model&) = delete;
    Model& operator=(const Model&) = delete;

    // Mean cross-entropy over tokens = windows of seq_len + 1 tokens below vocab_size. theta has
    // the layout's size and is not written.
    float loss(std::span<const float> theta, std::span<const std::uint32_t> tokens);

    // The same loss, times weight, differentiated: adds weight * gradient to `gradient` (the
    // layout's size; padding untouched) and returns the unweighted loss. weight 1 is no operation.
    float loss_and_gradient(std::span<const float> theta, std::span<const std::uint32_t> tokens,
                            float weight, std::span<float> gradient);

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace covenant::engine
