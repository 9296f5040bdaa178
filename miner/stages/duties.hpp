// A miner's duties, one file each.
#pragma once

#include "miner/desk.hpp"

namespace covenant::miner {

// Trains, signs, seals, sends the commitment. [T0, T1)
std::optional<participant::Duty> commit_duty(Desk& desk, RoundWork& work, const RoundMoment& at);
// Shows the key of a recorded commitment on chain, which opens it. [T1, TK)
std::optional<participant::Duty> show_key_duty(Desk& desk, RoundWork& work, const RoundMoment& at);
// Publishes what the beacon draws of a recorded commitment. From the beacon's proof until TO; what
// comes later still cures an absence, until the scores close.
std::optional<participant::Duty> publish_openings_duty(Desk& desk, RoundWork& work,
                                                       const RoundMoment& at);
// Says in the log why the round does not count for this miner. From T1.
std::optional<participant::Duty> account_duty(Desk& desk, RoundWork& work, const RoundMoment& at);

}  // namespace covenant::miner
