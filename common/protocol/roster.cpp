#include "common/protocol/roster.hpp"

#include <algorithm>

namespace covenant::protocol {

std::string_view to_string(Role role) {
    switch (role) {
        case Role::kNone:
            return "none";
        case Role::kMiner:
            return "miner";
        case Role::kValidator:
            return "validator";
    }
    return "unknown_role";
}

Amount Neuron::stake_at(ChainTime time) const {
    const auto after =
        std::upper_bound(stake.begin(), stake.end(), time,
                         [](ChainTime t, const StakeCheckpoint& c) { return t < c.since; });
    return after == stake.begin() ? Amount{} : std::prev(after)->total;
}

const Neuron* Roster::find(Uid uid) const {
    const auto found = neurons.find(uid);
    return found == neurons.end() ? nullptr : &found->second;
}

const Neuron* Roster::find(const Address& hotkey) const {
    const auto found = std::find_if(neurons.begin(), neurons.end(),
                                    [&](const auto& item) { return item.second.hotkey == hotkey; });
    return found == neurons.end() ? nullptr : &found->second;
}

std::vector<Uid> Roster::active_miners(ChainTime snapshot, Amount bond) const {
    std::vector<Uid> out;
    for (const auto& [uid, neuron] : neurons) {
        if (neuron.role == Role::kMiner && neuron.registered_at <= snapshot &&
            neuron.stake_at(snapshot) >= bond) {
            out.push_back(uid);
        }
    }
    return out;
}

std::vector<ValidatorStake> Roster::seated(ChainTime snapshot, Amount least) const {
    std::vector<ValidatorStake> out;
    for (const auto& [uid, neuron] : neurons) {
        if (neuron.role != Role::kValidator) continue;
        const Amount stake = neuron.stake_at(snapshot);
        if (stake >= least && stake > Amount{}) out.push_back({.uid = uid, .stake = stake});
    }
    return out;
}

}  // namespace covenant::protocol
