// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IRoundManager} from "../src/interfaces/IRoundManager.sol";
import {Role} from "../src/types/Neuron.sol";
import {Rounds} from "./support/Rounds.sol";

/// @dev Keys on chain, and the suspects among those that have one.
contract RoundManagerKeysTest is Rounds {
    function commitAll() private {
        startRoundZero();
        for (uint16 uid = 3; uid < 6; ++uid) {
            commit(0, uid);
        }
        vm.warp(t0(0) + 40);
    }

    function batch(uint256 length) private pure returns (uint32[] memory ids, bytes32[] memory keys) {
        return (new uint32[](length), new bytes32[](length));
    }

    function test_keys_are_stored_and_reported_whoever_brings_them() public {
        commitAll();
        (uint32[] memory ids, bytes32[] memory keys) = batch(2);
        (ids[0], keys[0]) = (5, oneTimeKey(0, 5));
        (ids[1], keys[1]) = (3, oneTimeKey(0, 3));
        vm.expectEmit(address(roundManager));
        emit IRoundManager.KeysShown(run, 0, ids, keys);
        vm.prank(address(0xABCD));
        roundManager.showKeys(run, 0, ids, keys);
        assertEq(roundManager.keyed(run, 0), 8 + 32);
        showKeys(0, 16);
        assertEq(roundManager.keyed(run, 0), MINERS);
        assertEq(roundManager.committed(run, 0), MINERS);
    }

    function test_window_of_keys_is_t1_to_tk() public {
        startRoundZero();
        commit(0, 3);
        uint256 start = t0(0);
        (uint32[] memory ids, bytes32[] memory keys) = batch(1);
        (ids[0], keys[0]) = (3, oneTimeKey(0, 3));
        for (uint256 i = 0; i < 2; ++i) {
            vm.warp(start + (i == 0 ? 39 : 45));
            vm.expectRevert(
                abi.encodeWithSelector(
                    IRoundManager.RoundManagerOutsideWindow.selector, block.timestamp, start + 40, start + 45
                )
            );
            roundManager.showKeys(run, 0, ids, keys);
        }
        vm.warp(start + 44);
        roundManager.showKeys(run, 0, ids, keys);
        assertEq(roundManager.keyed(run, 0), 8);
    }

    /// @dev The batch breaker: one wrong key, and one that comes twice, stop none of the other 63.
    function test_a_wrong_key_in_a_batch_of_64_leaves_the_others() public {
        for (uint256 i = 0; i < 61; ++i) {
            join(Role.Miner, 0);
        }
        startRoundZero();
        (uint32[] memory ids, bytes32[] memory keys) = batch(64);
        (uint32[] memory goodIds, bytes32[] memory goodKeys) = batch(62);
        for (uint32 i = 0; i < 64; ++i) {
            uint16 uid = uint16(i + 3);
            commit(0, uid);
            (ids[i], keys[i]) = (uid, oneTimeKey(0, uid));
            if (i < 10) (goodIds[i], goodKeys[i]) = (ids[i], keys[i]);
            if (i > 10 && i < 63) (goodIds[i - 1], goodKeys[i - 1]) = (ids[i], keys[i]);
        }
        keys[10] ^= bytes32(uint256(1));
        (ids[63], keys[63]) = (ids[9], keys[9]);
        vm.warp(t0(0) + 40);
        vm.expectEmit(address(roundManager));
        emit IRoundManager.KeysShown(run, 0, goodIds, goodKeys);
        roundManager.showKeys(run, 0, ids, keys);
        uint256 all = ((uint256(1) << 64) - 1) << 3;
        assertEq(roundManager.keyed(run, 0), all & ~(uint256(1) << 13) & ~(uint256(1) << 66));
        // The owner's own batch repairs it.
        showKeys(0, uint256(1) << 13);
        assertTrue((roundManager.keyed(run, 0) >> 13) & 1 == 1);
    }

    function test_keys_of_nobody_are_left_out() public {
        startRoundZero();
        commit(0, 3);
        vm.warp(t0(0) + 40);
        (uint32[] memory ids, bytes32[] memory keys) = batch(6);
        ids[0] = 256; // no slot
        ids[1] = (1 << 16) + 3; // 3 when cut to 16 bits
        ids[2] = type(uint32).max;
        ids[3] = 4; // has not committed: its key hash is zero, and no key has that hash
        ids[4] = 0; // a validator
        ids[5] = 3;
        for (uint256 i = 0; i < 6; ++i) {
            keys[i] = oneTimeKey(0, 3);
        }
        (uint32[] memory goodIds, bytes32[] memory goodKeys) = batch(1);
        (goodIds[0], goodKeys[0]) = (3, keys[5]);
        vm.expectEmit(address(roundManager));
        emit IRoundManager.KeysShown(run, 0, goodIds, goodKeys);
        roundManager.showKeys(run, 0, ids, keys);
        assertEq(roundManager.keyed(run, 0), 8);
    }

    function test_a_batch_must_be_well_formed_and_bring_something_new() public {
        commitAll();
        (uint32[] memory ids, bytes32[] memory keys) = batch(2);
        vm.expectRevert(abi.encodeWithSelector(IRoundManager.RoundManagerBadBatch.selector, 2, 1));
        roundManager.showKeys(run, 0, ids, new bytes32[](1));
        vm.expectRevert(abi.encodeWithSelector(IRoundManager.RoundManagerBadBatch.selector, 257, 257));
        roundManager.showKeys(run, 0, new uint32[](257), new bytes32[](257));
        bytes memory nothing = abi.encodeWithSelector(IRoundManager.RoundManagerNoNewKey.selector, run, 0);
        vm.expectRevert(nothing);
        roundManager.showKeys(run, 0, new uint32[](0), new bytes32[](0));
        ids[0] = 3; // the key zero is wrong
        vm.expectRevert(nothing);
        roundManager.showKeys(run, 0, ids, keys);
        showKeys(0, 8);
        keys[0] = oneTimeKey(0, 3);
        vm.expectRevert(nothing);
        roundManager.showKeys(run, 0, ids, keys);
        (ids, keys) = batch(256);
        (ids[255], keys[255]) = (4, oneTimeKey(0, 4));
        roundManager.showKeys(run, 0, ids, keys);
        assertEq(roundManager.keyed(run, 0), 8 + 16);
    }

    /// @dev Committed and never shown: not included, and in nobody's way.
    function test_a_key_that_is_not_shown_costs_only_its_owner() public {
        commitAll();
        showKeys(0, 8 + 32);
        proveSlot(1);
        vm.expectRevert(abi.encodeWithSelector(IRoundManager.RoundManagerNotKeyed.selector, 56, 40));
        voteInclusion(0, 0, MINERS);
        for (uint16 uid = 0; uid < 3; ++uid) {
            voteInclusion(0, uid, 40);
        }
        vm.warp(t0(0) + 70);
        for (uint16 uid = 0; uid < 3; ++uid) {
            voteParameters(0, uid, ROOT);
        }
        assertEq(roundManager.included(run, 0), 40);
        assertEq(roundManager.baseRoot(run, 1), ROOT);
    }

    // ------------------------------------------------------------------------------------------ suspects

    function test_suspected_is_more_than_half_of_the_electorates_stake() public {
        startRoundZero();
        openVotes(0);
        voteInclusion(0, 0, MINERS, 8); // 50 of 100 is not more than half
        assertEq(roundManager.suspected(run, 0), 0);
        voteInclusion(0, 2, MINERS, 8 + 16);
        assertEq(roundManager.suspected(run, 0), 8);
        voteInclusion(0, 1, MINERS, 16 + 32); // 16 has 50 as well
        assertEq(roundManager.suspected(run, 0), 8);
        // Suspicion takes nothing away, and it stays when the round is null.
        assertEq(roundManager.included(run, 0), MINERS);
        vm.warp(t0(1));
        assertTrue(roundManager.isNull(run, 0));
        assertEq(roundManager.suspected(run, 0), 8);
    }

    function test_one_suspect_at_least_and_the_most_suspected_first() public {
        startRoundZero();
        openVotes(0);
        voteInclusion(0, 0, 0, MINERS);
        voteInclusion(0, 1, 0, 16 + 32);
        assertEq(roundManager.suspected(run, 0), 16); // 16 and 32 have 80: the smaller uid
        voteInclusion(0, 2, 0, 32);
        assertEq(roundManager.suspected(run, 0), 32); // 100
    }

    /// @dev Validators cannot have a crowd audited: an eighth of the committed, however many more they name.
    function test_suspects_are_an_eighth_of_the_committed() public {
        for (uint256 i = 0; i < 21; ++i) {
            join(Role.Miner, 0);
        }
        startRoundZero();
        uint256 miners = ((uint256(1) << 24) - 1) << 3;
        for (uint16 uid = 3; uid < 27; ++uid) {
            commit(0, uid);
        }
        // A miner that shows no key cannot be suspected but was committed: 24 / 8 = 3.
        uint256 keyed = miners & ~uint256(8);
        showKeys(0, keyed);
        proveSlot(1);
        voteInclusion(0, 0, 0, keyed);
        voteInclusion(0, 1, 0, (1 << 20) + (1 << 26));
        voteInclusion(0, 2, 0, keyed);
        // 20 and 26 have 100, everybody else 70.
        assertEq(roundManager.suspected(run, 0), (1 << 20) + (1 << 26) + (1 << 4));
    }

    /// @dev Against a plain selection: of everybody above half, the one with the most again and again.
    function test_suspected_agrees_with_a_plain_selection(uint256[3] memory votes) public {
        for (uint256 i = 0; i < 21; ++i) {
            join(Role.Miner, 0);
        }
        startRoundZero();
        uint256 miners = ((uint256(1) << 24) - 1) << 3;
        for (uint16 uid = 3; uid < 27; ++uid) {
            commit(0, uid);
        }
        showKeys(0, miners);
        proveSlot(1);
        for (uint16 i = 0; i < 3; ++i) {
            voteInclusion(0, i, 0, votes[i] & miners);
        }
        uint256 expected = 0;
        for (uint256 n = 0; n < 3; ++n) {
            uint256 best = 0;
            uint256 most = 50;
            for (uint256 uid = 3; uid < 27; ++uid) {
                uint256 on = 50 * ((votes[0] >> uid) & 1) + 30 * ((votes[1] >> uid) & 1) + 20
                    * ((votes[2] >> uid) & 1);
                if ((expected >> uid) & 1 == 0 && on > most) (best, most) = (uid, on);
            }
            if (best != 0) expected |= uint256(1) << best;
        }
        assertEq(roundManager.suspected(run, 0), expected);
    }
}
