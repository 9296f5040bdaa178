// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {UidSet} from "../src/libraries/UidSet.sol";
import {Finding} from "../src/types/Finding.sol";
import {Role} from "../src/types/Neuron.sol";
import {Network} from "./support/Network.sol";
import {Test} from "forge-std/Test.sol";

/// @notice Four validators, some of them dust at times, and one miner play rounds as the dice fall: who speaks, for
/// which root, who moves stake, whose slot stays unproven. A stranger tries to jail everybody after every round.
contract RoundHandler is Network {
    uint64 public next;
    /// @dev What each accepted round had behind it, counted here by hand.
    uint256[] public behind;
    uint256[] public seated;
    uint256[] public electors;
    bool public isJailedWrongly;

    constructor() {
        setUp();
        for (uint256 i = 0; i < 4; ++i) {
            join(Role.Validator, 20 + i);
        }
        join(Role.Miner, 0);
        openRun();
        proveSlot(0);
    }

    function play(uint256 seed) external {
        uint64 round = next++;
        warpTo(t0(round));
        bool isOpen = roundManager.sigma(run, round) != 0 && seed % 8 != 0;
        if (isOpen) commit(round, 4);
        _reveal(round);
        if (isOpen) showKeys(round, 16);
        warpTo(roundManager.beaconTarget(run, round + 1));
        _jailAll();
        bool isProven = (seed >> 3) % 8 != 0;
        if (isProven) proveSlot(round + 1);
        for (uint16 uid = 0; uid < 4; ++uid) {
            _speak(round, uid, isOpen ? 16 : 0, seed >> (8 + 4 * uid));
        }
        _moveStake(seed >> 32);
        warpTo(t0(round) + 70);
        if (isProven) _voteParameters(round, seed >> 64);
    }

    function _speak(uint64 round, uint16 uid, uint256 set, uint256 dice) private {
        if (dice % 4 == 0 || !_isElector(round, uid)) return;
        voteInclusion(round, uid, set);
        commitScores(round, uid, new uint16[](0), new Finding[](0));
    }

    function _reveal(uint64 round) private {
        if (round == 0) return;
        warpTo(t0(round) + 20);
        for (uint16 uid = 0; uid < 4; ++uid) {
            if (scoreLedger.scoreHash(run, round - 1, uid) == 0) continue;
            revealScores(round - 1, uid, new uint16[](0), new Finding[](0));
        }
    }

    function _voteParameters(uint64 round, uint256 dice) private {
        uint256[2] memory voters;
        for (uint16 uid = 0; uid < 4; ++uid) {
            uint256 choice = (dice >> (2 * uid)) % 4;
            if (choice == 3 || !_isElector(round, uid)) continue;
            choice /= 2;
            voteParameters(round, uid, bytes32(choice + 1));
            voters[choice] = UidSet.with(voters[choice], uid);
        }
        (bool isAccepted, bytes32 root,) = roundManager.accepted(run, round);
        if (!isAccepted) return;
        uint48 time = uint48(roundManager.snapshot(run, round));
        behind.push(registry.totalStakeAt(voters[uint256(root) - 1], time));
        seated.push(_seatedAt(time));
        electors.push(roundManager.electorateStake(run, round));
    }

    /// @dev A stranger may jail only who has missed; the count by hand stands in test/Jail.t.sol.
    function _jailAll() private {
        for (uint16 uid = 0; uid < 4; ++uid) {
            uint256 missed = roundManager.missed(run, uid);
            bool wasJailed = roundManager.jailedAt(run, uid, uint48(block.timestamp));
            try roundManager.jail(run, uid) {
                if (missed < 6 || wasJailed) isJailedWrongly = true;
                vm.prank(hotkeyOf(uid));
                roundManager.returnFromJail(run);
            } catch {}
        }
    }

    function _moveStake(uint256 dice) private {
        uint16 uid = uint16(dice % 4);
        uint256 has = registry.stakeOf(uid);
        if ((dice >> 2) % 2 == 0) {
            addStake(uid, 1 + (dice >> 3) % 30);
        } else if (has > 1) {
            vm.prank(coldkeyOf(uid));
            registry.requestUnstake(uid, 1 + (dice >> 3) % (has - 1));
        }
    }

    function _isElector(uint64 round, uint16 uid) private view returns (bool) {
        (uint256 set,) = roundManager.electorate(run, round);
        // Whoever has left since the snapshot can still vote, but not bind scores, which look at T0.
        return UidSet.contains(set, uid) && registry.stakeAt(uid, uint48(t0(round))) != 0;
    }

    function _seatedAt(uint48 time) private view returns (uint256 sum) {
        for (uint16 uid = 0; uid < 4; ++uid) {
            uint256 stake = registry.stakeAt(uid, time);
            if (stake >= 10) sum += stake;
        }
    }

    function acceptedCount() external view returns (uint256) {
        return behind.length;
    }
}

contract RoundInvariantsTest is Test {
    RoundHandler private rounds;

    function setUp() public {
        rounds = new RoundHandler();
        bytes4[] memory moves = new bytes4[](1);
        moves[0] = RoundHandler.play.selector;
        targetSelector(FuzzSelector(address(rounds), moves));
        targetContract(address(rounds));
    }

    /// forge-config: default.invariant.runs = 16
    /// forge-config: default.invariant.fail-on-revert = true
    function invariant_accepted_roots_have_half_of_the_seated_and_two_thirds_of_the_electors() public view {
        for (uint256 i = 0; i < rounds.acceptedCount(); ++i) {
            assertGe(rounds.behind(i) * 2, rounds.seated(i));
            assertGe(rounds.behind(i) * 3, rounds.electors(i) * 2);
            assertLe(rounds.electors(i), rounds.seated(i));
        }
        assertFalse(rounds.isJailedWrongly());
    }
}
