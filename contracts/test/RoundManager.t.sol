// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {RoundManager} from "../src/RoundManager.sol";
import {IRegistry} from "../src/interfaces/IRegistry.sol";
import {IRoundManager} from "../src/interfaces/IRoundManager.sol";
import {IRunRegistry} from "../src/interfaces/IRunRegistry.sol";
import {IScoreLedger} from "../src/interfaces/IScoreLedger.sol";
import {Commitment} from "../src/types/Commitment.sol";
import {Role} from "../src/types/Neuron.sol";
import {RunTerms} from "../src/types/RunTerms.sol";
import {Rounds} from "./support/Rounds.sol";

contract RoundManagerTest is Rounds {
    function expectWindow(uint256 opensAt, uint256 closesAt) private {
        vm.expectRevert(
            abi.encodeWithSelector(
                IRoundManager.RoundManagerOutsideWindow.selector, block.timestamp, opensAt, closesAt
            )
        );
    }

    function test_constructor_refuses_zero_addresses() public {
        vm.expectRevert(IRoundManager.RoundManagerZeroAddress.selector);
        new RoundManager(IRegistry(address(0)), runRegistry, scoreLedger);
        vm.expectRevert(IRoundManager.RoundManagerZeroAddress.selector);
        new RoundManager(registry, IRunRegistry(address(0)), scoreLedger);
        vm.expectRevert(IRoundManager.RoundManagerZeroAddress.selector);
        new RoundManager(registry, runRegistry, IScoreLedger(address(0)));
        assertEq(address(roundManager.scoreLedger()), address(scoreLedger));
    }

    function test_phase_times() public view {
        uint256 start = GENESIS + 100;
        assertEq(roundManager.t0(run, 0), start);
        assertEq(roundManager.t1(run, 0), start + 40);
        assertEq(roundManager.keysClose(run, 0), start + 45);
        assertEq(roundManager.t2(run, 0), start + 70);
        assertEq(roundManager.t3(run, 0), start + 100);
        assertEq(roundManager.t0(run, 3), start + 300);
        assertEq(roundManager.beaconTarget(run, 0), start - 10);
        assertEq(roundManager.beaconDeadline(run, 0), start + 40);
        assertEq(roundManager.snapshot(run, 0), start - 11);
        assertEq(roundManager.snapshot(run, 3), start + 240);
        assertEq(roundManager.beaconTarget(run, 3), start + 250);
        assertEq(roundManager.beaconDeadline(run, 3), start + 270);
        assertEq(roundManager.t3(run, type(uint64).max), start + (uint256(type(uint64).max) + 1) * 100);
    }

    function test_current_round() public {
        (bool started, uint64 round) = roundManager.currentRound(run);
        assertFalse(started);
        vm.warp(t0(2) - 1);
        (started, round) = roundManager.currentRound(run);
        assertTrue(started);
        assertEq(round, 1);
        vm.warp(t0(2));
        (, round) = roundManager.currentRound(run);
        assertEq(round, 2);
    }

    function test_unknown_run() public {
        bytes memory refusal =
            abi.encodeWithSelector(IRunRegistry.RunRegistryUnknownRun.selector, bytes32("x"));
        vm.expectRevert(refusal);
        roundManager.t0("x", 0);
        vm.expectRevert(refusal);
        roundManager.proveBeacon("x", 0, "", "");
        vm.expectRevert(refusal);
        roundManager.voteInclusion("x", 0, 0, 0);
        vm.expectRevert(refusal);
        roundManager.showKeys("x", 0, new uint32[](0), new bytes32[](0));
        vm.expectRevert(refusal);
        roundManager.jail("x", 0);
        vm.expectRevert(refusal);
        roundManager.voteParameters("x", 0, ROOT, 0);
        vm.expectRevert(refusal);
        roundManager.baseRoot("x", 0);
        Commitment memory c = commitment(0, 3);
        c.run = "x";
        vm.expectRevert(refusal);
        roundManager.commitArtifact(c, "");
    }

    // ------------------------------------------------------------------------------------------ commits

    function test_commit_stores_and_reports() public {
        startRoundZero();
        Commitment memory c = commitment(0, 4);
        bytes32 digest = roundManager.hashCommitment(c);
        bytes memory signature = sign(keyOf(4), digest);
        vm.expectEmit(address(roundManager));
        emit IRoundManager.ArtifactCommitted(run, 0, 4, c, signature);
        vm.prank(address(0xABCD)); // anyone may bring it
        roundManager.commitArtifact(c, signature);
        assertEq(roundManager.committed(run, 0), 16);
        assertEq(roundManager.commitmentDigest(run, 0, 4), digest);
        assertEq(roundManager.commitmentDigest(run, 0, 3), 0);
        assertEq(roundManager.commitmentRoot(run, 0, 4), c.root);
        assertEq(roundManager.commitmentRoot(run, 0, 3), 0);
        assertEq(roundManager.keyed(run, 0), 0);
    }

    function test_commit_window_is_t0_to_t1() public {
        proveSlot(0);
        Commitment memory c = commitment(0, 3);
        bytes memory signature = sign(keyOf(3), roundManager.hashCommitment(c));
        uint256 start = t0(0);
        vm.warp(start - 1);
        expectWindow(start, start + 40);
        roundManager.commitArtifact(c, signature);
        vm.warp(start + 40);
        expectWindow(start, start + 40);
        roundManager.commitArtifact(c, signature);
        vm.warp(start + 39);
        roundManager.commitArtifact(c, signature);
    }

    function test_commit_refuses_equivocation_and_replay() public {
        startRoundZero();
        commit(0, 3);
        Commitment memory c = commitment(0, 3);
        bytes memory same = sign(keyOf(3), roundManager.hashCommitment(c));
        bytes memory refusal =
            abi.encodeWithSelector(IRoundManager.RoundManagerAlreadyCommitted.selector, run, 0, 3);
        vm.expectRevert(refusal);
        roundManager.commitArtifact(c, same);
        c.root = keccak256("another");
        bytes memory other = sign(keyOf(3), roundManager.hashCommitment(c));
        vm.expectRevert(refusal);
        roundManager.commitArtifact(c, other);
    }

    function test_commit_refuses_any_changed_field() public {
        startRoundZero();
        Commitment memory c = commitment(0, 3);
        bytes memory signature = sign(keyOf(3), roundManager.hashCommitment(c));
        for (uint256 field = 0; field < 5; ++field) {
            Commitment memory changed = commitment(0, 3);
            if (field == 0) changed.root ^= bytes32(uint256(1));
            if (field == 1) changed.ciphertextHash ^= bytes32(uint256(1));
            if (field == 2) changed.keyHash ^= bytes32(uint256(1));
            if (field == 3) ++changed.size;
            if (field == 4) changed.id = 4;
            vm.expectRevert(
                abi.encodeWithSelector(IRoundManager.RoundManagerBadSignature.selector, changed.id)
            );
            roundManager.commitArtifact(changed, signature);
        }
        vm.expectRevert(abi.encodeWithSelector(IRoundManager.RoundManagerBadSignature.selector, 3));
        roundManager.commitArtifact(c, "");
        vm.expectRevert(abi.encodeWithSelector(IRoundManager.RoundManagerBadSignature.selector, 3));
        roundManager.commitArtifact(c, new bytes(65));
    }

    function test_commit_needs_the_rounds_beacon_and_base_root() public {
        vm.warp(t0(0));
        Commitment memory c = commitment(0, 3);
        vm.expectRevert(abi.encodeWithSelector(IRoundManager.RoundManagerNoBeacon.selector, run, 0));
        roundManager.commitArtifact(c, "");

        proveSlot(0);
        vm.expectRevert(
            abi.encodeWithSelector(
                IRoundManager.RoundManagerWrongRho.selector, bytes32(0), roundManager.rho(run, 0)
            )
        );
        roundManager.commitArtifact(c, "");
        c = commitment(0, 3);
        c.baseRoot = "x";
        vm.expectRevert(
            abi.encodeWithSelector(
                IRoundManager.RoundManagerWrongBaseRoot.selector, bytes32("x"), keccak256("genesis")
            )
        );
        roundManager.commitArtifact(c, "");
    }

    function refusesCommit(Commitment memory c, bytes memory refusal) private {
        vm.expectRevert(refusal);
        roundManager.commitArtifact(c, "");
    }

    function test_commit_is_for_miners_of_the_roster() public {
        vm.warp(roundManager.snapshot(run, 0));
        uint16 inTime = join(Role.Miner, 0);
        vm.warp(roundManager.snapshot(run, 0) + 1);
        uint16 late = join(Role.Miner, 0);
        startRoundZero();
        refusesCommit(
            commitment(0, 0), abi.encodeWithSelector(IRoundManager.RoundManagerNotMiner.selector, 0)
        );
        refusesCommit(commitment(0, 77), abi.encodeWithSelector(IRegistry.RegistryUnknownUid.selector, 77));
        refusesCommit(
            commitment(0, 256), abi.encodeWithSelector(IRoundManager.RoundManagerNotMiner.selector, 256)
        );
        Commitment memory c = commitment(0, 3);
        c.id = (1 << 16) + 3; // no uid when cut to 16 bits
        refusesCommit(c, abi.encodeWithSelector(IRoundManager.RoundManagerNotMiner.selector, (1 << 16) + 3));
        refusesCommit(
            commitment(0, late),
            abi.encodeWithSelector(IRoundManager.RoundManagerNotInRoster.selector, late, t0(0) - 10)
        );
        commit(0, inTime);
        proveSlot(1);
        vm.warp(t0(1));
        commit(1, late);
    }

    function test_commit_names_the_runs_segments() public {
        startRoundZero();
        Commitment memory c = commitment(0, 3);
        c.segments = 5;
        refusesCommit(c, abi.encodeWithSelector(IRoundManager.RoundManagerWrongSegments.selector, 5, 6));
        c.segments = 7;
        refusesCommit(c, abi.encodeWithSelector(IRoundManager.RoundManagerWrongSegments.selector, 7, 6));
    }

    function test_commit_ends_with_the_run() public {
        RunTerms memory terms = defaultTerms();
        terms.lastRound = 1;
        vm.prank(creator);
        run = runRegistry.createRun("short", terms);
        startRoundZero();
        commit(0, 3);
        proveSlot(1);
        vm.warp(t0(1));
        commit(1, 3);
        proveSlot(2);
        vm.warp(t0(2));
        refusesCommit(
            commitment(2, 3), abi.encodeWithSelector(IRoundManager.RoundManagerRunEnded.selector, 2, 1)
        );
    }

    function test_commitment_digest_is_eip712() public view {
        Commitment memory c = commitment(0, 3);
        bytes32 domain = keccak256(
            abi.encode(
                keccak256(
                    "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
                ),
                keccak256("Covenant"),
                keccak256("1"),
                block.chainid,
                address(roundManager)
            )
        );
        bytes32 typeHash = keccak256(
            "Commitment(bytes32 run,uint64 round,uint32 id,bytes32 rho,bytes32 baseRoot,bytes32 root,bytes32 ciphertextHash,uint64 size,bytes32 keyHash,uint16 segments)"
        );
        bytes memory left = abi.encode(typeHash, c.run, uint256(c.round), uint256(c.id), c.rho, c.baseRoot);
        bytes memory right =
            abi.encode(c.root, c.ciphertextHash, uint256(c.size), c.keyHash, uint256(c.segments));
        assertEq(
            roundManager.hashCommitment(c),
            keccak256(abi.encodePacked(hex"1901", domain, keccak256(bytes.concat(left, right))))
        );
    }

    // ----------------------------------------------------------------------------------------- inclusion

    function test_inclusion_vote_reports_and_decides_at_two_thirds() public {
        startRoundZero();
        openVotes(0);
        vm.expectEmit(address(roundManager));
        emit IRoundManager.InclusionVoted(run, 0, 0, 8 + 16, 32, 50);
        voteInclusion(0, 0, 8 + 16, 32);
        assertEq(roundManager.included(run, 0), 0); // 50 of 100
        voteInclusion(0, 2, 8);
        assertEq(roundManager.included(run, 0), 8); // 70 of 100
        voteInclusion(0, 1, 16);
        assertEq(roundManager.included(run, 0), 8 + 16); // 80 of 100
        assertEq(roundManager.inclusionVoters(run, 0), 7);
        (uint256 set, uint256 suspect) = roundManager.inclusionVote(run, 0, 0);
        assertEq(set, 24);
        assertEq(suspect, 32);
        assertEq(roundManager.electorateStake(run, 0), 100);
        (set,) = roundManager.electorate(run, 0);
        assertEq(set, 7);
    }

    function test_exactly_two_thirds_is_enough() public {
        addStake(1, 10); // stakes 50, 40, 20 of 110
        vm.prank(coldkeyOf(0));
        registry.requestUnstake(0, 30); // 20, 40, 20 of 80
        addStake(2, 40); // 20, 40, 60 of 120: 0 and 2 have 80 = 2/3
        startRoundZero();
        openVotesOnOne(0);
        voteInclusion(0, 0, 8);
        voteInclusion(0, 2, 8);
        assertEq(roundManager.included(run, 0), 8);
    }

    function test_inclusion_window_is_beacon_target_to_t2() public {
        startRoundZero();
        uint256 start = t0(0);
        vm.warp(start + 49);
        expectWindow(start + 50, start + 70);
        voteInclusion(0, 0, 0);
        vm.warp(start + 70);
        expectWindow(start + 50, start + 70);
        voteInclusion(0, 0, 0);
        vm.warp(start + 50);
        voteInclusion(0, 0, 0);
        vm.warp(start + 69);
        voteInclusion(0, 1, 0);
    }

    function refusesInclusion(uint16 uid, uint256 set, uint256 suspect, bytes memory refusal) private {
        vm.expectRevert(refusal);
        voteInclusion(0, uid, set, suspect);
    }

    function test_inclusion_refuses_misuse() public {
        startRoundZero();
        commit(0, 3);
        commit(0, 4);
        showKeys(0, 8);
        vm.warp(t0(0) + 50);
        // Committed is not enough, neither to be included nor to be suspected.
        bytes memory refusal = abi.encodeWithSelector(IRoundManager.RoundManagerNotKeyed.selector, 8 + 16, 8);
        refusesInclusion(0, 8 + 16, 0, refusal);
        refusesInclusion(0, 8, 16, refusal);
        refusesInclusion(
            3, 8, 0, abi.encodeWithSelector(IRoundManager.RoundManagerNotInElectorate.selector, 3)
        );
        vm.expectRevert(abi.encodeWithSelector(IRegistry.RegistryUnknownHotkey.selector, address(this)));
        roundManager.voteInclusion(run, 0, 8, 0);
        voteInclusion(0, 0, 8);
        refusesInclusion(
            0, 8, 0, abi.encodeWithSelector(IRoundManager.RoundManagerAlreadyVoted.selector, run, 0, 0)
        );
    }

    function test_included_is_nothing_without_votes() public {
        startRoundZero();
        openVotesOnOne(0);
        assertEq(roundManager.included(run, 0), 0);
        assertEq(roundManager.suspected(run, 0), 0);
        assertEq(roundManager.included(run, 99), 0);
        assertEq(roundManager.suspected(run, 99), 0);
    }

    // ---------------------------------------------------------------------------------------- parameters

    function test_parameters_are_accepted_at_two_thirds() public {
        startRoundZero();
        openVotesOnOne(0);
        voteInclusion(0, 0, 8);
        vm.warp(t0(0) + 70);
        vm.expectEmit(address(roundManager));
        emit IRoundManager.ParametersVoted(run, 0, 0, ROOT, 7, 50);
        voteParameters(0, 0, ROOT);
        (bool isAccepted,,) = roundManager.accepted(run, 0);
        assertFalse(isAccepted);
        vm.expectEmit(address(roundManager));
        emit IRoundManager.ParametersVoted(run, 0, 1, ROOT, 7, 30);
        vm.expectEmit(address(roundManager));
        emit IRoundManager.ParametersAccepted(run, 0, ROOT, 7);
        voteParameters(0, 1, ROOT);
        voteParameters(0, 2, ROOT); // late agreement changes nothing
        (bool yes, bytes32 root, uint32 loss) = roundManager.accepted(run, 0);
        assertTrue(yes);
        assertEq(root, ROOT);
        assertEq(loss, 7);
        assertEq(roundManager.parametersStake(run, 0, ROOT, 7), 100);
        assertEq(roundManager.parametersVoters(run, 0), 7);
        assertEq(roundManager.baseRoot(run, 0), keccak256("genesis"));
        assertEq(roundManager.baseRoot(run, 1), ROOT);
        assertEq(roundManager.baseRoot(run, type(uint64).max), ROOT);
    }

    function test_agreement_is_on_root_and_loss_together() public {
        startRoundZero();
        proveSlot(1);
        vm.warp(t0(0) + 70);
        voteParameters(0, 0, ROOT);
        vm.prank(hotkeyOf(1));
        roundManager.voteParameters(run, 0, ROOT, 8);
        voteParameters(0, 2, keccak256("other"));
        (bool isAccepted,,) = roundManager.accepted(run, 0);
        assertFalse(isAccepted);
        assertEq(roundManager.parametersStake(run, 0, ROOT, 7), 50);
        assertEq(roundManager.parametersStake(run, 0, ROOT, 8), 30);
    }

    function test_parameters_window_is_t2_to_t3() public {
        startRoundZero();
        proveSlot(1);
        uint256 start = t0(0);
        vm.warp(start + 69);
        expectWindow(start + 70, start + 100);
        voteParameters(0, 0, ROOT);
        vm.warp(start + 100);
        expectWindow(start + 70, start + 100);
        voteParameters(0, 0, ROOT);
        vm.warp(start + 99);
        voteParameters(0, 0, ROOT);
        voteParameters(0, 1, ROOT);
        (bool isAccepted,,) = roundManager.accepted(run, 0);
        assertTrue(isAccepted);
    }

    function test_parameters_refuse_misuse() public {
        startRoundZero();
        proveSlot(1);
        vm.warp(t0(0) + 70);
        vm.expectRevert(IRoundManager.RoundManagerZeroRoot.selector);
        voteParameters(0, 0, 0);
        vm.expectRevert(abi.encodeWithSelector(IRoundManager.RoundManagerNotInElectorate.selector, 3));
        voteParameters(0, 3, ROOT);
        voteParameters(0, 0, ROOT);
        vm.expectRevert(abi.encodeWithSelector(IRoundManager.RoundManagerAlreadyVoted.selector, run, 0, 0));
        voteParameters(0, 0, ROOT);
    }

    function test_parameters_may_be_those_of_an_earlier_round() public {
        startRoundZero();
        playRound(0, ROOT);
        playRound(1, keccak256("poisoned"));
        playRound(2, ROOT);
        assertEq(roundManager.baseRoot(run, 3), ROOT);
        playRound(3, keccak256("genesis"));
        assertEq(roundManager.baseRoot(run, 4), keccak256("genesis"));
    }
}
