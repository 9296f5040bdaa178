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
        uint32[9] memory good = [uint32(40), 45, 50, 70, 80, 120, 150, 100, 1];
        uint32[2][10] memory bad = [
            [uint32(0), 0], // T1 = T0
            [uint32(1), 40], // TK = T1
            [uint32(2), 45], // beacon = TK
            [uint32(3), 50], // T2 = beacon
            [uint32(7), 70], // T3 = T2
            [uint32(4), 70], // TO = T2
            [uint32(5), 80], // ballots = TO
            [uint32(6), 120], // reveals = ballots
            [uint32(8), 0], // no blocks
            [uint32(0), type(uint32).max] // no overflow in the comparison
        ];
        for (uint256 i = 0; i < bad.length; ++i) {
            uint32 kept = good[bad[i][0]];
            good[bad[i][0]] = bad[i][1];
            refusesSchedule(scheduled(good));
            good[bad[i][0]] = kept;
        }
        create(scheduled(good));
    }

    /// @dev T1, TK, beacon, T2, TO, ballots, reveals, T3, block.
    function scheduled(uint32[9] memory s) private view returns (RunTerms memory terms) {
        terms = defaultTerms();
        (terms.commitSeconds, terms.keySeconds, terms.beaconSeconds) = (s[0], s[1], s[2]);
        (terms.inclusionSeconds, terms.openingSeconds, terms.scoreCommitSeconds) = (s[3], s[4], s[5]);
        (terms.scoreRevealSeconds, terms.roundSeconds, terms.blockSeconds) = (s[6], s[7], s[8]);
    }

    function test_phases_hold_two_blocks() public {
        // As tight as it gets with blocks of 3 seconds.
        uint32[9] memory tight = [uint32(1), 7, 13, 19, 20, 26, 27, 20, 3];
        for (uint256 i = 0; i < 4; ++i) {
            uint32[9] memory s = tight;
            uint256 late = [uint256(1), 2, 3, 5][i];
            --s[late];
            refusesSchedule(scheduled(s));
            ++s[late];
        }
        RunTerms memory terms = defaultTerms();
        terms.blockSeconds = type(uint32).max; // no overflow in the margin
        refusesSchedule(terms);
        create(scheduled(tight));
    }

    function test_jail_lasts_two_rounds_at_least() public {
        RunTerms memory terms = defaultTerms();
        terms.jailRounds = 1;
        refusesSchedule(terms);
        terms.jailRounds = 2;
        create(terms);
    }

    function refusesAudit(RunTerms memory terms) private {
        refuses(
            terms,
            abi.encodeWithSelector(
                IRunRegistry.RunRegistryBadAudit.selector, terms.segments, terms.auditRatePpm
            )
        );
    }

    function test_audit_terms_are_bounded() public {
        RunTerms memory terms = defaultTerms();
        terms.segments = 0;
        refusesAudit(terms);
        terms = defaultTerms();
        terms.auditRatePpm = 0;
        refusesAudit(terms);
        terms.auditRatePpm = 1_000_001;
        refusesAudit(terms);
        terms.auditRatePpm = 1_000_000;
        create(terms);
    }

    function test_least_stake_must_be_given() public {
        RunTerms memory terms = defaultTerms();
        terms.minimumStake = 0;
        refuses(terms, abi.encodeWithSelector(IRunRegistry.RunRegistryZeroMinimumStake.selector));
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
