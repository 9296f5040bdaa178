// From the run's consensus parameters to the engine's plain structs. The only place where the bits
// of a RunSpec become floats.
#pragma once

#include "common/engine/aggregate.hpp"
#include "common/engine/compressor.hpp"
#include "common/engine/engine.hpp"
#include "common/protocol/run_spec.hpp"

namespace covenant::execution {

engine::ModelConfig model_config(const protocol::ModelSpec& model);
engine::InnerHyper inner_hyper(const protocol::RunSpec& spec);  // micro-batch = windows_per_step
engine::CompressHyper compress_hyper(const protocol::RunSpec& spec, protocol::Round round);
engine::OuterHyper outer_hyper(const protocol::RunSpec& spec);  // full_segments = S

}  // namespace covenant::execution
