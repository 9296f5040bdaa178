#include "common/execution/parameter_follower.hpp"

#include "common/base/hex.hpp"
#include "common/base/log.hpp"
#include "common/execution/outer_step.hpp"
#include "common/execution/state_digest.hpp"

namespace covenant::execution {

using protocol::Round;

ParameterFollower::ParameterFollower(const engine::ParameterLayout& layout,
                                     const protocol::RunSpec& spec, Sources sources,
                                     ThreadPool* pool)
    : layout_(layout), spec_(spec), sources_(std::move(sources)), pool_(pool) {}

Result<engine::ParameterBuffer> ParameterFollower::load(const Hash256& root) {
    engine::ParameterBuffer buffer(layout_);
    COVENANT_CHECK(sources_.load(root, buffer));
    const Hash256 actual = state_root(buffer);
    if (actual != root) {
        return fail(Errc::kCorrupt,
                    "stored parameters hash to " + to_0x(actual) + ", wanted " + to_0x(root));
    }
    return buffer;
}

Result<const engine::ParameterBuffer*> ParameterFollower::parameters(
    const protocol::RunState& state, Round round) {
    const Hash256 wanted = protocol::base_root(state, round);
    if (current_root_ == wanted && current_.size() != 0) {
        return &current_;
    }
    if (computed_ && computed_->root == wanted) {
        current_ = computed_->parameters.clone();
        current_root_ = wanted;
        return &current_;
    }
    // Other parameters under the name are as good as none: those of an earlier round lead to these.
    std::optional<Error> damaged;
    const auto is_missing = [&damaged](const Error& error) {
        if (error.code == Errc::kCorrupt) {
            log::warn("parameters", "not used: " + error.context);
            damaged = error;
        }
        return error.code == Errc::kNotFound || error.code == Errc::kCorrupt;
    };
    if (auto loaded = load(wanted)) {
        current_ = std::move(*loaded);
        current_root_ = wanted;
        return &current_;
    } else if (!is_missing(loaded.error())) {
        return fail(std::move(loaded).error());
    }
    // Walk back to a round whose parameters are at hand, then compute forward through the accepted
    // rounds.
    std::vector<Round> accepted;
    for (auto it = state.rounds.rbegin(); it != state.rounds.rend(); ++it) {
        // Of rounds before state.first it is not known for sure what they aggregated.
        if (it->first < round && it->first >= state.first && it->second.accepted) {
            accepted.push_back(it->first);
        }
    }
    std::size_t steps = 0;
    engine::ParameterBuffer start;
    for (; steps < accepted.size(); ++steps) {
        const Hash256 base = protocol::base_root(state, accepted[steps]);
        if (current_root_ == base && current_.size() != 0) {
            start = current_.clone();
            break;
        }
        if (auto loaded = load(base)) {
            start = std::move(*loaded);
            break;
        } else if (!is_missing(loaded.error())) {
            return fail(std::move(loaded).error());
        }
    }
    if (start.size() == 0 && damaged) {
        return fail(std::move(*damaged));
    }
    if (start.size() == 0) {
        return fail(
            Errc::kUnavailable,
            "no checkpoint of parameters " + to_0x(wanted) +
                " or of any earlier round is in the store; wait for a validator to publish one");
    }
    for (std::size_t i = steps + 1; i-- > 0;) {
        const Round at = accepted[i];
        current_root_ = protocol::base_root(state, at);
        current_ = std::move(start);
        COVENANT_TRY(const Candidate candidate, next(state, at));
        const Hash256 agreed = state.rounds.at(at).accepted->root;
        if (candidate.root != agreed) {
            return fail(Errc::kMismatch, "round " + std::to_string(at.value) +
                                             ": this node computes parameters root " +
                                             to_0x(candidate.root) + ", the chain agreed on " +
                                             to_0x(agreed));
        }
        start = candidate.parameters->clone();
    }
    current_ = std::move(start);
    current_root_ = wanted;
    return &current_;
}

Result<ParameterFollower::Candidate> ParameterFollower::next(const protocol::RunState& state,
                                                             Round round) {
    const std::vector<protocol::Uid> uids = protocol::aggregated(state, round);
    const Hash256 base = protocol::base_root(state, round);
    if (computed_ && computed_->round == round && computed_->base == base &&
        computed_->uids == uids) {
        return Candidate{computed_->root, computed_->report, &computed_->parameters};
    }
    COVENANT_TRY(const engine::ParameterBuffer* theta, parameters(state, round));
    std::vector<protocol::Artifact> artifacts;
    artifacts.reserve(uids.size());
    std::vector<AggregatedArtifact> inputs;
    for (const protocol::Uid uid : uids) {
        auto artifact = sources_.artifact(state, round, uid);
        if (!artifact) {
            return fail(
                std::move(artifact).error().within("artifact of uid " + std::to_string(uid.value) +
                                                   " in round " + std::to_string(round.value)));
        }
        artifacts.push_back(std::move(*artifact));
        inputs.push_back(
            {uid, state.rounds.at(round).commitments.at(uid).signed_commitment.commitment.segments,
             artifacts.back().update});
    }
    Computed computed{round, base, uids, {}, {}, theta->clone()};
    COVENANT_TRY(computed.report,
                 outer_step(layout_, spec_, round, inputs, computed.parameters, pool_));
    // Without artifacts the parameters are those of the base, and so is the root.
    computed.root = uids.empty() ? base : state_root(computed.parameters, pool_);
    COVENANT_CHECK(sources_.save(computed.root, computed.parameters));
    computed_ = std::move(computed);
    return Candidate{computed_->root, computed_->report, &computed_->parameters};
}

}  // namespace covenant::execution
