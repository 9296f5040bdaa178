// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IRegistry} from "../src/interfaces/IRegistry.sol";
import {IRoundManager} from "../src/interfaces/IRoundManager.sol";
import {IRunRegistry} from "../src/interfaces/IRunRegistry.sol";
import {Role} from "../src/types/Neuron.sol";
import {Watched} from "./support/Watched.sol";

/// @dev Validator 2 is the one that leaves duties out; 0 and 1 have 80 of 100 and decide without it.
contract JailTest is Watched {
    uint256 private constant OTHERS = 3;
    uint256 private constant UNKNOWN = type(uint48).max;

    function refusesJail(uint16 uid, uint256 missed) private {
        assertEq(roundManager.missed(run, uid), missed);
        vm.expectRevert(abi.encodeWithSelector(IRoundManager.RoundManagerNotMissing.selector, missed));
        roundManager.jail(run, uid);
    }

    /// @dev Silent in rounds [first, first + 6), and jailed as early as it can be. Slot `first` is proven.
    function silence(uint64 first) private returns (uint256 time) {
        liveFrom(first, first + 6, all(OTHERS));
        closeReveals(first + 5);
        roundManager.jail(run, 2);
        time = block.timestamp;
    }

    /// @dev A round without work, to bring the next slot.
    function idle(uint64 round) private {
        warpTo(t0(round));
        proveSlot(round + 1);
    }

    function comeBack() private {
        vm.prank(hotkeyOf(2));
        roundManager.returnFromJail(run);
    }

    // --------------------------------------------------------------------------------------------- duties

    function test_six_missed_rounds_jail() public {
        startRoundZero();
        liveFrom(0, 6, all(OTHERS));
        // The ballot of round 5 can still be revealed.
        vm.warp(t0(5) + 149);
        refusesJail(2, 5);
        vm.warp(t0(5) + 150);
        vm.expectEmit(address(roundManager));
        emit IRoundManager.Jailed(run, 2, 6);
        vm.prank(address(0xABCD)); // anyone
        roundManager.jail(run, 2);
        vm.expectRevert(abi.encodeWithSelector(IRoundManager.RoundManagerAlreadyJailed.selector, 2));
        roundManager.jail(run, 2);
        assertTrue(roundManager.jailedAt(run, 2, uint48(t0(5) + 150)));
        assertFalse(roundManager.jailedAt(run, 2, uint48(t0(5) + 149)));
        (uint256 times, uint48 freeAt) = roundManager.jailing(run, 2);
        assertEq(times, 1);
        assertEq(freeAt, UNKNOWN);
    }

    function test_two_of_eight_done_are_not_enough_and_three_are() public {
        startRoundZero();
        liveFrom(0, 3, all(OTHERS));
        liveFrom(3, 5, all(ALL));
        liveFrom(5, 8, all(OTHERS));
        openVotes(8);
        assertEq(roundManager.missed(run, 2), 6);
        duties(8, ROOT, MINERS, all(ALL));
        closeReveals(8);
        refusesJail(2, 5); // round 0 is no longer watched
    }

    function countOf(Duties memory d) private returns (uint256) {
        startRoundZero();
        liveFrom(0, 7, d);
        closeReveals(6);
        return roundManager.missed(run, 2);
    }

    function test_a_missed_inclusion_vote_counts() public {
        assertEq(countOf(Duties(OTHERS, ALL, ALL)), 7);
        roundManager.jail(run, 2);
    }

    function test_a_missed_ballot_counts() public {
        assertEq(countOf(Duties(ALL, OTHERS, ALL)), 7);
        roundManager.jail(run, 2);
    }

    function test_a_missed_parameters_vote_counts() public {
        assertEq(countOf(Duties(ALL, ALL, OTHERS)), 7);
        roundManager.jail(run, 2);
    }

    function test_a_committed_ballot_must_be_revealed() public {
        startRoundZero();
        for (uint64 round = 0; round < 6; ++round) {
            openVotes(round);
            votes(round, ROOT, MINERS, all(ALL));
            warpTo(t0(round) + 120);
            reveals(round, OTHERS);
        }
        vm.warp(t0(6) + 50);
        roundManager.jail(run, 2);
    }

    /// @dev The window-of-silence capturer: whoever does its duties cannot be jailed, whatever the others do.
    function test_nobody_can_jail_who_voted() public {
        startRoundZero();
        for (uint64 round = 0; round < 9; ++round) {
            // The two others name nothing included, and what 2 votes for never reaches anything.
            openVotes(round);
            voteInclusion(round, 0, 0);
            voteInclusion(round, 1, 0);
            duties(round, ROOT, MINERS, all(4));
        }
        vm.warp(t0(9) + 50);
        refusesJail(2, 0);
        assertEq(roundManager.missed(run, 0), 8);
    }

    function test_parameters_are_owed_only_where_somebody_is_included() public {
        startRoundZero();
        for (uint64 round = 0; round < 8; ++round) {
            openVotes(round);
            duties(round, ROOT, 0, Duties(ALL, ALL, 0));
        }
        vm.warp(t0(8) + 50);
        refusesJail(2, 0);
    }

    /// @dev Rounds that are null because 20 % alone want parameters excuse nobody.
    function test_a_null_round_excuses_nobody() public {
        startRoundZero();
        liveFrom(0, 6, Duties(ALL, ALL, 4));
        closeReveals(5);
        assertTrue(roundManager.isNull(run, 5));
        assertEq(roundManager.included(run, 5), 0);
        refusesJail(2, 0);
        roundManager.jail(run, 0);
        roundManager.jail(run, 1);
    }

    // --------------------------------------------------------------------------------------- which rounds

    function test_rounds_without_keys_or_beacon_do_not_count() public {
        startRoundZero();
        for (uint64 round = 0; round < 10; ++round) {
            warpTo(t0(round));
            if (round != 4 && round != 5) commit(round, 3); // but no key
            if (round == 3) {
                showKeys(round, 8); // but no beacon: round 4 takes no commitments either
                vm.warp(t0(round) + 70);
            } else {
                proveSlot(round + 1);
            }
        }
        vm.warp(t0(11));
        refusesJail(2, 0);
        refusesJail(0, 0);
    }

    function test_who_was_not_in_the_electorate_missed_nothing() public {
        startRoundZero();
        uint16 fresh = join(Role.Validator, 40);
        liveFrom(0, 7, all(OTHERS));
        closeReveals(6);
        // In the electorate from round 1 on.
        assertEq(roundManager.missed(run, 2), 7);
        assertEq(roundManager.missed(run, fresh), 6);
        refusesJail(3, 0); // a miner
        refusesJail(200, 0); // nobody
        roundManager.jail(run, fresh);
    }

    function test_jail_reaches_over_null_rounds_and_long_reveals() public {
        startRoundZero();
        liveFrom(0, 3, all(OTHERS));
        for (uint64 round = 3; round < 40; ++round) {
            idle(round);
        }
        liveFrom(40, 43, all(OTHERS));
        closeReveals(42);
        roundManager.jail(run, 2);
    }

    function test_a_jail_is_of_one_run() public {
        startRoundZero();
        bytes32 first = run;
        silence(0);
        vm.prank(creator);
        run = runRegistry.createRun("another", defaultTerms());
        assertFalse(roundManager.jailedAt(run, 2, uint48(block.timestamp)));
        refusesJail(2, 0);
        assertTrue(roundManager.jailedAt(first, 2, uint48(block.timestamp)));
    }

    // ------------------------------------------------------------------------------------------ electorate

    function test_jail_counts_from_the_next_snapshot() public {
        startRoundZero();
        uint256 time = silence(0); // T0(6) + 50: the snapshot of round 7 is past
        assertEq(time, t0(6) + 50);
        idle(6);
        vm.warp(t0(7) + 50);
        assertEq(roundManager.electorateStake(run, 7), 100);
        voteInclusion(7, 2, 0);
        idle(7);
        vm.warp(t0(8) + 50);
        (uint256 set, uint256 stake) = roundManager.electorate(run, 8);
        assertEq(set, 3);
        assertEq(stake, 80);
        assertEq(roundManager.seatedStake(run, 8), 100);
        vm.expectRevert(abi.encodeWithSelector(IRoundManager.RoundManagerNotInElectorate.selector, 2));
        voteInclusion(8, 2, 0);
        // What was computed before stays.
        assertEq(roundManager.electorateStake(run, 6), 100);
    }

    function test_jailed_in_the_second_of_the_snapshot_is_out() public {
        startRoundZero();
        liveFrom(0, 6, all(OTHERS));
        closeReveals(5);
        idle(6);
        vm.warp(t0(7) + 40);
        roundManager.jail(run, 2);
        vm.warp(t0(7) + 41);
        assertEq(roundManager.electorateStake(run, 8), 80);
        assertEq(roundManager.electorateStake(run, 7), 100);
    }

    // --------------------------------------------------------------------------------------------- return

    function test_return_after_two_rounds() public {
        startRoundZero();
        uint256 time = silence(0);
        vm.expectEmit(address(roundManager));
        emit IRoundManager.Returned(run, 2, uint48(time + 200));
        comeBack();
        (uint256 times, uint48 freeAt) = roundManager.jailing(run, 2);
        assertEq(times, 1);
        assertEq(freeAt, time + 200);
        vm.warp(time + 199);
        vm.expectRevert(abi.encodeWithSelector(IRoundManager.RoundManagerAlreadyReturning.selector, 2));
        comeBack();
        vm.expectRevert(abi.encodeWithSelector(IRoundManager.RoundManagerAlreadyJailed.selector, 2));
        roundManager.jail(run, 2);
        assertTrue(roundManager.jailedAt(run, 2, uint48(block.timestamp)));
        vm.warp(time + 200);
        assertFalse(roundManager.jailedAt(run, 2, uint48(block.timestamp)));
        vm.expectRevert(abi.encodeWithSelector(IRoundManager.RoundManagerNotJailed.selector, 2));
        comeBack();
        // History stays as it was.
        vm.warp(t0(20));
        assertEq(roundManager.electorateStake(run, 7), 100);
        assertEq(roundManager.electorateStake(run, 8), 80);
        assertEq(roundManager.electorateStake(run, 9), 80); // snapshot at T0(8) + 40
        assertEq(roundManager.electorateStake(run, 10), 100);
    }

    function test_return_is_for_the_jailed_hotkey() public {
        startRoundZero();
        vm.expectRevert(abi.encodeWithSelector(IRoundManager.RoundManagerNotJailed.selector, 2));
        comeBack();
        silence(0);
        vm.prank(coldkeyOf(2));
        vm.expectRevert(abi.encodeWithSelector(IRegistry.RegistryUnknownHotkey.selector, coldkeyOf(2)));
        roundManager.returnFromJail(run);
        vm.prank(hotkeyOf(1));
        vm.expectRevert(abi.encodeWithSelector(IRoundManager.RoundManagerNotJailed.selector, 1));
        roundManager.returnFromJail(run);
        vm.prank(hotkeyOf(2));
        vm.expectRevert(abi.encodeWithSelector(IRoundManager.RoundManagerNotJailed.selector, 2));
        roundManager.returnFromJail("x"); // a run that is not there
        comeBack();
    }

    /// @dev The jail pusher again: what was missed before the return, or in jail, is paid for.
    function test_what_led_to_jail_does_not_lead_there_again() public {
        startRoundZero();
        silence(0);
        comeBack();
        idle(6);
        liveFrom(7, 9, all(OTHERS));
        closeReveals(8);
        // Of the last eight rounds 2 missed all: six before its jail, one with a snapshot before it, one in it.
        assertFalse(roundManager.jailedAt(run, 2, uint48(block.timestamp)));
        refusesJail(2, 0);
    }

    function test_the_wait_doubles_up_to_the_longest() public {
        startRoundZero();
        uint64 first = 0;
        uint256[5] memory waits = [uint256(200), 400, 800, 800, 800];
        for (uint256 n = 0; n < waits.length; ++n) {
            uint256 time = silence(first);
            comeBack();
            (uint256 times, uint48 freeAt) = roundManager.jailing(run, 2);
            assertEq(times, n + 1);
            assertEq(freeAt, time + waits[n]);
            uint64 round = first + 6;
            first = uint64((freeAt - t0(0)) / 100) + 2;
            for (; round < first; ++round) {
                idle(round);
            }
        }
    }

    function test_unknown_run_has_no_jail() public {
        vm.expectRevert(abi.encodeWithSelector(IRunRegistry.RunRegistryUnknownRun.selector, bytes32("x")));
        roundManager.missed("x", 2);
        assertFalse(roundManager.jailedAt("x", 2, 0));
    }
}
