#include "common/protocol/artifact_format.hpp"

#include "common/codec/reader.hpp"
#include "common/codec/writer.hpp"

#include <string_view>

namespace covenant::protocol {
namespace {

constexpr std::string_view kMagic = "CVAR";
constexpr std::size_t kHeaderBytes = 84;
constexpr std::size_t kSegmentBytes = 148;
constexpr std::size_t kFeedbackBytes = 106;
constexpr std::size_t kProfileBytes = 32;
constexpr std::uint32_t kInfinityBits = 0x7f800000;
constexpr std::uint32_t kSignBit = 0x80000000;
constexpr std::uint64_t kInfinityBits64 = 0x7ff0000000000000;
constexpr std::uint64_t kSignBit64 = 0x8000000000000000;

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
    out.sum_root = in.fixed<Hash256>();
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
    const std::uint64_t norm = artifact.feedback.norm_bits;
    if ((norm & ~kSignBit64) >= kInfinityBits64) return Verdict::kNotFinite;
    if (norm == kSignBit64) return Verdict::kNotCanonical;
    if ((norm & kSignBit64) != 0) return Verdict::kMalformed;
    return artifact.feedback.kept_per_chunk == spec.sparsity(artifact.round).keep
               ? Verdict::kAccept
               : Verdict::kMalformed;
}

struct ArtifactSizes {
    std::uint64_t least = 0;
    std::uint64_t most = 0;
};

ArtifactSizes artifact_sizes(const RunSpec& spec, Round round,
                             std::span<const std::uint16_t> chunk_elements) {
    const std::uint64_t frame = kHeaderBytes +
                                kSegmentBytes * (std::uint64_t{spec.segments()} + 1) +
                                kFeedbackBytes + kProfileBytes + 4;
    ArtifactSizes out{.least = frame, .most = frame};
    const PayloadSizes payload = payload_sizes(spec.sparsity(round), chunk_elements);
    out.least += payload.least;
    out.most += payload.most;
    return out;
}

}  // namespace

Bytes encode_artifact(const Artifact& artifact) {
    codec::Writer out(4096);
    out.raw(as_bytes(kMagic))
        .u16(kArtifactVersion)
        .fixed(artifact.run)
        .id(artifact.round)
        .u32(artifact.uid.value)
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
        .fixed(feedback.sum_root)
        .fixed(feedback.payload_root)
        .u64(feedback.norm_bits)
        .u16(feedback.kept_per_chunk)
        .fixed(artifact.profile_id)
        .count(artifact.update.chunk_count());
    Bytes bytes = out.take();
    const Bytes payload = encode_payload(artifact.update);
    bytes.insert(bytes.end(), payload.begin(), payload.end());
    return bytes;
}

Outcome<Artifact> decode_artifact(ByteView bytes, const RunSpec& spec,
                                  std::span<const std::uint16_t> chunk_elements) {
    codec::Reader in(bytes);
    in.expect(as_bytes(kMagic));
    const std::uint16_t version = in.u16();
    if (!in.ok()) return refuse(Verdict::kMalformed);
    if (version != kArtifactVersion) return refuse(Verdict::kUnsupportedVersion);
    Artifact out;
    out.run = in.fixed<Hash256>();
    out.round = in.id<Round>();
    const ArtifactSizes sizes = artifact_sizes(spec, out.round, chunk_elements);
    if (bytes.size() < sizes.least || bytes.size() > sizes.most) {
        return refuse(Verdict::kMalformed);
    }
    const std::uint32_t id = in.u32();
    if (id >= kMaxUids) return refuse(Verdict::kMalformed);
    out.uid = Uid(static_cast<std::uint16_t>(id));
    out.base_root = in.fixed<Hash256>();
    const std::size_t records = in.u16();
    if (records != spec.segments() + std::size_t{1}) return refuse(Verdict::kMalformed);
    out.trace.reserve(records);
    for (std::size_t s = 0; s < records; ++s)
        out.trace.push_back(read_segment(in));
    out.feedback = read_feedback(in);
    out.profile_id = in.fixed<Hash256>();
    const std::uint32_t chunks = in.u32();
    if (!in.ok() || chunks != chunk_elements.size()) return refuse(Verdict::kMalformed);
    if (const Verdict v = check_records(out, spec); v != Verdict::kAccept) return refuse(v);
    auto update = decode_payload(in.raw(in.remaining()), spec.sparsity(out.round), chunk_elements);
    if (!update) return refuse(update.error());
    out.update = std::move(*update);
    return out;
}

std::uint64_t max_artifact_bytes(const RunSpec& spec, Round round,
                                 std::span<const std::uint16_t> chunk_elements) {
    return artifact_sizes(spec, round, chunk_elements).most;
}

}  // namespace covenant::protocol
