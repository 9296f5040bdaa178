// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @dev Slots in all: a set of uids is one 256-bit word.
uint256 constant MAX_UIDS = 256;
/// @dev Validators among them: bounds every loop over votes and stake.
uint256 constant MAX_VALIDATORS = 64;
/// @dev Canonical RunSpec bytes that createRun takes.
uint256 constant MAX_SPEC_BYTES = 65536;
/// @dev Findings in one reveal: two audited segments for each of 256 miners.
uint256 constant MAX_FINDINGS = 512;
/// @dev uint16 weights packed in one word of a score row.
uint256 constant WEIGHTS_PER_WORD = 16;
/// @dev Keys in one batch: every slot once.
uint256 constant MAX_KEY_BATCH = 256;
/// @dev Countable rounds over which a validator's missed duties are summed.
uint256 constant WATCHED_ROUNDS = 8;
/// @dev So many of them missed, and anybody may jail it.
uint256 constant MISSES_TO_JAIL = 6;
/// @dev Rounds after the end of the reveals in which a settlement can be opened.
uint256 constant SETTLE_ROUNDS = 8;
