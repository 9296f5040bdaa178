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

    /// @dev 0 < T1 <= T1 + delay < T2 < T3, then score commit end and score reveal end in that order.
    function _validate(RunTerms calldata t) private view {
        uint256 auditOpens = uint256(t.commitSeconds) + t.beaconDelaySeconds;
        require(
            t.commitSeconds != 0 && auditOpens < t.inclusionSeconds && t.inclusionSeconds < t.roundSeconds
                && auditOpens < t.scoreCommitSeconds && t.scoreCommitSeconds < t.scoreRevealSeconds,
            RunRegistryBadSchedule()
        );
        uint256 genesisTarget = t.startTime > t.genesisLeadSeconds ? t.startTime - t.genesisLeadSeconds : 0;
        require(genesisTarget > block.timestamp, RunRegistryStartsTooSoon(genesisTarget, block.timestamp));
        uint256 totalBps = uint256(t.minerShareBps) + t.validatorShareBps;
        require(totalBps <= 10_000, RunRegistryBadShares(totalBps));
        require(t.genesisRoot != 0 && t.datasetRoot != 0, RunRegistryZeroRoot());
    }
}
