// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IRoundManager} from "../src/interfaces/IRoundManager.sol";
import {HeaderProof} from "../src/libraries/HeaderProof.sol";
import {RunTerms} from "../src/types/RunTerms.sol";
import {Headers} from "./support/Headers.sol";
import {Network} from "./support/Network.sol";
import {BlockHeader} from "@openzeppelin/contracts/utils/BlockHeader.sol";
import {Blockhash} from "@openzeppelin/contracts/utils/Blockhash.sol";
import {RLP} from "@openzeppelin/contracts/utils/RLP.sol";

contract BeaconTest is Network {
    function setUp() public override {
        super.setUp();
        openRun();
    }

    function expectWindow(uint64 slot) private {
        vm.expectRevert(
            abi.encodeWithSelector(
                IRoundManager.RoundManagerOutsideWindow.selector,
                block.timestamp,
                roundManager.beaconTarget(run, slot),
                roundManager.beaconDeadline(run, slot)
            )
        );
    }

    function test_proof_gives_sigma_and_rho() public {
        vm.warp(GENESIS + 95);
        (bytes memory header, bytes memory parent) = blocksFor(0);
        bytes32 expected = sha256(abi.encodePacked("aud", randaoOf(0), hex"0000000000000000"));
        vm.expectEmit(address(roundManager));
        emit IRoundManager.BeaconProven(run, 0, 1001, randaoOf(0), expected);
        roundManager.proveBeacon(run, 0, header, parent);
        assertEq(roundManager.sigma(run, 0), expected);
        assertEq(roundManager.rho(run, 0), sha256(abi.encodePacked("rho", expected, hex"0000000000000000")));
    }

    function test_rho_needs_the_rounds_own_slot() public {
        assertEq(roundManager.rho(run, 0), 0);
        proveSlot(0);
        proveSlot(1);
        proveSlot(3); // slot 2 is missing
        bytes32[4] memory s;
        for (uint64 i = 0; i < 4; ++i) {
            s[i] = roundManager.sigma(run, i);
        }
        assertEq(s[2], 0);
        assertEq(roundManager.rho(run, 0), sha256(abi.encodePacked("rho", s[0], uint64(0))));
        assertEq(roundManager.rho(run, 1), sha256(abi.encodePacked("rho", s[1], uint64(1))));
        assertEq(roundManager.rho(run, 2), 0);
        assertEq(roundManager.rho(run, 3), sha256(abi.encodePacked("rho", s[3], uint64(3))));
        assertEq(roundManager.rho(run, 4), 0);
        assertEq(roundManager.rho(run, type(uint64).max), 0);
    }

    function test_window_of_each_slot() public {
        vm.warp(GENESIS + 89);
        expectWindow(0);
        roundManager.proveBeacon(run, 0, "", "");
        vm.warp(roundManager.t1(run, 0));
        expectWindow(0);
        roundManager.proveBeacon(run, 0, "", "");
        vm.warp(roundManager.t1(run, 0) + 9);
        expectWindow(1);
        roundManager.proveBeacon(run, 1, "", "");
        vm.warp(roundManager.t2(run, 0));
        expectWindow(1);
        roundManager.proveBeacon(run, 1, "", "");
        vm.warp(roundManager.t2(run, 1) - 1);
        proveSlot(2);
        assertNotEq(roundManager.sigma(run, 2), 0);
    }

    function test_a_slot_is_proven_once() public {
        proveSlot(0);
        (bytes memory header, bytes memory parent) = blocksFor(0);
        vm.expectRevert(abi.encodeWithSelector(IRoundManager.RoundManagerAlreadyProven.selector, run, 0));
        roundManager.proveBeacon(run, 0, header, parent);
    }

    function test_refuses_a_header_that_is_not_of_this_chain() public {
        vm.warp(GENESIS + 95);
        bytes memory parent = Headers.encode(998, GENESIS + 89, 0, 0);
        bytes memory header = Headers.encode(999, GENESIS + 90, "chosen", keccak256(parent));
        vm.expectRevert(abi.encodeWithSelector(HeaderProof.HeaderProofUnknownBlock.selector, 999));
        roundManager.proveBeacon(run, 0, header, parent);
        // Neither the present block nor a future one has a hash.
        for (uint256 number = 1000; number < 1003; ++number) {
            header = Headers.encode(number, GENESIS + 90, "chosen", keccak256(parent));
            vm.expectRevert(abi.encodeWithSelector(HeaderProof.HeaderProofUnknownBlock.selector, number));
            roundManager.proveBeacon(run, 0, header, parent);
        }
    }

    function test_refuses_a_parent_of_another_block() public {
        vm.warp(GENESIS + 95);
        (bytes memory header, bytes memory parent) = blocksFor(0);
        bytes memory other = Headers.encode(1000, GENESIS + 88, 0, 0);
        vm.expectRevert(
            abi.encodeWithSelector(
                HeaderProof.HeaderProofWrongParent.selector, keccak256(other), keccak256(parent)
            )
        );
        roundManager.proveBeacon(run, 0, header, other);
    }

    function proveBlock(uint256 parentTime, uint256 time) private {
        vm.roll(1002);
        bytes memory parent = Headers.encode(1000, parentTime, "p", 0);
        bytes memory header = Headers.encode(1001, time, "h", keccak256(parent));
        vm.setBlockhash(1001, keccak256(header));
        roundManager.proveBeacon(run, 0, header, parent);
    }

    function test_refuses_a_block_before_the_target_and_one_after_the_first() public {
        uint256 target = GENESIS + 90;
        vm.warp(target + 9);
        vm.expectRevert(abi.encodeWithSelector(HeaderProof.HeaderProofTooEarly.selector, target - 1, target));
        proveBlock(target - 2, target - 1);
        vm.expectRevert(abi.encodeWithSelector(HeaderProof.HeaderProofNotFirst.selector, target, target));
        proveBlock(target, target + 1);
        proveBlock(target - 1, target + 7); // a late block is still the first one
    }

    function test_old_blocks_come_from_the_history_contract() public {
        vm.warp(GENESIS + 95);
        (bytes memory header, bytes memory parent) = blocksFor(0);
        vm.roll(block.number + 1000);
        vm.etch(Blockhash.HISTORY_STORAGE_ADDRESS, "");
        vm.expectRevert(abi.encodeWithSelector(HeaderProof.HeaderProofUnknownBlock.selector, 1001));
        roundManager.proveBeacon(run, 0, header, parent);
        vm.mockCall(
            Blockhash.HISTORY_STORAGE_ADDRESS, abi.encode(uint256(1001)), abi.encode(keccak256(header))
        );
        roundManager.proveBeacon(run, 0, header, parent);
        assertNotEq(roundManager.sigma(run, 0), 0);
    }

    function test_refuses_what_is_no_header() public {
        vm.warp(GENESIS + 95);
        vm.expectRevert();
        roundManager.proveBeacon(run, 0, "", "");
        vm.expectRevert(RLP.RLPInvalidEncoding.selector);
        roundManager.proveBeacon(run, 0, hex"01", "");
        vm.expectRevert(
            abi.encodeWithSelector(
                BlockHeader.FieldNotPresentInBlockHeader.selector, BlockHeader.HeaderField.Number
            )
        );
        roundManager.proveBeacon(run, 0, hex"c0", "");
    }

    function test_garbage_never_becomes_a_beacon(bytes memory header, bytes memory parent) public {
        vm.warp(GENESIS + 95);
        try roundManager.proveBeacon(run, 0, header, parent) {
            fail();
        } catch {}
        assertEq(roundManager.sigma(run, 0), 0);
    }

    /// @dev Two consecutive blocks of a real node, byte for byte.
    function test_headers_of_a_real_chain() public {
        string memory json = vm.readFile("test/fixtures/headers.json");
        bytes memory header = vm.parseJsonBytes(json, ".header.rlp");
        bytes memory parent = vm.parseJsonBytes(json, ".parent.rlp");
        uint256 number = vm.parseJsonUint(json, ".header.number");
        uint256 timestamp = vm.parseJsonUint(json, ".header.timestamp");
        assertEq(keccak256(header), vm.parseJsonBytes32(json, ".header.hash"));
        assertEq(keccak256(parent), vm.parseJsonBytes32(json, ".parent.hash"));

        RunTerms memory terms = defaultTerms();
        terms.startTime = uint64(timestamp + terms.genesisLeadSeconds);
        vm.warp(timestamp - 100);
        vm.prank(creator);
        run = runRegistry.createRun("real", terms);
        vm.warp(timestamp);
        vm.roll(number + 1);
        vm.setBlockhash(number, keccak256(header));
        roundManager.proveBeacon(run, 0, header, parent);
        bytes32 prevrandao = vm.parseJsonBytes32(json, ".header.prevrandao");
        assertEq(roundManager.sigma(run, 0), sha256(abi.encodePacked("aud", prevrandao, uint64(0))));
    }
}
