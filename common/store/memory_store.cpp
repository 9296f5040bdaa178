#include "common/store/memory_store.hpp"

#include "common/base/hex.hpp"
#include "common/crypto/sha256.hpp"

namespace covenant::store {

Result<Hash256> MemoryStore::put(ByteView bytes) {
    const Hash256 object = crypto::sha256(bytes);
    const MutexLock lock(mutex_);
    objects_[object].assign(bytes.begin(), bytes.end());
    return object;
}

Result<Bytes> MemoryStore::get(const Hash256& object, std::uint64_t max_bytes) {
    Bytes bytes;
    {
        const MutexLock lock(mutex_);
        const auto found = objects_.find(object);
        if (found == objects_.end()) {
            return fail(Errc::kNotFound,
                        "get object " + to_0x(object) + ": it is not in the store");
        }
        if (found->second.size() > max_bytes) {
            return fail(Errc::kRejected, "get object " + to_0x(object) + ": it has " +
                                             std::to_string(found->second.size()) +
                                             " bytes, at most " + std::to_string(max_bytes) +
                                             " are allowed");
        }
        bytes = found->second;
    }
    if (crypto::sha256(bytes) != object) {
        return fail(Errc::kCorrupt,
                    "get object " + to_0x(object) + ": its bytes do not hash to its address");
    }
    return bytes;
}

Result<bool> MemoryStore::has(const Hash256& object) {
    const MutexLock lock(mutex_);
    return objects_.contains(object);
}

Status MemoryStore::erase(const Hash256& object) {
    const MutexLock lock(mutex_);
    objects_.erase(object);
    return {};
}

Status MemoryStore::publish(std::string_view name, const Hash256& object) {
    COVENANT_CHECK(check_name(name));
    const MutexLock lock(mutex_);
    const auto [entry, added] = names_.try_emplace(std::string(name), object);
    if (!added && entry->second != object) {
        return fail(Errc::kAlreadyExists, "publish " + std::string(name) + ": it names object " +
                                              to_0x(entry->second) + " already, not " +
                                              to_0x(object));
    }
    return {};
}

Result<Hash256> MemoryStore::resolve(std::string_view name) {
    COVENANT_CHECK(check_name(name));
    const MutexLock lock(mutex_);
    const auto found = names_.find(name);
    if (found == names_.end()) {
        return fail(Errc::kNotFound, "resolve " + std::string(name) + ": nothing is published");
    }
    return found->second;
}

Result<std::vector<NamedObject>> MemoryStore::list(std::string_view prefix, std::size_t max_items) {
    COVENANT_CHECK(check_name_prefix(prefix));
    const MutexLock lock(mutex_);
    std::vector<NamedObject> out;
    for (auto entry = names_.lower_bound(prefix);
         entry != names_.end() && entry->first.starts_with(prefix) && out.size() < max_items;
         ++entry) {
        out.push_back({entry->first, entry->second});
    }
    return out;
}

Status MemoryStore::corrupt(const Hash256& object) {
    const MutexLock lock(mutex_);
    const auto found = objects_.find(object);
    if (found == objects_.end()) {
        return fail(Errc::kNotFound,
                    "corrupt object " + to_0x(object) + ": it is not in the store");
    }
    if (found->second.empty()) {
        found->second.push_back(0);
    } else {
        found->second.front() ^= 1;
    }
    return {};
}

}  // namespace covenant::store
