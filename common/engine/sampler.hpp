// Which token comes next: temperature and nucleus sampling whose choice is a function of the
// logits' bits, the options and the position alone, on every machine.
//
//   weight_i = exp((z_i - max z) / temperature), fp32, exp of rule E1
//   total    = fp64 sum of the weights by ascending id
//   nucleus  = the first of the weights by (bits descending, id ascending) whose fp64 sum in that
//              order reaches top_p * total; all of them when none does
//   u        = first 64-bit word of Philox block `position` of the seed, top 53 bits, over 2^53
//   token    = the first of the nucleus whose running sum exceeds u * (sum of the nucleus)
#pragma once

#include "common/base/result.hpp"
#include "common/engine/kernels/kernels.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace covenant::engine {

struct SamplingOptions {
    // 0: always the likeliest token, the lower id of equals; else [0.01, 100]
    double temperature = 0.8;
    double top_p = 0.95;  // (0, 1]
    std::uint64_t seed = 0;

    // kInvalidArgument naming the option and its value.
    [[nodiscard]] Status validate() const;
};

class Sampler {
  public:
    // options are valid; kernels outlive the sampler.
    Sampler(const SamplingOptions& options, const kernels::Kernels& kernels)
        : options_(options), kernels_(&kernels) {}

    // position: how many tokens were drawn before. logits: finite, at least one.
    [[nodiscard]] std::uint32_t next(std::span<const float> logits, std::uint64_t position);

  private:
    SamplingOptions options_;
    const kernels::Kernels* kernels_;
    std::vector<float> exponents_;
    std::vector<float> weights_;
    std::vector<std::uint64_t> order_;  // (weight bits, ~id): the larger, the earlier
};

}  // namespace covenant::engine
