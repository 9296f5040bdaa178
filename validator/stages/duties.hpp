// A validator's duties, one file each.
#pragma once

#include "validator/desk.hpp"

namespace covenant::validator {

using OptionalDuty = std::optional<participant::Duty>;

// The next slot that can be proven: slot 0 before the run and in round 0, else the one that closes
// the current round, also of a round that has none itself. Validators take turns. [target,
// deadline)
OptionalDuty prove_beacon_duty(Desk& desk, const participant::Moment& moment,
                               std::optional<protocol::Round> current);
// Fetches what is committed, opens it as the keys are shown. [T0, beacon)
OptionalDuty collect_duty(Desk& desk, RoundWork& work, const RoundMoment& at);
// Screens what was collected, says one bit a miner. [beacon, T2)
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
// Takes the vote of who keeps missing its duties. Validators take turns. From the reveals' close.
OptionalDuty jail_duty(Desk& desk, RoundWork& work, const RoundMoment& at);
// Asks for its own vote again.
OptionalDuty return_duty(Desk& desk, RoundWork& work, const RoundMoment& at);
// A line in the log for each of its ballots that does not count. From T2.
OptionalDuty account_duty(Desk& desk, RoundWork& work, const RoundMoment& at);

}  // namespace covenant::validator
