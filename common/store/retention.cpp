#include "common/store/retention.hpp"

#include <map>

namespace covenant::store {

std::vector<Hash256> RetentionPolicy::droppable(std::span<const DatedObject> objects,
                                                protocol::Round now) const {
    std::map<Hash256, bool> needed;
    for (const DatedObject& object : objects) {
        needed[object.object] |= object.pinned || !expired(object.round, now);
    }
    std::vector<Hash256> out;
    for (const auto& [object, keep] : needed) {
        if (!keep) out.push_back(object);
    }
    return out;
}

}  // namespace covenant::store
