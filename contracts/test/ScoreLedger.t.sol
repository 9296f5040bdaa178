// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ScoreLedger} from "../src/ScoreLedger.sol";
import {IRegistry} from "../src/interfaces/IRegistry.sol";
import {IRunRegistry} from "../src/interfaces/IRunRegistry.sol";
import {IScoreLedger} from "../src/interfaces/IScoreLedger.sol";
import {Finding} from "../src/types/Finding.sol";
import {Role} from "../src/types/Neuron.sol";
import {Network} from "./support/Network.sol";

/// @dev Validators 0 and 1 with stake 50 and 30, miner 2. Commit window [T0+50, T0+120), reveal [T0+120, T0+150).
contract ScoreLedgerTest is Network {
    uint16[] private weights;
    Finding[] private findings;

    function setUp() public override {
        super.setUp();
        join(Role.Validator, 50);
        join(Role.Validator, 30);
        join(Role.Miner, 0);
        openRun();
        for (uint16 i = 0; i < 20; ++i) {
            weights.push(1000 + i);
        }
        findings.push(Finding(2, 1, 0, "a"));
        findings.push(Finding(2, 2, 3, "b"));
        findings.push(Finding(255, 1, 1, "c"));
    }

    function expectWindow(uint256 opensAt, uint256 closesAt) private {
        vm.expectRevert(
            abi.encodeWithSelector(
                IScoreLedger.ScoreLedgerOutsideWindow.selector, block.timestamp, opensAt, closesAt
            )
        );
    }

    function commitNow() private {
        vm.warp(t0(0) + 50);
        commitScores(0, 0, weights, findings);
        vm.warp(t0(0) + 120);
    }

    function test_constructor_refuses_zero_addresses() public {
        vm.expectRevert(IScoreLedger.ScoreLedgerZeroAddress.selector);
        new ScoreLedger(IRegistry(address(0)), runRegistry);
        vm.expectRevert(IScoreLedger.ScoreLedgerZeroAddress.selector);
        new ScoreLedger(registry, IRunRegistry(address(0)));
    }

    function test_commit_then_reveal_stores_and_reports() public {
        bytes32 hash = keccak256(
            abi.encode(
                block.chainid,
                address(scoreLedger),
                run,
                uint64(0),
                uint16(0),
                weights,
                findings,
                bytes32("salt")
            )
        );
        vm.warp(t0(0) + 50);
        vm.expectEmit(address(scoreLedger));
        emit IScoreLedger.ScoresCommitted(run, 0, 0, hash);
        commitScores(0, 0, weights, findings);
        assertEq(scoreLedger.scoreHash(run, 0, 0), hash);
        assertEq(scoreLedger.revealed(run, 0), 0);

        vm.warp(t0(0) + 120);
        vm.expectEmit(address(scoreLedger));
        emit IScoreLedger.ScoresRevealed(run, 0, 0, weights, findings, 50);
        revealScores(0, 0, weights, findings);
        assertEq(scoreLedger.revealed(run, 0), 1);
        (uint256 failed, uint256 passed) = scoreLedger.findings(run, 0, 0);
        assertEq(failed, 4); // one fail outweighs a pass of the same validator
        assertEq(passed, 1 << 255);
        uint16[] memory uids = new uint16[](2);
        (uids[0], uids[1]) = (1, 0);
        uint256[] memory words = scoreLedger.weightWords(run, 0, uids, 0);
        assertEq(words[0], 0);
        for (uint256 k = 0; k < 16; ++k) {
            assertEq((words[1] >> (16 * k)) & 0xffff, 1000 + k);
        }
        words = scoreLedger.weightWords(run, 0, uids, 1);
        assertEq(words[1], (1019 << 48) | (1018 << 32) | (1017 << 16) | 1016);
    }

    function test_commit_window() public {
        uint256 start = t0(0);
        vm.warp(start + 49);
        expectWindow(start + 50, start + 120);
        vm.prank(hotkeyOf(0));
        scoreLedger.commitScores(run, 0, "h");
        vm.warp(start + 120);
        expectWindow(start + 50, start + 120);
        vm.prank(hotkeyOf(0));
        scoreLedger.commitScores(run, 0, "h");
        vm.warp(start + 119);
        vm.prank(hotkeyOf(0));
        scoreLedger.commitScores(run, 0, "h");
    }

    function test_reveal_window() public {
        uint256 start = t0(0);
        commitNow();
        vm.warp(start + 119);
        expectWindow(start + 120, start + 150);
        revealScores(0, 0, weights, findings);
        vm.warp(start + 150);
        expectWindow(start + 120, start + 150);
        revealScores(0, 0, weights, findings);
        vm.warp(start + 149);
        revealScores(0, 0, weights, findings);
    }

    function test_commit_refuses_misuse() public {
        vm.warp(t0(0) + 50);
        vm.startPrank(hotkeyOf(0));
        vm.expectRevert(IScoreLedger.ScoreLedgerZeroHash.selector);
        scoreLedger.commitScores(run, 0, 0);
        scoreLedger.commitScores(run, 0, "h");
        vm.expectRevert(abi.encodeWithSelector(IScoreLedger.ScoreLedgerAlreadyCommitted.selector, run, 0, 0));
        scoreLedger.commitScores(run, 0, "other");
        vm.stopPrank();
        vm.prank(hotkeyOf(2));
        vm.expectRevert(abi.encodeWithSelector(IScoreLedger.ScoreLedgerNotValidator.selector, 2));
        scoreLedger.commitScores(run, 0, "h");
        vm.expectRevert(abi.encodeWithSelector(IRegistry.RegistryUnknownHotkey.selector, address(this)));
        scoreLedger.commitScores(run, 0, "h");
        uint16 late = join(Role.Validator, 1000);
        vm.prank(hotkeyOf(late));
        vm.expectRevert(abi.encodeWithSelector(IScoreLedger.ScoreLedgerNoStake.selector, late));
        scoreLedger.commitScores(run, 0, "h");
        vm.expectRevert(abi.encodeWithSelector(IRunRegistry.RunRegistryUnknownRun.selector, bytes32("x")));
        scoreLedger.commitScores("x", 0, "h");
    }

    function test_reveal_must_match_the_commitment() public {
        commitNow();
        bytes32 expected = scoreLedger.scoreHash(run, 0, 0);
        uint16[] memory otherWeights = weights;
        otherWeights[0] += 1;
        Finding[] memory otherFindings = findings;
        otherFindings[0].verdict = 2;
        expectWrong(otherWeights, findings, "salt", expected);
        expectWrong(weights, otherFindings, "salt", expected);
        expectWrong(weights, findings, "pepper", expected);
        assertEq(scoreLedger.revealed(run, 0), 0);
    }

    function expectWrong(uint16[] memory w, Finding[] memory f, bytes32 salt, bytes32 expected) private {
        bytes32 given = scoreLedger.hashScores(run, 0, 0, w, f, salt);
        vm.expectRevert(abi.encodeWithSelector(IScoreLedger.ScoreLedgerWrongReveal.selector, given, expected));
        vm.prank(hotkeyOf(0));
        scoreLedger.revealScores(run, 0, w, f, salt);
    }

    function test_a_copied_commitment_cannot_be_revealed() public {
        vm.warp(t0(0) + 50);
        commitScores(0, 0, weights, findings);
        bytes32 copied = scoreLedger.scoreHash(run, 0, 0);
        vm.prank(hotkeyOf(1));
        scoreLedger.commitScores(run, 0, copied);
        vm.warp(t0(0) + 120);
        revealScores(0, 0, weights, findings);
        bytes32 own = scoreLedger.hashScores(run, 0, 1, weights, findings, "salt");
        vm.expectRevert(abi.encodeWithSelector(IScoreLedger.ScoreLedgerWrongReveal.selector, own, copied));
        revealScores(0, 1, weights, findings);
    }

    function test_reveal_once_and_only_after_a_commitment() public {
        commitNow();
        vm.expectRevert(abi.encodeWithSelector(IScoreLedger.ScoreLedgerNotCommitted.selector, run, 0, 1));
        revealScores(0, 1, weights, findings);
        revealScores(0, 0, weights, findings);
        vm.expectRevert(abi.encodeWithSelector(IScoreLedger.ScoreLedgerAlreadyRevealed.selector, run, 0, 0));
        revealScores(0, 0, weights, findings);
    }

    function commitAndExpect(uint16[] memory w, Finding[] memory f, bytes memory refusal) private {
        vm.warp(t0(0) + 50);
        commitScores(0, 0, w, f);
        vm.warp(t0(0) + 120);
        if (refusal.length != 0) vm.expectRevert(refusal);
        revealScores(0, 0, w, f);
    }

    function test_reveal_bounds_the_weights() public {
        commitAndExpect(
            new uint16[](257),
            findings,
            abi.encodeWithSelector(IScoreLedger.ScoreLedgerTooManyWeights.selector, 257)
        );
    }

    function test_reveal_takes_256_weights_and_512_findings() public {
        Finding[] memory f = new Finding[](512);
        for (uint16 i = 0; i < 512; ++i) {
            f[i] = Finding(i / 2, 1 + uint8(i % 2), 0, 0);
        }
        uint16[] memory w = new uint16[](256);
        w[255] = 65535;
        commitAndExpect(w, f, "");
        (uint256 failed, uint256 passed) = scoreLedger.findings(run, 0, 0);
        assertEq(failed, type(uint256).max);
        assertEq(passed, 0);
        assertEq(scoreLedger.weightWords(run, 0, new uint16[](1), 15)[0] >> 240, 65535);
    }

    function test_reveal_bounds_the_findings() public {
        commitAndExpect(
            weights,
            new Finding[](513),
            abi.encodeWithSelector(IScoreLedger.ScoreLedgerTooManyFindings.selector, 513)
        );
    }

    function test_reveal_refuses_an_unknown_verdict() public {
        findings[1].verdict = 3;
        commitAndExpect(
            weights, findings, abi.encodeWithSelector(IScoreLedger.ScoreLedgerBadFinding.selector, 1)
        );
    }

    function test_reveal_refuses_verdict_zero() public {
        findings[0].verdict = 0;
        commitAndExpect(
            weights, findings, abi.encodeWithSelector(IScoreLedger.ScoreLedgerBadFinding.selector, 0)
        );
    }

    function test_reveal_refuses_a_uid_beyond_the_slots() public {
        findings[2].uid = 256;
        commitAndExpect(
            weights, findings, abi.encodeWithSelector(IScoreLedger.ScoreLedgerBadFinding.selector, 2)
        );
    }

    /// forge-config: default.fuzz.runs = 32
    function test_packing_keeps_every_weight(uint16[] memory w) public {
        vm.assume(w.length <= 256);
        commitAndExpect(w, new Finding[](0), "");
        uint16[] memory uids = new uint16[](1);
        for (uint256 i = 0; i < 256; ++i) {
            uint256 word = scoreLedger.weightWords(run, 0, uids, i / 16)[0];
            assertEq((word >> (16 * (i % 16))) & 0xffff, i < w.length ? w[i] : 0);
        }
    }
}
