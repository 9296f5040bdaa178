// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {RunTerms} from "../types/RunTerms.sol";

/// @title When the phases of a round begin and end.
/// @dev Pure arithmetic on the run's terms: nobody opens or closes a round. Every phase is [begin, end).
/// No sum here can overflow: 64 bits + 64 bits * 32 bits + 32 bits.
library PhaseClock {
    function t0(RunTerms memory terms, uint64 round) internal pure returns (uint256) {
        return uint256(terms.startTime) + uint256(round) * terms.roundSeconds;
    }

    /// @notice Commitments close, keys may be shown.
    function t1(RunTerms memory terms, uint64 round) internal pure returns (uint256) {
        return t0(terms, round) + terms.commitSeconds;
    }

    /// @notice TK: keys close, before the block that draws the audits.
    function keysClose(RunTerms memory terms, uint64 round) internal pure returns (uint256) {
        return t0(terms, round) + terms.keySeconds;
    }

    /// @notice Inclusion votes and beacon proofs close, parameters votes open.
    function t2(RunTerms memory terms, uint64 round) internal pure returns (uint256) {
        return t0(terms, round) + terms.inclusionSeconds;
    }

    /// @notice Parameters votes close; T0 of the next round.
    function t3(RunTerms memory terms, uint64 round) internal pure returns (uint256) {
        return t0(terms, round) + terms.roundSeconds;
    }

    /// @notice Audits may be drawn: inclusion votes and score commitments open.
    function auditOpens(RunTerms memory terms, uint64 round) internal pure returns (uint256) {
        return t0(terms, round) + terms.beaconSeconds;
    }

    /// @notice Score commitments close, reveals open.
    function scoreCommitCloses(RunTerms memory terms, uint64 round) internal pure returns (uint256) {
        return t0(terms, round) + terms.scoreCommitSeconds;
    }

    /// @notice Score reveals close, settlement opens.
    function scoreRevealCloses(RunTerms memory terms, uint64 round) internal pure returns (uint256) {
        return t0(terms, round) + terms.scoreRevealSeconds;
    }

    /// @notice A slot's beacon comes from the first block at or after this time.
    function beaconTarget(RunTerms memory terms, uint64 slot) internal pure returns (uint256) {
        return slot == 0 ? uint256(terms.startTime) - terms.genesisLeadSeconds : auditOpens(terms, slot - 1);
    }

    /// @notice A slot can be proven before this time only: T2 of the round it closes, so that a round's rho never
    /// changes after its T0. Slot 0 opens round 0 and has until the end of that round's commitments.
    function beaconDeadline(RunTerms memory terms, uint64 slot) internal pure returns (uint256) {
        return slot == 0 ? t1(terms, 0) : t2(terms, slot - 1);
    }

    /// @notice Roster, stake and jail of `round` are those at the end of this second: before the block that gives
    /// the round's beacon, so that nobody can choose them by what the beacon says.
    function snapshot(RunTerms memory terms, uint64 round) internal pure returns (uint256) {
        return round == 0 ? beaconTarget(terms, 0) - 1 : t1(terms, round - 1);
    }
}
