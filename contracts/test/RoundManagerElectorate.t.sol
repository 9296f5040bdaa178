// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IRegistry} from "../src/interfaces/IRegistry.sol";
import {IRoundManager} from "../src/interfaces/IRoundManager.sol";
import {Commitment} from "../src/types/Commitment.sol";
import {Role} from "../src/types/Neuron.sol";
import {Watched} from "./support/Watched.sol";

/// @dev Which rounds count, whose votes, and how much of them is enough.
contract RoundManagerElectorateTest is Watched {
    // --------------------------------------------------------------------------------------- null rounds

    function test_round_without_its_own_beacon_is_null_and_the_next_one_normal() public {
        startRoundZero();
        commit(0, 3);
        showKeys(0, 8);
        vm.warp(t0(0) + 50);
        for (uint16 uid = 0; uid < 3; ++uid) {
            voteInclusion(0, uid, 8);
        }
        vm.warp(t0(0) + 70); // slot 1 can no longer be proven: neither round 0 nor round 1 has a result
        assertEq(roundManager.included(run, 0), 8);
        vm.expectRevert(abi.encodeWithSelector(IRoundManager.RoundManagerNoBeacon.selector, run, 0));
        voteParameters(0, 0, ROOT);
        vm.warp(t0(1) - 1);
        assertFalse(roundManager.isNull(run, 0));
        vm.warp(t0(1));
        assertTrue(roundManager.isNull(run, 0));
        assertEq(roundManager.included(run, 0), 0);
        assertEq(roundManager.rho(run, 1), 0);
        Commitment memory c = commitment(1, 3);
        vm.expectRevert(abi.encodeWithSelector(IRoundManager.RoundManagerNoBeacon.selector, run, 1));
        roundManager.commitArtifact(c, "");
        proveSlot(2);
        vm.warp(t0(2));
        assertTrue(roundManager.isNull(run, 1));
        assertEq(roundManager.baseRoot(run, 2), keccak256("genesis"));
        playRound(2, ROOT);
        assertEq(roundManager.included(run, 2), MINERS);
        assertEq(roundManager.baseRoot(run, 3), ROOT);
    }

    /// @dev Who keeps a slot from being proven learns nothing: its round takes no work, and the next beacon is new.
    function test_an_unproven_slot_makes_no_rho_known_early() public {
        startRoundZero();
        vm.warp(t0(1));
        Commitment memory c = commitment(1, 3);
        c.rho = sha256(abi.encodePacked("rho", roundManager.sigma(run, 0), uint64(1)));
        bytes memory signature = sign(keyOf(3), roundManager.hashCommitment(c));
        vm.expectRevert(abi.encodeWithSelector(IRoundManager.RoundManagerNoBeacon.selector, run, 1));
        roundManager.commitArtifact(c, signature);
        proveSlot(2);
        assertEq(
            roundManager.rho(run, 2), sha256(abi.encodePacked("rho", roundManager.sigma(run, 2), uint64(2)))
        );
    }

    function test_round_without_quorum_is_null_and_the_root_carries_over() public {
        startRoundZero();
        playRound(0, ROOT);
        openVotes(1);
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

    function test_electorate_does_not_shrink_to_who_spoke() public {
        startRoundZero();
        for (uint64 round = 0; round < 4; ++round) {
            playRound(round, ROOT, 2); // uid 1 alone, 30 of 100
            assertFalse(isAccepted(round));
        }
        (uint256 set, uint256 stake) = roundManager.electorate(run, 3);
        assertEq(set, 7);
        assertEq(stake, 100);
        assertEq(roundManager.seatedStake(run, 3), 100);
    }

    function expectOutsider(uint64 round, uint16 uid) private {
        bytes memory refusal = abi.encodeWithSelector(IRoundManager.RoundManagerNotInElectorate.selector, uid);
        vm.warp(t0(round) + 50);
        vm.expectRevert(refusal);
        voteInclusion(round, uid, 0);
        proveSlot(round + 1);
        vm.warp(t0(round) + 70);
        vm.expectRevert(refusal);
        voteParameters(round, uid, ROOT);
    }

    function test_dust_below_the_least_stake_has_no_say() public {
        uint16 dust = join(Role.Validator, 9);
        uint16 least = join(Role.Validator, 10);
        startRoundZero();
        expectOutsider(0, dust);
        (uint256 set, uint256 stake) = roundManager.electorate(run, 0);
        assertEq(set, 7 + (1 << least));
        assertEq(stake, 110);
        assertEq(roundManager.seatedStake(run, 0), 110);
        // Not even when nobody else is left.
        for (uint16 uid = 0; uid < 3; ++uid) {
            uint256 all = registry.stakeOf(uid);
            vm.prank(coldkeyOf(uid));
            registry.requestUnstake(uid, all);
        }
        vm.prank(coldkeyOf(least));
        registry.requestUnstake(least, 10);
        vm.warp(t0(1));
        proveSlot(2);
        expectEmptyElectorate(2);
    }

    function expectEmptyElectorate(uint64 round) private {
        uint16 dust = 6;
        vm.warp(t0(round));
        assertEq(roundManager.electorateStake(run, round), 0);
        expectOutsider(round, dust);
        vm.warp(t0(round + 1));
        assertTrue(roundManager.isNull(run, round));
    }

    function test_a_newcomer_after_the_snapshot_has_no_say() public {
        vm.warp(roundManager.snapshot(run, 0) + 1);
        uint16 fresh = join(Role.Validator, 10_000);
        startRoundZero();
        expectOutsider(0, fresh);
        vm.warp(t0(1));
        assertEq(roundManager.electorateStake(run, 0), 100);
        assertEq(roundManager.electorateStake(run, 1), 10_100);
    }

    function test_stake_counts_as_of_the_snapshot() public {
        vm.warp(roundManager.snapshot(run, 0));
        addStake(2, 5); // the last second that counts
        vm.warp(roundManager.snapshot(run, 0) + 1);
        addStake(2, 10_000);
        vm.prank(coldkeyOf(0));
        registry.requestUnstake(0, 50);
        startRoundZero();
        vm.warp(t0(0) + 50);
        assertEq(roundManager.electorateStake(run, 0), 105);
        vm.expectEmit(address(roundManager));
        emit IRoundManager.InclusionVoted(run, 0, 0, 0, 0, 50);
        voteInclusion(0, 0, 0);
        (uint256 set, uint256 stake) = roundManager.electorate(run, 1);
        assertEq(set, 6);
        assertEq(stake, 10_055);
    }

    /// @dev What the first vote stores is what a view computes before and after it.
    function test_snapshot_is_the_same_whoever_takes_it_when() public {
        startRoundZero();
        vm.warp(t0(0) + 50);
        (uint256 before, uint256 stakeBefore) = roundManager.electorate(run, 0);
        addStake(0, 1000);
        join(Role.Validator, 1000);
        voteInclusion(0, 1, 0);
        (uint256 stored, uint256 stakeStored) = roundManager.electorate(run, 0);
        assertEq(stored, before);
        assertEq(stakeStored, stakeBefore);
        // Round 1 takes no vote at all and can be looked at for ever.
        vm.warp(t0(9));
        (, uint256 later) = roundManager.electorate(run, 1);
        assertEq(later, 100);
    }

    function test_electorate_is_unknown_until_the_snapshot_has_passed() public {
        uint256 time = roundManager.snapshot(run, 0);
        vm.warp(time);
        bytes memory refusal = abi.encodeWithSelector(IRegistry.RegistryFutureLookup.selector, time, time);
        vm.expectRevert(refusal);
        roundManager.electorate(run, 0);
        vm.expectRevert(refusal);
        roundManager.seatedStake(run, 0);
        vm.warp(time + 1);
        assertEq(roundManager.electorateStake(run, 0), 100);
        vm.warp(t0(0) + 40);
        vm.expectRevert(
            abi.encodeWithSelector(IRegistry.RegistryFutureLookup.selector, t0(0) + 40, t0(0) + 40)
        );
        roundManager.electorateStake(run, 1);
    }

    // --------------------------------------------------------------------------------------------- quorum

    /// @dev 34 % want a root of their own and 17 % the right one while 49 % are cut off from the chain.
    function test_a_third_and_a_cut_network_accept_nothing_for_twenty_rounds() public {
        addStake(0, 48); // 98, 49 %
        addStake(1, 38); // 68, 34 %
        addStake(2, 14); // 34, 17 %
        startRoundZero();
        for (uint64 round = 0; round < 20; ++round) {
            openVotes(round);
            for (uint16 uid = 1; uid < 3; ++uid) {
                voteInclusion(round, uid, MINERS);
            }
            vm.warp(t0(round) + 70);
            voteParameters(round, 1, keccak256("foreign"));
            voteParameters(round, 2, ROOT);
            // The attacker jails whoever can be jailed.
            if (round == 6) roundManager.jail(run, 0);
        }
        assertEq(roundManager.electorateStake(run, 19), 102);
        assertEq(roundManager.baseRoot(run, 20), keccak256("genesis"));
    }

    function silentAreJailedInTime(uint16 silent) private {
        startRoundZero();
        uint256 others = 7 & ~(uint256(1) << silent);
        for (uint64 round = 0; round < 8; ++round) {
            openVotes(round);
            assertEq(roundManager.missed(run, silent), round == 0 ? 0 : round > 6 ? 0 : round);
            if (round == 6) roundManager.jail(run, silent); // in the second in which the reveals of 5 close
            duties(round, ROOT, MINERS, all(others));
            assertFalse(isAccepted(round));
        }
        playRound(8, ROOT, others);
        assertTrue(isAccepted(8));
        assertEq(roundManager.included(run, 8), MINERS);
    }

    function test_with_34_percent_silent_rounds_are_accepted_again_after_eight() public {
        addStake(0, 16); // 66
        addStake(1, 38); // 68
        addStake(2, 46); // 66
        silentAreJailedInTime(1);
    }

    function test_with_half_silent_rounds_are_accepted_again_after_eight() public {
        silentAreJailedInTime(0);
    }

    /// @dev More than half silent: jailed, but what is left is not half of the seated stake.
    function test_with_more_than_half_silent_nothing_is_accepted() public {
        addStake(0, 2);
        startRoundZero();
        liveFrom(0, 6, all(6));
        closeReveals(5);
        roundManager.jail(run, 0);
        vm.warp(t0(7));
        proveSlot(8);
        playRound(8, ROOT, 6);
        assertEq(roundManager.electorateStake(run, 8), 50);
        assertFalse(isAccepted(8));
        assertEq(roundManager.included(run, 8), 0);
    }

    /// forge-config: default.fuzz.runs = 64
    function test_an_accepted_root_has_half_of_the_seated_stake(
        uint64[3] memory stakes,
        uint256 jailed,
        uint256 voters
    ) public {
        jailed = jailed % 8;
        for (uint16 i = 0; i < 3; ++i) {
            if (stakes[i] != 0) addStake(i, stakes[i]);
        }
        startRoundZero();
        liveFrom(0, 6, all(7 & ~jailed));
        closeReveals(5);
        for (uint16 i = 0; i < 3; ++i) {
            if ((jailed >> i) & 1 == 1) roundManager.jail(run, i);
        }
        vm.warp(t0(7));
        proveSlot(8);
        voters &= 7 & ~jailed;
        playRound(8, ROOT, voters);
        uint256 behind = registry.totalStakeAt(voters, uint48(t0(8)));
        uint256 seated = registry.totalStakeAt(7, uint48(t0(8)));
        uint256 electors = registry.totalStakeAt(7 & ~jailed, uint48(t0(8)));
        assertEq(roundManager.seatedStake(run, 8), seated);
        assertEq(roundManager.electorateStake(run, 8), electors);
        if (isAccepted(8)) {
            assertGe(behind * 2, seated);
            assertGe(behind * 3, electors * 2);
        } else {
            assertTrue(behind * 2 < seated || behind * 3 < electors * 2);
        }
        assertEq(roundManager.included(run, 8), isAccepted(8) ? MINERS : 0);
    }

    function test_included_agrees_with_a_count_by_hand(uint256[3] memory votes_, uint16[3] memory stakes)
        public
    {
        uint256 total = 100;
        uint256[3] memory stake = [uint256(50), 30, 20];
        for (uint16 i = 0; i < 3; ++i) {
            if (stakes[i] != 0) addStake(i, stakes[i]);
            stake[i] += stakes[i];
            total += stakes[i];
        }
        startRoundZero();
        openVotes(0);
        for (uint16 i = 0; i < 3; ++i) {
            voteInclusion(0, i, votes_[i] & MINERS);
        }
        uint256 expected = 0;
        for (uint256 uid = 3; uid < 6; ++uid) {
            uint256 yes = 0;
            for (uint256 i = 0; i < 3; ++i) {
                if ((votes_[i] >> uid) & 1 == 1) yes += stake[i];
            }
            if (yes * 3 >= total * 2) expected |= 1 << uid;
        }
        assertEq(roundManager.included(run, 0), expected);
    }
}
