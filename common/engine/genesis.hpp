// Theta_0 from a seed, bit-identical on any machine: counter-based integers and IEEE basic
// operations only.
#pragma once

#include "common/engine/parameter_buffer.hpp"

#include <cstdint>

namespace covenant::engine {

// Element i of tensor t (index in model order): let S be the sum of words 12i .. 12i+11 of
// Philox4x32-10 with key = seed and stream = t; value = float((double(S) * 2^-32 - 6.0) * std),
// which has mean 0 and standard deviation std (Irwin-Hall). std = 0.02; for o_proj and down_proj
// std = 0.02 / sqrt(2 * layers) (fp64). Norm gains are 1.
[[nodiscard]] ParameterBuffer genesis_parameters(const ParameterLayout& layout, std::uint64_t seed);

}  // namespace covenant::engine
