// SHA-256 (FIPS 180-4): every hash of ours. The one-shot functions and the class run on OpenSSL;
// many leaves of one size run on the multi-buffer code of libipsec-mb where that is the faster one.
#pragma once

#include "common/base/bytes.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

namespace covenant::crypto {

Hash256 sha256(ByteView data);

// SHA256("covenant/" ‖ tag ‖ 0x00 ‖ data): what is hashed for one purpose never collides with
// another. The tag has no zero byte.
Hash256 sha256_tagged(std::string_view tag, ByteView data);

class Sha256 {
  public:
    Sha256();
    // Starts with "covenant/" ‖ tag ‖ 0x00, as sha256_tagged does.
    static Sha256 tagged(std::string_view tag);
    ~Sha256();
    Sha256(Sha256&&) noexcept;
    Sha256& operator=(Sha256&&) noexcept;
    Sha256(const Sha256&) = delete;
    Sha256& operator=(const Sha256&) = delete;

    Sha256& update(ByteView data);
    // The digest; the object starts again from nothing (without a tag).
    Hash256 finish();

  private:
    struct Free {
        void operator()(void* context) const;
    };
    std::unique_ptr<void, Free> context_;
};

// out[i] = SHA256(0x00 ‖ data[i * leaf_size, (i + 1) * leaf_size)): the leaf hashes of merkle.hpp.
// data.size() == leaf_size * out.size(), leaf_size > 0. Thread-safe.
void sha256_leaves(ByteView data, std::size_t leaf_size, std::span<Hash256> out);

// The ways to compute sha256_leaves, for tests and benchmarks. Both give the same digests.
enum class LeafHasher : std::uint8_t { kOpenSsl, kMultiBuffer };
// False where the processor lacks what the multi-buffer code needs.
bool leaf_hasher_available(LeafHasher hasher);
// The one that sha256_leaves uses on this processor.
LeafHasher leaf_hasher_chosen();
void sha256_leaves_with(LeafHasher hasher, ByteView data, std::size_t leaf_size,
                        std::span<Hash256> out);

}  // namespace covenant::crypto
