// Bytes that must not leak: in memory that is locked where the limits of the process allow, kept
// out of core dumps, surrounded by guard pages, and wiped when released. Move-only; it cannot be
// printed, formatted or logged.
#pragma once

#include "common/base/bytes.hpp"

#include <cstddef>
#include <cstdint>

namespace covenant::crypto {

class SecretBytes {
  public:
    SecretBytes() = default;
    explicit SecretBytes(std::size_t size);     // zeros
    static SecretBytes copy_of(ByteView data);  // the source is not wiped: see wipe
    static SecretBytes random(std::size_t size);
    ~SecretBytes();
    SecretBytes(SecretBytes&& other) noexcept;
    SecretBytes& operator=(SecretBytes&& other) noexcept;
    SecretBytes(const SecretBytes&) = delete;
    SecretBytes& operator=(const SecretBytes&) = delete;

    [[nodiscard]] std::size_t size() const { return size_; }
    [[nodiscard]] bool empty() const { return size_ == 0; }
    // The name says what happens: look for it when you review.
    [[nodiscard]] ByteView expose() const { return {data_, size_}; }
    [[nodiscard]] MutableByteView expose_mutable() { return {data_, size_}; }
    [[nodiscard]] SecretBytes clone() const { return copy_of(expose()); }
    // The first `size` bytes only; size <= this->size().
    void truncate(std::size_t size);
    // In constant time for equal sizes.
    [[nodiscard]] bool equals(ByteView other) const;

  private:
    std::uint8_t* data_ = nullptr;
    std::size_t size_ = 0;
};

// Overwrites with zeros in a way that the compiler keeps.
void wipe(MutableByteView data);
// Equality whose time depends on the sizes alone.
bool equal_constant_time(ByteView a, ByteView b);

}  // namespace covenant::crypto
