#include "common/protocol/payload_format.hpp"

#include "common/base/assert.hpp"
#include "common/protocol/ids.hpp"

#include <algorithm>
#include <bit>

namespace covenant::protocol {
namespace {

constexpr unsigned kLevelBits = 16;  // both
constexpr unsigned kCodeBits = 2;
constexpr std::uint8_t kHighBit = 0b01;

constexpr std::uint32_t bytes_of(std::uint64_t bits) {
    return static_cast<std::uint32_t>((bits + 7) / 8);
}

class BitWriter {
  public:
    explicit BitWriter(Bytes& out) : out_(out) {}

    // The low `bits` (at most 32) of value, which has no others.
    void put(std::uint32_t value, unsigned bits) {
        pending_ |= std::uint64_t{value} << filled_;
        filled_ += bits;
        while (filled_ >= 8) {
            out_.push_back(static_cast<std::uint8_t>(pending_ & 0xff));
            pending_ >>= 8;
            filled_ -= 8;
        }
    }
    void zeros(std::uint32_t count) {
        for (; count > 32; count -= 32)
            put(0, 32);
        put(0, count);
    }
    void pad() {
        if (filled_ > 0) put(0, 8 - filled_);
    }

  private:
    Bytes& out_;
    std::uint64_t pending_ = 0;
    unsigned filled_ = 0;
};

// Past the end there are zeros; the caller compares position() with what it had.
class BitReader {
  public:
    static constexpr unsigned kWindow = 57;  // bits that window() has whatever the position

    explicit BitReader(ByteView bytes) : bytes_(bytes) {}

    [[nodiscard]] std::uint64_t window() const {
        const std::size_t at = position_ / 8;
        std::uint64_t word = 0;
        if (at + sizeof(word) <= bytes_.size()) {
            word = load_le<std::uint64_t>(bytes_.data() + at);
        } else {
            for (std::size_t i = at; i < bytes_.size(); ++i)
                word |= std::uint64_t{bytes_[i]} << (8 * (i - at));
        }
        return word >> (position_ % 8);
    }
    void skip(std::size_t bits) { position_ += bits; }
    std::uint32_t take(unsigned bits) {
        const std::uint64_t value = window() & ((std::uint64_t{1} << bits) - 1);
        skip(bits);
        return static_cast<std::uint32_t>(value);
    }
    // Zeros before the next one, which is taken too; more than `most` are not counted on.
    std::uint32_t zeros(std::uint32_t most) {
        std::uint32_t count = 0;
        while (true) {
            const auto run = static_cast<unsigned>(std::countr_zero(window()));
            if (run < kWindow) {
                skip(run + 1);
                return count + run;
            }
            skip(kWindow);
            count += kWindow;
            if (count > most) return count;
        }
    }
    [[nodiscard]] std::size_t position() const { return position_; }

