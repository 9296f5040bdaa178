// SHA-256 (FIPS 180-4): every hash of ours. The one-shot functions and the class run on OpenSSL;
// many messages of one size run on the multi-buffer code of libipsec-mb, by a fixed table over what
// the processor has.
#pragma once

#include "common/base/bytes.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

namespace covenant {
class ThreadPool;
}

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
// data.size() == leaf_size * out.size(), leaf_size > 0. Thread-safe. A pool takes fixed blocks of
// leaves; the digests are the same with and without one.
void sha256_leaves(ByteView data, std::size_t leaf_size, std::span<Hash256> out,
                   ThreadPool* pool = nullptr);
// The same for leaves that lie apart, all of one size > 0: leaves.size() == out.size().
void sha256_leaves(std::span<const ByteView> leaves, std::span<Hash256> out,
                   ThreadPool* pool = nullptr);
// out[i] = SHA256(0x01 ‖ children[2i] ‖ children[2i + 1]): the nodes above a level of merkle.hpp.
// children.size() == 2 * out.size(); out does not overlap children.
void sha256_nodes(std::span<const Hash256> children, std::span<Hash256> out);

// The ways to compute these, for tests and benchmarks. All give the same digests.
enum class LeafHasher : std::uint8_t {
    kOneStream,    // OpenSSL
    kAvx2Lanes,    // libipsec-mb: 8 messages in 256-bit registers
    kShaNiLanes,   // libipsec-mb: 2 messages through the SHA instructions
    kAvx512Lanes,  // libipsec-mb: 16 messages in 512-bit registers
};
inline constexpr std::array kLeafHashers{LeafHasher::kOneStream, LeafHasher::kAvx2Lanes,
                                         LeafHasher::kShaNiLanes, LeafHasher::kAvx512Lanes};
std::string_view to_string(LeafHasher hasher);
// False where the processor or the system lacks what the way needs.
bool leaf_hasher_available(LeafHasher hasher);
// The one that sha256_leaves uses on this processor: the last of kLeafHashers that is available.
LeafHasher leaf_hasher_chosen();
// Falls back to kOneStream where the way is not available.
void sha256_leaves_with(LeafHasher hasher, ByteView data, std::size_t leaf_size,
                        std::span<Hash256> out);
void sha256_nodes_with(LeafHasher hasher, std::span<const Hash256> children,
                       std::span<Hash256> out);

}  // namespace covenant::crypto
