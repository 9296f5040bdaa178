// Brings in the native module (common/engine/native), the only part of the project that is linked
// with libtorch: a shared object next to the executable, loaded when a native profile is asked for,
// so that nobody else pays for libtorch's start. Internal to the engine.
#pragma once

#include "common/engine/ops.hpp"
#include "common/engine/profile.hpp"

#include <memory>

namespace covenant::engine {

// kPrecondition: the module is not there (a build without libtorch) or refuses.
Result<std::unique_ptr<Ops>> load_native_ops(const ModelConfig& config, const Profile& profile);

}  // namespace covenant::engine
