#include "common/crypto/secret.hpp"

#include "common/base/assert.hpp"
#include "common/crypto/random.hpp"
#include "common/crypto/sodium_init.hpp"

#include <utility>

#include <sodium.h>

namespace covenant::crypto {

SecretBytes::SecretBytes(std::size_t size) : size_(size) {
    if (size == 0) return;
    ensure_sodium();
    data_ = static_cast<std::uint8_t*>(sodium_malloc(size));
    COVENANT_ASSERT(data_ != nullptr, "secrets are small: the system has pages for them");
    sodium_memzero(data_, size);
}

SecretBytes SecretBytes::copy_of(ByteView data) {
    SecretBytes out(data.size());
    std::copy(data.begin(), data.end(), out.data_);
    return out;
}

SecretBytes SecretBytes::random(std::size_t size) {
    SecretBytes out(size);
    random_fill(out.expose_mutable());
    return out;
}

SecretBytes::~SecretBytes() {
    if (data_ != nullptr) sodium_free(data_);  // wipes first
}

SecretBytes::SecretBytes(SecretBytes&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

SecretBytes& SecretBytes::operator=(SecretBytes&& other) noexcept {
    if (this != &other) {
        if (data_ != nullptr) sodium_free(data_);
        data_ = std::exchange(other.data_, nullptr);
        size_ = std::exchange(other.size_, 0);
    }
    return *this;
}

void SecretBytes::truncate(std::size_t size) {
    COVENANT_ASSERT(size <= size_, "truncate only shortens");
    if (size < size_) wipe({data_ + size, size_ - size});
    size_ = size;
}

bool SecretBytes::equals(ByteView other) const {
    return equal_constant_time(expose(), other);
}

void wipe(MutableByteView data) {
    sodium_memzero(data.data(), data.size());
}

bool equal_constant_time(ByteView a, ByteView b) {
    if (a.size() != b.size()) return false;
    return a.empty() || sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace covenant::crypto
