// Floats in the chunked layout (ParameterLayout): parameters, moments, error feedback,
// accumulators.
#pragma once

#include "common/base/bytes.hpp"
#include "common/engine/float_memory.hpp"
#include "common/engine/parameter_layout.hpp"

#include <bit>
#include <cstddef>
#include <memory>
#include <span>

namespace covenant::engine {

static_assert(std::endian::native == std::endian::little, "state leaves are little-endian floats");

// 64-byte aligned, +0.0 when made, padding stays +0.0 (every writer keeps it so). Moves; copies
// only by clone().
class ParameterBuffer {
  public:
    ParameterBuffer() = default;
    explicit ParameterBuffer(const ParameterLayout& layout);
    ParameterBuffer(ParameterBuffer&&) noexcept = default;
    ParameterBuffer& operator=(ParameterBuffer&&) noexcept = default;

    [[nodiscard]] ParameterBuffer clone() const;
    void set_zero();

    [[nodiscard]] std::size_t size() const { return size_; }  // floats, a multiple of kChunkFloats
    [[nodiscard]] std::size_t chunk_count() const { return size_ / kChunkFloats; }
    [[nodiscard]] std::span<float> floats() { return {data_.get(), size_}; }
    [[nodiscard]] std::span<const float> floats() const { return {data_.get(), size_}; }
    [[nodiscard]] std::span<float> chunk(std::size_t index) {
        return floats().subspan(index * kChunkFloats, kChunkFloats);
    }
    [[nodiscard]] std::span<const float> chunk(std::size_t index) const {
        return floats().subspan(index * kChunkFloats, kChunkFloats);
    }
    // The canonical bytes: consecutive 16 KiB slices are the Merkle leaves.
    [[nodiscard]] ByteView bytes() const {
        return {reinterpret_cast<const std::uint8_t*>(data_.get()), size_ * sizeof(float)};
    }
    [[nodiscard]] MutableByteView mutable_bytes() {
        return {reinterpret_cast<std::uint8_t*>(data_.get()), size_ * sizeof(float)};
    }

  private:
    std::unique_ptr<float[], FreeFloats> data_;
    std::size_t size_ = 0;
};

// Equal bit for bit (unlike ==, tells -0 from +0 and a NaN from another).
[[nodiscard]] bool same_bits(const ParameterBuffer& a, const ParameterBuffer& b);
// kMalformed when a padding float is not +0.0 or any float is NaN or infinite: checks a state that
// came from a stranger. kInvalidArgument when the size is not the layout's.
[[nodiscard]] Status check_state(const ParameterLayout& layout, const ParameterBuffer& buffer);

}  // namespace covenant::engine
