// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IRunRegistry} from "./interfaces/IRunRegistry.sol";
import {MAX_SPEC_BYTES} from "./types/Limits.sol";
import {RunTerms} from "./types/RunTerms.sol";
import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";

/// @title RunRegistry
/// @notice Runs, named by the hash of their canonical specification.
/// @dev Must never change or remove a run once created: nodes derive everything from what they read here.
contract RunRegistry is IRunRegistry, AccessManaged {
    uint256 private constant MAX_AUDIT_PPM = 1_000_000;

    mapping(bytes32 run => RunTerms) private _terms;

    /// @param authority_ AccessManager that says who holds RUN_CREATOR_ROLE.
    constructor(address authority_) AccessManaged(authority_) {}

    /// @inheritdoc IRunRegistry
    function createRun(bytes calldata spec, RunTerms calldata terms_)
        external
        restricted
        returns (bytes32 runId)
    {
        require(spec.length != 0 && spec.length <= MAX_SPEC_BYTES, RunRegistryBadSpecLength(spec.length));
        runId = sha256(abi.encodePacked("covenant/run-spec", bytes1(0), spec));
        require(!exists(runId), RunRegistryAlreadyExists(runId));
        _validate(terms_);
        _terms[runId] = terms_;
        emit RunCreated(runId, msg.sender, terms_, spec);
    }

    /// @inheritdoc IRunRegistry
    function terms(bytes32 run) external view returns (RunTerms memory) {
        require(exists(run), RunRegistryUnknownRun(run));
        return _terms[run];
    }

    /// @inheritdoc IRunRegistry
    function exists(bytes32 run) public view returns (bool) {
        return _terms[run].roundSeconds != 0;
    }

    function _validate(RunTerms calldata t) private view {
        require(_ascends(t) && _hasMargins(t) && t.jailRounds >= 2, RunRegistryBadSchedule());
        require(
            t.segments != 0 && t.auditRatePpm != 0 && t.auditRatePpm <= MAX_AUDIT_PPM,
            RunRegistryBadAudit(t.segments, t.auditRatePpm)
        );
        require(t.minimumStake != 0, RunRegistryZeroMinimumStake());
        uint256 genesisTarget = t.startTime > t.genesisLeadSeconds ? t.startTime - t.genesisLeadSeconds : 0;
        require(genesisTarget > block.timestamp, RunRegistryStartsTooSoon(genesisTarget, block.timestamp));
        uint256 totalBps = uint256(t.minerShareBps) + t.validatorShareBps;
        require(totalBps <= 10_000, RunRegistryBadShares(totalBps));
        require(t.genesisRoot != 0 && t.datasetRoot != 0, RunRegistryZeroRoot());
    }

    /// @dev 0 < T1 < TK < beacon < T2 < T3, and T2 < TO < score commit end < score reveal end.
    function _ascends(RunTerms calldata t) private pure returns (bool) {
        return t.commitSeconds != 0 && t.commitSeconds < t.keySeconds && t.keySeconds < t.beaconSeconds
            && t.beaconSeconds < t.inclusionSeconds && t.inclusionSeconds < t.roundSeconds
            && t.inclusionSeconds < t.openingSeconds && t.openingSeconds < t.scoreCommitSeconds
            && t.scoreCommitSeconds < t.scoreRevealSeconds;
    }

    /// @dev A phase shorter than two blocks may hold no block at all. This is what a development chain needs; nodes
    /// ask for more on real chains, where a proposer can keep a transaction out of a block or two.
    /// Only called for a schedule that ascends, so no difference is negative.
    function _hasMargins(RunTerms calldata t) private pure returns (bool) {
        uint256 margin = 2 * uint256(t.blockSeconds);
        return t.blockSeconds != 0 && t.keySeconds - t.commitSeconds >= margin
            && t.beaconSeconds - t.keySeconds >= margin && t.inclusionSeconds - t.beaconSeconds >= margin
            && t.scoreCommitSeconds - t.openingSeconds >= margin;
    }
}
