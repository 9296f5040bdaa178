// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Commitment} from "../src/types/Commitment.sol";
import {Finding} from "../src/types/Finding.sol";
import {Role} from "../src/types/Neuron.sol";
import {Network} from "./support/Network.sol";

/// @notice What each transaction of a round costs; snapshots/ holds the figures, and a change shows in the diff.
/// @dev Figures are execution gas of the call, without the 21000 and the calldata of a transaction.
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
        proveSlot(1);
        for (uint16 i = 0; i < validators; ++i) {
            voteInclusion(0, i, set);
            if (i == 0) record(string.concat("voteInclusion, first of ", size));
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
