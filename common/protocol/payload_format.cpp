#include "common/protocol/payload_format.hpp"

#include "common/base/assert.hpp"
#include "common/protocol/bit_stream.hpp"

#include <algorithm>
#include <bit>

namespace covenant::protocol {
namespace {

constexpr unsigned kMaxRice = 7;
constexpr std::size_t kSignsAtOnce = 32;
constexpr unsigned kSignBit = std::countr_zero(kCodeNegative);
constexpr unsigned kLengthBits = 4;  // of a word's length in the table

// ---- classes of gaps

constexpr std::uint32_t kSingles = 7;  // classes of one gap each
constexpr unsigned kLongestBelow = 10;

struct GapClass {
    std::uint16_t first = 0;  // the smallest gap of the class
    std::uint8_t below = 0;   // bits that tell its gaps apart
};
constexpr auto kGapClasses = [] {
    std::array<GapClass, PayloadTable::kGapClasses> out{};
    for (std::uint32_t i = 0; i < out.size(); ++i) {
        if (i < kSingles) {
            out[i] = {static_cast<std::uint16_t>(i), 0};
            continue;
        }
        const std::uint32_t below = (i - kSingles) / 4 + 1;
        const std::uint32_t first = ((4 + (i - kSingles) % 4) << below) - 1;
        out[i] = {static_cast<std::uint16_t>(first), static_cast<std::uint8_t>(below)};
    }
    return out;
}();
static_assert(kGapClasses.back().first == kChunkElements - 1 &&
              kGapClasses.back().below == kLongestBelow);

constexpr std::uint32_t class_of(std::uint32_t gap) {
    const std::uint32_t y = gap + 1;
    if (y <= kSingles) return gap;
    const auto below = static_cast<unsigned>(std::bit_width(y)) - 3;
    return kSingles + 4 * (below - 1) + (y >> below & 3U);
}
static_assert(class_of(6) == 6 && class_of(7) == 7 && class_of(8) == 7 && class_of(9) == 8 &&
              class_of(kChunkElements - 1) == PayloadTable::kGapClasses - 1);

constexpr auto kClassOf = [] {
    std::array<std::uint8_t, kChunkElements> out{};
    for (std::uint32_t gap = 0; gap < out.size(); ++gap)
        out[gap] = static_cast<std::uint8_t>(class_of(gap));
    return out;
}();

// body(gap) for the gaps of the chunk's indices.
template <typename Body>
void each_gap(std::span<const std::uint16_t> indices, const Body& body) {
    std::uint32_t next = 0;  // the least index that may follow
    for (const std::uint16_t index : indices) {
        COVENANT_ASSERT(index >= next && index < kChunkElements, "indices ascend below 4096");
        body(index - next);
        next = std::uint32_t{index} + 1;
    }
}

// ---- planes: a bit of each code, eight codes at a time

constexpr std::uint64_t kEachByte = 0x0101010101010101;

// The bits of up to 32 codes, the first lowest.
std::uint32_t bits_of(std::span<const std::uint8_t> codes, unsigned bit) {
    std::uint32_t out = 0;
    std::size_t i = 0;
    for (; i + 8 <= codes.size(); i += 8) {
        const std::uint64_t eight = load_le<std::uint64_t>(codes.data() + i) >> bit & kEachByte;
        // The product moves the bit of byte j to bit 56 + j; no two bits get the same place.
        out |= static_cast<std::uint32_t>(eight * 0x0102040810204080 >> 56U) << i;
    }
    for (; i < codes.size(); ++i)
        out |= (std::uint32_t{codes[i]} >> bit & 1U) << i;
    return out;
}

// Sets the bit in the codes whose bit in `ones` is set; the other codes stay as they are.
void set_bits(std::span<std::uint8_t> codes, unsigned bit, std::uint32_t ones) {
    std::size_t i = 0;
    for (; i + 8 <= codes.size(); i += 8) {
        // Byte j holds bit j of `ones`: at place j in `each`, at place 0 in `eight`.
        const std::uint64_t each = (ones >> i & 0xffU) * kEachByte & 0x8040201008040201;
        const std::uint64_t eight = (each + 0x7f * kEachByte) >> 7U & kEachByte;
        store_le(load_le<std::uint64_t>(codes.data() + i) | eight << bit, codes.data() + i);
    }
    for (; i < codes.size(); ++i)
        codes[i] = static_cast<std::uint8_t>(codes[i] | (ones >> i & 1U) << bit);
}

constexpr std::size_t kPlaneCodes = 24;  // at a time: words of 3 codes, bytes of 8

// Calls body(word) for every three codes of a plane. Returns how many codes are in such words.
template <typename Body>
std::size_t each_word(std::span<const std::uint8_t> codes, unsigned plane, const Body& body) {
    const std::size_t end = codes.size() - codes.size() % 3;
    for (std::size_t i = 0; i < end; i += kPlaneCodes) {
        const std::size_t count = std::min(kPlaneCodes, end - i);
        std::uint32_t bits = bits_of(codes.subspan(i, count), plane);
        for (std::size_t j = 0; j < count; j += 3, bits >>= 3U)
            body(bits & 7U);
    }
    return end;
}

// ---- the table

std::uint8_t best_rice(std::span<const std::uint64_t> counts, std::size_t least) {
    std::uint8_t best = 0;
    std::uint64_t shortest = 0;
    for (unsigned r = 0; r <= kMaxRice; ++r) {
        std::uint64_t bits = 0;
        for (std::size_t i = least; i < counts.size(); ++i)
            bits += counts[i] * (((i - least) >> r) + 1 + r);
        if (r > 0 && bits >= shortest) continue;
        best = static_cast<std::uint8_t>(r);
        shortest = bits;
    }
    return best;
}

void append_lengths(std::span<const std::uint8_t> lengths, Bytes& out) {
    for (std::size_t i = 0; i < lengths.size(); i += 2)
        out.push_back(static_cast<std::uint8_t>(lengths[i] | lengths[i + 1] << kLengthBits));
}

void read_lengths(ByteView bytes, std::span<std::uint8_t> lengths) {
    for (std::size_t i = 0; i < lengths.size(); ++i)
        lengths[i] = static_cast<std::uint8_t>(bytes[i / 2] >> (i % 2 * kLengthBits) & 0x0fU);
}

// The most bits below the classes that the gaps of a chunk need together. The k' gaps share n'
// positions, and the sum of k' logarithms is largest when the gaps are equal. Equal gaps that are
// too small for bits below need none; then the dearest chunk has some longer gaps among gaps of
// y = 1: each position that makes a gap longer costs less than 3/20 of a bit.
std::uint64_t most_below(std::uint64_t kept, std::uint64_t elements) {
    if (elements < 10 * kept) return ((elements - kept) * 3 + 19) / 20;
    const std::uint64_t each = (elements + kept - 1) / kept;
    return kept * (static_cast<std::uint64_t>(std::bit_width(each - 1)) - 2);
}

// Calls take(leaf, bytes) for the table and for each chunk, in order.
template <typename Take>
void for_leaves(const SparseUpdate& update, const Take& take) {
    const PayloadTable table = PayloadTable::of(update);
    const PayloadCodec codec(update.sparsity(), table);
    Bytes bytes;
    table.append(update.sparsity(), bytes);
    take(std::uint32_t{0}, bytes);
    for (std::uint32_t i = 0; i < update.chunk_count(); ++i) {
        bytes.clear();
        codec.append(update.chunk(i), bytes);
        take(i + 1, bytes);
    }
}

}  // namespace

PayloadTable PayloadTable::of(const SparseUpdate& update) {
    const unsigned planes = update.sparsity().code_bits - 1U;
    std::array<std::uint64_t, 256> levels{};
    std::array<std::uint64_t, 256> steps{};
    std::array<std::uint64_t, kChunkElements> gaps{};
    std::array<std::array<std::uint64_t, 8>, kMaxPlanes> words{};
    for (std::size_t at = 0; at < update.chunk_count(); ++at) {
        const SparseView chunk = update.chunk(at);
        ++levels[chunk.levels[0]];
        for (std::size_t i = 1; i < chunk.levels.size(); ++i) {
            COVENANT_ASSERT(chunk.levels[i] >= chunk.levels[i - 1], "levels ascend");
            ++steps[static_cast<std::size_t>(chunk.levels[i] - chunk.levels[i - 1])];
        }
        for (unsigned plane = 0; plane < planes; ++plane) {
            each_word(chunk.codes, planes - 1 - plane,
                      [&](std::uint32_t word) { ++words[plane][word]; });
        }
        each_gap(chunk.indices, [&](std::uint32_t gap) { ++gaps[gap]; });
    }
    std::array<std::uint64_t, kGapClasses> classes{};
    for (std::size_t gap = 0; gap < gaps.size(); ++gap)
        classes[kClassOf[gap]] += gaps[gap];
    PayloadTable out;
    const auto least = std::ranges::find_if(levels, [](std::uint64_t count) { return count > 0; });
    if (least != levels.end()) out.least = static_cast<std::uint8_t>(least - levels.begin());
    out.level_rice = best_rice(levels, out.least);
    out.step_rice = best_rice(steps, 0);
    huffman_lengths(classes, out.gaps);
    for (unsigned plane = 0; plane < planes; ++plane)
        huffman_lengths(words[plane], out.planes[plane]);
    return out;
}

std::size_t PayloadTable::size(const Sparsity& sparsity) {
    return 2 + kGapClasses / 2 + 4 * (sparsity.code_bits - std::size_t{1});
}

void PayloadTable::append(const Sparsity& sparsity, Bytes& out) const {
    out.push_back(least);
    out.push_back(static_cast<std::uint8_t>(level_rice | step_rice << 4));
    append_lengths(gaps, out);
    for (std::size_t plane = 0; plane + 1 < sparsity.code_bits; ++plane)
        append_lengths(planes[plane], out);
}

Outcome<PayloadTable> PayloadTable::decode(ByteView bytes, const Sparsity& sparsity) {
    if (bytes.size() != size(sparsity)) return refuse(Verdict::kMalformed);
    PayloadTable out;
    out.least = bytes[0];
    out.level_rice = bytes[1] & 0x0fU;
    out.step_rice = static_cast<std::uint8_t>(bytes[1] >> 4U);
    read_lengths(bytes.subspan(2), out.gaps);
    bool good =
        out.level_rice <= kMaxRice && out.step_rice <= kMaxRice && are_huffman_lengths(out.gaps);
    for (std::size_t plane = 0; plane + 1 < sparsity.code_bits; ++plane) {
        read_lengths(bytes.subspan(2 + kGapClasses / 2 + 4 * plane), out.planes[plane]);
        good = good && are_huffman_lengths(out.planes[plane]);
    }
    if (!good) return refuse(Verdict::kMalformed);
    return out;
}

PayloadCodec::PayloadCodec(const Sparsity& sparsity, const PayloadTable& table)
    : sparsity_(sparsity), table_(table), gaps_(table.gaps) {
    for (std::size_t plane = 0; plane + 1 < sparsity.code_bits; ++plane)
        planes_.emplace_back(table.planes[plane]);
}

std::uint32_t PayloadCodec::longest(std::uint32_t elements) const {
    const std::uint64_t kept = sparsity_.kept_of(elements);
    const std::uint64_t levels = sparsity_.levels() * (kMaxLevel + 1 + kMaxRice);
    const std::uint64_t planes = planes_.size() * (kept / 3 * kLongestWord + 2);
    return bytes_of(levels + kept + planes + kept * (kLongestWord + kLongestBelow));
}

void PayloadCodec::append(const SparseView& chunk, Bytes& out) const {
    COVENANT_ASSERT(chunk.levels.size() == sparsity_.levels() &&
                        chunk.indices.size() == chunk.codes.size() &&
                        chunk.indices.size() <= sparsity_.kept_of(kChunkElements) &&
                        chunk.levels[0] >= table_.least,
                    "the chunk has this sparsity and is one of the table's");
    const std::size_t start = out.size();
    out.resize(start + longest(kChunkElements) + 8);
    BitWriter bits(out.data() + start);
    bits.rice(chunk.levels[0] - std::uint32_t{table_.least}, table_.level_rice);
    for (std::size_t i = 1; i < chunk.levels.size(); ++i)
        bits.rice(std::uint32_t{chunk.levels[i]} - chunk.levels[i - 1], table_.step_rice);
    for (std::size_t i = 0; i < chunk.codes.size(); i += kSignsAtOnce) {
        const std::size_t count = std::min(kSignsAtOnce, chunk.codes.size() - i);
        bits.put(bits_of(chunk.codes.subspan(i, count), kSignBit), static_cast<unsigned>(count));
    }
    for (std::size_t at = 0; at < planes_.size(); ++at) {
        const auto plane = static_cast<unsigned>(planes_.size() - 1 - at);
        const std::size_t rest = each_word(chunk.codes, plane, [&](std::uint32_t three) {
            const PrefixCode::Word word = planes_[at].word(three);
            COVENANT_ASSERT(word.size > 0, "the table has these bits");
            bits.put(word.bits, word.size);
        });
        bits.put(bits_of(chunk.codes.subspan(rest), plane),
                 static_cast<unsigned>(chunk.codes.size() - rest));
    }
    each_gap(chunk.indices, [&](std::uint32_t gap) {
        const std::uint32_t number = kClassOf[gap];
        const GapClass& one = kGapClasses[number];
        const PrefixCode::Word word = gaps_.word(number);
        COVENANT_ASSERT(word.size > 0, "the table has this class of gaps");
        bits.put(word.bits | (gap - one.first) << word.size, word.size + unsigned{one.below});
    });
    out.resize(start + bits.finish());
}

Outcome<std::size_t> PayloadCodec::read(ByteView rest, std::uint32_t elements,
                                        const MutableSparseView& chunk) const {
    const std::size_t kept = chunk.codes.size();
    COVENANT_ASSERT(chunk.levels.size() == sparsity_.levels() && chunk.indices.size() == kept &&
                        kept == sparsity_.kept_of(elements),
                    "the chunk has this sparsity");
    // Every value has a sign bit: a stream without room for the signs is cut short.
    if (rest.size() < kept / 8) return refuse(Verdict::kMalformed);
    const ByteView bytes = rest.first(std::min<std::size_t>(rest.size(), longest(elements)));
    BitReader bits(bytes);
    std::uint32_t level = table_.least;
    for (std::size_t i = 0; i < chunk.levels.size(); ++i) {
        level += bits.rice(i == 0 ? table_.level_rice : table_.step_rice, kMaxLevel);
        if (level > kMaxLevel) return refuse(Verdict::kMalformed);
        chunk.levels[i] = static_cast<std::uint8_t>(level);
    }
    for (std::size_t i = 0; i < kept; i += kSignsAtOnce) {
        const std::size_t count = std::min(kSignsAtOnce, kept - i);
        const std::span<std::uint8_t> codes = chunk.codes.subspan(i, count);
        std::ranges::fill(codes, std::uint8_t{0});
        set_bits(codes, kSignBit, bits.take(static_cast<unsigned>(count)));
    }
    for (std::size_t at = 0; at < planes_.size(); ++at) {
        const auto plane = static_cast<unsigned>(planes_.size() - 1 - at);
        const std::size_t end = kept - kept % 3;
        for (std::size_t i = 0; i < end;) {
            const std::size_t count = std::min(kPlaneCodes, end - i);
            std::uint32_t ones = 0;
            for (std::size_t j = 0; j < count;) {
                std::uint64_t window = bits.window();
                unsigned used = 0;
                for (; used + kLongestWord <= BitReader::kWindow && j < count; j += 3) {
                    const PrefixCode::Meaning word = planes_[at].meaning(window);
                    if (word.size == 0) return refuse(Verdict::kMalformed);
                    ones |= std::uint32_t{word.symbol} << j;
                    window >>= word.size;
                    used += word.size;
                }
                bits.skip(used);
            }
            set_bits(chunk.codes.subspan(i, count), plane, ones);
            i += count;
        }
        set_bits(chunk.codes.subspan(end), plane, bits.take(static_cast<unsigned>(kept - end)));
    }
    if (!codes_are_canonical(chunk)) return refuse(Verdict::kNotCanonical);
    std::uint32_t next = 0;
    for (std::size_t i = 0; i < kept;) {
        // One window is long enough for two words and the bits below them.
        std::uint64_t window = bits.window();
        unsigned used = 0;
        for (; used + kLongestWord + kLongestBelow <= BitReader::kWindow && i < kept; ++i) {
            const PrefixCode::Meaning word = gaps_.meaning(window);
            const GapClass& one = kGapClasses[word.symbol];
            const auto below =
                static_cast<std::uint32_t>(window >> word.size) & ((1U << one.below) - 1);
            const std::uint32_t index = next + one.first + below;
            if (word.size == 0 || index >= elements) return refuse(Verdict::kMalformed);
            chunk.indices[i] = static_cast<std::uint16_t>(index);
            next = index + 1;
            window >>= word.size + unsigned{one.below};
            used += word.size + unsigned{one.below};
        }
        bits.skip(used);
    }
    const std::size_t size = bytes_of(bits.position());
    if (size > bytes.size()) return refuse(Verdict::kMalformed);
    const auto padding = static_cast<unsigned>(8 * size - bits.position());
    if (bits.take(padding) != 0) return refuse(Verdict::kNotCanonical);
    return size;
}

Outcome<SparseChunk> PayloadCodec::decode(ByteView bytes, std::uint32_t elements) const {
    SparseChunk out = SparseChunk::zeros(sparsity_, elements);
    const auto size = read(bytes, elements, out.view());
    if (!size) return refuse(size.error());
    if (*size != bytes.size()) return refuse(Verdict::kMalformed);
    return out;
}

Bytes encode_payload(const SparseUpdate& update) {
    const PayloadTable table = PayloadTable::of(update);
    const PayloadCodec codec(update.sparsity(), table);
    Bytes out;
    out.reserve(PayloadTable::size(update.sparsity()) + 2 * update.value_count());
    table.append(update.sparsity(), out);
    for (std::size_t i = 0; i < update.chunk_count(); ++i)
        codec.append(update.chunk(i), out);
    return out;
}

Outcome<SparseUpdate> decode_payload(ByteView bytes, const Sparsity& sparsity,
                                     std::span<const std::uint16_t> chunk_elements) {
    const std::size_t head = PayloadTable::size(sparsity);
    const PayloadSizes sizes = payload_sizes(sparsity, chunk_elements);
    if (bytes.size() < sizes.least || bytes.size() > sizes.most) {
        return refuse(Verdict::kMalformed);
    }
    const auto table = PayloadTable::decode(bytes.first(head), sparsity);
    if (!table) return refuse(table.error());
    const PayloadCodec codec(sparsity, *table);
    SparseUpdate out(sparsity, chunk_elements);
    ByteView rest = bytes.subspan(head);
    for (std::size_t i = 0; i < chunk_elements.size(); ++i) {
        const auto size = codec.read(rest, chunk_elements[i], out.chunk(i));
        if (!size) return refuse(size.error());
        rest = rest.subspan(*size);
    }
    if (!rest.empty()) return refuse(Verdict::kMalformed);
    if (PayloadTable::of(out) != *table) return refuse(Verdict::kNotCanonical);
    return out;
}

PayloadSizes payload_sizes(const Sparsity& sparsity,
                           std::span<const std::uint16_t> chunk_elements) {
    constexpr std::uint64_t kRice = kMaxRice + 2;  // bits of a level or step where r is 7
    constexpr std::uint64_t kClassBits = 6;
    PayloadSizes out{.least = PayloadTable::size(sparsity), .most = PayloadTable::size(sparsity)};
    for (const std::uint16_t elements : chunk_elements) {
        const std::uint64_t kept = sparsity.kept_of(elements);
        const std::uint64_t planes = sparsity.code_bits - std::uint64_t{1};
        // At least one bit for each level, sign and gap, and for every three codes of a plane.
        out.least += bytes_of(sparsity.levels() + 2 * kept + planes * (kept / 3 + kept % 3));
        // This bound holds for all chunks together. Each chunk adds up to 7 zeros at its end.
        out.most += bytes_of(sparsity.levels() * kRice + (1 + planes + kClassBits) * kept +
                             most_below(kept, elements) + 7);
    }
    return out;
}

Hash256 payload_root(const SparseUpdate& update) {
    std::vector<Hash256> hashes;
    for_leaves(update, [&](std::uint32_t, const Bytes& bytes) {
        hashes.push_back(crypto::merkle_leaf(bytes));
    });
    return crypto::merkle_root(hashes);
}

std::vector<PayloadOpening> open_payload(const SparseUpdate& update,
                                         std::span<const std::uint32_t> leaves) {
    std::vector<PayloadOpening> out;
    std::vector<Hash256> hashes;
    std::uint64_t offset = 0;
    for_leaves(update, [&](std::uint32_t leaf, const Bytes& bytes) {
        hashes.push_back(crypto::merkle_leaf(bytes));
        if (out.size() < leaves.size() && leaves[out.size()] == leaf)
            out.push_back({.leaf = leaf, .offset = offset, .bytes = bytes, .proof = {}});
        offset += bytes.size();
    });
    COVENANT_ASSERT(out.size() == leaves.size(), "leaves ascend and are parts of the payload");
    const crypto::MerkleTree tree(std::move(hashes));
    for (PayloadOpening& opening : out)
        opening.proof = tree.proof(opening.leaf);
    return out;
}

namespace {

bool stands_under(const Hash256& root, std::size_t chunks, const PayloadOpening& opening) {
    return crypto::merkle_verify(root, crypto::merkle_leaf(opening.bytes), opening.leaf, chunks + 1,
                                 opening.proof);
}

}  // namespace

Outcome<PayloadTable> decode_table_opening(const Hash256& root, const Sparsity& sparsity,
                                           std::size_t chunks, const PayloadOpening& opening) {
    if (opening.leaf != 0 || opening.bytes.size() != PayloadTable::size(sparsity) ||
        !stands_under(root, chunks, opening)) {
        return refuse(Verdict::kOpeningMismatch);
    }
    return PayloadTable::decode(opening.bytes, sparsity);
}

Outcome<SparseChunk> decode_chunk_opening(const Hash256& root, const PayloadCodec& codec,
                                          std::span<const std::uint16_t> chunk_elements,
                                          const PayloadOpening& opening) {
    if (opening.leaf == 0 || opening.leaf > chunk_elements.size()) {
        return refuse(Verdict::kOpeningMismatch);
    }
    const std::uint16_t elements = chunk_elements[opening.leaf - 1];
    if (opening.bytes.size() > codec.longest(elements) ||
        !stands_under(root, chunk_elements.size(), opening)) {
        return refuse(Verdict::kOpeningMismatch);
    }
    return codec.decode(opening.bytes, elements);
}

}  // namespace covenant::protocol
