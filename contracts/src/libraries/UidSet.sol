// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title Sets of uids in one word: bit i = uid i.
library UidSet {
    /// @notice Whether `uid` is in the set; false for any uid beyond 255.
    function contains(uint256 set, uint256 uid) internal pure returns (bool) {
        return (set >> uid) & 1 == 1;
    }

    /// @notice The set with `uid` (< 256) in it.
    function with(uint256 set, uint256 uid) internal pure returns (uint256) {
        return set | (uint256(1) << uid);
    }

    /// @notice The smallest uid of a set that is not empty.
    function lowest(uint256 set) internal pure returns (uint16) {
        unchecked {
            // Two's complement on purpose: leaves the lowest set bit, whose logarithm is below 256.
            return uint16(Math.log2(set & (0 - set)));
        }
    }

    /// @notice The set without its smallest uid.
    function withoutLowest(uint256 set) internal pure returns (uint256) {
        unchecked {
            // The empty set stays empty: 0 & anything is 0, so the wrap of 0 - 1 does not show.
            return set & (set - 1);
        }
    }

    /// @notice How many uids the set holds.
    function count(uint256 set) internal pure returns (uint256 n) {
        for (; set != 0; set = withoutLowest(set)) {
            ++n;
        }
    }

    /// @notice The uids of the set, ascending.
    function toArray(uint256 set) internal pure returns (uint16[] memory uids) {
        uids = new uint16[](count(set));
        for (uint256 i = 0; set != 0; ++i) {
            uids[i] = lowest(set);
            set = withoutLowest(set);
        }
    }
}
