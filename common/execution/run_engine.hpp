// The engine of a run: the profile and the model that its RunSpec names.
#pragma once

#include "common/engine/engine.hpp"
#include "common/protocol/run_spec.hpp"

namespace covenant::execution {

// Errors of engine::load_profile, check_profile and Engine::create: a process that cannot match
// the run's profile must not take part.
Result<engine::Engine> open_engine(const protocol::RunSpec& spec,
                                   const engine::ProfileOptions& options = {});

}  // namespace covenant::execution
