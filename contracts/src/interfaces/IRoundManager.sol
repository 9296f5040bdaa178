// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Commitment} from "../types/Commitment.sol";

/// @notice Commitments, keys, beacons and the validators' two votes of every round, and who is jailed for silence.
interface IRoundManager {
    event ArtifactCommitted(
        bytes32 indexed run, uint64 indexed round, uint16 indexed uid, Commitment commitment, bytes signature
    );
    /// @param ids Those whose key was new and fitted; `keys` in the same order.
    event KeysShown(bytes32 indexed run, uint64 indexed round, uint32[] ids, bytes32[] keys);
    event BeaconProven(
        bytes32 indexed run, uint64 indexed slot, uint64 blockNumber, bytes32 prevrandao, bytes32 sigma
    );
    /// @param stake What the vote counts for: the elector's stake at the snapshot.
    event InclusionVoted(
        bytes32 indexed run,
        uint64 indexed round,
        uint16 indexed uid,
        uint256 included,
        uint256 suspect,
        uint256 stake
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
    /// @param missed Watched rounds in which a duty was missed.
    event Jailed(bytes32 indexed run, uint16 indexed uid, uint32 missed);
    /// @param freeAt First second from which on the validator is not jailed.
    event Returned(bytes32 indexed run, uint16 indexed uid, uint48 freeAt);

    error RoundManagerZeroAddress();
    /// @dev The call belongs to [opensAt, closesAt) of the chain's clock.
    error RoundManagerOutsideWindow(uint256 current, uint256 opensAt, uint256 closesAt);
    error RoundManagerNoBeacon(bytes32 run, uint64 round);
    error RoundManagerWrongRho(bytes32 given, bytes32 expected);
    error RoundManagerWrongBaseRoot(bytes32 given, bytes32 expected);
    error RoundManagerRunEnded(uint64 round, uint64 lastRound);
    error RoundManagerWrongSegments(uint16 given, uint16 expected);
    error RoundManagerNotMiner(uint32 id);
    /// @dev Registered after the round's snapshot.
    error RoundManagerNotInRoster(uint16 uid, uint48 registeredAt);
    error RoundManagerAlreadyCommitted(bytes32 run, uint64 round, uint16 uid);
    error RoundManagerBadSignature(uint16 uid);
    error RoundManagerBadBatch(uint256 ids, uint256 keys);
    error RoundManagerNoNewKey(bytes32 run, uint64 round);
    error RoundManagerAlreadyProven(bytes32 run, uint64 slot);
    error RoundManagerAlreadyVoted(bytes32 run, uint64 round, uint16 uid);
    error RoundManagerNotInElectorate(uint16 uid);
    error RoundManagerNotKeyed(uint256 uidBitmap, uint256 keyed);
    error RoundManagerZeroRoot();
    error RoundManagerNotMissing(uint256 missed);
    error RoundManagerAlreadyJailed(uint16 uid);
    error RoundManagerNotJailed(uint16 uid);
    error RoundManagerAlreadyReturning(uint16 uid);

    /// @notice Records a miner's commitment. [T0, T1), up to the run's last round, by anyone; the hotkey's signature is
    /// what counts. The miner must have registered by the snapshot.
    function commitArtifact(Commitment calldata c, bytes calldata signature) external;

    /// @notice Shows the one-time keys of committed artifacts. [T1, TK), by anyone: the hash in the commitment is what
    /// counts. Keys that are wrong, repeated or of nobody are left out; at least one must be good.
    /// @param ids At most 256; `keys` in the same order.
    function showKeys(bytes32 run, uint64 round, uint32[] calldata ids, bytes32[] calldata keys) external;

    /// @notice Proves the first block at or after a slot's target time and stores its beacon.
    /// @param slot 0 = genesis, r + 1 = the beacon that closes round r.
    /// @param header RLP of that block's header.
    /// @param parentHeader RLP of its parent's header.
    function proveBeacon(bytes32 run, uint64 slot, bytes calldata header, bytes calldata parentHeader)
        external;

    /// @notice Two sets of miners whose key is shown. [beacon target, T2), once, by the electorate.
    /// @param included Those whose artifact the calling validator holds and serves.
    /// @param suspect Those that should be audited with certainty.
    function voteInclusion(bytes32 run, uint64 round, uint256 included, uint256 suspect) external;

    /// @notice Vote for the parameters that the next round starts from, new ones or those of an earlier round.
    /// [T2, T3), once, by the electorate, with slot round + 1 proven.
    function voteParameters(bytes32 run, uint64 round, bytes32 root, uint32 heldoutLossBits) external;

    /// @notice Jails a validator that missed a duty in 6 of the 8 rounds that `missed` watches. By anyone, any time.
    function jail(bytes32 run, uint16 uid) external;

    /// @notice Asks for the end of the calling validator's jail: free after 2, 4, 8, ... rounds at the first, second,
    /// third jailing, at most the terms' jailRounds. By the jailed hotkey, once for each jailing.
    function returnFromJail(bytes32 run) external;

    /// @notice SHA-256("aud" || prevrandao || uint64_be(slot)); zero while unproven.
    function sigma(bytes32 run, uint64 slot) external view returns (bytes32);

    /// @notice SHA-256("rho" || sigma[slot == round] || uint64_be(round)); zero while that slot is unproven, and then
    /// the round takes no commitments. Final from T0 on (round 0: once not zero).
    function rho(bytes32 run, uint64 round) external view returns (bytes32);

    /// @notice EIP-712 digest of the commitment, zero when there is none.
    function commitmentDigest(bytes32 run, uint64 round, uint16 uid) external view returns (bytes32);

    /// @notice `root` of the commitment, zero when there is none.
    function commitmentRoot(bytes32 run, uint64 round, uint16 uid) external view returns (bytes32);

    /// @notice EIP-712 digest that a hotkey signs for `c`.
    function hashCommitment(Commitment calldata c) external view returns (bytes32);

    /// @notice Set of uids that committed. Final from T1 on.
    function committed(bytes32 run, uint64 round) external view returns (uint256);

    /// @notice Set of committed uids whose key stands on chain. Final from TK on.
    function keyed(bytes32 run, uint64 round) external view returns (uint256);

    /// @notice Set of keyed uids whose yes stake is a quorum: the tally so far before T2, final from T2 to T3, zero
    /// from T3 on when the round is null. Quorum: stake * 6 >= max(4 * electorate stake, 3 * seated stake), stake > 0.
    function included(bytes32 run, uint64 round) external view returns (uint256);

    /// @notice Set of keyed uids that more than half of the electorate's stake suspects, at most
    /// max(1, committed / 8) of them: most suspect stake first, then the smaller uid. Final from T2 on.
    function suspected(bytes32 run, uint64 round) external view returns (uint256);

    /// @notice Root of the parameters that `round` starts from. Final from T0 on.
    function baseRoot(bytes32 run, uint64 round) external view returns (bytes32);

    /// @notice Whether the round has produced parameters, and which.
    function accepted(bytes32 run, uint64 round)
        external
        view
        returns (bool isAccepted, bytes32 root, uint32 heldoutLossBits);

    /// @notice True from T3 on for a round without accepted parameters.
    function isNull(bytes32 run, uint64 round) external view returns (bool);

    /// @notice Validators whose votes count in `round`: with least stake and not jailed at its snapshot, and their
    /// stake there. Reverts until the snapshot has passed.
    function electorate(bytes32 run, uint64 round) external view returns (uint256 uidSet, uint256 stake);

    function electorateStake(bytes32 run, uint64 round) external view returns (uint256);

    /// @notice Stake of all validators with least stake at the snapshot, the jailed among them.
    function seatedStake(bytes32 run, uint64 round) external view returns (uint256);

    /// @notice Whether a validator is jailed at the end of `timestamp`; certain once that has passed.
    function jailedAt(bytes32 run, uint16 uid, uint48 timestamp) external view returns (bool);

    /// @notice How often a validator was jailed, and from when on it is free: 0 if it never was jailed, 2^48 - 1 while
    /// it has not asked for its return.
    function jailing(bytes32 run, uint16 uid) external view returns (uint256 times, uint48 freeAt);

    /// @notice In how many of the last 8 countable rounds with closed score reveals the validator was in the electorate
    /// and missed its inclusion vote, its score reveal, or its parameters vote where anybody was included. Countable:
    /// somebody's key was shown and the beacon proven. Rounds before its last return from jail do not count.
    function missed(bytes32 run, uint16 uid) external view returns (uint256);

    /// @notice Validators that voted on inclusion.
    function inclusionVoters(bytes32 run, uint64 round) external view returns (uint256);

    /// @notice The two sets that one validator voted.
    function inclusionVote(bytes32 run, uint64 round, uint16 uid)
        external
        view
        returns (uint256 included, uint256 suspect);

    /// @notice Validators that voted on parameters.
    function parametersVoters(bytes32 run, uint64 round) external view returns (uint256);

    /// @notice Stake that agrees on one (root, loss).
    function parametersStake(bytes32 run, uint64 round, bytes32 root, uint32 heldoutLossBits)
        external
        view
        returns (uint256);

    function t0(bytes32 run, uint64 round) external view returns (uint256);
    function t1(bytes32 run, uint64 round) external view returns (uint256);
    function keysClose(bytes32 run, uint64 round) external view returns (uint256);
    function t2(bytes32 run, uint64 round) external view returns (uint256);
    function t3(bytes32 run, uint64 round) external view returns (uint256);

    /// @notice The slot's beacon comes from the first block with a timestamp at or after this.
    function beaconTarget(bytes32 run, uint64 slot) external view returns (uint256);

    /// @notice The slot can be proven before this time only.
    function beaconDeadline(bytes32 run, uint64 slot) external view returns (uint256);

    /// @notice Roster, stake and jail of the round are those at the end of this second.
    function snapshot(bytes32 run, uint64 round) external view returns (uint256);

    /// @notice Round that the chain's clock is in, and whether the run has started.
    function currentRound(bytes32 run) external view returns (bool started, uint64 round);
}
