// Artifact bytes of a stranger: what decodes encodes to the same bytes.
#include "common/base/assert.hpp"
#include "common/protocol/artifact_format.hpp"
#include "tools/vectors/samples.hpp"

#include <algorithm>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace covenant;
    static const protocol::RunSpec spec = vectors::sample_spec();
    static const std::vector<std::uint16_t> layout = {4096, 4096, 100, 1};
    const ByteView bytes(data, size);
    const auto artifact = protocol::decode_artifact(bytes, spec, layout);
    if (!artifact) return 0;
    COVENANT_ASSERT(std::ranges::equal(protocol::encode_artifact(*artifact), bytes),
                    "a content has one encoding");
    COVENANT_ASSERT(size <= protocol::max_artifact_bytes(spec, artifact->round, layout),
                    "the limit for fetchers holds");
    return 0;
}
