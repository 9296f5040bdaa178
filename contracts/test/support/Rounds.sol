// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {UidSet} from "../../src/libraries/UidSet.sol";
import {Role} from "../../src/types/Neuron.sol";
import {Network} from "./Network.sol";

/// @dev Validators 0, 1, 2 with stake 50, 30, 20; miners 3, 4, 5. Offsets of a
/// round: T1 40, TK 45, beacon 50, T2 70, T3 100, ballots 120, reveals 150.
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
        playRound(round, root, 7);
    }

    /// @dev As above, but only some of the validators speak.
    function playRound(uint64 round, bytes32 root, uint256 validators) internal {
        openVotes(round);
        uint16[] memory uids = UidSet.toArray(validators);
        for (uint256 i = 0; i < uids.length; ++i) {
            voteInclusion(round, uids[i], MINERS);
        }
        warpTo(t0(round) + 70);
        for (uint256 i = 0; i < uids.length; ++i) {
            voteParameters(round, uids[i], root);
        }
    }

    /// @dev The miners commit and show their keys, and the next slot is proven.
    function openVotes(uint64 round) internal {
        warpTo(t0(round));
        for (uint16 uid = 3; uid < 6; ++uid) {
            commit(round, uid);
        }
        showKeys(round, MINERS);
        proveSlot(round + 1);
    }

    /// @dev Miner 3 alone commits and shows its key, and the next slot is proven.
    function openVotesOnOne(uint64 round) internal {
        warpTo(t0(round));
        commit(round, 3);
        showKeys(round, 8);
        proveSlot(round + 1);
    }
}
