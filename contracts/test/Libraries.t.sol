// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {SettleMath} from "../src/libraries/SettleMath.sol";
import {UidSet} from "../src/libraries/UidSet.sol";
import {Test} from "forge-std/Test.sol";

contract LibrariesTest is Test {
    function test_set_operations_agree_with_bits(uint256 set, uint8 uid) public pure {
        assertEq(UidSet.contains(set, uid), (set >> uid) & 1 == 1);
        assertTrue(UidSet.contains(UidSet.with(set, uid), uid));
        assertFalse(UidSet.contains(set, uint256(uid) + 256));
        uint16[] memory uids = UidSet.toArray(set);
        assertEq(uids.length, UidSet.count(set));
        uint256 back = 0;
        for (uint256 i = 0; i < uids.length; ++i) {
            if (i != 0) assertGt(uids[i], uids[i - 1]);
            back |= uint256(1) << uids[i];
        }
        assertEq(back, set);
        if (set != 0) {
            assertEq(UidSet.lowest(set), uids[0]);
            assertEq(UidSet.withoutLowest(set), set ^ (uint256(1) << uids[0]));
        }
    }

    function test_empty_set() public pure {
        assertEq(UidSet.count(0), 0);
        assertEq(UidSet.withoutLowest(0), 0);
        assertEq(UidSet.toArray(0).length, 0);
    }

    function median(uint256[4] memory values, uint256[4] memory stakes) private pure returns (uint256) {
        uint256[] memory v = new uint256[](4);
        uint256[] memory s = new uint256[](4);
        uint256 total = 0;
        for (uint256 i = 0; i < 4; ++i) {
            (v[i], s[i]) = (values[i], stakes[i]);
            total += stakes[i];
        }
        return SettleMath.consensus(v, s, total);
    }

    function test_median_is_the_ascending_rule() public pure {
        // 1 - kappa is 32768/65535, a little above one half: exactly half of the stake is not enough.
        assertEq(median([uint256(10), 20, 30, 40], [uint256(1), 1, 1, 1]), 30);
        assertEq(median([uint256(10), 20, 30, 40], [uint256(1), 2, 1, 1]), 20);
        assertEq(median([uint256(40), 30, 20, 10], [uint256(9), 1, 1, 1]), 40);
        assertEq(median([uint256(5), 5, 5, 5], [uint256(1), 2, 3, 4]), 5);
        assertEq(median([uint256(0), 0, 7, 9], [uint256(10), 10, 10, 10]), 7);
        // The threshold itself: 32768 of 65535 is not more than it, 32769 is.
        assertEq(median([uint256(1), 2, 3, 4], [uint256(32768), 32767, 0, 0]), 2);
        assertEq(median([uint256(1), 2, 3, 4], [uint256(32769), 32766, 0, 0]), 1);
        // Nobody has stake: the highest value, which then pays nothing.
        assertEq(median([uint256(1), 2, 3, 4], [uint256(0), 0, 0, 0]), 4);
    }

    function test_shares_and_portions_round_down() public pure {
        assertEq(SettleMath.normalise(1, 3), 1431655765);
        assertEq(SettleMath.normalise(65535, 65535), 1 << 32);
        assertEq(SettleMath.portion(9999, 1), 0);
        assertEq(SettleMath.portion(10_000, 1), 1);
        assertEq(SettleMath.share(10, 1, 3), 3);
        assertEq(SettleMath.share(10, 1, 0), 0);
        assertFalse(SettleMath.isFailed(5, 5));
        assertTrue(SettleMath.isFailed(6, 5));
    }
}
