// The artifact store in memory, for simulations and tests: the semantics of FileStore without the
// disk.
#pragma once

#include "common/base/mutex.hpp"
#include "common/store/artifact_store.hpp"

#include <functional>
#include <map>
#include <string>
#include <unordered_map>

namespace covenant::store {

class MemoryStore final : public ArtifactStore {
  public:
    Result<Hash256> put(ByteView bytes) override;
    Result<Bytes> get(const Hash256& object, std::uint64_t max_bytes) override;
    Result<bool> has(const Hash256& object) override;
    Status erase(const Hash256& object) override;
    Status publish(std::string_view name, const Hash256& object) override;
    Result<Hash256> resolve(std::string_view name) override;
    Result<std::vector<NamedObject>> list(std::string_view prefix,
                                          std::size_t max_items = 10'000) override;

    // Damages an object's stored bytes, for tests of what follows. kNotFound.
    Status corrupt(const Hash256& object);

  private:
    Mutex mutex_;
    std::unordered_map<Hash256, Bytes> objects_ COVENANT_GUARDED_BY(mutex_);
    std::map<std::string, Hash256, std::less<>> names_ COVENANT_GUARDED_BY(mutex_);
};

}  // namespace covenant::store
