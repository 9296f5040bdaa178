// How much an artifact helps, measured (R6.9, R8.2), and the held-out loss that a round posts on
// chain.
#pragma once

#include "common/base/result.hpp"
#include "common/data/windows.hpp"
#include "common/engine/engine.hpp"
#include "common/protocol/artifact_format.hpp"
#include "common/protocol/run_spec.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace covenant::execution {

// (L(Theta) - L(Theta - probe * alpha * clip * s)) / L(Theta) on each token set. base_losses[i] =
// L(Theta) on token_sets[i]. A probe whose loss is not finite scores -1.
Result<std::vector<double>> loss_scores(engine::Engine& engine, const protocol::RunSpec& spec,
                                        const engine::ParameterBuffer& theta,
                                        const SparseUpdate& update, double clip,
                                        std::span<const std::span<const std::uint32_t>> token_sets,
                                        std::span<const double> base_losses);

// Held-out loss on the run's fixed monitor windows, in nats per token, as binary32 bits: what
// ParametersVoted carries.
Result<std::uint32_t> monitor_loss_bits(engine::Engine& engine, const protocol::RunSpec& spec,
                                        const protocol::RunId& run, const data::Windows& windows,
                                        const engine::ParameterBuffer& theta);

}  // namespace covenant::execution
