#include "common/protocol/draw.hpp"

#include "common/base/assert.hpp"
#include "common/codec/writer.hpp"
#include "common/crypto/sha256.hpp"

#include <limits>
#include <set>

namespace covenant::protocol {

std::uint64_t DrawStream::next() {
    const std::uint64_t lane = word_ % 4;
    if (lane == 0) {
        codec::Writer out;
        out.fixed(key_).u64(word_ / 4);
        block_ = crypto::sha256_tagged(tag_, out.view());
    }
    ++word_;
    return load_le<std::uint64_t>(block_.bytes.data() + 8 * lane);
}

std::uint64_t DrawStream::below(std::uint64_t bound) {
    COVENANT_ASSERT(bound > 0, "there is no number below zero");
    // 2^64 mod bound words at the top would favour the small results.
    const std::uint64_t excess = (std::uint64_t{0} - bound) % bound;
    const std::uint64_t last = std::numeric_limits<std::uint64_t>::max() - excess;
    for (;;) {
        const std::uint64_t word = next();
        if (word <= last) return word % bound;
    }
}

Uint128 DrawStream::below_wide(Uint128 bound) {
    COVENANT_ASSERT(bound > 0, "there is no number below zero");
    const Uint128 excess = (Uint128{0} - bound) % bound;
    const Uint128 last = ~Uint128{0} - excess;
    for (;;) {
        const Uint128 high = next();
        const Uint128 draw = (high << 64) | next();
        if (draw <= last) return draw % bound;
    }
}

std::vector<std::uint64_t> DrawStream::subset(std::uint64_t size, std::uint64_t count) {
    COVENANT_ASSERT(count <= size, "a subset is no larger than its set");
    std::set<std::uint64_t> taken;
    for (std::uint64_t j = size - count; j < size; ++j) {
        if (!taken.insert(below(j + 1)).second) taken.insert(j);
    }
    return {taken.begin(), taken.end()};
}

}  // namespace covenant::protocol
