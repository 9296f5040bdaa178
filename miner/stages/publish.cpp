#include "miner/stages/publish.hpp"

#include "common/execution/opening.hpp"
#include "common/store/sealed_artifact.hpp"
#include "common/store/state_store.hpp"
#include "common/store/trace_record.hpp"

namespace covenant::miner {
namespace {

// What publishing one round's openings works with.
struct Opener {
    const participant::Seat& seat;
    const participant::Artifacts& artifacts;
    store::StateStore& states;
    const engine::ParameterLayout& layout;
    const protocol::RoundView& view;
};

Result<engine::ParameterBuffer> load(const Opener& opener, const Hash256& root) {
    engine::ParameterBuffer buffer(opener.layout);
    COVENANT_CHECK(opener.states.get(root, buffer.floats()));
    return buffer;
}

Status publish_state(const Opener& opener, protocol::Segment segment,
                     const protocol::SegmentRecord& record) {
    engine::TrainState state;
    COVENANT_TRY(state.theta, load(opener, record.theta_root));
    COVENANT_TRY(state.m, load(opener, record.m_root));
    COVENANT_TRY(state.v, load(opener, record.v_root));
    state.adam_t = record.adam_t;
    COVENANT_TRY(const Hash256 object,
                 opener.artifacts.store.put(execution::encode_state_opening(state)));
    return opener.artifacts.store.publish(
        store::state_opening_name(opener.seat.run, opener.view.round, opener.seat.uid, segment),
        object);
}

Status publish_chunks(const Opener& opener, const Hash256& sigma, const store::TraceRecord& record,
                      std::span<const std::uint32_t> chunks) {
    COVENANT_TRY(const auto theta, load(opener, record.trace.back().theta_root));
    COVENANT_TRY(const auto sum, load(opener, record.feedback.sum_root));
    const protocol::Continuity& continuity = opener.view.miner(opener.seat.uid)->continuity;
    std::optional<engine::ParameterBuffer> last_sum;
    if (!continuity.fresh) {
        COVENANT_TRY(const store::TraceRecord last,
                     store::get_trace_record(opener.artifacts.index, continuity.previous_round,
                                             opener.seat.uid));
        COVENANT_TRY(last_sum, load(opener, last.feedback.sum_root));
    }
    const Bytes opening =
        execution::encode_chunk_opening(chunks, theta, sum, last_sum ? &*last_sum : nullptr);
    COVENANT_TRY(const Hash256 object, opener.artifacts.store.put(opening));
    return opener.artifacts.store.publish(
        store::chunk_opening_name(opener.seat.run, opener.view.round, opener.seat.uid, sigma),
        object);
}

}  // namespace

Result<bool> publish_openings(const participant::Seat& seat,
                              const participant::Artifacts& artifacts,
                              const participant::Training& training,
                              const protocol::RoundView& view, const Hash256& sigma) {
    const Opener opener{seat, artifacts, training.states, training.engine.layout(), view};
    COVENANT_TRY(const store::TraceRecord record,
                 store::get_trace_record(artifacts.index, view.round, seat.uid));
    const auto duty =
        protocol::audit_duty(seat.spec, sigma, record.commitment_root, seat.uid, view.electorate,
                             static_cast<std::uint32_t>(seat.chunk_elements.size()));
    if (!duty) {
        return false;
    }
    for (const protocol::Segment segment : duty->segments) {
        COVENANT_CHECK(publish_state(opener, segment, record.trace.at(segment.value)));
    }
    COVENANT_CHECK(publish_chunks(opener, sigma, record, duty->chunks));
    return true;
}

}  // namespace covenant::miner
