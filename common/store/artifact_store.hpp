// Where artifacts, keys and openings are exchanged: objects by the SHA-256 of their bytes, and
// names that each map to one object for ever. Implementations are thread-safe.
#pragma once

#include "common/base/bytes.hpp"
#include "common/base/result.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace covenant::store {

inline constexpr std::size_t kMaxNameBytes = 512;
inline constexpr std::size_t kMaxNamePartBytes = 200;

struct NamedObject {
    std::string name;
    Hash256 object;
    bool operator==(const NamedObject&) const = default;
};

class ArtifactStore {
  public:
    virtual ~ArtifactStore() = default;

    // Keeps the bytes durably and returns their address. Putting them again is fine, and mends an
    // object whose stored bytes were damaged. kIo: the disk is full or failing; nothing is
    // half-written.
    virtual Result<Hash256> put(ByteView bytes) = 0;
    // The bytes, checked against the address: kCorrupt when they do not hash to it, kNotFound when
    // there are none, kRejected when there are more than max_bytes (nothing is read then).
    virtual Result<Bytes> get(const Hash256& object, std::uint64_t max_bytes) = 0;
    virtual Result<bool> has(const Hash256& object) = 0;
    // Forgets an object; names that point to it stay. No error when it is not there.
    virtual Status erase(const Hash256& object) = 0;

    // Maps a name to an object, which need not be here (yet). The first writer wins: the same
    // object again is fine, another one is kAlreadyExists. kInvalidArgument: see check_name.
    virtual Status publish(std::string_view name, const Hash256& object) = 0;
    // kNotFound when nothing was published under the name.
    virtual Result<Hash256> resolve(std::string_view name) = 0;
    // Names that begin with the prefix (a string, not a folder), ascending bytewise, the first
    // max_items of them. Empty prefix: all. kInvalidArgument: a prefix that no name can have.
    virtual Result<std::vector<NamedObject>> list(std::string_view prefix,
                                                  std::size_t max_items = 10'000) = 0;
};

// Names are parts joined by single slashes: "<run hex>/<round>/<uid>/segment-3". A part has 1 to
// kMaxNamePartBytes characters of [a-zA-Z0-9_.-] and is neither "." nor ".."; a name has at most
// kMaxNameBytes. Else kInvalidArgument, saying what is wrong.
Status check_name(std::string_view name);
// The characters and the length of a name's beginning; it may end inside a part.
Status check_name_prefix(std::string_view prefix);

}  // namespace covenant::store
