// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Emissions} from "../src/Emissions.sol";
import {IRegistry} from "../src/interfaces/IRegistry.sol";
import {IRoundManager} from "../src/interfaces/IRoundManager.sol";
import {IRunRegistry} from "../src/interfaces/IRunRegistry.sol";
import {IScoreLedger} from "../src/interfaces/IScoreLedger.sol";
import {Role} from "../src/types/Neuron.sol";
import {MINTER_ROLE} from "../src/types/Roles.sol";
import {FakeRound, Scored} from "./support/FakeRound.sol";
import {Network} from "./support/Network.sol";
import {Test} from "forge-std/Test.sol";

/// @notice Moves stake of four uids in and out, and time forward, in any order.
contract StakeHandler is Network {
    uint256 public withdrawn;

    constructor() {
        setUp();
        for (uint256 i = 0; i < 4; ++i) {
            join(i % 2 == 0 ? Role.Validator : Role.Miner, 0);
        }
    }

    function stake(uint256 uid, uint256 amount) external {
        addStake(uint16(uid % 4), bound(amount, 1, 1e22));
    }

    function unstake(uint256 uid, uint256 amount) external {
        uid %= 4;
        uint256 has = registry.stakeOf(uint16(uid));
        if (has == 0) return;
        vm.prank(coldkeyOf(uid));
        registry.requestUnstake(uint16(uid), bound(amount, 1, has));
    }

    function withdraw(uint256 uid) external {
        uid %= 4;
        (uint256 amount, uint48 releaseAt) = registry.unbonding(uint16(uid));
        if (amount == 0 || block.timestamp < releaseAt) return;
        vm.prank(coldkeyOf(uid));
        registry.withdrawStake(uint16(uid));
        withdrawn += amount;
    }

    function wait(uint256 time) external {
        vm.warp(block.timestamp + bound(time, 1, 8 days));
    }

    function held() external view returns (uint256) {
        return token.balanceOf(address(registry));
    }

    function owed() external view returns (uint256 sum) {
        for (uint16 uid = 0; uid < 4; ++uid) {
            (uint256 amount,) = registry.unbonding(uid);
            sum += registry.stakeOf(uid) + amount;
        }
    }

    function released() external view returns (uint256 sum) {
        for (uint256 uid = 0; uid < 4; ++uid) {
            sum += token.balanceOf(coldkeyOf(uid));
        }
    }
}

/// @notice Settles rounds of two validators and two miners in pages, and claims, in any order.
contract EmissionHandler is Network {
    FakeRound private _fake;
    uint64 public rounds;

    constructor() {
        setUp();
        _fake = new FakeRound();
        _fake.setTerms(defaultTerms());
        emissions = new Emissions(
            token,
            IRegistry(address(_fake)),
            IRunRegistry(address(_fake)),
            IRoundManager(address(_fake)),
            IScoreLedger(address(_fake)),
            treasury
        );
        vm.prank(admin);
        authority.grantRole(MINTER_ROLE, address(emissions), 0);
        // Little room below the cap, so that the cap is met on the way.
        vm.prank(faucet);
        token.mint(address(0xFA), 21_000_000e18 - 5500e18);
    }

    function score(uint256 seed) external {
        Scored memory s;
        (s.committed, s.included) = (12, 12);
        s.validators = new uint16[](2);
        s.stakes = new uint256[](2);
        s.revealed = new bool[](2);
        s.voted = new bool[](2);
        s.weights = new uint16[][](2);
        s.fails = new uint256[](2);
        s.passes = new uint256[](2);
        for (uint16 i = 0; i < 2; ++i) {
            s.validators[i] = i;
            s.stakes[i] = 1 + (seed >> (40 * i)) % 1e10;
            s.revealed[i] = true;
            s.voted[i] = (seed >> (220 + i)) & 1 == 1;
            s.weights[i] = new uint16[](4);
            s.weights[i][2] = uint16(seed >> (100 + 32 * i));
            s.weights[i][3] = uint16(seed >> (116 + 32 * i));
            s.fails[i] = (seed >> (200 + 4 * i)) & 4;
        }
        _fake.setRound(rounds, s);
        ++rounds;
    }

    function settle(uint256 round, uint256 page) external {
        if (rounds == 0) return;
        // One of the last eight, which are not expired when the newest is due.
        round = rounds - 1 - round % (rounds < 8 ? rounds : 8);
        warpTo(GENESIS + 100 + 100 * round + 150);
        if (!emissions.settled("run", uint64(round))) {
            emissions.settle("run", uint64(round), bound(page, 1, 5));
        }
    }

    function claim(uint256 uid) external {
        uid %= 5;
        if (uid == 4) {
            if (emissions.treasuryClaimable() != 0) emissions.claimTreasury();
        } else if (emissions.claimable(uint16(uid)) != 0) {
            emissions.claim(uint16(uid));
        }
    }

    function creditedIn(uint64 round) external view returns (uint256 sum) {
        for (uint16 uid = 0; uid < 4; ++uid) {
            sum += emissions.credited("run", round, uid);
        }
    }

    function claimable() external view returns (uint256 sum) {
        sum = emissions.treasuryClaimable();
        for (uint16 uid = 0; uid < 4; ++uid) {
            sum += emissions.claimable(uid);
        }
    }

    function totals() external view returns (uint256 credited, uint256 claimed, uint256 minted) {
        return (
            emissions.totalCredited(),
            emissions.totalClaimed(),
            token.totalSupply() - (21_000_000e18 - 5500e18)
        );
    }

    function emission() external pure returns (uint256) {
        return EMISSION;
    }
}

contract InvariantsTest is Test {
    StakeHandler private stakes;
    EmissionHandler private pay;

    function setUp() public {
        stakes = new StakeHandler();
        pay = new EmissionHandler();
        bytes4[] memory moves = new bytes4[](4);
        moves[0] = StakeHandler.stake.selector;
        moves[1] = StakeHandler.unstake.selector;
        moves[2] = StakeHandler.withdraw.selector;
        moves[3] = StakeHandler.wait.selector;
        targetSelector(FuzzSelector(address(stakes), moves));
        moves = new bytes4[](3);
        moves[0] = EmissionHandler.score.selector;
        moves[1] = EmissionHandler.settle.selector;
        moves[2] = EmissionHandler.claim.selector;
        targetSelector(FuzzSelector(address(pay), moves));
        targetContract(address(stakes));
        targetContract(address(pay));
    }

    function invariant_registry_holds_what_it_owes() public view {
        assertEq(stakes.held(), stakes.owed());
        assertEq(stakes.released(), stakes.withdrawn());
    }

    function invariant_credits_stay_within_the_emission() public view {
        for (uint64 round = 0; round < pay.rounds(); ++round) {
            assertLe(pay.creditedIn(round), pay.emission());
        }
        (uint256 credited,,) = pay.totals();
        assertLe(credited, pay.rounds() * pay.emission());
        assertLe(credited, 5500e18);
    }

    function invariant_minted_is_claimed_and_the_rest_is_claimable() public view {
        (uint256 credited, uint256 claimed, uint256 minted) = pay.totals();
        assertEq(minted, claimed);
        assertEq(credited, claimed + pay.claimable());
    }
}
