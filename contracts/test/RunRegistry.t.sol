// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IRunRegistry} from "../src/interfaces/IRunRegistry.sol";
import {RunTerms} from "../src/types/RunTerms.sol";
import {Network} from "./support/Network.sol";
import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";

contract RunRegistryTest is Network {
    function create(RunTerms memory terms) private returns (bytes32) {
        vm.prank(creator);
        return runRegistry.createRun(SPEC, terms);
    }

    function refuses(RunTerms memory terms, bytes memory refusal) private {
        vm.expectRevert(refusal);
        create(terms);
    }

    function refusesSchedule(RunTerms memory terms) private {
        refuses(terms, abi.encodeWithSelector(IRunRegistry.RunRegistryBadSchedule.selector));
    }

    function test_create_names_the_run_by_its_spec_and_keeps_the_terms() public {
        RunTerms memory terms = defaultTerms();
        // sha256 of "covenant/run-spec", a zero byte and 01020304, computed outside.
        bytes32 expected = 0x35159ef280b9fa7822c1f42a1a681994454e2d8043bb0bf63784695d7d0b7467;
        vm.expectEmit(address(runRegistry));
        emit IRunRegistry.RunCreated(expected, creator, terms, SPEC);
        assertEq(create(terms), expected);
        assertTrue(runRegistry.exists(expected));
        assertEq(keccak256(abi.encode(runRegistry.terms(expected))), keccak256(abi.encode(terms)));
    }

    function test_create_is_for_run_creators() public {
        RunTerms memory terms = defaultTerms();
        vm.expectRevert(
            abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, address(this))
        );
        runRegistry.createRun(SPEC, terms);
    }

    function test_create_refuses_the_same_spec_again() public {
        bytes32 id = create(defaultTerms());
        refuses(defaultTerms(), abi.encodeWithSelector(IRunRegistry.RunRegistryAlreadyExists.selector, id));
    }

    function test_create_bounds_the_spec() public {
        RunTerms memory terms = defaultTerms();
        vm.startPrank(creator);
        vm.expectRevert(abi.encodeWithSelector(IRunRegistry.RunRegistryBadSpecLength.selector, 0));
        runRegistry.createRun("", terms);
        vm.expectRevert(abi.encodeWithSelector(IRunRegistry.RunRegistryBadSpecLength.selector, 65537));
        runRegistry.createRun(new bytes(65537), terms);
        runRegistry.createRun(new bytes(65536), terms);
    }

    function test_unknown_run() public {
        assertFalse(runRegistry.exists("x"));
        vm.expectRevert(abi.encodeWithSelector(IRunRegistry.RunRegistryUnknownRun.selector, bytes32("x")));
        runRegistry.terms("x");
    }

    function test_schedule_must_ascend() public {
        RunTerms memory terms = defaultTerms();
        terms.commitSeconds = 0;
        refusesSchedule(terms);
        terms = defaultTerms();
        terms.inclusionSeconds = 45; // T2 = T1 + delay
        refusesSchedule(terms);
        terms = defaultTerms();
        terms.roundSeconds = 70; // T3 = T2
        refusesSchedule(terms);
        terms = defaultTerms();
        terms.scoreCommitSeconds = 45;
        refusesSchedule(terms);
        terms = defaultTerms();
        terms.scoreRevealSeconds = 120;
        refusesSchedule(terms);
        terms = defaultTerms();
        terms.commitSeconds = type(uint32).max; // no overflow in the comparison
        refusesSchedule(terms);
    }

    function test_schedule_may_be_as_tight_as_one_second_each() public {
        RunTerms memory terms = defaultTerms();
        (terms.commitSeconds, terms.beaconDelaySeconds) = (1, 0);
        (terms.inclusionSeconds, terms.roundSeconds) = (2, 3);
        (terms.scoreCommitSeconds, terms.scoreRevealSeconds) = (2, 3);
        create(terms);
    }

    function test_genesis_beacon_must_be_ahead() public {
        RunTerms memory terms = defaultTerms();
        terms.startTime = uint64(GENESIS + terms.genesisLeadSeconds);
        refuses(
            terms, abi.encodeWithSelector(IRunRegistry.RunRegistryStartsTooSoon.selector, GENESIS, GENESIS)
        );
        terms.startTime = 5; // before its own lead
        refuses(terms, abi.encodeWithSelector(IRunRegistry.RunRegistryStartsTooSoon.selector, 0, GENESIS));
        terms.startTime = uint64(GENESIS + terms.genesisLeadSeconds + 1);
        create(terms);
    }

    function test_shares_are_at_most_the_whole() public {
        RunTerms memory terms = defaultTerms();
        (terms.minerShareBps, terms.validatorShareBps) = (10_000, 1);
        refuses(terms, abi.encodeWithSelector(IRunRegistry.RunRegistryBadShares.selector, 10_001));
        terms.minerShareBps = 9_999;
        create(terms);
    }

    function test_roots_must_be_given() public {
        RunTerms memory terms = defaultTerms();
        terms.genesisRoot = 0;
        refuses(terms, abi.encodeWithSelector(IRunRegistry.RunRegistryZeroRoot.selector));
        terms = defaultTerms();
        terms.datasetRoot = 0;
        refuses(terms, abi.encodeWithSelector(IRunRegistry.RunRegistryZeroRoot.selector));
    }
}
