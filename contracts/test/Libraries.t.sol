// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {SettleMath} from "../src/libraries/SettleMath.sol";
import {UidSet} from "../src/libraries/UidSet.sol";
import {VoteCount} from "../src/libraries/VoteCount.sol";
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

    /// @param all Stake of the electorate; more than the sum of `stakes` when some are absent.
    function consensus(uint256[4] memory values, uint256[4] memory stakes, uint256 all)
        private
        pure
        returns (uint256)
    {
        uint256[] memory v = new uint256[](4);
        uint256[] memory s = new uint256[](4);
        for (uint256 i = 0; i < 4; ++i) {
            (v[i], s[i]) = (values[i], stakes[i]);
        }
        return SettleMath.consensus(v, s, all);
    }

    function test_consensus_is_what_more_than_half_reach() public pure {
        assertEq(consensus([uint256(10), 20, 30, 40], [uint256(1), 1, 1, 1], 4), 20);
        assertEq(consensus([uint256(10), 20, 30, 40], [uint256(1), 1, 2, 1], 5), 30);
        assertEq(consensus([uint256(40), 30, 20, 10], [uint256(9), 1, 1, 1], 12), 40);
        assertEq(consensus([uint256(5), 5, 5, 5], [uint256(1), 2, 3, 4], 10), 5);
        assertEq(consensus([uint256(0), 0, 7, 9], [uint256(10), 10, 10, 10], 40), 0);
        assertEq(consensus([uint256(0), 0, 7, 9], [uint256(10), 10, 10, 11], 41), 7);
        // Who is absent counts as zero: 3 of 6 reach nothing, 4 of 6 do.
        assertEq(consensus([uint256(8), 8, 8, 8], [uint256(1), 1, 1, 0], 6), 0);
        assertEq(consensus([uint256(8), 8, 8, 3], [uint256(1), 1, 1, 1], 6), 3);
        assertEq(SettleMath.consensus(new uint256[](0), new uint256[](0), 1), 0);
    }

    /// @dev Against the definition, tried on every value; up to 64 rows, so that every merge is met.
    function test_consensus_agrees_with_its_definition(uint256 seed, uint8 rows) public pure {
        uint256 n = bound(rows, 1, 64);
        uint256[] memory values = new uint256[](n);
        uint256[] memory stakes = new uint256[](n);
        uint256 all = uint256(keccak256(abi.encode(seed, "absent"))) % 40;
        for (uint256 i = 0; i < n; ++i) {
            values[i] = uint256(keccak256(abi.encode(seed, "value", i))) % (seed % 2 == 0 ? 5 : 1 << 32);
            stakes[i] = uint256(keccak256(abi.encode(seed, "stake", i))) % 3;
            all += stakes[i];
        }
        uint256 best = 0;
        for (uint256 k = 0; k < n; ++k) {
            uint256 reached = 0;
            for (uint256 i = 0; i < n; ++i) {
                if (values[i] >= values[k]) reached += stakes[i];
            }
            if (2 * reached > all && values[k] > best) best = values[k];
        }
        assertEq(SettleMath.consensus(values, stakes, all), best);
    }

    function test_duties_are_half_votes_and_half_findings() public pure {
        checkDuty(true, 0, 0, 2, 2);
        checkDuty(false, 0, 0, 1, 2);
        checkDuty(true, 4, 3, 7, 8);
        checkDuty(false, 4, 3, 3, 8);
        checkDuty(true, 1, 0, 1, 2);
    }

    function checkDuty(bool voted, uint256 drawn, uint256 done, uint256 num, uint256 den) private pure {
        (uint256 givenNum, uint256 givenDen) = SettleMath.duty(voted, drawn, done);
        assertEq(givenNum, num);
        assertEq(givenDen, den);
    }

    function stakeOn(uint256[5] memory sets, uint256[] memory stakes, uint256 uid)
        private
        pure
        returns (uint256 sum)
    {
        for (uint256 i = 0; i < 5; ++i) {
            if ((sets[i] >> uid) & 1 == 1) sum += stakes[i];
        }
    }

    /// @dev Against sums one uid at a time.
    function test_vote_counts_agree_with_plain_sums(
        uint256[5] memory sets,
        uint96[5] memory given,
        uint256 least,
        uint8 limit
    ) public pure {
        uint256[] memory s = new uint256[](5);
        uint256[] memory stakes = new uint256[](5);
        uint256 total = 1;
        for (uint256 i = 0; i < 5; ++i) {
            (s[i], stakes[i]) = (sets[i], given[i]);
            total += given[i];
        }
        // Now and then exactly what is on some uid.
        least = least % 3 == 0 ? stakeOn(sets, stakes, least % 256) : least % (total + 1);
        uint256[] memory planes = VoteCount.count(s, stakes);
        uint256 reaching = VoteCount.reaching(planes, least);
        uint256 chosen = VoteCount.heaviest(planes, reaching, limit);
        uint256 lightest = type(uint256).max;
        for (uint256 uid = 0; uid < 256; ++uid) {
            uint256 on = stakeOn(sets, stakes, uid);
            assertEq((reaching >> uid) & 1 == 1, on >= least);
            if ((chosen >> uid) & 1 == 1 && on < lightest) lightest = on;
        }
        assertEq(chosen & ~reaching, 0);
        uint256 all = UidSet.count(reaching);
        assertEq(UidSet.count(chosen), all < limit ? all : limit);
        // Of those with as much as the lightest chosen, the smaller uids are in.
        bool isOut = false;
        for (uint256 uid = 0; uid < 256; ++uid) {
            if ((reaching >> uid) & 1 == 0) continue;
            uint256 on = stakeOn(sets, stakes, uid);
            bool isIn = (chosen >> uid) & 1 == 1;
            if (chosen != 0 && on > lightest) assertTrue(isIn);
            if (on == lightest && !isIn) isOut = true;
            if (on == lightest && isIn) assertFalse(isOut);
        }
    }

    function test_vote_counts_of_nothing() public pure {
        uint256[] memory planes = VoteCount.count(new uint256[](0), new uint256[](0));
        assertEq(VoteCount.reaching(planes, 1), 0);
        assertEq(VoteCount.heaviest(planes, 0, 1), 0);
        uint256[] memory s = new uint256[](1);
        uint256[] memory stakes = new uint256[](1);
        (s[0], stakes[0]) = (type(uint256).max, type(uint256).max); // all 256 digits
        assertEq(VoteCount.reaching(VoteCount.count(s, stakes), type(uint256).max), type(uint256).max);
    }

    function test_shares_and_portions_round_down() public pure {
        assertEq(SettleMath.normalise(1, 3), 1431655765);
        assertEq(SettleMath.normalise(65535, 65535), 1 << 32);
        assertEq(SettleMath.normalise(0, 0), 0);
        assertEq(SettleMath.portion(9999, 1), 0);
        assertEq(SettleMath.portion(10_000, 1), 1);
        assertEq(SettleMath.minerCredit(10, 1 << 32, 3), 3);
        assertEq(SettleMath.validatorCredit(10, 2, 1 << 32, 3, 1, 2), 3);
        assertFalse(SettleMath.isFailed(5, 5));
        assertTrue(SettleMath.isFailed(6, 5));
    }

    /// @dev The largest numbers of a settlement stay within 256 bits.
    function test_the_largest_settlement_does_not_overflow() public pure {
        uint256 top = type(uint96).max;
        uint256 whole = 1 << 32;
        assertEq(SettleMath.minerCredit(top, 64 * top * whole, 64 * top), top);
        assertEq(SettleMath.validatorCredit(top, top, whole, 64 * top, 512, 512), top / 64);
    }
}
