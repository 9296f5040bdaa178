// The GGUF format, version 3, little-endian: "GGUF" | u32 3 | u64 tensors | u64 keys | keys and
// values | names, dimensions (innermost first), types and offsets of the tensors | padding to the
// alignment | tensors, each padded to it. Architecture llama; readers take any input.
#pragma once

#include "common/engine/model_config.hpp"
#include "common/model_files/input.hpp"
#include "common/model_files/tensor_names.hpp"
#include "common/model_files/vocabulary.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace covenant::model_files {

inline constexpr std::uint64_t kGgufAlignment = 32;  // of what is written
inline constexpr std::uint64_t kMaxGgufHeader = std::uint64_t{256} << 20;
inline constexpr std::uint64_t kMaxGgufKeys = 4096;
inline constexpr std::uint64_t kMaxGgufText = std::uint64_t{1} << 20;

struct GgufArray {
    std::uint32_t type = 0;
    std::uint64_t items = 0;
};
// Arrays are checked and counted, not kept.
using GgufValue = std::variant<std::uint64_t, std::int64_t, double, bool, std::string, GgufArray>;

struct GgufHeader {
    std::map<std::string, GgufValue> values;
    std::vector<StoredTensor> tensors;  // in the file's order; offsets are of the file

    [[nodiscard]] std::optional<std::string> text(const std::string& key) const;
};

// kMalformed unless header and data explain the whole file, as for safetensors; also a tensor that
// is not F32, F16 or BF16 (a quantised one). kIo.
Result<GgufHeader> read_gguf_header(const Input& input);
// kMalformed: another architecture than llama, or a key of it that changes the forward pass (scaled
// RoPE, experts, windows of attention) or may do so and is not known here.
Status check_gguf_keys(const GgufHeader& header);
// The shape of the llama that the header describes; the config is valid. kMalformed: as
// check_gguf_keys; another head size, a vocabulary of another size.
Result<engine::ModelConfig> gguf_model_config(const GgufHeader& header);

struct GgufDescription {
    std::string name;
    TensorType type = TensorType::kF32;  // of the matrices; llama.cpp wants norms in fp32
    std::vector<std::pair<std::string, std::string>> notes;  // further text keys
};
// Everything before the data, for these tensors in this order; sets their offsets.
// vocabulary.pieces.size() == config.vocab_size.
Bytes encode_gguf_header(const engine::ModelConfig& config, const Vocabulary& vocabulary,
                         const GgufDescription& description, std::span<StoredTensor> tensors);

}  // namespace covenant::model_files
