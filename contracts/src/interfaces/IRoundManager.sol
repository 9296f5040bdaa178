// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Commitment} from "../types/Commitment.sol";

/// @notice Commitments, beacons and the validators' two votes of every round.
interface IRoundManager {
    event ArtifactCommitted(
        bytes32 indexed run, uint64 indexed round, uint16 indexed uid, Commitment commitment, bytes signature
    );
    event BeaconProven(
        bytes32 indexed run, uint64 indexed slot, uint64 blockNumber, bytes32 prevrandao, bytes32 sigma
    );
    /// @param stake What the vote counts for: stake at T0 inside the electorate, 0 outside it.
    event InclusionVoted(
        bytes32 indexed run, uint64 indexed round, uint16 indexed uid, uint256 uidBitmap, uint256 stake
    );
    event ParametersVoted(
        bytes32 indexed run,
        uint64 indexed round,
        uint16 indexed uid,
        bytes32 root,
        uint32 heldoutLossBits,
        uint256 stake
    );
    event ParametersAccepted(bytes32 indexed run, uint64 indexed round, bytes32 root, uint32 heldoutLossBits);

    error RoundManagerZeroAddress();
    /// @dev The call belongs to [opensAt, closesAt) of the chain's clock.
    error RoundManagerOutsideWindow(uint256 current, uint256 opensAt, uint256 closesAt);
    error RoundManagerNoBeacon(bytes32 run, uint64 round);
    error RoundManagerWrongRho(bytes32 given, bytes32 expected);
    error RoundManagerWrongBaseRoot(bytes32 given, bytes32 expected);
    error RoundManagerNotMiner(uint16 uid);
    error RoundManagerNotValidator(uint16 uid);
    /// @dev Registered after the round's T0.
    error RoundManagerNotInRoster(uint16 uid, uint48 registeredAt);
    error RoundManagerAlreadyCommitted(bytes32 run, uint64 round, uint16 uid);
    error RoundManagerBadSignature(uint16 uid);
    error RoundManagerAlreadyProven(bytes32 run, uint64 slot);
    error RoundManagerAlreadyVoted(bytes32 run, uint64 round, uint16 uid);
    error RoundManagerNoStake(uint16 uid);
    error RoundManagerNotInElectorate(uint16 uid);
    error RoundManagerNotCommitted(uint256 uidBitmap, uint256 committed);
    error RoundManagerZeroRoot();

    /// @notice Records a miner's commitment. [T0, T1), by anyone; the hotkey's signature is what counts.
    function commitArtifact(Commitment calldata c, bytes calldata signature) external;

    /// @notice Proves the first block at or after a slot's target time and stores its beacon.
    /// @param slot 0 = genesis, r + 1 = the beacon that closes round r.
    /// @param header RLP of that block's header.
    /// @param parentHeader RLP of its parent's header.
    function proveBeacon(bytes32 run, uint64 slot, bytes calldata header, bytes calldata parentHeader)
        external;

    /// @notice One bit for each committed miner whose artifact the calling validator holds and accepts.
    /// [T1 + beacon delay, T2), once, by a validator's hotkey with stake at T0.
    function voteInclusion(bytes32 run, uint64 round, uint256 uidBitmap) external;

    /// @notice Vote for the parameters that the next round starts from. [T2, T3), once, by the electorate.
    function voteParameters(bytes32 run, uint64 round, bytes32 root, uint32 heldoutLossBits) external;

    /// @notice SHA-256("aud" || prevrandao || uint64_be(slot)); zero while unproven.
    function sigma(bytes32 run, uint64 slot) external view returns (bytes32);

    /// @notice SHA-256("rho" || sigma[highest proven slot <= round] || uint64_be(round)); zero without one.
    /// Final from T0 on (round 0: once not zero).
    function rho(bytes32 run, uint64 round) external view returns (bytes32);

    /// @notice EIP-712 digest of the commitment, zero when there is none.
    function commitmentDigest(bytes32 run, uint64 round, uint16 uid) external view returns (bytes32);

    /// @notice EIP-712 digest that a hotkey signs for `c`.
    function hashCommitment(Commitment calldata c) external view returns (bytes32);

    /// @notice Set of uids that committed. Final from T1 on.
    function committed(bytes32 run, uint64 round) external view returns (uint256);

    /// @notice Set of committed uids with yes stake * 3 >= electorate stake * 2: the tally so far before T2, final
    /// from T2 to T3, zero from T3 on when the round is null.
    function included(bytes32 run, uint64 round) external view returns (uint256);

    /// @notice Root of the parameters that `round` starts from. Final from T0 on.
    function baseRoot(bytes32 run, uint64 round) external view returns (bytes32);

    /// @notice Whether the round has produced parameters, and which.
    function accepted(bytes32 run, uint64 round)
        external
        view
        returns (bool isAccepted, bytes32 root, uint32 heldoutLossBits);

    /// @notice True from T3 on for a round without accepted parameters.
    function isNull(bytes32 run, uint64 round) external view returns (bool);

    /// @notice Validators whose votes count in `round`, and their stake at T0. Reverts until T0 has passed.
    function electorate(bytes32 run, uint64 round) external view returns (uint256 uidSet, uint256 stake);

    function electorateStake(bytes32 run, uint64 round) external view returns (uint256);

    /// @notice Validators that voted on inclusion, inside the electorate or not.
    function inclusionVoters(bytes32 run, uint64 round) external view returns (uint256);

    /// @notice The bits that one validator voted.
    function inclusionVote(bytes32 run, uint64 round, uint16 uid) external view returns (uint256);

    /// @notice Validators that voted on parameters.
    function parametersVoters(bytes32 run, uint64 round) external view returns (uint256);

    /// @notice Stake that agrees on one (root, loss).
    function parametersStake(bytes32 run, uint64 round, bytes32 root, uint32 heldoutLossBits)
        external
        view
        returns (uint256);

    function t0(bytes32 run, uint64 round) external view returns (uint256);
    function t1(bytes32 run, uint64 round) external view returns (uint256);
    function t2(bytes32 run, uint64 round) external view returns (uint256);
    function t3(bytes32 run, uint64 round) external view returns (uint256);

    /// @notice The slot's beacon comes from the first block with a timestamp at or after this.
    function beaconTarget(bytes32 run, uint64 slot) external view returns (uint256);

    /// @notice The slot can be proven before this time only.
    function beaconDeadline(bytes32 run, uint64 slot) external view returns (uint256);

    /// @notice Round that the chain's clock is in, and whether the run has started.
    function currentRound(bytes32 run) external view returns (bool started, uint64 round);
}
