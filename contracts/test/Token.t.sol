// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Authority} from "../src/Authority.sol";
import {Token} from "../src/Token.sol";
import {MINTER_ROLE, RUN_CREATOR_ROLE} from "../src/types/Roles.sol";
import {Network} from "./support/Network.sol";
import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {ERC20Capped} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Capped.sol";

contract TokenTest is Network {
    function test_describes_itself_and_starts_empty() public view {
        assertEq(token.name(), "Covenant");
        assertEq(token.symbol(), "COV");
        assertEq(token.decimals(), 18);
        assertEq(token.cap(), 21_000_000e18);
        assertEq(token.totalSupply(), 0);
        assertEq(token.clock(), GENESIS);
        assertEq(token.CLOCK_MODE(), "mode=timestamp");
    }

    function test_mint_is_for_minters() public {
        vm.prank(faucet);
        token.mint(address(1), 5);
        assertEq(token.balanceOf(address(1)), 5);
        vm.prank(address(emissions));
        token.mint(address(1), 5);
        assertEq(token.totalSupply(), 10);
        vm.expectRevert(
            abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, address(this))
        );
        token.mint(address(1), 5);
        vm.prank(admin);
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, admin));
        token.mint(address(1), 5);
    }

    function test_mint_stops_at_the_cap() public {
        vm.startPrank(faucet);
        token.mint(address(1), 21_000_000e18);
        vm.expectRevert(
            abi.encodeWithSelector(ERC20Capped.ERC20ExceededCap.selector, 21_000_000e18 + 1, 21_000_000e18)
        );
        token.mint(address(1), 1);
    }

    function test_permit_and_votes_work() public {
        address owner = vm.addr(7);
        vm.prank(faucet);
        token.mint(owner, 9);
        bytes32 structHash = keccak256(
            abi.encode(
                keccak256(
                    "Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)"
                ),
                owner,
                address(this),
                uint256(9),
                token.nonces(owner),
                GENESIS
            )
        );
        (uint8 v, bytes32 r, bytes32 s) =
            vm.sign(7, keccak256(abi.encodePacked(hex"1901", token.DOMAIN_SEPARATOR(), structHash)));
        token.permit(owner, address(this), 9, GENESIS, v, r, s);
        assertEq(token.allowance(owner, address(this)), 9);
        assertEq(token.nonces(owner), 1);
        vm.prank(owner);
        token.delegate(owner);
        vm.warp(GENESIS + 1);
        assertEq(token.getPastVotes(owner, GENESIS), 9);
    }

    function test_authority_wires_roles_and_leaves_the_rest_closed() public view {
        (bool isMinter,) = authority.hasRole(MINTER_ROLE, address(emissions));
        assertTrue(isMinter);
        (isMinter,) = authority.hasRole(MINTER_ROLE, admin);
        assertFalse(isMinter);
        (bool isCreator,) = authority.hasRole(RUN_CREATOR_ROLE, creator);
        assertTrue(isCreator);
        (bool isAdmin,) = authority.hasRole(authority.ADMIN_ROLE(), admin);
        assertTrue(isAdmin);
        (isAdmin,) = authority.hasRole(authority.ADMIN_ROLE(), address(this));
        assertFalse(isAdmin);
    }

    function test_authority_refuses_a_contract_of_another_authority() public {
        address[] memory none = new address[](0);
        Token foreign = new Token(address(0xDEAD));
        vm.expectRevert(
            abi.encodeWithSelector(Authority.AuthorityWrongTarget.selector, address(foreign), address(0xDEAD))
        );
        new Authority(admin, address(foreign), address(runRegistry), none, none);
    }

    function test_admin_can_revoke_a_minter() public {
        vm.prank(admin);
        authority.revokeRole(MINTER_ROLE, faucet);
        vm.prank(faucet);
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, faucet));
        token.mint(address(1), 1);
    }
}
