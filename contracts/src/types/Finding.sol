// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @dev Values of `Finding.verdict`.
uint8 constant VERDICT_PASS = 1;
uint8 constant VERDICT_FAIL = 2;

/// @notice Result of one audit, revealed together with the validator's weights.
/// @param uid The audited miner.
/// @param verdict 1 = pass, 2 = fail; nothing else is accepted.
/// @param segment Segment of the trace that was re-executed.
/// @param evidence Hash of the evidence object in the store.
struct Finding {
    uint16 uid;
    uint8 verdict;
    uint16 segment;
    bytes32 evidence;
}
