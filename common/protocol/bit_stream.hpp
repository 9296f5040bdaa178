// Bits one after another, the first one lowest: how payload_format.cpp writes and reads.
#pragma once

#include "common/base/bytes.hpp"

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace covenant::protocol {

constexpr std::uint32_t bytes_of(std::uint64_t bits) {
    return static_cast<std::uint32_t>((bits + 7) / 8);
}

// Danger: the memory must have room for all that is written and for 8 bytes more.
class BitWriter {
  public:
    explicit BitWriter(std::uint8_t* out) : start_(out), out_(out) {}

    // Appends the low `bits` bits of value, at most 32. Its higher bits must be zero.
    void put(std::uint64_t value, unsigned bits) {
        pending_ |= value << filled_;
        filled_ += bits;
        if (filled_ >= 32) {
            std::memcpy(out_, &pending_, 4);
            out_ += 4;
            pending_ >>= 32U;
            filled_ -= 32;
        }
    }
    void rice(std::uint32_t value, unsigned r) {
        std::uint32_t zeros = value >> r;
        for (; zeros > 16; zeros -= 16)
            put(0, 16);
        put(std::uint64_t{1} << zeros, zeros + 1);
        put(value & ((1U << r) - 1), r);
    }
    // Fills the last byte with zeros. Returns how many bytes were written in all.
    std::size_t finish() {
        std::memcpy(out_, &pending_, sizeof(pending_));
        return static_cast<std::size_t>(out_ - start_) + bytes_of(filled_);
    }

  private:
    std::uint8_t* start_;
    std::uint8_t* out_;
    std::uint64_t pending_ = 0;
    unsigned filled_ = 0;  // below 32
};
static_assert(std::endian::native == std::endian::little, "pending bits are stored as they stand");

// Danger: reads zeros past the end. The caller must compare position() with the bits that it had.
class BitReader {
  public:
    static constexpr unsigned kWindow = 57;  // bits that window() has whatever the position

    explicit BitReader(ByteView bytes) : bytes_(bytes) {}

    [[nodiscard]] std::uint64_t window() const {
        const std::size_t at = position_ / 8;
        std::uint64_t word = 0;
        if (at + sizeof(word) <= bytes_.size()) [[likely]] {
            word = load_le<std::uint64_t>(bytes_.data() + at);
        } else {
            for (std::size_t i = at; i < bytes_.size(); ++i)
                word |= std::uint64_t{bytes_[i]} << (8 * (i - at));
        }
        return word >> (position_ % 8);
    }
    void skip(std::size_t bits) { position_ += bits; }
    std::uint32_t take(unsigned bits) {
        const std::uint64_t value = window() & ((std::uint64_t{1} << bits) - 1);
        skip(bits);
        return static_cast<std::uint32_t>(value);
    }
    // Rice code of parameter r; something above `most` where the number would be far above it.
    std::uint32_t rice(unsigned r, std::uint32_t most) {
        std::uint32_t high = 0;
        while (true) {
            const auto zeros = static_cast<unsigned>(std::countr_zero(window()));
            if (zeros < kWindow) {
                skip(zeros + 1);
                high += zeros;
                break;
            }
            skip(kWindow);
            high += kWindow;
            if (high > most) return high;
        }
        return (high << r) + take(r);
    }
    [[nodiscard]] std::size_t position() const { return position_; }

  private:
    ByteView bytes_;
    std::size_t position_ = 0;  // in bits
};

}  // namespace covenant::protocol
