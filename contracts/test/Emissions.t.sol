// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Emissions} from "../src/Emissions.sol";
import {IEmissions} from "../src/interfaces/IEmissions.sol";
import {IRegistry} from "../src/interfaces/IRegistry.sol";
import {IRoundManager} from "../src/interfaces/IRoundManager.sol";
import {IRunRegistry} from "../src/interfaces/IRunRegistry.sol";
import {IScoreLedger} from "../src/interfaces/IScoreLedger.sol";
import {IToken} from "../src/interfaces/IToken.sol";
import {MINTER_ROLE} from "../src/types/Roles.sol";
import {RunTerms} from "../src/types/RunTerms.sol";
import {FakeRound, Scored} from "./support/FakeRound.sol";
import {Network} from "./support/Network.sol";
import {SettleReference} from "./support/SettleReference.sol";

contract EmissionsTest is Network {
    FakeRound private fake;
    RunTerms private terms;

    function setUp() public override {
        super.setUp();
        fake = new FakeRound();
        terms = defaultTerms();
        fake.setTerms(terms);
        emissions = new Emissions(
            token,
            IRegistry(address(fake)),
            IRunRegistry(address(fake)),
            IRoundManager(address(fake)),
            IScoreLedger(address(fake)),
            treasury
        );
        vm.prank(admin);
        authority.grantRole(MINTER_ROLE, address(emissions), 0);
        run = "run";
        warpToSettle(7);
    }

    /// @dev The first moment at which the round can be settled, and the rounds up to seven before it.
    function warpToSettle(uint64 round) private {
        vm.warp(terms.startTime + uint256(round) * terms.roundSeconds + terms.scoreRevealSeconds);
    }

    /// @dev All reveal, all vote, all committed are included.
    function blank(uint256 committed, uint256 validators) private pure returns (Scored memory s) {
        (s.committed, s.included) = (committed, committed);
        s.validators = new uint16[](validators);
        s.stakes = new uint256[](validators);
        s.revealed = new bool[](validators);
        s.voted = new bool[](validators);
        s.weights = new uint16[][](validators);
        s.fails = new uint256[](validators);
        s.passes = new uint256[](validators);
        for (uint16 i = 0; i < validators; ++i) {
            s.validators[i] = i;
            s.stakes[i] = 1e18;
            (s.revealed[i], s.voted[i]) = (true, true);
        }
    }

    function row(uint16 a, uint16 b) private pure returns (uint16[] memory w) {
        w = new uint16[](4);
        (w[2], w[3]) = (a, b);
    }

    /// @dev Two validators 0 and 1, miners 2 and 3.
    function small() private pure returns (Scored memory s) {
        s = blank(12, 2);
        s.weights[0] = row(3, 1);
        s.weights[1] = row(3, 1);
    }

    function settleAll(uint64 round, uint256 page) private {
        for (uint256 calls = 0; !emissions.settled(run, round); ++calls) {
            assertLt(calls, 1000);
            emissions.settle(run, round, page);
        }
    }

    function check(uint64 round, Scored memory s, uint256 emission, uint256 page) private {
        fake.setRound(round, s);
        uint256 treasuryBefore = emissions.treasuryClaimable();
        uint256 creditedBefore = emissions.totalCredited();
        settleAll(round, page);
        SettleReference.Result memory r = SettleReference.settle(s, terms, emission);
        uint256 sum = 0;
        for (uint16 uid = 0; uid < 256; ++uid) {
            uint256 amount = emissions.credited(run, round, uid);
            assertEq(amount, r.credits[uid]);
            sum += amount;
        }
        assertEq(emissions.failed(run, round), r.failed);
        assertEq(emissions.treasuryClaimable() - treasuryBefore, r.treasury);
        assertEq(emissions.totalCredited() - creditedBefore, sum + r.treasury);
        assertEq(sum, r.miners + r.validators);
        assertLe(sum + r.treasury, emission);
    }

    function test_constructor_refuses_zero_addresses() public {
        address[6] memory a = [address(1), address(2), address(3), address(4), address(5), address(6)];
        for (uint256 i = 0; i < 6; ++i) {
            address kept = a[i];
            a[i] = address(0);
            vm.expectRevert(IEmissions.EmissionsZeroAddress.selector);
            new Emissions(
                IToken(a[0]),
                IRegistry(a[1]),
                IRunRegistry(a[2]),
                IRoundManager(a[3]),
                IScoreLedger(a[4]),
                a[5]
            );
            a[i] = kept;
        }
        assertEq(emissions.treasury(), treasury);
    }

    /// @dev By hand: both rows are (3/4, 1/4) and so is their consensus, trusts are whole.
    function test_settle_by_hand() public {
        fake.setRound(0, small());
        vm.expectEmit(address(emissions));
        emit IEmissions.Credited(run, 0, 2, 405e18);
        vm.expectEmit(address(emissions));
        emit IEmissions.Credited(run, 0, 3, 135e18);
        vm.expectEmit(address(emissions));
        emit IEmissions.Credited(run, 0, 0, 180e18);
        vm.expectEmit(address(emissions));
        emit IEmissions.Credited(run, 0, 1, 180e18);
        vm.expectEmit(address(emissions));
        emit IEmissions.RoundSettled(run, 0, 540e18, 360e18, 100e18);
        emissions.settle(run, 0, 100);
        assertEq(emissions.credited(run, 0, 2), 405e18);
        assertEq(emissions.claimable(2), 405e18);
        assertEq(emissions.totalCredited(), 1000e18);
    }

    function test_a_lone_praiser_is_clipped() public {
        Scored memory s = blank(12, 3);
        s.weights[0] = row(1, 1);
        s.weights[1] = row(1, 1);
        s.weights[2] = row(0, 1);
        s.validators[2] = 5;
        check(0, s, EMISSION, 7);
        assertEq(emissions.credited(run, 0, 3), 270e18); // its half, whoever praises it
        assertEq(emissions.credited(run, 0, 2), 180e18); // a third of the stake is missing
        assertEq(emissions.credited(run, 0, 0), emissions.credited(run, 0, 1));
        assertEq(emissions.credited(run, 0, 5) * 2, emissions.credited(run, 0, 0));
    }

    /// @dev 49 % honest, 49 % absent, and 2 % that praise only their friend: it gets its honest share.
    function test_two_percent_and_49_absent_pays_the_honest_share() public {
        Scored memory s = blank(12, 3);
        s.validators[2] = 5;
        (s.stakes[0], s.stakes[1], s.stakes[2]) = (49e18, 49e18, 2e18);
        for (uint256 i = 0; i < 3; ++i) {
            s.weights[i] = row(1, 1);
        }
        check(0, s, EMISSION, 100);
        s.weights[2] = row(0, 1);
        s.revealed[1] = false;
        check(1, s, EMISSION, 100);
        assertEq(emissions.credited(run, 1, 3), emissions.credited(run, 0, 3));
        assertLe(emissions.credited(run, 1, 5), emissions.credited(run, 0, 5));
        assertEq(emissions.credited(run, 1, 2), 0);
        assertEq(emissions.credited(run, 1, 1), 0);
    }

    function test_failed_miner_earns_nothing_and_is_reported() public {
        Scored memory s = small();
        s.stakes[0] = 2e18;
        s.fails[0] = 4;
        s.passes[1] = 4;
        fake.setRound(0, s);
        vm.expectEmit(address(emissions));
        emit IEmissions.MinerFailed(run, 0, 2, 2e18, 1e18);
        emissions.settle(run, 0, 100);
        assertEq(emissions.failed(run, 0), 4);
        assertEq(emissions.credited(run, 0, 2), 0);
        assertEq(emissions.credited(run, 0, 3), 135e18); // what it loses goes to nobody
        assertEq(emissions.credited(run, 0, 0), 240e18); // and who judged it loses nothing
    }

    function test_a_veto_pays_nobody() public {
        Scored memory s = small();
        s.included = 8;
        check(0, s, EMISSION, 100);
        assertEq(emissions.credited(run, 0, 2), 0);
        assertEq(emissions.credited(run, 0, 3), 135e18);
        assertEq(emissions.credited(run, 0, 0), 180e18);
    }

    function test_who_missed_a_vote_earns_half() public {
        Scored memory s = small();
        s.voted[0] = false; // it voted on inclusion only
        s.voted[1] = false; // on parameters only
        check(0, s, EMISSION, 100);
        assertEq(emissions.credited(run, 0, 0), 90e18);
        assertEq(emissions.credited(run, 0, 1), 90e18);
    }

    function test_stake_outside_the_electorate_leaves_its_part_unpaid() public {
        Scored memory s = small();
        s.bystanders = 2e18;
        check(0, s, EMISSION, 100);
        assertEq(emissions.credited(run, 0, 0), 90e18);
        assertEq(emissions.credited(run, 0, 2), 405e18);
    }

    function test_rows_from_outside_the_electorate_count_nothing() public {
        Scored memory s = small();
        fake.setRound(0, s);
        fake.revealOutside(0, 9, 1e27, uint256(65535) << 48);
        emissions.settle(run, 0, 100);
        assertEq(emissions.failed(run, 0), 0);
        assertEq(emissions.credited(run, 0, 2), 405e18);
        assertEq(emissions.credited(run, 0, 9), 0);
    }

    function test_equal_fail_and_pass_stake_is_no_fail() public {
        Scored memory s = small();
        s.fails[0] = 4;
        s.passes[1] = 4;
        check(0, s, EMISSION, 100);
        assertEq(emissions.failed(run, 0), 0);
        assertEq(emissions.credited(run, 0, 2), 405e18);
    }

    function test_findings_on_who_did_not_commit_are_ignored() public {
        Scored memory s = small();
        (s.committed, s.included) = (8, 8);
        s.fails[0] = 4;
        check(0, s, EMISSION, 100);
        assertEq(emissions.failed(run, 0), 0);
        assertEq(emissions.credited(run, 0, 2), 0);
        assertEq(emissions.credited(run, 0, 3), 540e18);
    }

    function test_nobody_committed_pays_the_treasury_its_share_only() public {
        Scored memory s = blank(0, 2);
        s.weights[0] = row(1, 1);
        check(0, s, EMISSION, 1);
        assertEq(emissions.totalCredited(), 100e18);
        assertEq(emissions.treasuryClaimable(), 100e18);
    }

    function test_zero_rows_and_disagreement_pay_nobody() public {
        Scored memory s = small();
        s.weights[0] = row(0, 0);
        s.weights[1] = row(0, 0);
        check(0, s, EMISSION, 100);
        assertEq(emissions.totalCredited(), 100e18);
        // Each praises a miner that the other does not: half of the stake is not more than half.
        s.weights[0] = row(1, 0);
        s.weights[1] = row(0, 1);
        check(1, s, EMISSION, 100);
        assertEq(emissions.credited(run, 1, 2), 0);
        s.stakes[0] += 1;
        check(2, s, EMISSION, 100);
        assertEq(emissions.credited(run, 2, 3), 0);
        assertGt(emissions.credited(run, 2, 2), 269e18);
    }

    function test_settle_needs_more_than_half_of_the_electorate() public {
        Scored memory s = small();
        s.revealed[1] = false;
        fake.setRound(0, s);
        vm.expectRevert(abi.encodeWithSelector(IEmissions.EmissionsNoQuorum.selector, 1e18, 2e18));
        emissions.settle(run, 0, 1);
        s.stakes[0] += 1;
        fake.setRound(0, s);
        emissions.settle(run, 0, 1);
    }

    function test_settle_needs_a_result_and_its_beacon() public {
        fake.setRound(0, small());
        fake.spoil(0, true, false);
        vm.expectRevert(abi.encodeWithSelector(IEmissions.EmissionsNotAccepted.selector, run, 0));
        emissions.settle(run, 0, 1);
        fake.spoil(0, false, true);
        vm.expectRevert(abi.encodeWithSelector(IEmissions.EmissionsNoBeacon.selector, run, 0));
        emissions.settle(run, 0, 1);
        fake.spoil(0, false, false);
        emissions.settle(run, 0, 1);
    }

    function test_a_settlement_opens_within_eight_rounds_or_never() public {
        fake.setRound(0, small());
        fake.setRound(1, small());
        uint256 closesAt = terms.startTime + 150 + 800;
        vm.warp(closesAt - 1);
        emissions.settle(run, 0, 1);
        vm.warp(closesAt + 100);
        vm.expectRevert(
            abi.encodeWithSelector(IEmissions.EmissionsExpired.selector, closesAt + 100, closesAt + 100)
        );
        emissions.settle(run, 1, 1);
        settleAll(0, 1); // what was opened in time is finished
        assertEq(emissions.totalCredited(), 1000e18);
    }

    function test_settle_opens_when_reveals_close() public {
        fake.setRound(0, small());
        uint256 opensAt = terms.startTime + 150;
        vm.warp(opensAt - 1);
        vm.expectRevert(abi.encodeWithSelector(IEmissions.EmissionsTooEarly.selector, opensAt - 1, opensAt));
        emissions.settle(run, 0, 1);
        vm.warp(opensAt);
        emissions.settle(run, 0, 1);
    }

    function test_settle_refuses_an_empty_page_and_a_settled_round() public {
        fake.setRound(0, small());
        vm.expectRevert(IEmissions.EmissionsEmptyPage.selector);
        emissions.settle(run, 0, 0);
        settleAll(0, 100);
        vm.expectRevert(abi.encodeWithSelector(IEmissions.EmissionsAlreadySettled.selector, run, 0));
        emissions.settle(run, 0, 1);
    }

    function test_pages_of_any_size_and_any_caller_give_the_same_credits() public {
        for (uint64 page = 1; page < 9; ++page) {
            fake.setRound(page, small());
            warpToSettle(page);
            while (!emissions.settled(run, page)) {
                vm.prank(address(uint160(page)));
                emissions.settle(run, page, page);
            }
            assertEq(emissions.credited(run, page, 2), 405e18);
        }
        // One uid a call: two miners, two validators.
        fake.setRound(9, small());
        warpToSettle(9);
        for (uint256 i = 0; i < 4; ++i) {
            assertFalse(emissions.settled(run, 9));
            emissions.settle(run, 9, 1);
        }
        assertTrue(emissions.settled(run, 9));
    }

    function test_claim_mints_to_the_coldkey_once() public {
        fake.setRound(0, small());
        fake.setRound(1, small());
        settleAll(0, 100);
        settleAll(1, 100);
        vm.expectEmit(address(emissions));
        emit IEmissions.Claimed(2, coldkeyOf(2), 810e18);
        emissions.claim(2);
        assertEq(token.balanceOf(coldkeyOf(2)), 810e18);
        assertEq(emissions.claimable(2), 0);
        assertEq(emissions.totalClaimed(), 810e18);
        vm.expectRevert(IEmissions.EmissionsNothingToClaim.selector);
        emissions.claim(2);
        vm.expectRevert(IEmissions.EmissionsNothingToClaim.selector);
        emissions.claim(99);
    }

    function test_treasury_claims_once() public {
        vm.expectRevert(IEmissions.EmissionsNothingToClaim.selector);
        emissions.claimTreasury();
        fake.setRound(0, small());
        settleAll(0, 100);
        vm.expectEmit(address(emissions));
        emit IEmissions.TreasuryClaimed(treasury, 100e18);
        emissions.claimTreasury();
        assertEq(token.balanceOf(treasury), 100e18);
        assertEq(emissions.totalClaimed(), 100e18);
        vm.expectRevert(IEmissions.EmissionsNothingToClaim.selector);
        emissions.claimTreasury();
    }

    function test_the_cap_limits_what_is_credited() public {
        vm.prank(faucet);
        token.mint(address(1), 21_000_000e18 - 1500e18);
        check(0, small(), EMISSION, 100);
        // Round 1 is opened and holds the rest; round 2 finds nothing left although round 1 is not credited yet.
        fake.setRound(1, small());
        emissions.settle(run, 1, 1);
        check(2, small(), 0, 100);
        settleAll(1, 100);
        assertEq(emissions.credited(run, 1, 2), 202.5e18);
        assertEq(emissions.totalCredited(), 1500e18);
        for (uint16 uid = 0; uid < 4; ++uid) {
            emissions.claim(uid);
        }
        emissions.claimTreasury();
        assertEq(token.totalSupply(), token.cap());
        assertEq(emissions.totalClaimed(), 1500e18);
        check(3, small(), 0, 100);
    }

    function test_unpaid_shares_return_to_later_rounds() public {
        vm.prank(faucet);
        token.mint(address(1), 21_000_000e18 - 1000e18);
        check(0, blank(0, 2), EMISSION, 1); // credits 100 of 1000
        check(1, small(), 900e18, 100);
    }

    /// forge-config: default.fuzz.runs = 128
    function test_settle_agrees_with_the_reference(uint256 seed, uint8 validators, uint8 miners, uint8 page)
        public
    {
        Scored memory s = randomRound(seed, bound(validators, 1, 9), bound(miners, 0, 40));
        if (SettleReference.quorum(s)) {
            check(0, s, EMISSION, bound(page, 1, 80));
        } else {
            fake.setRound(0, s);
            vm.expectPartialRevert(IEmissions.EmissionsNoQuorum.selector);
            emissions.settle(run, 0, 1);
        }
    }

    function randomRound(uint256 seed, uint256 count, uint256 width) private pure returns (Scored memory s) {
        s = blank(0, count);
        for (uint256 j = 0; j < width; ++j) {
            if (draw(seed, 1, j) % 4 != 0) s.committed |= uint256(1) << (20 + j);
        }
        s.included = s.committed & (draw(seed, 104, 0) | draw(seed, 105, 0));
        s.bystanders = draw(seed, 106, 0) % 2 == 0 ? 0 : draw(seed, 106, 1) % 1e25;
        for (uint256 i = 0; i < count; ++i) {
            s.validators[i] = uint16(2 * i);
            s.stakes[i] = draw(seed, 2, i) % 5 == 0 ? draw(seed, 3, i) % 3 : draw(seed, 3, i) % 1e25;
            s.revealed[i] = draw(seed, 107, i) % 6 != 0;
            s.voted[i] = draw(seed, 108, i) % 4 != 0;
            s.weights[i] = new uint16[](draw(seed, 4, i) % 8 == 0 ? 0 : 20 + width);
            for (uint256 j = 0; j < s.weights[i].length; ++j) {
                uint256 kind = draw(seed, 5, j) % 3; // agreement, noise or silence
                if (kind != 2) s.weights[i][j] = uint16(draw(seed, kind == 0 ? 6 : 7 + i, j));
            }
            s.fails[i] = draw(seed, 100, i) & draw(seed, 101, i) & draw(seed, 102, i);
            s.passes[i] = ~s.fails[i] & draw(seed, 103, i);
        }
    }

    /// @dev A coalition below half of the stake, with any rows, silence, missed votes and vetoes, lifts no credit
    /// above what it is when all are honest; and nothing exceeds its budget.
    /// forge-config: default.fuzz.runs = 1024
    function test_no_minority_lifts_a_credit(uint256 seed, uint8 validators, uint8 miners) public {
        uint256 count = bound(validators, 2, 12);
        uint256 width = bound(miners, 1, 16);
        Scored memory s = honestRound(seed, count, width);
        fake.setRound(0, s);
        settleAll(0, 1000);
        corrupt(seed, s, width);
        fake.setRound(1, s);
        settleAll(1, 1000);
        uint256[2] memory sums;
        for (uint16 uid = 0; uid < 20 + width; ++uid) {
            uint256 amount = emissions.credited(run, 1, uid);
            assertLe(amount, emissions.credited(run, 0, uid));
            sums[uid < 20 ? 1 : 0] += amount;
        }
        assertLe(sums[0], 540e18);
        assertLe(sums[1], 360e18);
    }

    function honestRound(uint256 seed, uint256 count, uint256 width) private pure returns (Scored memory s) {
        s = blank(((uint256(1) << width) - 1) << 20, count);
        uint16[] memory same = new uint16[](20 + width);
        for (uint256 j = 0; j < width; ++j) {
            same[20 + j] = uint16(draw(seed, 1, j));
        }
        for (uint256 i = 0; i < count; ++i) {
            s.stakes[i] = 1 + draw(seed, 2, i) % (draw(seed, 3, i) % 3 == 0 ? 1e26 : 1e18);
            s.weights[i] = same;
        }
    }

    function corrupt(uint256 seed, Scored memory s, uint256 width) private pure {
        uint256 all = 0;
        for (uint256 i = 0; i < s.stakes.length; ++i) {
            all += s.stakes[i];
        }
        uint256 corrupted = 0;
        for (uint256 i = 0; i < s.stakes.length; ++i) {
            if (2 * (corrupted + s.stakes[i]) >= all || draw(seed, 4, i) % 5 == 0) continue;
            corrupted += s.stakes[i];
            s.revealed[i] = draw(seed, 5, i) % 3 != 0;
            s.voted[i] = draw(seed, 6, i) % 2 == 0;
            s.weights[i] = new uint16[](draw(seed, 7, i) % (21 + width));
            for (uint256 j = 0; j < s.weights[i].length; ++j) {
                s.weights[i][j] = draw(seed, 8, j) % 2 == 0 ? 0 : uint16(draw(seed, 9 + i, j));
            }
        }
        s.included &= draw(seed, 10, 0) | draw(seed, 10, 1);
    }

    function draw(uint256 seed, uint256 what, uint256 i) private pure returns (uint256) {
        return uint256(keccak256(abi.encode(seed, what, i)));
    }
}
