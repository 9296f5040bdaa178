// The decoder once more, as plainly as it can be written: scalar loops in fp64, one token after
// another, only tokens at or before it in sight. The engine's model is compared with this.
#pragma once

#include "common/engine/parameter_buffer.hpp"

#include <cstdint>
#include <span>

namespace covenant::engine::testing {

// Mean nats per token.
double reference_loss(const ParameterLayout& layout, const ParameterBuffer& theta,
                      std::span<const std::uint32_t> tokens);

}  // namespace covenant::engine::testing
