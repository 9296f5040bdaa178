// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Role} from "../../src/types/Neuron.sol";
import {Network} from "./Network.sol";

/// @dev Validators 0, 1, 2 with stake 50, 30, 20; miners 3, 4, 5. Offsets of a round: T1 40, audits 45, T2 70, T3 100.
abstract contract Rounds is Network {
    uint256 internal constant MINERS = 8 + 16 + 32;
    bytes32 internal constant ROOT = keccak256("next parameters");

    function setUp() public override {
        super.setUp();
        join(Role.Validator, 50);
        join(Role.Validator, 30);
        join(Role.Validator, 20);
        for (uint256 i = 0; i < 3; ++i) {
            join(Role.Miner, 0);
        }
        openRun();
    }

    function startRoundZero() internal {
        proveSlot(0);
        vm.warp(t0(0));
    }

    /// @dev Everybody commits, votes yes and agrees on ROOT, in `round`; slot `round` is proven.
    function playRound(uint64 round, bytes32 root) internal {
        warpTo(t0(round));
        for (uint16 uid = 3; uid < 6; ++uid) {
            commit(round, uid);
        }
        proveSlot(round + 1);
        for (uint16 uid = 0; uid < 3; ++uid) {
            voteInclusion(round, uid, MINERS);
        }
        vm.warp(t0(round) + 70);
        for (uint16 uid = 0; uid < 3; ++uid) {
            voteParameters(round, uid, root);
        }
    }
}
