// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Registry} from "../src/Registry.sol";
import {IRegistry} from "../src/interfaces/IRegistry.sol";
import {Neuron, Role} from "../src/types/Neuron.sol";
import {Network} from "./support/Network.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

contract RegistryTest is Network {
    bytes32 private constant NET = keccak256("network key");

    function register(uint256 key, Role role, uint256 deadline, bytes memory signature)
        private
        returns (uint16)
    {
        return registry.register(vm.addr(key), role, NET, deadline, signature);
    }

    // ----------------------------------------------------------------------------------------- register

    function test_constructor_refuses_no_token() public {
        vm.expectRevert(IRegistry.RegistryZeroAddress.selector);
        new Registry(IERC20(address(0)), 1);
    }

    function test_constructor_refuses_a_delay_over_a_year() public {
        new Registry(token, 365 days);
        vm.expectRevert(abi.encodeWithSelector(IRegistry.RegistryUnbondingTooLong.selector, 365 days + 1));
        new Registry(token, 365 days + 1);
    }

    function test_register_stores_the_neuron_and_reports_it() public {
        bytes memory signature = consent(7, address(this), Role.Validator, NET, GENESIS);
        vm.expectEmit(address(registry));
        emit IRegistry.HotkeyRegistered(0, address(this), vm.addr(7), 2, NET);
        assertEq(register(7, Role.Validator, GENESIS, signature), 0);

        Neuron memory n = registry.neuron(0);
        assertEq(n.coldkey, address(this));
        assertEq(n.hotkey, vm.addr(7));
        assertEq(uint8(n.role), 2);
        assertEq(n.uid, 0);
        assertEq(n.networkKey, NET);
        assertEq(n.registeredAt, GENESIS);
        assertEq(registry.uidOf(vm.addr(7)), 0);
        assertTrue(registry.isRegistered(vm.addr(7)));
        assertEq(registry.neuronCount(), 1);
        assertEq(registry.nonces(vm.addr(7)), 1);
    }

    function test_consent_digest_is_eip712() public view {
        bytes32 domain = keccak256(
            abi.encode(
                keccak256(
                    "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
                ),
                keccak256("Covenant"),
                keccak256("1"),
                block.chainid,
                address(registry)
            )
        );
        bytes32 structHash = keccak256(
            abi.encode(
                keccak256(
                    "HotkeyConsent(address coldkey,address hotkey,uint8 role,bytes32 networkKey,uint256 nonce,uint256 deadline)"
                ),
                address(1),
                address(2),
                uint256(1),
                NET,
                uint256(3),
                uint256(4)
            )
        );
        assertEq(
            registry.hashConsent(address(1), address(2), Role.Miner, NET, 3, 4),
            keccak256(abi.encodePacked(hex"1901", domain, structHash))
        );
    }

    function test_register_gives_uids_in_order_and_lists_roles() public {
        join(Role.Validator, 0);
        join(Role.Miner, 0);
        join(Role.Validator, 0);
        assertEq(registry.validatorSet(), 5);
        assertEq(registry.minerSet(), 2);
        uint16[] memory validators = registry.validatorUids();
        assertEq(validators.length, 2);
        assertEq(validators[0], 0);
        assertEq(validators[1], 2);
        assertEq(registry.minerUids().length, 1);
        assertEq(registry.minerUids()[0], 1);
    }

    function test_register_refuses_no_role() public {
        vm.expectRevert(IRegistry.RegistryInvalidRole.selector);
        register(7, Role.None, GENESIS, "");
    }

    function test_register_refuses_late_consent() public {
        bytes memory signature = consent(7, address(this), Role.Miner, NET, GENESIS);
        vm.warp(GENESIS + 1);
        vm.expectRevert(abi.encodeWithSelector(IRegistry.RegistryConsentExpired.selector, GENESIS));
        register(7, Role.Miner, GENESIS, signature);
    }

    function test_register_refuses_a_hotkey_twice() public {
        register(7, Role.Miner, GENESIS, consent(7, address(this), Role.Miner, NET, GENESIS));
        bytes memory again = consent(7, address(this), Role.Validator, NET, GENESIS);
        vm.expectRevert(abi.encodeWithSelector(IRegistry.RegistryAlreadyRegistered.selector, vm.addr(7), 0));
        register(7, Role.Validator, GENESIS, again);
    }

    function test_register_refuses_consent_to_something_else() public {
        bytes[6] memory wrong = [
            consent(8, address(this), Role.Miner, NET, GENESIS),
            consent(7, address(1), Role.Miner, NET, GENESIS),
            consent(7, address(this), Role.Validator, NET, GENESIS),
            consent(7, address(this), Role.Miner, keccak256("other"), GENESIS),
            consent(7, address(this), Role.Miner, NET, GENESIS + 1),
            sign(7, registry.hashConsent(address(this), vm.addr(7), Role.Miner, NET, 1, GENESIS))
        ];
        for (uint256 i = 0; i < wrong.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IRegistry.RegistryBadConsent.selector, vm.addr(7)));
            register(7, Role.Miner, GENESIS, wrong[i]);
        }
    }

    function test_register_refuses_malformed_signatures_and_the_zero_hotkey() public {
        bytes[3] memory bad = [bytes(""), new bytes(64), new bytes(65)];
        for (uint256 i = 0; i < bad.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IRegistry.RegistryBadConsent.selector, address(0)));
            registry.register(address(0), Role.Miner, NET, GENESIS, bad[i]);
        }
    }

    function test_register_holds_64_validators_and_256_uids() public {
        for (uint256 i = 0; i < 64; ++i) {
            join(Role.Validator, 0);
        }
        bytes memory signature = consent(7, address(this), Role.Validator, NET, GENESIS);
        vm.expectRevert(IRegistry.RegistryValidatorsFull.selector);
        register(7, Role.Validator, GENESIS, signature);
        for (uint256 i = 64; i < 256; ++i) {
            join(Role.Miner, 0);
        }
        assertEq(registry.neuronCount(), 256);
        assertEq(registry.validatorSet() | registry.minerSet(), type(uint256).max);
        assertEq(registry.minerUids()[191], 255);
        signature = consent(7, address(this), Role.Miner, NET, GENESIS);
        vm.expectRevert(IRegistry.RegistryFull.selector);
        register(7, Role.Miner, GENESIS, signature);
    }

    function test_unknown_uid_and_hotkey() public {
        vm.expectRevert(abi.encodeWithSelector(IRegistry.RegistryUnknownUid.selector, 0));
        registry.neuron(0);
        vm.expectRevert(abi.encodeWithSelector(IRegistry.RegistryUnknownHotkey.selector, address(5)));
        registry.uidOf(address(5));
        assertFalse(registry.isRegistered(address(5)));
    }

    // -------------------------------------------------------------------------------------------- stake

    function test_add_stake_moves_tokens_and_reports() public {
        join(Role.Miner, 0);
        vm.prank(faucet);
        token.mint(address(this), 10);
        token.approve(address(registry), 10);
        vm.expectEmit(address(registry));
        emit IRegistry.StakeAdded(0, address(this), 4, 4);
        registry.addStake(0, 4);
        vm.expectEmit(address(registry));
        emit IRegistry.StakeAdded(0, address(this), 6, 10);
        registry.addStake(0, 6);
        assertEq(registry.stakeOf(0), 10);
        assertEq(token.balanceOf(address(registry)), 10);
    }

    function test_add_stake_refuses_unknown_uid_zero_and_missing_tokens() public {
        vm.expectRevert(abi.encodeWithSelector(IRegistry.RegistryUnknownUid.selector, 3));
        registry.addStake(3, 1);
        join(Role.Miner, 0);
        vm.expectRevert(IRegistry.RegistryZeroAmount.selector);
        registry.addStake(0, 0);
        vm.expectRevert();
        registry.addStake(0, 1);
        assertEq(registry.stakeOf(0), 0);
    }

    function test_unstake_unbonds_then_pays_the_coldkey() public {
        join(Role.Validator, 100);
        uint48 releaseAt = uint48(GENESIS) + UNBONDING;
        vm.startPrank(coldkeyOf(0));
        vm.expectEmit(address(registry));
        emit IRegistry.UnstakeRequested(0, 30, 70, releaseAt);
        registry.requestUnstake(0, 30);
        (uint256 amount, uint48 at) = registry.unbonding(0);
        assertEq(amount, 30);
        assertEq(at, releaseAt);
        assertEq(registry.stakeOf(0), 70);

        vm.warp(releaseAt - 1);
        vm.expectRevert(abi.encodeWithSelector(IRegistry.RegistryStillUnbonding.selector, 0, releaseAt));
        registry.withdrawStake(0);
        vm.warp(releaseAt);
        vm.expectEmit(address(registry));
        emit IRegistry.StakeWithdrawn(0, coldkeyOf(0), 30);
        registry.withdrawStake(0);
        assertEq(token.balanceOf(coldkeyOf(0)), 30);
        assertEq(token.balanceOf(address(registry)), 70);

        vm.expectRevert(abi.encodeWithSelector(IRegistry.RegistryNothingUnbonding.selector, 0));
        registry.withdrawStake(0);
    }

    function test_second_unstake_joins_the_first_and_restarts_the_delay() public {
        join(Role.Validator, 100);
        vm.startPrank(coldkeyOf(0));
        registry.requestUnstake(0, 30);
        vm.warp(GENESIS + 1 days);
        registry.requestUnstake(0, 70);
        (uint256 amount, uint48 at) = registry.unbonding(0);
        assertEq(amount, 100);
        assertEq(at, GENESIS + 1 days + UNBONDING);
        assertEq(registry.stakeOf(0), 0);
    }

    function test_unstake_refuses_strangers_zero_and_too_much() public {
        join(Role.Validator, 100);
        vm.expectRevert(abi.encodeWithSelector(IRegistry.RegistryNotColdkey.selector, 0, address(this)));
        registry.requestUnstake(0, 1);
        vm.expectRevert(abi.encodeWithSelector(IRegistry.RegistryNotColdkey.selector, 0, address(this)));
        registry.withdrawStake(0);
        vm.expectRevert(abi.encodeWithSelector(IRegistry.RegistryUnknownUid.selector, 1));
        registry.requestUnstake(1, 1);
        vm.startPrank(coldkeyOf(0));
        vm.expectRevert(IRegistry.RegistryZeroAmount.selector);
        registry.requestUnstake(0, 0);
        vm.expectRevert(abi.encodeWithSelector(IRegistry.RegistryInsufficientStake.selector, 0, 101, 100));
        registry.requestUnstake(0, 101);
    }

    function test_stake_at_a_time_counts_everything_of_that_second() public {
        join(Role.Validator, 100);
        addStake(0, 5);
        vm.warp(GENESIS + 10);
        addStake(0, 20);
        vm.prank(coldkeyOf(0));
        registry.requestUnstake(0, 1);
        vm.warp(GENESIS + 11);
        assertEq(registry.stakeAt(0, uint48(GENESIS - 1)), 0);
        assertEq(registry.stakeAt(0, uint48(GENESIS)), 105);
        assertEq(registry.stakeAt(0, uint48(GENESIS + 9)), 105);
        assertEq(registry.stakeAt(0, uint48(GENESIS + 10)), 124);
        assertEq(registry.stakeAt(200, uint48(GENESIS)), 0);
    }

    function test_stake_of_the_present_second_is_not_known_yet() public {
        bytes memory refusal =
            abi.encodeWithSelector(IRegistry.RegistryFutureLookup.selector, GENESIS, GENESIS);
        vm.expectRevert(refusal);
        registry.stakeAt(0, uint48(GENESIS));
        vm.expectRevert(refusal);
        registry.totalStakeAt(1, uint48(GENESIS));
        vm.expectRevert(refusal);
        registry.stakesAt(new uint16[](1), uint48(GENESIS));
    }

    function test_stakes_of_sets_and_lists() public {
        join(Role.Validator, 1);
        join(Role.Miner, 10);
        join(Role.Validator, 100);
        vm.warp(GENESIS + 1);
        assertEq(registry.totalStakeAt(5, uint48(GENESIS)), 101);
        assertEq(registry.totalStakeAt(0, uint48(GENESIS)), 0);
        uint16[] memory uids = new uint16[](2);
        uids[0] = 2;
        uids[1] = 1;
        uint256[] memory stakes = registry.stakesAt(uids, uint48(GENESIS));
        assertEq(stakes[0], 100);
        assertEq(stakes[1], 10);
    }

    function test_anyone_may_add_stake_but_only_the_coldkey_takes_it(address from, uint96 amount) public {
        vm.assume(from != address(0) && from != coldkeyOf(0) && from != address(registry) && amount != 0);
        amount = uint96(bound(amount, 1, 21_000_000e18));
        join(Role.Miner, 0);
        vm.prank(faucet);
        token.mint(from, amount);
        vm.startPrank(from);
        token.approve(address(registry), amount);
        registry.addStake(0, amount);
        vm.expectRevert(abi.encodeWithSelector(IRegistry.RegistryNotColdkey.selector, 0, from));
        registry.requestUnstake(0, amount);
        assertEq(registry.stakeOf(0), amount);
    }
}
