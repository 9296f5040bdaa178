// A payload of a stranger: u8 flags (code bits - 1 in two bits, then which k in three), then its
// bytes.
#include "common/base/assert.hpp"
#include "common/protocol/payload_format.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace {

using namespace covenant;

constexpr std::array<std::uint16_t, 8> kDensities = {1, 3, 16, 64, 256, 1000, 2048, 4096};
constexpr std::array<std::uint16_t, 5> kLayout = {300, 100, 17, 2, 1};

void check_chunk(const SparseView& chunk, std::uint32_t elements) {
    std::uint32_t next = 0;
    for (const std::uint16_t index : chunk.indices) {
        COVENANT_ASSERT(index >= next && index < elements, "indices ascend inside");
        next = std::uint32_t{index} + 1;
    }
    COVENANT_ASSERT(std::ranges::is_sorted(chunk.levels), "levels ascend");
    for (const std::uint8_t code : chunk.codes)
        COVENANT_ASSERT((code & kCodeLevel) < chunk.levels.size(), "codes name levels");
    COVENANT_ASSERT(codes_are_canonical(chunk), "of equal levels the first is used");
}

// Any valid table, whether or not it is the one of the chunks behind it.
void read_chunks(ByteView bytes, const Sparsity& sparsity) {
    const std::size_t head = protocol::PayloadTable::size(sparsity);
    if (bytes.size() < head) return;
    const auto table = protocol::PayloadTable::decode(bytes.first(head), sparsity);
    if (!table) return;
    Bytes again;
    table->append(sparsity, again);
    COVENANT_ASSERT(std::ranges::equal(again, bytes.first(head)), "a table has one encoding");
    const protocol::PayloadCodec codec(sparsity, *table);
    ByteView rest = bytes.subspan(head);
    for (const std::uint16_t elements : kLayout) {
        SparseChunk chunk = SparseChunk::zeros(sparsity, elements);
        const auto size = codec.read(rest, elements, chunk.view());
        if (!size) return;
        COVENANT_ASSERT(*size <= rest.size() && *size <= codec.longest(elements),
                        "no chunk is longer");
        const SparseView view = std::as_const(chunk).view();
        check_chunk(view, elements);
        again.clear();
        codec.append(view, again);
        COVENANT_ASSERT(std::ranges::equal(again, rest.first(*size)),
                        "a chunk has one encoding under a table");
        COVENANT_ASSERT(codec.decode(rest.first(*size), elements) == chunk,
                        "what follows changes nothing");
        rest = rest.subspan(*size);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 1) return 0;
    const Sparsity sparsity{.keep = kDensities[data[0] >> 2U & 7U],
                            .code_bits = static_cast<std::uint8_t>((data[0] & 3U) + 1)};
    const ByteView bytes(data + 1, size - 1);
    read_chunks(bytes, sparsity);
    const auto update = protocol::decode_payload(bytes, sparsity, kLayout);
    if (!update) return 0;
    COVENANT_ASSERT(std::ranges::equal(protocol::encode_payload(*update), bytes),
                    "a content has one encoding");
    const protocol::PayloadSizes sizes = protocol::payload_sizes(sparsity, kLayout);
    COVENANT_ASSERT(bytes.size() >= sizes.least && bytes.size() <= sizes.most, "the bounds hold");
    for (std::size_t i = 0; i < kLayout.size(); ++i)
        check_chunk(update->chunk(i), kLayout[i]);
    return 0;
}
