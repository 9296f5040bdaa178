// What a node remembers of a committed artifact once its payload is gone: enough to check that the
// miner's next round continues it (R4.12, R6.6), and to open what was committed. Canonical bytes,
// for the node's own index.
#pragma once

#include "common/base/result.hpp"
#include "common/protocol/artifact_format.hpp"
#include "common/store/index_store.hpp"

#include <set>
#include <vector>

namespace covenant::store {

struct TraceRecord {
    Hash256 commitment_root;
    std::vector<protocol::SegmentRecord> trace;  // S + 1
    protocol::FeedbackRecord feedback;
    bool operator==(const TraceRecord&) const = default;
};

TraceRecord trace_record(const protocol::Artifact& artifact, const Hash256& commitment_root);
// The states that an opening, or the next round, can ask for.
std::set<Hash256> state_roots(const TraceRecord& record);
Bytes encode_trace_record(const TraceRecord& record);
Result<TraceRecord> decode_trace_record(ByteView bytes);  // kCorrupt

// Kept by round and uid. kNotFound when this node has not seen that artifact.
Status put_trace_record(IndexStore& index, protocol::Round round, protocol::Uid uid,
                        const TraceRecord& record);
Result<TraceRecord> get_trace_record(IndexStore& index, protocol::Round round, protocol::Uid uid);
// kNotFound also where the record is of another commitment.
Result<TraceRecord> get_trace_record(IndexStore& index, protocol::Round round, protocol::Uid uid,
                                     const Hash256& commitment_root);

}  // namespace covenant::store
