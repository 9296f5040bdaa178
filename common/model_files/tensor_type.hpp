// Number formats of tensors in files, and their conversion to and from fp32. Files and this
// program's memory are little-endian.
#pragma once

#include "common/base/bytes.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace covenant::model_files {

enum class TensorType : std::uint8_t { kF32, kF16, kBf16 };

std::string_view to_string(TensorType type);                        // "F32", as safetensors says
std::optional<TensorType> tensor_type_from(std::string_view text);  // of to_string's
std::string_view torch_name(TensorType type);                       // "float32"
[[nodiscard]] constexpr std::size_t bytes_of(TensorType type) {
    return type == TensorType::kF32 ? 4 : 2;
}

// Nearest even; an infinity stays one, a NaN stays a NaN.
[[nodiscard]] std::uint16_t to_bf16(float value);
[[nodiscard]] float from_bf16(std::uint16_t bits);
[[nodiscard]] float from_f16(std::uint16_t bits);  // exact

// out.size() == values.size() * bytes_of(type). Only F32 and BF16 are written.
void encode(TensorType type, std::span<const float> values, MutableByteView out);
// Exact. bytes.size() == out.size() * bytes_of(type).
void decode(TensorType type, ByteView bytes, std::span<float> out);

}  // namespace covenant::model_files
