// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title The arithmetic of a settlement, in integers only.
/// @dev Normative (R9): other implementations must give the same numbers bit for bit.
///
/// Input: members i of the round's electorate with stake s_i, S in all; those that revealed, with rows w_ij of uint16
/// weights; the set M of miners that committed. Weights outside M count as 0.
///
///   n_ij    = floor(w_ij * 2^32 / sum_j w_ij), 0 for a row of zeros                normalise
///   cons_j  = the greatest v such that members with n_ij >= v hold more than S / 2 consensus
///   c_ij    = min(n_ij, cons_j)
///   trust_i = sum_j c_ij
///   miner j gets     floor(minerBudget * sum_i s_i c_ij / (S_revealed * 2^32))
///   validator i gets floor(validatorBudget * s_i * trust_i * num / (S_seated * 2^32 * den)), num <= den
///
/// Nothing is divided among those who are left: every denominator is fixed before anybody speaks or bounds what was
/// said. sum_j c_ij <= sum_j n_ij <= 2^32, so sum_j sum_i s_i c_ij <= S_revealed * 2^32 and the miners' credits never
/// exceed their budget; trust_i <= 2^32 and sum_i s_i <= S_seated, so neither do the validators'.
///
/// Bounds: budgets and s_i < 2^96, S and S_seated < 2^102 (64 validators), n_ij and trust_i <= 2^32, den <= 2 * 256.
/// The largest products are 2^96 * 2^134 = 2^230 for a miner and 2^(96 + 96 + 32 + 9) = 2^233 for a validator.
library SettleMath {
    uint256 internal constant ONE = 1 << 32;
    uint256 internal constant BPS = 10_000;

    /// @notice Audits of one miner: failed when more stake reported a fail than only passes.
    function isFailed(uint256 failStake, uint256 passStake) internal pure returns (bool) {
        return failStake > passStake;
    }

    /// @notice A weight as a fraction of its row, Q32, rounded down; 0 for a row of zeros.
    function normalise(uint256 weight, uint256 rowSum) internal pure returns (uint256) {
        return rowSum == 0 ? 0 : weight * ONE / rowSum;
    }

    /// @notice Greatest value that rows with more than half of the electorate's stake reach; 0 if there is none.
    /// @dev Reorders nothing of the caller's. `values` are below 2^40 and as many as `stakes`, at most 256. Who is not
    /// in the arrays counts as 0.
    function consensus(uint256[] memory values, uint256[] memory stakes, uint256 electorateStake)
        internal
        pure
        returns (uint256)
    {
        uint256[] memory keys = _ascending(values);
        uint256 reached = 0;
        for (uint256 k = keys.length; k != 0; --k) {
            reached += stakes[keys[k - 1] & 0xff];
            if (2 * reached > electorateStake) return keys[k - 1] >> 8;
        }
        return 0;
    }

    /// @notice What a validator did of what it had to, as a fraction: half for both votes, half for its findings.
    /// @param voted It cast both votes, and revealed.
    function duty(bool voted, uint256 drawn, uint256 done) internal pure returns (uint256 num, uint256 den) {
        if (drawn == 0) (drawn, done) = (1, 1);
        return ((voted ? drawn : 0) + done, 2 * drawn);
    }

    /// @notice floor(amount * bps / 10000).
    function portion(uint256 amount, uint256 bps) internal pure returns (uint256) {
        return amount * bps / BPS;
    }

    /// @param rank Sum over the rows of stake * clipped value.
    /// @param revealedStake Not zero.
    function minerCredit(uint256 budget, uint256 rank, uint256 revealedStake)
        internal
        pure
        returns (uint256)
    {
        return budget * rank / (revealedStake * ONE);
    }

    /// @param seatedStake Not zero, nor less than the sum of all stakes that are paid.
    function validatorCredit(
        uint256 budget,
        uint256 stake,
        uint256 trust,
        uint256 seatedStake,
        uint256 num,
        uint256 den
    ) internal pure returns (uint256) {
        return budget * stake * trust * num / (seatedStake * ONE * den);
    }

    /// @dev (value, index) of every value, ascending: a merge sort, because quicksort takes quadratic time on rows that
    /// are equal. Honest rows are: then the keys stand in order at once.
    function _ascending(uint256[] memory values) private pure returns (uint256[] memory keys) {
        uint256 n = values.length;
        keys = new uint256[](n);
        bool sorted = true;
        for (uint256 i = 0; i < n; ++i) {
            keys[i] = (values[i] << 8) | i;
            if (i != 0 && keys[i] < keys[i - 1]) sorted = false;
        }
        if (sorted) return keys;
        uint256[] memory other = new uint256[](n);
        for (uint256 width = 1; width < n; width *= 2) {
            for (uint256 from = 0; from < n; from += 2 * width) {
                _merge(keys, other, from, width);
            }
            (keys, other) = (other, keys);
        }
    }

    /// @dev Merges keys[from, from + width) and the run of the same width behind it into `to`.
    function _merge(uint256[] memory keys, uint256[] memory to, uint256 from, uint256 width) private pure {
        uint256 n = keys.length;
        unchecked {
            // Indices of an array of at most 256 elements.
            uint256 left = from;
            uint256 middle = from + width < n ? from + width : n;
            uint256 right = middle;
            uint256 end = from + 2 * width < n ? from + 2 * width : n;
            for (uint256 at = from; at < end; ++at) {
                bool takeLeft = left < middle && (right == end || keys[left] <= keys[right]);
                to[at] = takeLeft ? keys[left++] : keys[right++];
            }
        }
    }
}
