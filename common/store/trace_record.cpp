#include "common/store/trace_record.hpp"

#include "common/codec/reader.hpp"
#include "common/codec/writer.hpp"

namespace covenant::store {
namespace {

constexpr std::uint16_t kVersion = 2;
constexpr std::size_t kSegmentBytes = 148;
constexpr std::size_t kMaxSegments = 257;

std::string record_key(protocol::Round round, protocol::Uid uid) {
    std::string number = std::to_string(round.value);
    number.insert(0, 20 - number.size(), '0');  // byte order = numeric order
    return "trace/" + number + "/" + std::to_string(uid.value);
}

}  // namespace

TraceRecord trace_record(const protocol::Artifact& artifact, const Hash256& commitment_root) {
    return {commitment_root, artifact.trace, artifact.feedback};
}

std::set<Hash256> state_roots(const TraceRecord& record) {
    std::set<Hash256> roots{record.feedback.sum_root};
    for (const protocol::SegmentRecord& segment : record.trace) {
        roots.insert({segment.theta_root, segment.m_root, segment.v_root});
    }
    return roots;
}

Bytes encode_trace_record(const TraceRecord& record) {
    codec::Writer out;
    out.u16(kVersion).fixed(record.commitment_root).count(record.trace.size());
    for (const protocol::SegmentRecord& segment : record.trace) {
        out.fixed(segment.theta_root).fixed(segment.m_root).fixed(segment.v_root);
        out.u64(segment.adam_t)
            .u64(segment.cursor)
            .fixed(segment.window_root)
            .u32(segment.loss_bits);
    }
    const protocol::FeedbackRecord& feedback = record.feedback;
    out.fixed(feedback.previous_commitment).fixed(feedback.sum_root).fixed(feedback.payload_root);
    out.u64(feedback.norm_bits).u16(feedback.kept_per_chunk);
    return out.take();
}

Result<TraceRecord> decode_trace_record(ByteView bytes) {
    codec::Reader in(bytes);
    TraceRecord record;
    const std::uint16_t version = in.u16();
    record.commitment_root = in.fixed<Hash256>();
    record.trace.resize(in.count(kSegmentBytes, kMaxSegments));
    for (protocol::SegmentRecord& segment : record.trace) {
        segment.theta_root = in.fixed<Hash256>();
        segment.m_root = in.fixed<Hash256>();
        segment.v_root = in.fixed<Hash256>();
        segment.adam_t = in.u64();
        segment.cursor = in.u64();
        segment.window_root = in.fixed<Hash256>();
        segment.loss_bits = in.u32();
    }
    protocol::FeedbackRecord& feedback = record.feedback;
    feedback.previous_commitment = in.fixed<Hash256>();
    feedback.sum_root = in.fixed<Hash256>();
    feedback.payload_root = in.fixed<Hash256>();
    feedback.norm_bits = in.u64();
    feedback.kept_per_chunk = in.u16();
    if (version != kVersion && bytes.size() >= sizeof(version)) {
        return fail(Errc::kCorrupt, "trace record in the index: version " +
                                        std::to_string(version) + ", this build reads " +
                                        std::to_string(kVersion));
    }
    if (!in.finish()) {
        return fail(Errc::kCorrupt,
                    "trace record in the index: " + std::string(codec::to_string(in.error())));
    }
    return record;
}

Status put_trace_record(IndexStore& index, protocol::Round round, protocol::Uid uid,
                        const TraceRecord& record) {
    return index.put(record_key(round, uid), encode_trace_record(record));
}

Result<TraceRecord> get_trace_record(IndexStore& index, protocol::Round round, protocol::Uid uid) {
    COVENANT_TRY(const Bytes bytes, index.get(record_key(round, uid)));
    return decode_trace_record(bytes);
}

Result<TraceRecord> get_trace_record(IndexStore& index, protocol::Round round, protocol::Uid uid,
                                     const Hash256& commitment_root) {
    COVENANT_TRY(TraceRecord record, get_trace_record(index, round, uid));
    if (record.commitment_root != commitment_root) {
        return fail(Errc::kNotFound, "the local record of round " + std::to_string(round.value) +
                                         " is of another commitment");
    }
    return record;
}

}  // namespace covenant::store
