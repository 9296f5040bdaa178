// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IRegistry} from "../src/interfaces/IRegistry.sol";
import {IRoundManager} from "../src/interfaces/IRoundManager.sol";
import {Rounds} from "./support/Rounds.sol";

/// @dev Which rounds count, and whose votes.
contract RoundManagerElectorateTest is Rounds {
    // --------------------------------------------------------------------------------------- null rounds

    function test_round_without_beacon_is_null() public {
        startRoundZero();
        commit(0, 3);
        vm.warp(t0(0) + 50);
        for (uint16 uid = 0; uid < 3; ++uid) {
            voteInclusion(0, uid, 8);
        }
        vm.warp(t0(0) + 70);
        assertEq(roundManager.included(run, 0), 8);
        vm.expectRevert(abi.encodeWithSelector(IRoundManager.RoundManagerNoBeacon.selector, run, 0));
        voteParameters(0, 0, ROOT);
        vm.warp(t0(1) - 1);
        assertFalse(roundManager.isNull(run, 0));
        vm.warp(t0(1));
        assertTrue(roundManager.isNull(run, 0));
        assertEq(roundManager.included(run, 0), 0);
        assertEq(roundManager.baseRoot(run, 1), keccak256("genesis"));
        // The next round's rho still comes from the last beacon there is, and differs from this round's.
        assertEq(
            roundManager.rho(run, 1), sha256(abi.encodePacked("rho", roundManager.sigma(run, 0), uint64(1)))
        );
        assertNotEq(roundManager.rho(run, 1), roundManager.rho(run, 0));
    }

    function test_round_without_quorum_is_null_and_the_root_carries_over() public {
        startRoundZero();
        playRound(0, ROOT);
        warpTo(t0(1));
        commit(1, 3);
        proveSlot(2);
        for (uint16 uid = 0; uid < 3; ++uid) {
            voteInclusion(1, uid, 8);
        }
        vm.warp(t0(1) + 70);
        voteParameters(1, 0, keccak256("a")); // 50 of 100
        vm.warp(t0(2));
        assertTrue(roundManager.isNull(run, 1));
        assertFalse(roundManager.isNull(run, 0));
        assertEq(roundManager.included(run, 1), 0);
        assertEq(roundManager.included(run, 0), MINERS);
        assertEq(roundManager.baseRoot(run, 2), ROOT);
        playRound(2, keccak256("second"));
        assertEq(roundManager.baseRoot(run, 1), ROOT);
        assertEq(roundManager.baseRoot(run, 2), ROOT);
        assertEq(roundManager.baseRoot(run, 3), keccak256("second"));
    }

    // ---------------------------------------------------------------------------------------- electorate

    function test_electorate_is_who_voted_in_the_last_two_rounds() public {
        startRoundZero();
        vm.warp(t0(0) + 50);
        voteInclusion(0, 0, 0);
        vm.warp(t0(1) + 50);
        voteInclusion(1, 1, 0); // outside the electorate {0}: counts nothing, but lets 1 in
        vm.warp(t0(2) + 50);
        voteInclusion(2, 1, 0);
        vm.warp(t0(3) + 50);

        (uint256 set, uint256 stake) = roundManager.electorate(run, 0);
        assertEq(set, 7);
        assertEq(stake, 100);
        (set, stake) = roundManager.electorate(run, 1);
        assertEq(set, 1);
        assertEq(stake, 50);
        (set, stake) = roundManager.electorate(run, 2);
        assertEq(set, 3);
        assertEq(stake, 80);
        (set, stake) = roundManager.electorate(run, 3);
        assertEq(set, 2);
        assertEq(stake, 30);
    }

    function test_vote_outside_the_electorate_counts_zero() public {
        startRoundZero();
        vm.warp(t0(0) + 50);
        voteInclusion(0, 1, 0);
        warpTo(t0(1));
        commit(1, 3);
        proveSlot(2);
        vm.expectEmit(address(roundManager));
        emit IRoundManager.InclusionVoted(run, 1, 0, 8, 0);
        voteInclusion(1, 0, 8);
        assertEq(roundManager.included(run, 1), 0);
        assertEq(roundManager.electorateStake(run, 1), 30);
        vm.expectEmit(address(roundManager));
        emit IRoundManager.InclusionVoted(run, 1, 1, 8, 30);
        voteInclusion(1, 1, 8);
        assertEq(roundManager.included(run, 1), 8);
        vm.warp(t0(1) + 70);
        vm.expectRevert(abi.encodeWithSelector(IRoundManager.RoundManagerNotInElectorate.selector, 0));
        voteParameters(1, 0, ROOT);
        voteParameters(1, 1, ROOT);
        assertEq(roundManager.baseRoot(run, 2), ROOT);
    }

    function test_electorate_falls_back_to_all_when_nobody_voted_or_the_voters_left() public {
        startRoundZero();
        vm.warp(t0(0) + 50);
        voteInclusion(0, 2, 0);
        vm.prank(coldkeyOf(2));
        registry.requestUnstake(2, 20);
        vm.warp(t0(1) + 50);
        (uint256 set, uint256 stake) = roundManager.electorate(run, 1);
        assertEq(set, 7);
        assertEq(stake, 80);
        vm.warp(t0(5) + 50);
        (set, stake) = roundManager.electorate(run, 5);
        assertEq(set, 7);
    }

    function test_stake_counts_as_of_t0() public {
        startRoundZero();
        vm.warp(t0(0) + 1);
        addStake(2, 10_000);
        vm.prank(coldkeyOf(0));
        registry.requestUnstake(0, 50);
        vm.warp(t0(0) + 50);
        assertEq(roundManager.electorateStake(run, 0), 100);
        vm.expectEmit(address(roundManager));
        emit IRoundManager.InclusionVoted(run, 0, 0, 0, 50);
        voteInclusion(0, 0, 0);
        vm.warp(t0(1) + 1);
        (uint256 set, uint256 stake) = roundManager.electorate(run, 1); // 0 voted and left: all
        assertEq(set, 7);
        assertEq(stake, 10_050);
    }

    function test_electorate_is_unknown_until_t0_has_passed() public {
        vm.warp(t0(0));
        vm.expectRevert(abi.encodeWithSelector(IRegistry.RegistryFutureLookup.selector, t0(0), t0(0)));
        roundManager.electorate(run, 0);
        vm.warp(t0(0) + 1);
        assertEq(roundManager.electorateStake(run, 0), 100);
    }

    function test_included_agrees_with_a_count_by_hand(uint256[3] memory votes, uint16[3] memory stakes)
        public
    {
        uint256 total = 100;
        uint256[3] memory all = [uint256(50), 30, 20];
        for (uint16 i = 0; i < 3; ++i) {
            if (stakes[i] != 0) addStake(i, stakes[i]);
            all[i] += stakes[i];
            total += stakes[i];
        }
        startRoundZero();
        for (uint16 uid = 3; uid < 6; ++uid) {
            commit(0, uid);
        }
        vm.warp(t0(0) + 50);
        for (uint16 i = 0; i < 3; ++i) {
            voteInclusion(0, i, votes[i] & MINERS);
        }
        uint256 expected = 0;
        for (uint256 uid = 3; uid < 6; ++uid) {
            uint256 yes = 0;
            for (uint256 i = 0; i < 3; ++i) {
                if ((votes[i] >> uid) & 1 == 1) yes += all[i];
            }
            if (yes * 3 >= total * 2) expected |= 1 << uid;
        }
        assertEq(roundManager.included(run, 0), expected);
    }
}
