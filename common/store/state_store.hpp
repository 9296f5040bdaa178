// A node's own large buffers (theta, m, v, a: fp32 in the chunked parameter layout) as plain
// durable files, keyed by their state root: <folder>/<root hex>.f32, little-endian binary32, no
// header. Safe between processes that share the folder.
#pragma once

#include "common/base/bytes.hpp"
#include "common/base/result.hpp"

#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace covenant::store {

// Whether get() found no state of that name: nothing is there, or what was there has been set
// aside. Any other error is trouble with the disk.
constexpr bool is_lost(Errc code) {
    return code == Errc::kNotFound || code == Errc::kCorrupt;
}

class StateStore {
  public:
    // The state root of a buffer, to check what is read: Merkle over its 16 KiB slices. Without
    // one, get() checks the size only.
    using Rooter = std::function<Hash256(std::span<const float>)>;

    // Creates the folder where needed; removes temporary files of dead writers. kIo.
    static Result<StateStore> open(const std::filesystem::path& folder, Rooter rooter = {});

    // root must be the buffer's root (the caller has just computed it). Putting a root whose file
    // holds these very bytes writes nothing; a damaged file is mended. kIo: disk full or failing.
    Status put(const Hash256& root, std::span<const float> values);
    // Fills `out`. kNotFound; kCorrupt: the file holds another number of values, or its root is
    // another; it is set aside as <root>.bad.
    Status get(const Hash256& root, std::span<float> out);
    [[nodiscard]] Result<bool> has(const Hash256& root) const;
    [[nodiscard]] Result<std::vector<Hash256>> list() const;  // ascending
    Status erase(const Hash256& root);                        // no error when it is not there
    // Erases every state whose root is not among these.
    Status retain(std::span<const Hash256> roots);

  private:
    StateStore(std::filesystem::path folder, Rooter rooter);
    [[nodiscard]] std::filesystem::path path_of(const Hash256& root) const;
    [[nodiscard]] tl::unexpected<Error> set_aside(const Hash256& root,
                                                  const std::string& why) const;
    std::filesystem::path folder_;
    Rooter rooter_;
};

}  // namespace covenant::store
