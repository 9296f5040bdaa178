// Where each tensor lives in a ParameterBuffer: tensors in model order, each walked flat in
// row-major order and padded with +0.0 to whole chunks of 4096 floats. One chunk = 16 KiB = one
// Merkle leaf = one compression chunk.
#pragma once

#include "common/base/sparse_update.hpp"
#include "common/engine/model_config.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace covenant::engine {

inline constexpr std::size_t kChunkFloats = kChunkElements;
inline constexpr std::size_t kChunkBytes = kChunkFloats * sizeof(float);

// A weight matrix [rows, cols] as Hugging Face stores it (out features x in features), or a norm's
// vector (rows = 1).
struct TensorSlot {
    std::string name;  // Hugging Face Llama: "model.layers.0.self_attn.q_proj.weight"
    std::uint32_t rows = 0;
    std::uint32_t cols = 0;
    std::size_t offset = 0;  // in floats, a multiple of kChunkFloats
    std::size_t numel = 0;   // rows * cols
    bool is_norm = false;    // a norm's gain: starts at 1, no weight decay

    [[nodiscard]] std::size_t chunks() const { return (numel + kChunkFloats - 1) / kChunkFloats; }
};

// Model order: embed_tokens; per layer input_layernorm, q_proj, k_proj, v_proj, o_proj,
// post_attention_layernorm, gate_proj, up_proj, down_proj; norm; lm_head.
class ParameterLayout {
  public:
    // config must be valid.
    explicit ParameterLayout(const ModelConfig& config);

    [[nodiscard]] const ModelConfig& config() const { return config_; }
    [[nodiscard]] std::span<const TensorSlot> tensors() const { return tensors_; }
    [[nodiscard]] std::size_t chunk_count() const { return live_.size(); }
    [[nodiscard]] std::size_t total_floats() const { return live_.size() * kChunkFloats; }
    [[nodiscard]] std::uint64_t parameter_count() const { return parameter_count_; }
    // Floats of chunk `index` that are parameters, 1..4096; the rest is padding.
    [[nodiscard]] std::uint32_t live_floats(std::size_t index) const { return live_[index]; }
    [[nodiscard]] std::span<const std::uint16_t> chunk_elements() const { return live_; }  // of all

  private:
    ModelConfig config_;
    std::vector<TensorSlot> tensors_;
    std::vector<std::uint16_t> live_;  // per chunk
    std::uint64_t parameter_count_ = 0;
};

}  // namespace covenant::engine
