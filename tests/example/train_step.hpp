#pragma once

#include "common/base/result.hpp"

#include <filesystem>

namespace covenant {

// The loss of nano's first parameters on the folder's first window, from one inner step.
Result<float> train_step(const std::filesystem::path& data_folder);

}  // namespace covenant