  private:
    ByteView bytes_;
    std::size_t position_ = 0;  // in bits
};

}  // namespace

std::uint32_t kept_in_chunk(std::uint32_t kept_per_chunk, std::uint32_t elements) {
    COVENANT_ASSERT(elements >= 1 && elements <= kChunkElements, "a chunk has 1..4096 elements");
    constexpr std::uint32_t kHalf = kChunkElements / 2;
    return std::max<std::uint32_t>(1, (kept_per_chunk * elements + kHalf) / kChunkElements);
}

PayloadCodec::PayloadCodec(std::uint32_t kept_per_chunk) : kept_per_chunk_(kept_per_chunk) {
    COVENANT_ASSERT(kept_per_chunk >= 1 && kept_per_chunk <= kChunkElements, "k is in 1..4096");
    constexpr auto kElements = static_cast<std::uint32_t>(kChunkElements);
    divisor_ = std::max<std::uint32_t>(
        1, (11 * kElements + 2 * kept_per_chunk - 1) / (16 * kept_per_chunk));
    remainder_bits_ = static_cast<unsigned>(std::bit_width(divisor_ - 1));
    short_ones_ = (1U << remainder_bits_) - divisor_;
}

std::size_t PayloadCodec::bits_of_gap(std::uint32_t gap) const {
    const std::uint32_t quotient = gap / divisor_;
    const std::uint32_t remainder = gap % divisor_;
    if (divisor_ == 1) return quotient + 1;
    return quotient + 1 + remainder_bits_ - (remainder < short_ones_ ? 1U : 0U);
}

// The gaps share n' - k' positions. All zero they are shortest. A position more in the quotient
// costs M, a remainder's long form C < M, so that the longest chunk has as many long ones as fit.
ChunkSizes PayloadCodec::sizes(std::uint32_t elements) const {
    const std::uint64_t kept = kept_in_chunk(kept_per_chunk_, elements);
    const std::uint64_t spare = elements - kept;
    const std::uint64_t fixed = kLevelBits + kept * kCodeBits;
    const std::uint64_t least = fixed + kept * bits_of_gap(0);
    if (short_ones_ == 0) {  // M is a power of two: every remainder has one length
        return {.least = bytes_of(least), .most = bytes_of(least + spare / divisor_)};
    }
    const std::uint64_t longs = std::min(kept, spare / short_ones_);
    const std::uint64_t most = least + longs + (spare - longs * short_ones_) / divisor_;
    return {.least = bytes_of(least), .most = bytes_of(most)};
}

void PayloadCodec::append(const PayloadChunk& chunk, Bytes& out) const {
    COVENANT_ASSERT(chunk.indices.size() == chunk.codes.size(), "one code an index");
    out.push_back(chunk.low);
    out.push_back(chunk.high);
    BitWriter bits(out);
    for (const std::uint8_t code : chunk.codes) {
        COVENANT_ASSERT(code < (1U << kCodeBits), "a code has two bits");
        bits.put(code, kCodeBits);
    }
    std::uint32_t next = 0;  // the least index that may follow
    for (const std::uint16_t index : chunk.indices) {
        COVENANT_ASSERT(index >= next && index < kChunkElements, "indices ascend below 4096");
        const std::uint32_t gap = index - next;
        next = std::uint32_t{index} + 1;
        bits.zeros(gap / divisor_);
        bits.put(1, 1);
        if (divisor_ == 1) continue;
        const std::uint32_t remainder = gap % divisor_;
        if (remainder < short_ones_) {
            bits.put(remainder, remainder_bits_ - 1);
        } else {
            const std::uint32_t shifted = remainder + short_ones_;
            bits.put(shifted >> 1, remainder_bits_ - 1);
            bits.put(shifted & 1, 1);
        }
    }
    bits.pad();
}

Bytes PayloadCodec::encode(const PayloadChunk& chunk) const {
    Bytes out;
    append(chunk, out);
    return out;
}

Outcome<ReadChunk> PayloadCodec::read(ByteView rest, std::uint32_t elements) const {
    const ChunkSizes limits = sizes(elements);
    if (rest.size() < limits.least) return refuse(Verdict::kMalformed);
    const ByteView bytes = rest.first(std::min<std::size_t>(rest.size(), limits.most));
    const std::uint32_t kept = kept_in_chunk(kept_per_chunk_, elements);
    ReadChunk out;
    PayloadChunk& chunk = out.chunk;
    chunk.low = bytes[0];
    chunk.high = bytes[1];
    if (chunk.low > chunk.high) return refuse(Verdict::kNotCanonical);
    BitReader bits(bytes);
    bits.skip(kLevelBits);
    chunk.codes.resize(kept);
    std::uint8_t any = 0;
    for (std::uint8_t& code : chunk.codes) {
        code = static_cast<std::uint8_t>(bits.take(kCodeBits));
        any |= code;
    }
    if (chunk.low == chunk.high && (any & kHighBit) != 0) return refuse(Verdict::kNotCanonical);
    chunk.indices.resize(kept);
    std::uint32_t next = 0;
    for (std::uint16_t& index : chunk.indices) {
        std::uint32_t gap = bits.zeros(elements) * divisor_;
        if (divisor_ > 1) {
            std::uint32_t remainder = bits.take(remainder_bits_ - 1);
            if (remainder >= short_ones_) {
                remainder = 2 * remainder + bits.take(1) - short_ones_;
            }
            gap += remainder;
        }
        if (gap >= elements || next + gap >= elements) return refuse(Verdict::kMalformed);
        index = static_cast<std::uint16_t>(next + gap);
        next += gap + 1;
    }
    out.size = bytes_of(bits.position());
    if (out.size > bytes.size()) return refuse(Verdict::kMalformed);
    const auto padding = static_cast<unsigned>(8 * out.size - bits.position());
    if (bits.take(padding) != 0) return refuse(Verdict::kNotCanonical);
    return out;
}

Outcome<PayloadChunk> PayloadCodec::decode(ByteView bytes, std::uint32_t elements) const {
    auto out = read(bytes, elements);
    if (!out) return refuse(out.error());
    if (out->size != bytes.size()) return refuse(Verdict::kMalformed);
    return std::move(out->chunk);
}

namespace {

std::vector<Hash256> payload_leaves(std::span<const PayloadChunk> chunks,
                                    const PayloadCodec& codec) {
    std::vector<Hash256> leaves;
    leaves.reserve(chunks.size());
    Bytes bytes;
    for (const PayloadChunk& chunk : chunks) {
        bytes.clear();
        codec.append(chunk, bytes);
        leaves.push_back(crypto::merkle_leaf(bytes));
    }
    return leaves;
}

}  // namespace

Hash256 payload_root(std::span<const PayloadChunk> chunks, std::uint32_t kept_per_chunk) {
    return crypto::merkle_root(payload_leaves(chunks, PayloadCodec(kept_per_chunk)));
}

PayloadOpening open_payload(std::span<const PayloadChunk> chunks, std::uint32_t kept_per_chunk,
                            std::uint32_t index) {
    COVENANT_ASSERT(index < chunks.size(), "the payload has this chunk");
    const PayloadCodec codec(kept_per_chunk);
    PayloadOpening out{.index = index, .offset = 0, .bytes = {}, .proof = {}};
    for (const PayloadChunk& before : chunks.first(index))
        out.offset += codec.encode(before).size();
    out.bytes = codec.encode(chunks[index]);
    out.proof = crypto::merkle_proof(payload_leaves(chunks, codec), index);
    return out;
}

Outcome<PayloadChunk> decode_payload_opening(const Hash256& root, std::uint32_t kept_per_chunk,
                                             std::span<const std::uint16_t> chunk_elements,
                                             const PayloadOpening& opening) {
    const std::size_t count = chunk_elements.size();
    const PayloadCodec codec(kept_per_chunk);
    if (opening.index >= count ||
        opening.bytes.size() > codec.sizes(chunk_elements[opening.index]).most ||
        !crypto::merkle_verify(root, crypto::merkle_leaf(opening.bytes), opening.index, count,
                               opening.proof)) {
        return refuse(Verdict::kOpeningMismatch);
    }
    return codec.decode(opening.bytes, chunk_elements[opening.index]);
}

}  // namespace covenant::protocol
