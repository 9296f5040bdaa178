// Tensors in files, and which of ours each one is.
#pragma once

#include "common/base/result.hpp"
#include "common/engine/parameter_layout.hpp"
#include "common/model_files/tensor_type.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace covenant::model_files {

// No valid config has more tensors.
inline constexpr std::size_t kMaxTensors = 4096;

struct StoredTensor {
    std::string name;
    TensorType type = TensorType::kF32;
    std::vector<std::uint64_t> shape;  // rows first, as ParameterLayout; a norm has one dimension
    std::uint64_t offset = 0;          // of its first byte in the file
    std::uint64_t bytes = 0;
    std::uint32_t file = 0;
};

enum class Naming : std::uint8_t { kHuggingFace, kGguf };

// "model.layers.0.self_attn.q_proj.weight" -> "blk.0.attn_q.weight".
std::string gguf_name(std::string_view hugging_face_name);
// q_proj and k_proj: the ones whose rows llama.cpp's files order in their own way.
bool is_rotary(std::string_view hugging_face_name);

// The stored tensor of each slot of the layout, in its order. kMalformed: one is missing, has
// another shape, or a stored one is none of ours.
Result<std::vector<StoredTensor>> match_tensors(const engine::ParameterLayout& layout,
                                                std::vector<StoredTensor> stored, Naming naming);

}  // namespace covenant::model_files
