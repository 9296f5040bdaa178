// The registered hotkeys and their stake over time.
#pragma once

#include "common/base/safe_math.hpp"
#include "common/protocol/ids.hpp"

#include <map>
#include <string_view>
#include <vector>

namespace covenant::protocol {

enum class Role : std::uint8_t { kNone = 0, kMiner = 1, kValidator = 2 };
std::string_view to_string(Role role);

struct StakeCheckpoint {
    ChainTime since;  // the block's timestamp
    Amount total;
    bool operator==(const StakeCheckpoint&) const = default;
};

struct ValidatorStake {
    Uid uid;
    Amount stake;  // at the snapshot of the round in question
};

struct Neuron {
    Uid uid;
    Address coldkey;
    Address hotkey;
    Role role = Role::kNone;
    PublicKey network_key;
    ChainTime registered_at;
    std::vector<StakeCheckpoint> stake;  // ascending in time
    bool operator==(const Neuron&) const = default;

    // Stake as of `time`: the last checkpoint at or before it (Checkpoints.upperLookup in the
    // contract).
    [[nodiscard]] Amount stake_at(ChainTime time) const;
};

struct Roster {
    std::map<Uid, Neuron> neurons;
    bool operator==(const Roster&) const = default;

    [[nodiscard]] const Neuron* find(Uid uid) const;
    [[nodiscard]] const Neuron* find(const Address& hotkey) const;
    // Miners registered by `snapshot` whose stake then reaches the bond, by ascending uid (R3.2).
    [[nodiscard]] std::vector<Uid> active_miners(ChainTime snapshot, Amount bond) const;
    // Validators whose stake at `snapshot` reaches `least`, which is not zero: those with a seat,
    // by ascending uid (R3.5).
    [[nodiscard]] std::vector<ValidatorStake> seated(ChainTime snapshot, Amount least) const;
};

}  // namespace covenant::protocol
