// A validator's duties, one file each.
#pragma once

#include "validator/desk.hpp"

namespace covenant::validator {

using OptionalDuty = std::optional<participant::Duty>;

// Slot 0, which fixes round 0: before the run starts.
OptionalDuty prove_first_beacon_duty(Desk& desk, const participant::Moment& moment);
// The round's beacon. Validators take turns. [T1 + d, T2)
OptionalDuty prove_beacon_duty(Desk& desk, RoundWork& work, const RoundMoment& at);
// Collects, screens, says one bit a miner. [beacon, T2)
OptionalDuty vote_inclusion_duty(Desk& desk, RoundWork& work, const RoundMoment& at);
// Root and held-out loss of the next parameters. [T2, T3)
OptionalDuty vote_parameters_duty(Desk& desk, RoundWork& work, const RoundMoment& at);
// Shows the accepted parameters to nodes that join. From T3.
OptionalDuty publish_checkpoint_duty(Desk& desk, RoundWork& work, const RoundMoment& at);
// Re-executes what is drawn for this validator, one miner a step. [T2, scores close)
OptionalDuty audit_duty(Desk& desk, RoundWork& work, const RoundMoment& at);
// Seals the ballot and sends its hash, once its audits are done. [T2, scores close)
OptionalDuty commit_scores_duty(Desk& desk, RoundWork& work, const RoundMoment& at);
// [scores close, reveals close)
OptionalDuty reveal_scores_duty(Desk& desk, RoundWork& work, const RoundMoment& at);
// Validators take turns. From the reveals' close.
OptionalDuty settle_duty(Desk& desk, RoundWork& work, const RoundMoment& at);
// A line in the log for each of its ballots that does not count. From T2.
OptionalDuty account_duty(Desk& desk, RoundWork& work, const RoundMoment& at);

}  // namespace covenant::validator
