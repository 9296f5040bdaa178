#include "common/model_files/tensor_type.hpp"

#include "common/base/assert.hpp"

#include <bit>
#include <cstring>

namespace covenant::model_files {

static_assert(std::endian::native == std::endian::little, "files hold the memory's bytes");

std::string_view to_string(TensorType type) {
    switch (type) {
        case TensorType::kF32:
            return "F32";
        case TensorType::kF16:
            return "F16";
        case TensorType::kBf16:
            return "BF16";
    }
    return "";
}

std::optional<TensorType> tensor_type_from(std::string_view text) {
    for (const TensorType type : {TensorType::kF32, TensorType::kF16, TensorType::kBf16}) {
        if (text == to_string(type)) return type;
    }
    return std::nullopt;
}

std::string_view torch_name(TensorType type) {
    switch (type) {
        case TensorType::kF32:
            return "float32";
        case TensorType::kF16:
            return "float16";
        case TensorType::kBf16:
            return "bfloat16";
    }
    return "";
}

std::uint16_t to_bf16(float value) {
    const auto bits = std::bit_cast<std::uint32_t>(value);
    if ((bits & 0x7fffffffU) > 0x7f800000U) {
        return static_cast<std::uint16_t>((bits >> 16) | 0x40U);
    }
    return static_cast<std::uint16_t>((bits + 0x7fffU + ((bits >> 16) & 1U)) >> 16);
}

float from_bf16(std::uint16_t bits) {
    return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

float from_f16(std::uint16_t bits) {
    const std::uint32_t sign = static_cast<std::uint32_t>(bits & 0x8000U) << 16;
    const std::uint32_t exponent = (bits >> 10) & 0x1fU;
    const std::uint32_t fraction = bits & 0x3ffU;
    if (exponent == 0x1f) return std::bit_cast<float>(sign | 0x7f800000U | (fraction << 13));
    if (exponent != 0) {
        return std::bit_cast<float>(sign | ((exponent + 112) << 23) | (fraction << 13));
    }
    const float magnitude = static_cast<float>(fraction) * 0x1p-24F;  // a denormal, exact
    return sign != 0 ? -magnitude : magnitude;
}

void encode(TensorType type, std::span<const float> values, MutableByteView out) {
    COVENANT_ASSERT(out.size() == values.size() * bytes_of(type), "one place for each value");
    COVENANT_ASSERT(type != TensorType::kF16, "F16 is only read");
    if (type == TensorType::kF32) {
        if (!out.empty()) std::memcpy(out.data(), values.data(), out.size());
        return;
    }
    for (std::size_t i = 0; i < values.size(); ++i) {
        const std::uint16_t half = to_bf16(values[i]);
        std::memcpy(out.data() + 2 * i, &half, 2);
    }
}

void decode(TensorType type, ByteView bytes, std::span<float> out) {
    COVENANT_ASSERT(bytes.size() == out.size() * bytes_of(type), "one value for each place");
    if (type == TensorType::kF32) {
        if (!out.empty()) std::memcpy(out.data(), bytes.data(), bytes.size());
        return;
    }
    for (std::size_t i = 0; i < out.size(); ++i) {
        std::uint16_t half = 0;
        std::memcpy(&half, bytes.data() + 2 * i, 2);
        out[i] = type == TensorType::kBf16 ? from_bf16(half) : from_f16(half);
    }
}

}  // namespace covenant::model_files
