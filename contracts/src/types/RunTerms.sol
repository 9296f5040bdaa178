// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice The part of a run's specification that the contracts themselves act on.
/// @dev All seconds are offsets after the round's T0, except `roundSeconds`, `blockSeconds` and `genesisLeadSeconds`,
/// which counts back from the start. Packs into six storage slots in this order.
/// @param startTime T0 of round 0, unix seconds.
/// @param roundSeconds Distance between the T0 of two rounds.
/// @param commitSeconds T1: commitments close, keys may be shown.
/// @param keySeconds TK: keys are shown before it or not at all.
/// @param beaconSeconds The next beacon is drawn from the first block at or after this; votes and scores open.
/// @param inclusionSeconds T2: inclusion votes and beacon proofs close.
/// @param openingSeconds TO: openings of drawn segments are due. Nodes act on it, the contracts do not.
/// @param scoreCommitSeconds Score commitments close, reveals open. May exceed roundSeconds.
/// @param scoreRevealSeconds Score reveals close, settlement opens. May exceed roundSeconds.
/// @param genesisLeadSeconds Slot 0 of the beacon is drawn at startTime - genesisLeadSeconds.
/// @param blockSeconds Distance between two blocks of the chain, by which the margins of the schedule are measured.
/// @param jailRounds Longest wait of a validator that returns from jail, in rounds.
/// @param lastRound Last round that takes commitments.
/// @param segments Segments of a round's training.
/// @param auditRatePpm Share of the commitments that is drawn for an audit, in 1/1000000.
/// @param minerShareBps Miners' part of the emission, in 1/10000.
/// @param validatorShareBps Validators' part, in 1/10000. The treasury gets what is left of 10000.
/// @param emissionPerRound Token base units that one round may credit at most.
/// @param minimumStake Least stake of a seated validator, in token base units.
/// @param genesisRoot Merkle root of the parameters that round 0 starts from.
/// @param datasetRoot Merkle root of the training data.
struct RunTerms {
    uint64 startTime;
    uint32 roundSeconds;
    uint32 commitSeconds;
    uint32 keySeconds;
    uint32 beaconSeconds;
    uint32 inclusionSeconds;
    uint32 openingSeconds;
    uint32 scoreCommitSeconds;
    uint32 scoreRevealSeconds;
    uint32 genesisLeadSeconds;
    uint32 blockSeconds;
    uint32 jailRounds;
    uint64 lastRound;
    uint16 segments;
    uint32 auditRatePpm;
    uint16 minerShareBps;
    uint16 validatorShareBps;
    uint128 emissionPerRound;
    uint128 minimumStake;
    bytes32 genesisRoot;
    bytes32 datasetRoot;
}
