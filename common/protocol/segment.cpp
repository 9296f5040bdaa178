#include "common/protocol/segment.hpp"

#include "common/codec/writer.hpp"
#include "common/crypto/merkle.hpp"
#include "common/crypto/sha256.hpp"

namespace covenant::protocol {
namespace {

codec::Writer begin(const TraceContext& context) {
    codec::Writer out(512);
    out.fixed(context.run).u32(context.miner.value).id(context.round);
    return out;
}

}  // namespace

Hash256 segment_hash(const TraceContext& context, Segment index, const SegmentRecord& record) {
    codec::Writer out = begin(context);
    out.id(index)
        .fixed(record.theta_root)
        .fixed(record.m_root)
        .fixed(record.v_root)
        .u64(record.adam_t)
        .u64(record.cursor)
        .fixed(record.window_root)
        .u32(record.loss_bits);
    return crypto::sha256_tagged("seg", out.view());
}

Hash256 feedback_hash(const TraceContext& context, const FeedbackRecord& record) {
    codec::Writer out = begin(context);
    out.fixed(record.previous_commitment)
        .fixed(record.sum_root)
        .fixed(record.payload_root)
        .u64(record.norm_bits)
        .u16(record.kept_per_chunk);
    return crypto::sha256_tagged("ef", out.view());
}

Hash256 profile_hash(const TraceContext& context, const Hash256& profile_id) {
    codec::Writer out = begin(context);
    out.fixed(profile_id);
    return crypto::sha256_tagged("profile-record", out.view());
}

Hash256 profile_id(std::string_view profile_text) {
    codec::Writer out;
    out.text(profile_text);
    return crypto::sha256_tagged("profile", out.view());
}

Hash256 commitment_root(const TraceContext& context, std::span<const SegmentRecord> trace,
                        const FeedbackRecord& feedback, const Hash256& profile_id) {
    std::vector<Hash256> leaves;
    leaves.reserve(trace.size() + 2);
    for (std::size_t s = 0; s < trace.size(); ++s) {
        const Segment index(static_cast<std::uint16_t>(s));
        leaves.push_back(crypto::merkle_leaf(segment_hash(context, index, trace[s]).view()));
    }
    leaves.push_back(crypto::merkle_leaf(feedback_hash(context, feedback).view()));
    leaves.push_back(crypto::merkle_leaf(profile_hash(context, profile_id).view()));
    return crypto::merkle_root(leaves);
}

}  // namespace covenant::protocol
