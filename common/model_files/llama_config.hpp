// config.json of Hugging Face's Llama, and the shape of our model.
#pragma once

#include "common/base/result.hpp"
#include "common/engine/model_config.hpp"
#include "common/model_files/tensor_type.hpp"

#include <string>
#include <string_view>

namespace covenant::model_files {

inline constexpr std::size_t kMaxConfigBytes = std::size_t{1} << 20;

std::string llama_config_json(const engine::ModelConfig& config, TensorType type);
// Any input is safe; the config is valid. kMalformed: no such file, or a model that is not ours:
// another architecture or activation, biases, tied embeddings, scaled or partial RoPE, two bases of
// it, another head size, or a key that may change the forward pass and is not known here.
Result<engine::ModelConfig> parse_llama_config(std::string_view json);

// The double whose shortest decimal form is that of the float: 1e-5F gives 1e-05.
double shortest(float value);

}  // namespace covenant::model_files
