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
        vm.warp(GENESIS + 10_000_000);
    }

    function blank(uint256 committed, uint256 validators) private pure returns (Scored memory s) {
        s.committed = committed;
        s.validators = new uint16[](validators);
        s.stakes = new uint256[](validators);
        s.weights = new uint16[][](validators);
        s.fails = new uint256[](validators);
        s.passes = new uint256[](validators);
        for (uint16 i = 0; i < validators; ++i) {
            s.validators[i] = i;
            s.stakes[i] = 1e18;
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

    /// @dev By hand: both rows are (3/4, 1/4), the medians are the same, ranks 3 : 1, trusts equal.
    function test_settle_by_hand() public {
        fake.setRound(0, small());
        vm.expectEmit(address(emissions));
        emit IEmissions.Credited(run, 0, 0, 180e18);
        vm.expectEmit(address(emissions));
        emit IEmissions.Credited(run, 0, 1, 180e18);
        vm.expectEmit(address(emissions));
        emit IEmissions.Credited(run, 0, 2, 405e18);
        vm.expectEmit(address(emissions));
        emit IEmissions.Credited(run, 0, 3, 135e18);
        vm.expectEmit(address(emissions));
        emit IEmissions.RoundSettled(run, 0, 540e18, 360e18, 100e18);
        emissions.settle(run, 0, 100);
        assertEq(emissions.credited(run, 0, 2), 405e18);
        assertEq(emissions.claimable(2), 405e18);
        assertEq(emissions.totalCredited(), 1000e18);
        assertEq(emissions.consensus(run, 0, 2), 3 << 30);
        assertEq(emissions.consensus(run, 0, 3), 1 << 30);
    }

    function test_a_lone_praiser_is_clipped() public {
        Scored memory s = blank(12, 3);
        s.weights[0] = row(1, 1);
        s.weights[1] = row(1, 1);
        s.weights[2] = row(0, 1);
        s.validators[2] = 5;
        check(0, s, EMISSION, 7);
        assertEq(emissions.consensus(run, 0, 3), 1 << 31);
        assertEq(emissions.credited(run, 0, 0), emissions.credited(run, 0, 1));
        assertEq(emissions.credited(run, 0, 5) * 2, emissions.credited(run, 0, 0));
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
        assertEq(emissions.credited(run, 0, 3), 540e18);
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
        s.committed = 8;
        s.fails[0] = 4;
        check(0, s, EMISSION, 100);
        assertEq(emissions.failed(run, 0), 0);
        assertEq(emissions.credited(run, 0, 2), 0);
        assertEq(emissions.credited(run, 0, 3), 540e18);
    }

    function test_fails_count_even_from_a_row_that_scores_nobody() public {
        Scored memory s = small();
        s.stakes[0] = 5e18;
        s.weights[0] = row(0, 0);
        s.fails[0] = 4;
        check(0, s, EMISSION, 100);
        assertEq(emissions.failed(run, 0), 4);
        assertEq(emissions.credited(run, 0, 0), 0);
        assertEq(emissions.credited(run, 0, 1), 360e18);
    }

    function test_nobody_revealed_pays_the_treasury_its_share_only() public {
        Scored memory s = blank(12, 0);
        fake.setRound(0, s);
        vm.expectEmit(address(emissions));
        emit IEmissions.RoundSettled(run, 0, 0, 0, 100e18);
        emissions.settle(run, 0, 1);
        assertEq(emissions.totalCredited(), 100e18);
        assertEq(emissions.treasuryClaimable(), 100e18);
    }

    function test_zero_rows_zero_medians_and_zero_stakes_pay_nobody() public {
        Scored memory s = small();
        s.weights[0] = row(0, 0);
        s.weights[1] = row(0, 0);
        check(0, s, EMISSION, 100);
        // Each praises a miner that the other does not: with equal stakes both medians are the higher value, since
        // half of the stake is below 32768/65535 of it.
        s.weights[0] = row(1, 0);
        s.weights[1] = row(0, 1);
        check(1, s, EMISSION, 100);
        assertGt(emissions.credited(run, 1, 2), 0);
        s.stakes[0] = 3e18;
        check(2, s, EMISSION, 100);
        assertEq(emissions.credited(run, 2, 3), 0);
        (s.stakes[0], s.stakes[1]) = (0, 0);
        check(3, s, EMISSION, 100);
        assertEq(emissions.credited(run, 3, 2), 0);
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
            while (!emissions.settled(run, page)) {
                vm.prank(address(uint160(page)));
                emissions.settle(run, page, page);
            }
            assertEq(emissions.credited(run, page, 2), 405e18);
        }
        // One uid a call: two to rank, four to credit.
        fake.setRound(9, small());
        for (uint256 i = 0; i < 6; ++i) {
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
        check(0, blank(12, 0), EMISSION, 1); // credits 100 of 1000
        check(1, small(), 900e18, 100);
    }

    /// forge-config: default.fuzz.runs = 128
    function test_settle_agrees_with_the_reference(uint256 seed, uint8 validators, uint8 miners, uint8 page)
        public
    {
        uint256 count = bound(validators, 0, 9);
        Scored memory s = blank(0, count);
        uint256 width = bound(miners, 0, 40);
        for (uint256 j = 0; j < width; ++j) {
            if (draw(seed, 1, j) % 4 != 0) s.committed |= uint256(1) << (20 + j);
        }
        for (uint256 i = 0; i < count; ++i) {
            s.validators[i] = uint16(2 * i);
            s.stakes[i] = draw(seed, 2, i) % 5 == 0 ? draw(seed, 3, i) % 3 : draw(seed, 3, i) % 1e25;
            s.weights[i] = new uint16[](draw(seed, 4, i) % 8 == 0 ? 0 : 20 + width);
            for (uint256 j = 0; j < s.weights[i].length; ++j) {
                uint256 kind = draw(seed, 5, j) % 3; // agreement, noise or silence
                if (kind != 2) s.weights[i][j] = uint16(draw(seed, kind == 0 ? 6 : 7 + i, j));
            }
            uint256 findings = uint256(draw(seed, 100, i));
            s.fails[i] = findings & uint256(draw(seed, 101, i)) & uint256(draw(seed, 102, i));
            s.passes[i] = ~s.fails[i] & uint256(draw(seed, 103, i));
        }
        check(0, s, EMISSION, bound(page, 1, 80));
    }

    function draw(uint256 seed, uint256 what, uint256 i) private pure returns (uint256) {
        return uint256(keccak256(abi.encode(seed, what, i)));
    }
}
