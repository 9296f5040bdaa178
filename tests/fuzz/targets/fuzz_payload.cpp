// A payload chunk of a stranger, at any density and size: u16 k - 1, u16 elements - 1, then its
// bytes.
#include "common/base/assert.hpp"
#include "common/protocol/ids.hpp"
#include "common/protocol/payload_format.hpp"

#include <algorithm>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace covenant;
    if (size < 4) return 0;
    const std::uint32_t kept = load_le<std::uint16_t>(data) % protocol::kChunkElements + 1;
    const std::uint32_t elements = load_le<std::uint16_t>(data + 2) % protocol::kChunkElements + 1;
    const ByteView rest(data + 4, size - 4);
    const protocol::PayloadCodec codec(kept);
    const auto read = codec.read(rest, elements);
    if (!read) return 0;
    const protocol::ChunkSizes sizes = codec.sizes(elements);
    COVENANT_ASSERT(read->size >= sizes.least && read->size <= sizes.most, "the bounds hold");
    COVENANT_ASSERT(std::ranges::equal(codec.encode(read->chunk), rest.first(read->size)),
                    "a content has one encoding");
    COVENANT_ASSERT(read->chunk.indices.back() < elements, "indices stay inside");
    return 0;
}
