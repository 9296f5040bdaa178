// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {UidSet} from "./UidSet.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title Votes that are sets of uids, counted by stake.
/// @dev A count keeps the stake on every uid in binary, one word for each digit: bit u of planes[b] is digit b of the
/// stake on uid u. So one pass of word operations adds a vote to all 256 sums at once, which is what keeps the largest
/// count (64 voters, 192 miners) small enough for a transaction that needs eight of them.
library VoteCount {
    /// @param sets What each voter voted.
    /// @param stakes Stake of each voter, in the same order.
    /// @return planes As many digits as the sum of all stakes has, so no sum runs out of them.
    function count(uint256[] memory sets, uint256[] memory stakes)
        internal
        pure
        returns (uint256[] memory planes)
    {
        uint256 total = 0;
        for (uint256 i = 0; i < stakes.length; ++i) {
            total += stakes[i];
        }
        planes = new uint256[](total == 0 ? 0 : Math.log2(total) + 1);
        for (uint256 i = 0; i < sets.length; ++i) {
            if (sets[i] != 0) _add(planes, sets[i], stakes[i]);
        }
    }

    /// @notice The uids, of all 256, on which at least `least` of stake is.
    function reaching(uint256[] memory planes, uint256 least) internal pure returns (uint256) {
        if (least >> planes.length != 0) return 0;
        uint256 more = 0;
        uint256 equal = type(uint256).max;
        for (uint256 b = planes.length; b != 0; --b) {
            uint256 plane = planes[b - 1];
            if ((least >> (b - 1)) & 1 == 1) {
                equal &= plane;
            } else {
                more |= equal & plane;
                equal &= ~plane;
            }
        }
        return more | equal;
    }

    /// @notice At most `limit` of the candidates: most stake first, then the smaller uid.
    function heaviest(uint256[] memory planes, uint256 candidates, uint256 limit)
        internal
        pure
        returns (uint256 result)
    {
        if (UidSet.count(candidates) <= limit) return candidates;
        for (; limit != 0; --limit) {
            // Digit by digit from the highest: who has it stays, unless nobody has.
            uint256 best = candidates & ~result;
            for (uint256 b = planes.length; b != 0; --b) {
                uint256 having = best & planes[b - 1];
                if (having != 0) best = having;
            }
            result = UidSet.with(result, UidSet.lowest(best));
        }
    }

    /// @dev Addition as on paper, from the lowest digit with a carry, for every uid of the set.
    function _add(uint256[] memory planes, uint256 set, uint256 stake) private pure {
        uint256 carry = 0;
        unchecked {
            // No sum has more digits than there are planes, so b stays inside; the product is the set or nothing.
            for (uint256 b = 0; stake | carry != 0; ++b) {
                uint256 digit = set * (stake & 1);
                stake >>= 1;
                if (digit | carry == 0) continue;
                uint256 plane = planes[b];
                uint256 either = plane ^ digit;
                planes[b] = either ^ carry;
                carry = (plane & digit) | (either & carry);
            }
        }
    }
}
