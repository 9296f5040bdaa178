#include "chain/participant/node_context.hpp"

#include "common/base/hex.hpp"
#include "common/store/sealed_artifact.hpp"

#include <cstring>

namespace covenant::participant {
namespace {

// Far beyond any reorganisation, and long after a round's settlement.
constexpr std::uint64_t kKeepJournalRounds = 256;
constexpr std::string_view kRoundPrefix = "round";

}  // namespace

std::string stage_key(protocol::Round round, std::string_view stage) {
    return node::journal_key(kRoundPrefix, round.value, stage);
}

Status prune(NodeContext& context, const protocol::RunState& state, protocol::Round round,
             std::set<Hash256> keep) {
    for (std::uint64_t back = 0; back <= std::min(round.value, kKeepRounds); ++back) {
        keep.insert(protocol::base_root(state, protocol::Round(round.value - back)));
    }
    const std::vector<Hash256> roots(keep.begin(), keep.end());
    COVENANT_CHECK(context.states.retain(roots));
    if (round.value < kKeepJournalRounds) {
        return {};
    }
    for (const std::string_view prefix : {kRoundPrefix, kHistoryPrefix}) {
        COVENANT_TRY(const std::uint64_t rows,
                     context.journal.prune_before(
                         prefix, node::journal_key(prefix, round.value - kKeepJournalRounds)));
        static_cast<void>(rows);
    }
    return {};
}

namespace {

Status load_checkpoint(store::ArtifactStore& store, const protocol::RunId& run, const Hash256& root,
                       engine::ParameterBuffer& out) {
    COVENANT_TRY(const Hash256 object, store.resolve(store::checkpoint_name(run, root)));
    COVENANT_TRY(const Bytes bytes, store.get(object, out.bytes().size()));
    if (bytes.size() != out.bytes().size()) {
        return fail(Errc::kCorrupt, "checkpoint " + to_0x(root) + " has " +
                                        std::to_string(bytes.size()) + " bytes, the model has " +
                                        std::to_string(out.bytes().size()));
    }
    std::memcpy(out.mutable_bytes().data(), bytes.data(), bytes.size());
    return {};
}

}  // namespace

execution::ParameterFollower::Sources parameter_sources(store::StateStore& states,
                                                        store::ArtifactStore& store,
                                                        const protocol::RunId& run,
                                                        const protocol::RunSpec& spec,
                                                        std::vector<std::uint16_t> chunk_elements,
                                                        const chain::Ledger& ledger) {
    execution::ParameterFollower::Sources sources;
    sources.load = [&states, &store, run](const Hash256& root,
                                          engine::ParameterBuffer& out) -> Status {
        if (Status own = states.get(root, out.floats());
            own || own.error().code != Errc::kNotFound) {
            return own;
        }
        return load_checkpoint(store, run, root, out);
    };
    sources.save = [&states](const Hash256& root, const engine::ParameterBuffer& parameters) {
        return states.put(root, parameters.floats());
    };
    sources.artifact = [&store, &spec, &ledger, elements = std::move(chunk_elements)](
                           protocol::Round round, protocol::Uid uid) -> Result<protocol::Artifact> {
        const auto state = ledger.state();
        const auto record = state->rounds.find(round);
        const protocol::Neuron* neuron = state->roster.find(uid);
        if (record == state->rounds.end() || neuron == nullptr ||
            !record->second.commitments.contains(uid)) {
            return fail(Errc::kNotFound, "no such commitment");
        }
        const protocol::Commitment& commitment =
            record->second.commitments.at(uid).signed_commitment.commitment;
        COVENANT_TRY(auto fetched,
                     store::fetch_artifact(store, commitment, neuron->hotkey, spec, elements));
        if (fetched.verdict != protocol::Verdict::kAccept) {
            return fail(Errc::kUnavailable, "included on chain, but here: " +
                                                std::string(protocol::to_string(fetched.verdict)));
        }
        return std::move(fetched.artifact);
    };
    return sources;
}

Status publish_checkpoint(NodeContext& context, const Hash256& root,
                          const engine::ParameterBuffer& parameters) {
    COVENANT_TRY(const Hash256 object, context.store.put(parameters.bytes()));
    return context.store.publish(store::checkpoint_name(context.run, root), object);
}

}  // namespace covenant::participant
