#include "miner/stages/promise.hpp"

#include "common/engine/engine.hpp"
#include "common/store/sealed_artifact.hpp"
#include "common/store/state_store.hpp"
#include "common/store/trace_record.hpp"

namespace covenant::miner {

Status check_promise(const participant::Seat& seat, const participant::Artifacts& artifacts,
                     const participant::Training& training,
                     const protocol::Commitment& commitment) {
    COVENANT_CHECK(store::check_copy(artifacts.store, "ciphertext", commitment.ciphertext_hash,
                                     commitment.size));
    COVENANT_TRY(
        const store::TraceRecord record,
        store::get_trace_record(artifacts.index, commitment.round, seat.uid, commitment.root));
    engine::ParameterBuffer values(training.engine.layout());
    for (const Hash256& root : store::state_roots(record)) {
        COVENANT_CHECK(training.states.get(root, values.floats()));
    }
    return {};
}

}  // namespace covenant::miner
