// Trace records of a damaged index: what decodes encodes to the same bytes.
#include "common/base/assert.hpp"
#include "common/store/trace_record.hpp"

#include <algorithm>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace covenant;
    const ByteView bytes(data, size);
    const auto record = store::decode_trace_record(bytes);
    if (!record) {
        COVENANT_ASSERT(record.error().code == Errc::kCorrupt, "a damaged record is corrupt");
        return 0;
    }
    COVENANT_ASSERT(std::ranges::equal(store::encode_trace_record(*record), bytes),
                    "a content has one encoding");
    return 0;
}
