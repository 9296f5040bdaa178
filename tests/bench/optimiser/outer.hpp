// The outer step of a round, for each optimiser that has one.
#pragma once

#include "common/base/result.hpp"
#include "common/engine/aggregate.hpp"
#include "common/engine/parameter_buffer.hpp"
#include "common/engine/parameter_layout.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>

namespace covenant::bench {

class OuterStep {
  public:
    virtual ~OuterStep() = default;
    // What the peers 0, 1, 2, ... made of `start`; each once a round, in this order.
    virtual Status add(std::size_t peer, const engine::ParameterBuffer& start,
                       const engine::ParameterBuffer& end) = 0;
    // start becomes the next round's parameters.
    virtual Status apply(engine::ParameterBuffer& theta) = 0;
    // Sent by a peer in a round, on average so far.
    [[nodiscard]] virtual double bytes_per_round() const = 0;
};

// g = mean of (start - end), m = momentum * m + g, theta -= lr * (g + momentum * m). Sums in fp64
// in the order of the peers, m in fp64, theta rounded once. Momentum 0 and rate 1: the plain mean.
struct DenseHyper {
    double momentum = 0.0;
    double learning_rate = 1.0;
};
std::unique_ptr<OuterStep> dense_step(const engine::ParameterLayout& layout, std::size_t peers,
                                      const DenseHyper& hyper);

// engine::compress with an error feedback for each peer, then engine::aggregate of equal weights.
struct SparseHyper {
    float beta = 0.95F;      // decay of the error feedback
    std::uint32_t keep = 0;  // k of 4096
    double alpha = 1.0;
    engine::SupportExponent support = engine::SupportExponent::kHalf;
};
std::unique_ptr<OuterStep> sparse_step(const engine::ParameterLayout& layout, std::size_t peers,
                                       const SparseHyper& hyper);

}  // namespace covenant::bench
