#include "common/engine/parameter_buffer.hpp"

#include <cstdint>
#include <cstring>

#include <fmt/format.h>

namespace covenant::engine {
namespace {

bool finite(std::span<const float> values) {
    std::uint32_t bad = 0;
    for (const float value : values) {
        bad |= static_cast<std::uint32_t>((std::bit_cast<std::uint32_t>(value) & 0x7F800000U) ==
                                          0x7F800000U);
    }
    return bad == 0;
}

}  // namespace

ParameterBuffer::ParameterBuffer(const ParameterLayout& layout)
    : data_(allocate_floats(layout.total_floats())), size_(layout.total_floats()) {
    set_zero();
}

ParameterBuffer ParameterBuffer::clone() const {
    ParameterBuffer copy;
    copy.data_ = allocate_floats(size_);
    copy.size_ = size_;
    if (size_ != 0) std::memcpy(copy.data_.get(), data_.get(), size_ * sizeof(float));
    return copy;
}

void ParameterBuffer::set_zero() {
    if (size_ != 0) std::memset(data_.get(), 0, size_ * sizeof(float));
}

bool same_bits(const ParameterBuffer& a, const ParameterBuffer& b) {
    return a.size() == b.size() && (a.size() == 0 || std::memcmp(a.bytes().data(), b.bytes().data(),
                                                                 a.bytes().size()) == 0);
}

Status check_state(const ParameterLayout& layout, const ParameterBuffer& buffer) {
    if (buffer.size() != layout.total_floats()) {
        return fail(Errc::kInvalidArgument, fmt::format("state has {} floats, the model needs {}",
                                                        buffer.size(), layout.total_floats()));
    }
    for (const TensorSlot& slot : layout.tensors()) {
        if (!finite(buffer.floats().subspan(slot.offset, slot.numel))) {
            return fail(Errc::kMalformed, fmt::format("{} holds a NaN or infinity", slot.name));
        }
        const std::size_t end = slot.offset + slot.chunks() * kChunkFloats;
        for (std::size_t i = slot.offset + slot.numel; i < end; ++i) {
            if (std::bit_cast<std::uint32_t>(buffer.floats()[i]) != 0) {
                return fail(Errc::kMalformed,
                            fmt::format("padding after {} is not zero at float {}", slot.name, i));
            }
        }
    }
    return {};
}

}  // namespace covenant::engine
