#include "validator/stages/collect.hpp"

namespace covenant::validator {

using protocol::Verdict;

Result<store::FetchedArtifact> collect(const participant::Seat& seat,
                                       const participant::Artifacts& artifacts,
                                       protocol::Round round, const protocol::MinerView& miner,
                                       ByteView ciphertext) {
    const protocol::Commitment& commitment = miner.commitment->signed_commitment.commitment;
    store::FetchedArtifact fetched =
        store::open_artifact(ciphertext, commitment, *miner.key, seat.spec, seat.chunk_elements);
    if (fetched.verdict == Verdict::kAccept) {
        COVENANT_CHECK(
            store::put_trace_record(artifacts.index, round, miner.uid,
                                    store::trace_record(fetched.artifact, commitment.root)));
    }
    return fetched;
}

Result<store::TraceRecord> committed_trace(const participant::Seat& seat,
                                           const participant::Artifacts& artifacts,
                                           const protocol::RunState& state, protocol::Round round,
                                           protocol::Uid uid) {
    auto known = store::get_trace_record(artifacts.index, round, uid);
    if (known || known.error().code != Errc::kNotFound) {
        return known;
    }
    const protocol::RecordedCommitment* recorded = protocol::recorded_commitment(state, round, uid);
    const crypto::StreamKey* key = protocol::shown_key(state, round, uid);
    if (recorded == nullptr || key == nullptr) {
        return fail(Errc::kNotFound, "no opened commitment of that miner and round");
    }
    const protocol::Commitment& commitment = recorded->signed_commitment.commitment;
    COVENANT_TRY(
        const store::FetchedArtifact fetched,
        store::fetch_artifact(artifacts.store, commitment, *key, seat.spec, seat.chunk_elements));
    if (fetched.verdict != Verdict::kAccept) {
        return fail(Errc::kNotFound,
                    "its artifact: " + std::string(protocol::to_string(fetched.verdict)));
    }
    store::TraceRecord trace = store::trace_record(fetched.artifact, commitment.root);
    COVENANT_CHECK(store::put_trace_record(artifacts.index, round, uid, trace));
    return trace;
}

}  // namespace covenant::validator
