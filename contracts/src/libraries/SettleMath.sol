// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Arrays} from "@openzeppelin/contracts/utils/Arrays.sol";

/// @title The arithmetic of a settlement, in integers only.
/// @dev Normative: other implementations must give the same numbers bit for bit.
///
/// Input: validators i with stake s_i > 0 that revealed, rows w_ij of uint16 weights, set M of miners that committed
/// and did not fail. Weights outside M count as 0. A validator whose weights over M sum to 0 takes no part below.
///
///   n_ij    = floor(w_ij * 2^32 / sum_j w_ij)                                      normalise
///   S       = sum_i s_i
///   cons_j  = the smallest v among n_ij with
///             (sum of s_i over n_ij <= v) * 65535 > S * (65535 - 32767)            consensus
///   c_ij    = min(n_ij, cons_j)
///   rank_j  = sum_i s_i * c_ij
///   trust_i = sum_j c_ij
///   R       = sum_j rank_j = sum_i s_i * trust_i
///   miner j gets floor(minerBudget * rank_j / R), validator i gets floor(validatorBudget * s_i * trust_i / R);
///   the treasury gets the rest of the emission. R = 0: only treasuryBps of the emission is credited, to it.
///
/// Bounds: n_ij <= 2^32, trust_i <= 2^32, s_i < 2^96, S < 2^102 (64 validators), R < 2^134, and the budgets are
/// below 2^96, so no product here leaves 256 bits.
library SettleMath {
    uint256 internal constant ONE = 1 << 32;
    uint256 internal constant KAPPA = 32767;
    uint256 internal constant KAPPA_SCALE = 65535;
    uint256 internal constant BPS = 10_000;

    /// @notice Audits of one miner: failed when more stake reported a fail than only passes.
    function isFailed(uint256 failStake, uint256 passStake) internal pure returns (bool) {
        return failStake > passStake;
    }

    /// @notice A weight as a fraction of its row, Q32, rounded down. `rowSum` > 0.
    function normalise(uint256 weight, uint256 rowSum) internal pure returns (uint256) {
        return weight * ONE / rowSum;
    }

    /// @notice Stake-weighted median of one column, ascending rule.
    /// @dev Reorders nothing of the caller's. `values` are below 2^40 and as many as `stakes`; not empty.
    function consensus(uint256[] memory values, uint256[] memory stakes, uint256 totalStake)
        internal
        pure
        returns (uint256)
    {
        uint256[] memory order = new uint256[](values.length);
        for (uint256 i = 0; i < values.length; ++i) {
            order[i] = (values[i] << 8) | i;
        }
        Arrays.sort(order);
        uint256 threshold = totalStake * (KAPPA_SCALE - KAPPA);
        uint256 below = 0;
        for (uint256 k = 0; k < order.length; ++k) {
            below += stakes[order[k] & 0xff];
            if (below * KAPPA_SCALE > threshold) return order[k] >> 8;
        }
        // The whole stake is above the threshold unless it is zero, and then every value is as good.
        return order[order.length - 1] >> 8;
    }

    /// @notice floor(amount * bps / 10000).
    function portion(uint256 amount, uint256 bps) internal pure returns (uint256) {
        return amount * bps / BPS;
    }

    /// @notice floor(budget * part / whole), zero for an empty whole.
    function share(uint256 budget, uint256 part, uint256 whole) internal pure returns (uint256) {
        return whole == 0 ? 0 : budget * part / whole;
    }
}
