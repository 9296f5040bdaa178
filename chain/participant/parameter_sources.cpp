#include "chain/participant/parameter_sources.hpp"

#include "common/base/hex.hpp"
#include "common/base/log.hpp"
#include "common/execution/state_digest.hpp"
#include "common/protocol/transition.hpp"
#include "common/store/sealed_artifact.hpp"
#include "common/store/state_store.hpp"

#include <cstring>

namespace covenant::participant {
namespace {

// Anybody can write under the name, so whatever else lies there is as good as nothing.
Status load_checkpoint(store::ArtifactStore& store, const protocol::RunId& run, const Hash256& root,
                       engine::ParameterBuffer& out) {
    const auto bytes =
        store.resolve(store::checkpoint_name(run, root)).and_then([&](const Hash256& object) {
            return store.get(object, out.bytes().size());
        });
    const bool theirs =
        !bytes && (bytes.error().code == Errc::kCorrupt || bytes.error().code == Errc::kRejected);
    if (!bytes && !theirs) {
        return fail(Error(bytes.error()));
    }
    if (bytes && bytes->size() == out.bytes().size()) {
        std::memcpy(out.mutable_bytes().data(), bytes->data(), bytes->size());
        if (execution::state_root(out) == root) {
            return {};
        }
    }
    log::warn("parameters", "what the store has under a checkpoint's name is another thing",
              {{"checkpoint", to_0x(root)}});
    return fail(Errc::kNotFound, "no checkpoint " + to_0x(root) + " in the store");
}

Result<protocol::Artifact> included_artifact(const Seat& seat, store::ArtifactStore& store,
                                             const protocol::RunState& state, protocol::Round round,
                                             protocol::Uid uid) {
    const protocol::RecordedCommitment* recorded = protocol::recorded_commitment(state, round, uid);
    const crypto::StreamKey* key = protocol::shown_key(state, round, uid);
    if (recorded == nullptr || key == nullptr) {
        return fail(Errc::kNotFound, "no such commitment, or its key was not shown");
    }
    COVENANT_TRY(auto fetched, store::fetch_artifact(store, recorded->signed_commitment.commitment,
                                                     *key, seat.spec, seat.chunk_elements));
    if (fetched.verdict != protocol::Verdict::kAccept) {
        return fail(Errc::kUnavailable, "included on chain, but here: " +
                                            std::string(protocol::to_string(fetched.verdict)));
    }
    return std::move(fetched.artifact);
}

}  // namespace

execution::ParameterFollower::Sources parameter_sources(const Seat& seat,
                                                        store::ArtifactStore& store,
                                                        store::StateStore& states) {
    execution::ParameterFollower::Sources sources;
    sources.load = [&seat, &store, &states](const Hash256& root,
                                            engine::ParameterBuffer& out) -> Status {
        if (Status own = states.get(root, out.floats()); own || !store::is_lost(own.error().code)) {
            return own;
        }
        return load_checkpoint(store, seat.run, root, out);
    };
    sources.save = [&states](const Hash256& root, const engine::ParameterBuffer& parameters) {
        return states.put(root, parameters.floats());
    };
    sources.artifact = [&seat, &store](const protocol::RunState& state, protocol::Round round,
                                       protocol::Uid uid) {
        return included_artifact(seat, store, state, round, uid);
    };
    return sources;
}

Status publish_checkpoint(const Seat& seat, store::ArtifactStore& store, const Hash256& root,
                          const engine::ParameterBuffer& parameters) {
    COVENANT_TRY(const Hash256 object, store.put(parameters.bytes()));
    return store.publish(store::checkpoint_name(seat.run, root), object);
}

}  // namespace covenant::participant
