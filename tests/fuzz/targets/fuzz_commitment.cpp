// Signed commitments, evidence and ratings: what decodes encodes to the same bytes,
// and a signature that nobody made is refused.
#include "common/base/assert.hpp"
#include "common/protocol/audit.hpp"
#include "common/protocol/commitment.hpp"
#include "common/protocol/score.hpp"

#include <algorithm>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace covenant;
    const ByteView bytes(data, size);
    if (const auto value = protocol::decode_signed_commitment(bytes)) {
        COVENANT_ASSERT(std::ranges::equal(protocol::encode_signed_commitment(*value), bytes),
                        "a content has one encoding");
        // The zero address signs nothing.
        COVENANT_ASSERT(
            protocol::verify_commitment(*value, {}, Address{}) == protocol::Verdict::kBadSignature,
            "nobody's signature is refused");
    }
    if (const auto value = protocol::decode_evidence(bytes)) {
        COVENANT_ASSERT(std::ranges::equal(protocol::encode_evidence(*value), bytes),
                        "a content has one encoding");
    }
    if (const auto value = protocol::decode_ratings(bytes)) {
        COVENANT_ASSERT(std::ranges::equal(protocol::encode_ratings(*value), bytes),
                        "a content has one encoding");
    }
    return 0;
}
