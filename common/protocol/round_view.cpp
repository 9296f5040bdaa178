#include "common/protocol/round_view.hpp"

#include <algorithm>

namespace covenant::protocol {

const MinerView* RoundView::miner(Uid uid) const {
    const auto found = std::find_if(miners.begin(), miners.end(),
                                    [&](const MinerView& view) { return view.uid == uid; });
    return found == miners.end() ? nullptr : &*found;
}

AssignmentInput RoundView::assignment(const MinerView& miner) const {
    return {.run = run,
            .round = round,
            .rho = rho,
            .base = assignment_base,
            .active_miners = static_cast<std::uint32_t>(miners.size()),
            .rank = miner.rank};
}

std::optional<RoundView> round_view(const RunState& state, Round round) {
    const auto seed = rho(state, round);
    if (!state.spec || !seed) return std::nullopt;
    const RunSpec& spec = *state.spec;

    RoundView view;
    view.run = state.run;
    view.round = round;
    view.times = round_times(spec.timing, round);
    view.rho = *seed;
    view.base_root = base_root(state, round);
    view.assignment_base = assignment_base(state, round);
    view.staked_validators = state.roster.validators(view.times.t0);
    view.electorate = electorate(state, round);
    view.included = included(state, round);
    view.aggregated = aggregated(state, round);
    if (const auto beacon = state.beacons.find(beacon_slot_of(round));
        beacon != state.beacons.end()) {
        view.sigma = beacon->second.sigma;
    }

    const RoundRecord* record = state.record(round);
    for (const Uid uid : state.roster.active_miners(view.times.t0, spec.emission.miner_bond)) {
        MinerView miner{.uid = uid,
                        .hotkey = state.roster.find(uid)->hotkey,
                        .rank = static_cast<std::uint32_t>(view.miners.size()),
                        .continuity = continuity(state, round, uid),
                        .commitment = std::nullopt};
        if (record != nullptr) {
            const auto commitment = record->commitments.find(uid);
            if (commitment != record->commitments.end()) miner.commitment = commitment->second;
        }
        view.miners.push_back(std::move(miner));
    }
    if (record != nullptr) {
        view.inclusion_votes = record->inclusion_votes;
        view.parameters_votes = record->parameters_votes;
        view.accepted = record->accepted;
        view.score_commitments = record->score_commitments;
        view.reveals = record->reveals;
        view.failed = record->failed;
        view.credits = record->credits;
        view.settled = record->settled;
    }
    return view;
}

}  // namespace covenant::protocol
