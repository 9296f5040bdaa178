// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IRegistry} from "./interfaces/IRegistry.sol";
import {IRunRegistry} from "./interfaces/IRunRegistry.sol";
import {IScoreLedger} from "./interfaces/IScoreLedger.sol";
import {PhaseClock} from "./libraries/PhaseClock.sol";
import {UidSet} from "./libraries/UidSet.sol";
import {Finding, VERDICT_FAIL, VERDICT_PASS} from "./types/Finding.sol";
import {MAX_FINDINGS, MAX_UIDS, WEIGHTS_PER_WORD} from "./types/Limits.sol";
import {RunTerms} from "./types/RunTerms.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

/// @title ScoreLedger
/// @notice Validators' weights and audit findings of every round: first a hash, then the values.
/// @dev Must never take scores that differ from their commitment, or let a validator see another's before its own
/// are bound. Holds no tokens and knows no privileged caller.
contract ScoreLedger is IScoreLedger {
    using PhaseClock for RunTerms;

    struct Row {
        uint256 failed;
        uint256 passed;
        mapping(uint256 word => uint256) weights;
    }

    struct Scores {
        uint256 revealed;
        mapping(uint16 uid => bytes32) hashes;
        mapping(uint16 uid => Row) rows;
    }

    IRegistry public immutable registry;
    IRunRegistry public immutable runRegistry;

    mapping(bytes32 run => mapping(uint64 round => Scores)) private _scores;

    constructor(IRegistry registry_, IRunRegistry runRegistry_) {
        require(
            address(registry_) != address(0) && address(runRegistry_) != address(0), ScoreLedgerZeroAddress()
        );
        registry = registry_;
        runRegistry = runRegistry_;
    }

    /// @inheritdoc IScoreLedger
    function commitScores(bytes32 run, uint64 round, bytes32 hash) external {
        RunTerms memory terms = runRegistry.terms(run);
        _requireWindow(terms.auditOpens(round), terms.scoreCommitCloses(round));
        require(hash != 0, ScoreLedgerZeroHash());
        uint16 uid = _callingValidator();
        Scores storage scores = _scores[run][round];
        require(scores.hashes[uid] == 0, ScoreLedgerAlreadyCommitted(run, round, uid));
        require(registry.stakeAt(uid, SafeCast.toUint48(terms.t0(round))) != 0, ScoreLedgerNoStake(uid));

        scores.hashes[uid] = hash;
        emit ScoresCommitted(run, round, uid, hash);
    }

    /// @inheritdoc IScoreLedger
    function revealScores(
        bytes32 run,
        uint64 round,
        uint16[] calldata weights,
        Finding[] calldata findings_,
        bytes32 salt
    ) external {
        RunTerms memory terms = runRegistry.terms(run);
        _requireWindow(terms.scoreCommitCloses(round), terms.scoreRevealCloses(round));
        uint16 uid = registry.uidOf(msg.sender);
        _requireCommitted(run, round, uid, hashScores(run, round, uid, weights, findings_, salt));
        require(weights.length <= MAX_UIDS, ScoreLedgerTooManyWeights(weights.length));
        require(findings_.length <= MAX_FINDINGS, ScoreLedgerTooManyFindings(findings_.length));

        Scores storage scores = _scores[run][round];
        scores.revealed = UidSet.with(scores.revealed, uid);
        _storeWeights(scores.rows[uid], weights);
        _storeFindings(scores.rows[uid], findings_);
        uint256 stake = registry.stakeAt(uid, SafeCast.toUint48(terms.t0(round)));
        emit ScoresRevealed(run, round, uid, weights, findings_, stake);
    }

    /// @inheritdoc IScoreLedger
    function hashScores(
        bytes32 run,
        uint64 round,
        uint16 uid,
        uint16[] calldata weights,
        Finding[] calldata findings_,
        bytes32 salt
    ) public view returns (bytes32) {
        return keccak256(abi.encode(block.chainid, address(this), run, round, uid, weights, findings_, salt));
    }

    /// @inheritdoc IScoreLedger
    function scoreHash(bytes32 run, uint64 round, uint16 uid) external view returns (bytes32) {
        return _scores[run][round].hashes[uid];
    }

    /// @inheritdoc IScoreLedger
    function revealed(bytes32 run, uint64 round) external view returns (uint256) {
        return _scores[run][round].revealed;
    }

    /// @inheritdoc IScoreLedger
    function findings(bytes32 run, uint64 round, uint16 uid)
        external
        view
        returns (uint256 failed, uint256 passed)
    {
        Row storage row = _scores[run][round].rows[uid];
        return (row.failed, row.passed);
    }

    /// @inheritdoc IScoreLedger
    function weightWords(bytes32 run, uint64 round, uint16[] calldata uids, uint256 word)
        external
        view
        returns (uint256[] memory words)
    {
        Scores storage scores = _scores[run][round];
        words = new uint256[](uids.length);
        for (uint256 i = 0; i < uids.length; ++i) {
            words[i] = scores.rows[uids[i]].weights[word];
        }
    }

    function _requireCommitted(bytes32 run, uint64 round, uint16 uid, bytes32 given) private view {
        Scores storage scores = _scores[run][round];
        bytes32 expected = scores.hashes[uid];
        require(expected != 0, ScoreLedgerNotCommitted(run, round, uid));
        require(!UidSet.contains(scores.revealed, uid), ScoreLedgerAlreadyRevealed(run, round, uid));
        require(given == expected, ScoreLedgerWrongReveal(given, expected));
    }

    /// @dev Sixteen weights a word; words of zeros stay unwritten.
    function _storeWeights(Row storage row, uint16[] calldata weights) private {
        for (uint256 start = 0; start < weights.length; start += WEIGHTS_PER_WORD) {
            uint256 packed = 0;
            for (uint256 k = 0; k < WEIGHTS_PER_WORD && start + k < weights.length; ++k) {
                packed |= uint256(weights[start + k]) << (16 * k);
            }
            if (packed != 0) row.weights[start / WEIGHTS_PER_WORD] = packed;
        }
    }

    function _storeFindings(Row storage row, Finding[] calldata findings_) private {
        uint256 failed = 0;
        uint256 passed = 0;
        for (uint256 i = 0; i < findings_.length; ++i) {
            Finding calldata finding = findings_[i];
            require(finding.uid < MAX_UIDS, ScoreLedgerBadFinding(i));
            if (finding.verdict == VERDICT_FAIL) {
                failed = UidSet.with(failed, finding.uid);
            } else {
                require(finding.verdict == VERDICT_PASS, ScoreLedgerBadFinding(i));
                passed = UidSet.with(passed, finding.uid);
            }
        }
        row.failed = failed;
        row.passed = passed & ~failed;
    }

    function _callingValidator() private view returns (uint16 uid) {
        uid = registry.uidOf(msg.sender);
        require(UidSet.contains(registry.validatorSet(), uid), ScoreLedgerNotValidator(uid));
    }

    function _requireWindow(uint256 opensAt, uint256 closesAt) private view {
        require(
            block.timestamp >= opensAt && block.timestamp < closesAt,
            ScoreLedgerOutsideWindow(block.timestamp, opensAt, closesAt)
        );
    }
}
