// Shard headers and data set manifests from strangers: the decoders stay in bounds, and what they
// accept is consistent and encodes back to itself.
#include "common/base/assert.hpp"
#include "common/data/corpus_manifest.hpp"
#include "common/data/shard_format.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace covenant;
    const ByteView input(data, size);
    const ByteView prefix = input.first(std::min(size, data::kMaxShardHeaderBytes));
    if (const auto header = data::decode_shard_header(prefix, size)) {
        COVENANT_ASSERT(header->data_offset + header->shape.data_bytes() == size,
                        "an accepted shape explains the file's size");
        const Bytes again = data::encode_shard_header(header->shape);
        const auto second =
            data::decode_shard_header(again, again.size() + header->shape.data_bytes());
        COVENANT_ASSERT(second && second->shape == header->shape, "shapes survive encoding");
        const std::size_t window = header->shape.window_bytes();
        static_cast<void>(data::window_leaf(0, 0, input.subspan(header->data_offset, window)));
    }
    if (const auto manifest = data::decode_manifest(input)) {
        const Bytes again = data::encode_manifest(*manifest);
        COVENANT_ASSERT(std::equal(again.begin(), again.end(), input.begin(), input.end()),
                        "a manifest has one encoding");
        static_cast<void>(manifest->data_spec());
        static_cast<void>(data::manifest_json(*manifest).dump());
    }
    return 0;
}
