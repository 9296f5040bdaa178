#include "miner/stages/publish.hpp"

#include "common/base/assert.hpp"
#include "common/execution/opening.hpp"
#include "common/store/sealed_artifact.hpp"
#include "common/store/trace_record.hpp"

namespace covenant::miner {
namespace {

Result<engine::ParameterBuffer> load(MinerContext& context, const Hash256& root) {
    engine::ParameterBuffer buffer(context.engine.layout());
    COVENANT_CHECK(context.states.get(root, buffer.floats()));
    return buffer;
}

Status publish_state(MinerContext& context, const protocol::RoundView& view,
                     protocol::Segment segment, const protocol::SegmentRecord& record) {
    engine::TrainState state;
    COVENANT_TRY(state.theta, load(context, record.theta_root));
    COVENANT_TRY(state.m, load(context, record.m_root));
    COVENANT_TRY(state.v, load(context, record.v_root));
    state.adam_t = record.adam_t;
    COVENANT_TRY(const Hash256 object, context.store.put(execution::encode_state_opening(state)));
    return context.store.publish(
        store::state_opening_name(context.run, view.round, context.uid, segment), object);
}

Status publish_chunks(MinerContext& context, const protocol::RoundView& view, const Hash256& sigma,
                      const store::TraceRecord& record, std::span<const std::uint32_t> chunks) {
    COVENANT_TRY(const auto theta, load(context, record.trace.back().theta_root));
    COVENANT_TRY(const auto sum, load(context, record.feedback.sum_root));
    const protocol::Continuity& continuity = view.miner(context.uid)->continuity;
    std::optional<engine::ParameterBuffer> last_sum;
    if (!continuity.fresh) {
        COVENANT_TRY(
            const store::TraceRecord last,
            store::get_trace_record(context.index, continuity.previous_round, context.uid));
        COVENANT_TRY(last_sum, load(context, last.feedback.sum_root));
    }
    const Bytes opening =
        execution::encode_chunk_opening(chunks, theta, sum, last_sum ? &*last_sum : nullptr);
    COVENANT_TRY(const Hash256 object, context.store.put(opening));
    return context.store.publish(
        store::chunk_opening_name(context.run, view.round, context.uid, sigma), object);
}

}  // namespace

Status publish_key(MinerContext& context, const protocol::RoundView& view, const Package& package) {
    COVENANT_ASSERT(package.commitment.commitment.round == view.round,
                    "the key of another round stays secret");
    COVENANT_TRY(const Hash256 address, context.store.put(package.key.view()));
    if (address != package.commitment.commitment.key_hash) {
        return fail(Errc::kCorrupt, "the journalled key does not hash to the committed key hash");
    }
    return {};
}

Result<bool> publish_openings(MinerContext& context, const protocol::RoundView& view,
                              const Hash256& sigma) {
    COVENANT_TRY(const store::TraceRecord record,
                 store::get_trace_record(context.index, view.round, context.uid));
    const auto duty = protocol::audit_duty(
        context.spec, sigma, record.commitment_root, context.uid, view.electorate,
        static_cast<std::uint32_t>(context.chunk_elements.size()));
    if (!duty) {
        return false;
    }
    for (const protocol::Segment segment : duty->segments) {
        COVENANT_CHECK(publish_state(context, view, segment, record.trace.at(segment.value)));
    }
    COVENANT_CHECK(publish_chunks(context, view, sigma, record, duty->chunks));
    return true;
}

}  // namespace covenant::miner
