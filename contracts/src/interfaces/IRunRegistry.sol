// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {RunTerms} from "../types/RunTerms.sol";

/// @notice Runs, named by the hash of their canonical specification.
interface IRunRegistry {
    event RunCreated(bytes32 indexed run, address indexed creator, RunTerms terms, bytes spec);

    error RunRegistryBadSpecLength(uint256 length);
    error RunRegistryAlreadyExists(bytes32 run);
    error RunRegistryUnknownRun(bytes32 run);
    /// @dev The genesis beacon must be drawn from a block that nobody can know yet.
    error RunRegistryStartsTooSoon(uint256 genesisTarget, uint256 current);
    /// @dev Phases out of order or shorter than two blocks, or a longest jail below two rounds.
    error RunRegistryBadSchedule();
    error RunRegistryBadAudit(uint16 segments, uint32 auditRatePpm);
    error RunRegistryZeroMinimumStake();
    error RunRegistryBadShares(uint256 totalBps);
    error RunRegistryZeroRoot();

    /// @notice Opens a run. Restricted to RUN_CREATOR_ROLE.
    /// @param spec Canonical RunSpec bytes, 1 to 65536; the terms must agree with them, which clients check.
    /// @return runId SHA-256("covenant/run-spec" || 0x00 || spec).
    function createRun(bytes calldata spec, RunTerms calldata terms) external returns (bytes32 runId);

    /// @notice Terms of a run; reverts with RunRegistryUnknownRun when there is none.
    function terms(bytes32 run) external view returns (RunTerms memory);

    function exists(bytes32 run) external view returns (bool);
}
