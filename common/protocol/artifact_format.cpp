#include "common/protocol/artifact_format.hpp"

#include "common/base/assert.hpp"
#include "common/codec/reader.hpp"
#include "common/codec/writer.hpp"
#include "common/crypto/merkle.hpp"

#include <algorithm>
#include <string_view>

namespace covenant::protocol {
namespace {

constexpr std::string_view kMagic = "CVAR";
constexpr std::size_t kHeaderBytes = 82;
constexpr std::size_t kSegmentBytes = 148;
constexpr std::size_t kFeedbackBytes = 170;
constexpr std::size_t kProfileFixedBytes = 68;
constexpr std::size_t kMaxHardwareClass = 128;
constexpr unsigned kIndexBits = 12;
constexpr unsigned kCodeBits = 2;
constexpr std::uint32_t kInfinityBits = 0x7f800000;
constexpr std::uint32_t kSignBit = 0x80000000;
constexpr std::uint64_t kInfinityBits64 = 0x7ff0000000000000;
constexpr std::uint64_t kSignBit64 = 0x8000000000000000;

constexpr std::size_t packed_bytes(std::size_t items, unsigned bits) {
    return (items * bits + 7) / 8;
}

std::size_t chunk_bytes(std::uint32_t kept) {
    return 8 + packed_bytes(kept, kIndexBits) + packed_bytes(kept, kCodeBits);
}

// Item i stands in bits [i * bits, (i + 1) * bits); bit b of the stream is bit b % 8 of byte b / 8.
template <typename T>
void pack(codec::Writer& out, std::span<const T> items, unsigned bits) {
    std::uint32_t pending = 0;
    unsigned filled = 0;
    for (const T item : items) {
        pending |= std::uint32_t{item} << filled;
        filled += bits;
        while (filled >= 8) {
            out.u8(static_cast<std::uint8_t>(pending & 0xff));
            pending >>= 8;
            filled -= 8;
        }
    }
    if (filled > 0) out.u8(static_cast<std::uint8_t>(pending));
}

// False when a padding bit is set. packed.size() fits the items.
template <typename T>
bool unpack(ByteView packed, unsigned bits, std::span<T> items) {
    std::uint32_t pending = 0;
    unsigned filled = 0;
    std::size_t next = 0;
    for (T& item : items) {
        while (filled < bits) {
            pending |= std::uint32_t{packed[next++]} << filled;
            filled += 8;
        }
        item = static_cast<T>(pending & ((1U << bits) - 1));
        pending >>= bits;
        filled -= bits;
    }
    return pending == 0;
}

// Levels: finite, not below zero, not -0, in order (R1.3, R6.7).
Verdict check_levels(std::uint32_t low, std::uint32_t high) {
    for (const std::uint32_t level : {low, high}) {
        if ((level & ~kSignBit) >= kInfinityBits) return Verdict::kNotFinite;
        if (level == kSignBit) return Verdict::kNotCanonical;
        if ((level & kSignBit) != 0) return Verdict::kMalformed;
    }
    return low <= high ? Verdict::kAccept : Verdict::kNotCanonical;
}

Verdict check_entries(const PayloadChunk& chunk, std::uint32_t elements) {
    for (std::size_t i = 0; i < chunk.indices.size(); ++i) {
        if (chunk.indices[i] >= elements) return Verdict::kMalformed;
        if (i > 0 && chunk.indices[i] <= chunk.indices[i - 1]) return Verdict::kNotCanonical;
        const bool high = (chunk.codes[i] & 1) != 0;
        if (high && chunk.low_bits == chunk.high_bits) return Verdict::kNotCanonical;
    }
    return Verdict::kAccept;
}

void write_chunk(codec::Writer& out, const PayloadChunk& chunk) {
    COVENANT_ASSERT(chunk.indices.size() == chunk.codes.size(), "one code an index");
    out.u32(chunk.low_bits).u32(chunk.high_bits);
    pack<std::uint16_t>(out, chunk.indices, kIndexBits);
    pack<std::uint8_t>(out, chunk.codes, kCodeBits);
}

SegmentRecord read_segment(codec::Reader& in) {
    SegmentRecord out;
    out.theta_root = in.fixed<Hash256>();
    out.m_root = in.fixed<Hash256>();
    out.v_root = in.fixed<Hash256>();
    out.adam_t = in.u64();
    out.cursor = in.u64();
    out.window_root = in.fixed<Hash256>();
    out.loss_bits = in.u32();
    return out;
}

FeedbackRecord read_feedback(codec::Reader& in) {
    FeedbackRecord out;
    out.previous_commitment = in.fixed<Hash256>();
    out.feedback_root = in.fixed<Hash256>();
    out.sum_root = in.fixed<Hash256>();
    out.residual_root = in.fixed<Hash256>();
    out.payload_root = in.fixed<Hash256>();
    out.norm_bits = in.u64();
    out.kept_per_chunk = in.u16();
    return out;
}

// What the records say must be numbers, and the start of the trace consumed nothing.
Verdict check_records(const Artifact& artifact, const RunSpec& spec) {
    for (const SegmentRecord& record : artifact.trace) {
        if ((record.loss_bits & ~kSignBit) >= kInfinityBits) return Verdict::kNotFinite;
    }
    const SegmentRecord& start = artifact.trace.front();
    if (start.loss_bits != 0 || !start.window_root.is_zero()) return Verdict::kMalformed;
    // It is shown to people: no control characters of a stranger's choice.
    for (const char c : artifact.profile.hardware_class) {
        if (c < ' ' || c > '~') return Verdict::kMalformed;
    }
    const std::uint64_t norm = artifact.feedback.norm_bits;
    if ((norm & ~kSignBit64) >= kInfinityBits64) return Verdict::kNotFinite;
    if (norm == kSignBit64) return Verdict::kNotCanonical;
    if ((norm & kSignBit64) != 0) return Verdict::kMalformed;
    return artifact.feedback.kept_per_chunk == spec.outer.kept_per_chunk ? Verdict::kAccept
                                                                         : Verdict::kMalformed;
}

std::uint64_t payload_bytes(const RunSpec& spec, std::span<const std::uint16_t> chunk_elements) {
    std::uint64_t total = 0;
    for (const std::uint16_t elements : chunk_elements) {
        total += chunk_bytes(kept_in_chunk(spec.outer.kept_per_chunk, elements));
    }
    return total;
}

std::uint64_t bytes_without_hardware_class(const RunSpec& spec,
                                           std::span<const std::uint16_t> chunk_elements) {
    return kHeaderBytes + kSegmentBytes * (std::uint64_t{spec.segments()} + 1) + kFeedbackBytes +
           kProfileFixedBytes + 4 + payload_bytes(spec, chunk_elements);
}

}  // namespace

std::uint32_t kept_in_chunk(std::uint32_t kept_per_chunk, std::uint32_t elements) {
    COVENANT_ASSERT(elements >= 1 && elements <= kChunkElements, "a chunk has 1..4096 elements");
    constexpr std::uint32_t kHalf = kChunkElements / 2;
    return std::max<std::uint32_t>(1, (kept_per_chunk * elements + kHalf) / kChunkElements);
}

Bytes encode_payload_chunk(const PayloadChunk& chunk) {
    codec::Writer out(chunk_bytes(static_cast<std::uint32_t>(chunk.indices.size())));
    write_chunk(out, chunk);
    return out.take();
}

Outcome<PayloadChunk> decode_payload_chunk(ByteView bytes, std::uint32_t elements,
                                           std::uint32_t kept_per_chunk) {
    const std::uint32_t kept = kept_in_chunk(kept_per_chunk, elements);
    if (bytes.size() != chunk_bytes(kept)) return refuse(Verdict::kMalformed);
    codec::Reader in(bytes);
    PayloadChunk chunk;
    chunk.low_bits = in.u32();
    chunk.high_bits = in.u32();
    if (const Verdict v = check_levels(chunk.low_bits, chunk.high_bits); v != Verdict::kAccept) {
        return refuse(v);
    }
    chunk.indices.resize(kept);
    chunk.codes.resize(kept);
    const bool padded =
        unpack<std::uint16_t>(in.raw(packed_bytes(kept, kIndexBits)), kIndexBits, chunk.indices);
    if (!unpack<std::uint8_t>(in.raw(packed_bytes(kept, kCodeBits)), kCodeBits, chunk.codes) ||
        !padded) {
        return refuse(Verdict::kNotCanonical);
    }
    if (const Verdict v = check_entries(chunk, elements); v != Verdict::kAccept) return refuse(v);
    return chunk;
}

Hash256 payload_root(std::span<const PayloadChunk> chunks) {
    std::vector<Hash256> leaves;
    leaves.reserve(chunks.size());
    for (const PayloadChunk& chunk : chunks) {
        leaves.push_back(crypto::merkle_leaf(encode_payload_chunk(chunk)));
    }
    return crypto::merkle_root(leaves);
}

Bytes encode_artifact(const Artifact& artifact) {
    codec::Writer out(4096);
    out.raw(as_bytes(kMagic))
        .u16(kArtifactVersion)
        .fixed(artifact.run)
        .id(artifact.round)
        .id(artifact.uid)
        .fixed(artifact.base_root)
        .u16(static_cast<std::uint16_t>(artifact.trace.size()));
    for (const SegmentRecord& record : artifact.trace) {
        out.fixed(record.theta_root)
            .fixed(record.m_root)
            .fixed(record.v_root)
            .u64(record.adam_t)
            .u64(record.cursor)
            .fixed(record.window_root)
            .u32(record.loss_bits);
    }
    const FeedbackRecord& feedback = artifact.feedback;
    out.fixed(feedback.previous_commitment)
        .fixed(feedback.feedback_root)
        .fixed(feedback.sum_root)
        .fixed(feedback.residual_root)
        .fixed(feedback.payload_root)
        .u64(feedback.norm_bits)
        .u16(feedback.kept_per_chunk)
        .fixed(artifact.profile.profile_id)
        .fixed(artifact.profile.build_id)
        .text(artifact.profile.hardware_class)
        .count(artifact.chunks.size());
    for (const PayloadChunk& chunk : artifact.chunks)
        write_chunk(out, chunk);
    return out.take();
}

Outcome<Artifact> decode_artifact(ByteView bytes, const RunSpec& spec,
                                  std::span<const std::uint16_t> chunk_elements) {
    const std::uint64_t least = bytes_without_hardware_class(spec, chunk_elements);
    codec::Reader in(bytes);
    in.expect(as_bytes(kMagic));
    const std::uint16_t version = in.u16();
    if (!in.ok()) return refuse(Verdict::kMalformed);
    if (version != kArtifactVersion) return refuse(Verdict::kUnsupportedVersion);
    if (bytes.size() < least || bytes.size() > least + kMaxHardwareClass) {
        return refuse(Verdict::kMalformed);
    }
    Artifact out;
    out.run = in.fixed<Hash256>();
    out.round = in.id<Round>();
    out.uid = in.id<Uid>();
    out.base_root = in.fixed<Hash256>();
    const std::size_t records = in.u16();
    if (records != spec.segments() + std::size_t{1}) return refuse(Verdict::kMalformed);
    out.trace.reserve(records);
    for (std::size_t s = 0; s < records; ++s)
        out.trace.push_back(read_segment(in));
    out.feedback = read_feedback(in);
    out.profile.profile_id = in.fixed<Hash256>();
    out.profile.build_id = in.fixed<Hash256>();
    out.profile.hardware_class = std::string(in.text(kMaxHardwareClass));
    const std::uint32_t chunks = in.u32();
    if (!in.ok() || chunks != chunk_elements.size() ||
        bytes.size() != least + out.profile.hardware_class.size()) {
        return refuse(Verdict::kMalformed);
    }
    if (const Verdict v = check_records(out, spec); v != Verdict::kAccept) return refuse(v);
    out.chunks.reserve(chunks);
    for (const std::uint16_t elements : chunk_elements) {
        const std::uint32_t kept = kept_in_chunk(spec.outer.kept_per_chunk, elements);
        auto chunk =
            decode_payload_chunk(in.raw(chunk_bytes(kept)), elements, spec.outer.kept_per_chunk);
        if (!chunk) return refuse(chunk.error());
        out.chunks.push_back(std::move(*chunk));
    }
    if (!in.finish()) return refuse(Verdict::kMalformed);
    return out;
}

std::uint64_t max_artifact_bytes(const RunSpec& spec,
                                 std::span<const std::uint16_t> chunk_elements) {
    return bytes_without_hardware_class(spec, chunk_elements) + kMaxHardwareClass;
}

}  // namespace covenant::protocol
