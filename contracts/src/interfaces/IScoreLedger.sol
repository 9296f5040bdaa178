// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Finding} from "../types/Finding.sol";

/// @notice Validators' weights and audit findings of every round: first a hash, then the values.
interface IScoreLedger {
    event ScoresCommitted(bytes32 indexed run, uint64 indexed round, uint16 indexed uid, bytes32 hash);
    event ScoresRevealed(
        bytes32 indexed run,
        uint64 indexed round,
        uint16 indexed uid,
        uint16[] weights,
        Finding[] findings,
        uint256 stake
    );

    error ScoreLedgerZeroAddress();
    /// @dev The call belongs to [opensAt, closesAt) of the chain's clock.
    error ScoreLedgerOutsideWindow(uint256 current, uint256 opensAt, uint256 closesAt);
    error ScoreLedgerNotValidator(uint16 uid);
    error ScoreLedgerNoStake(uint16 uid);
    error ScoreLedgerZeroHash();
    error ScoreLedgerAlreadyCommitted(bytes32 run, uint64 round, uint16 uid);
    error ScoreLedgerNotCommitted(bytes32 run, uint64 round, uint16 uid);
    error ScoreLedgerAlreadyRevealed(bytes32 run, uint64 round, uint16 uid);
    error ScoreLedgerWrongReveal(bytes32 given, bytes32 expected);
    error ScoreLedgerTooManyWeights(uint256 count);
    error ScoreLedgerTooManyFindings(uint256 count);
    error ScoreLedgerBadFinding(uint256 index);

    /// @notice Binds the calling validator to its scores. [T1 + beacon delay, score commit end), once.
    function commitScores(bytes32 run, uint64 round, bytes32 hash) external;

    /// @notice Publishes the committed scores. [score commit end, score reveal end), once.
    /// @param weights weights[i] belongs to uid i; at most 256.
    /// @param findings At most 512.
    function revealScores(
        bytes32 run,
        uint64 round,
        uint16[] calldata weights,
        Finding[] calldata findings,
        bytes32 salt
    ) external;

    /// @notice keccak256(abi.encode(chainid, this, run, round, uid, weights, findings, salt)).
    function hashScores(
        bytes32 run,
        uint64 round,
        uint16 uid,
        uint16[] calldata weights,
        Finding[] calldata findings,
        bytes32 salt
    ) external view returns (bytes32);

    /// @notice Hash a validator committed to, zero when none.
    function scoreHash(bytes32 run, uint64 round, uint16 uid) external view returns (bytes32);

    /// @notice Set of validators that revealed. Final when the reveal window has closed.
    function revealed(bytes32 run, uint64 round) external view returns (uint256);

    /// @notice A validator's findings as two disjoint sets: any fail on a uid outweighs its passes.
    function findings(bytes32 run, uint64 round, uint16 uid)
        external
        view
        returns (uint256 failed, uint256 passed);

    /// @notice One packed word of each validator's row: weight of uid 16 * word + k in bits [16 k, 16 k + 16).
    function weightWords(bytes32 run, uint64 round, uint16[] calldata uids, uint256 word)
        external
        view
        returns (uint256[] memory);
}
