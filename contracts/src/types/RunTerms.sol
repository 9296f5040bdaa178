// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice The part of a run's specification that the contracts themselves act on.
/// @dev All offsets are seconds after the round's T0, except `genesisLeadSeconds`, which counts back from the
/// start. Packs into four storage slots in this order.
/// @param startTime T0 of round 0, unix seconds.
/// @param roundSeconds Distance between the T0 of two rounds.
/// @param commitSeconds T1 = T0 + commitSeconds: commitments close.
/// @param beaconDelaySeconds The beacon is drawn from the first block at or after T1 + beaconDelaySeconds.
/// @param inclusionSeconds T2 = T0 + inclusionSeconds: inclusion votes and beacon proofs close.
/// @param scoreCommitSeconds Score commitments close, reveals open. May exceed roundSeconds.
/// @param scoreRevealSeconds Score reveals close, settlement opens. May exceed roundSeconds.
/// @param genesisLeadSeconds Slot 0 of the beacon is drawn at startTime - genesisLeadSeconds.
/// @param minerShareBps Miners' part of the emission, in 1/10000.
/// @param validatorShareBps Validators' part, in 1/10000. The treasury gets what is left of 10000.
/// @param emissionPerRound Token base units that one round may credit at most.
/// @param genesisRoot Merkle root of the parameters that round 0 starts from.
/// @param datasetRoot Merkle root of the training data.
struct RunTerms {
    uint64 startTime;
    uint32 roundSeconds;
    uint32 commitSeconds;
    uint32 beaconDelaySeconds;
    uint32 inclusionSeconds;
    uint32 scoreCommitSeconds;
    uint32 scoreRevealSeconds;
    uint32 genesisLeadSeconds;
    uint16 minerShareBps;
    uint16 validatorShareBps;
    uint128 emissionPerRound;
    bytes32 genesisRoot;
    bytes32 datasetRoot;
}
