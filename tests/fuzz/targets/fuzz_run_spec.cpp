// RunSpec bytes of a stranger: what decodes is valid, and encodes to the same bytes.
#include "common/base/assert.hpp"
#include "common/protocol/run_spec.hpp"

#include <algorithm>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace covenant;
    const ByteView bytes(data, size);
    const auto spec = protocol::decode_run_spec(bytes);
    if (!spec) return 0;
    COVENANT_ASSERT(protocol::validate_run_spec(*spec) == protocol::Verdict::kAccept,
                    "decoding validates");
    COVENANT_ASSERT(std::ranges::equal(protocol::encode_run_spec(*spec), bytes),
                    "a content has one encoding");
    COVENANT_ASSERT(spec->segments() * spec->inner.steps_per_segment == spec->inner.steps_per_round,
                    "segments fill the round");
    return 0;
}
