// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Commitment} from "../src/types/Commitment.sol";
import {Finding} from "../src/types/Finding.sol";
import {Role} from "../src/types/Neuron.sol";
import {Network} from "./support/Network.sol";

/// @notice What each transaction of a round costs; snapshots/ holds the figures, and a change shows in the diff.
/// @dev Every call is a transaction of its own here (isolate in foundry.toml): nothing is warm from the call before,
/// and the figures are what a sender pays, the 21000 and the calldata included.
contract GasTest is Network {
    uint256 private constant TX_CAP = 16_777_216;

    function record(string memory name) private {
        assertLt(vm.snapshotGasLastCall("rounds", name), TX_CAP, name);
    }

    function play(uint256 validators, uint256 miners, uint256 page, string memory size) private {
        for (uint256 i = 0; i < validators; ++i) {
            join(Role.Validator, (i + 1) * 1e18);
        }
        for (uint256 i = 0; i < miners; ++i) {
            join(Role.Miner, 0);
        }
        openRun();
        proveSlot(0);
        vm.warp(t0(0));
        uint256 set = 0;
        for (uint256 i = 0; i < miners; ++i) {
            commit(0, uint16(validators + i));
            set |= uint256(1) << (validators + i);
        }
        showKeys(0, set);
        record(string.concat("showKeys, ", size));
        proveSlot(1);
        for (uint16 i = 0; i < validators; ++i) {
            voteInclusion(0, i, set);
            if (i == 0) record(string.concat("voteInclusion, first of ", size));
            if (i == 1) record(string.concat("voteInclusion, second of ", size));
            commitScores(0, i, row(validators, miners, i), findings(validators, miners));
        }
        vm.warp(t0(0) + 70);
        for (uint16 i = 0; i < validators; ++i) {
            voteParameters(0, i, "next");
        }
        vm.warp(t0(0) + 120);
        for (uint16 i = 0; i < validators; ++i) {
            revealScores(0, i, row(validators, miners, i), findings(validators, miners));
            if (i == 0) record(string.concat("revealScores, ", size));
        }
        vm.warp(t0(0) + 150);
        emissions.settle(run, 0, 1);
        record(string.concat("settle, opening and one uid of ", size));
        emissions.settle(run, 0, page);
        record(string.concat("settle, second page of ", size));
        while (!emissions.settled(run, 0)) {
            emissions.settle(run, 0, page);
            assertLt(vm.lastCallGas().gasTotalUsed, TX_CAP);
        }
    }

    /// @dev Random, so that no order is favoured.
    function row(uint256 validators, uint256 miners, uint256 i) private pure returns (uint16[] memory w) {
        w = new uint16[](validators + miners);
        for (uint256 j = 0; j < miners; ++j) {
            w[validators + j] = uint16(uint256(keccak256(abi.encode(i, j))));
        }
    }

    function findings(uint256 validators, uint256 miners) private pure returns (Finding[] memory f) {
        f = new Finding[](miners);
        for (uint256 j = 0; j < miners; ++j) {
            f[j] = Finding(uint16(validators + j), j % 2 == 0 ? 1 : 2, 0, bytes32(j));
        }
    }

    function test_gas_of_a_devnet_round() public {
        play(3, 3, 256, "3 validators 3 miners");
    }

    function test_gas_of_a_small_round() public {
        play(8, 64, 256, "8 validators 64 miners, page 256");
    }

    function test_gas_of_the_largest_round() public {
        play(64, 192, 32, "64 validators 192 miners, page 32");
    }

    /// @dev The worst that jail can meet at the largest size: eight rounds in which everybody voted on inclusion, the
    /// accused left out parameters only, of 192 miners the last alone is included, by one vote, and nearly the whole
    /// supply is staked in numbers without a zero in binary.
    function test_gas_of_the_dearest_jail() public {
        for (uint256 i = 0; i < 64; ++i) {
            join(Role.Validator, 2 ** 78 - 1);
        }
        for (uint256 i = 0; i < 192; ++i) {
            join(Role.Miner, 0);
        }
        openRun();
        proveSlot(0);
        uint256 miners = ~((uint256(1) << 64) - 1);
        for (uint64 round = 0; round < 8; ++round) {
            warpTo(t0(round));
            for (uint16 uid = 64; uid < 256; ++uid) {
                commit(round, uid);
            }
            warpTo(t0(round) + 20);
            if (round != 0) revealScores(round - 1, 0, new uint16[](0), new Finding[](0));
            showKeys(round, miners);
            proveSlot(round + 1);
            for (uint16 i = 0; i < 64; ++i) {
                voteInclusion(round, i, i < 42 ? miners : i == 42 ? uint256(1) << 255 : 0, miners);
            }
            commitScores(round, 0, new uint16[](0), new Finding[](0));
        }
        warpTo(t0(7) + 70);
        assertEq(roundManager.included(run, 7), uint256(1) << 255);
        record("included, 64 validators 192 miners");
        roundManager.suspected(run, 7);
        record("suspected, 64 validators 192 miners");
        warpTo(t0(8) + 20);
        revealScores(7, 0, new uint16[](0), new Finding[](0));
        warpTo(t0(8) + 50);
        roundManager.jail(run, 0);
        record("jail, 64 validators 192 miners");
        vm.prank(hotkeyOf(0));
        roundManager.returnFromJail(run);
        record("returnFromJail");
    }

    function test_gas_of_single_calls() public {
        join(Role.Validator, 100e18);
        record("addStake");
        join(Role.Miner, 0);
        record("register");
        openRun();
        record("createRun");
        warpTo(roundManager.beaconTarget(run, 0));
        (bytes memory header, bytes memory parent) = blocksFor(0);
        roundManager.proveBeacon(run, 0, header, parent);
        record("proveBeacon");
        vm.warp(t0(0));
        Commitment memory c = commitment(0, 1);
        bytes memory signature = sign(keyOf(1), roundManager.hashCommitment(c));
        roundManager.commitArtifact(c, signature);
        record("commitArtifact");
        showKeys(0, 2);
        record("showKeys");
        proveSlot(1);
        voteInclusion(0, 0, 2);
        record("voteInclusion");
        uint16[] memory weights = row(1, 1, 0);
        commitScores(0, 0, weights, findings(1, 1));
        record("commitScores");
        vm.warp(t0(0) + 70);
        voteParameters(0, 0, "next");
        record("voteParameters, accepting");
        vm.warp(t0(0) + 120);
        revealScores(0, 0, weights, findings(1, 1));
        record("revealScores");
        vm.warp(t0(0) + 150);
        emissions.settle(run, 0, 10);
        record("settle");
        emissions.claim(1);
        record("claim");
    }
}
