// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Deployment} from "../script/Deployment.sol";
import {Test} from "forge-std/Test.sol";

/// @dev The library's code in a call of its own, so that its refusals can be expected.
contract Deployer {
    function deploy(address scoreLedger, address authority) external {
        Deployment.deploy(
            Deployment.Config(address(1), address(2), address(0), address(3), 1 days), scoreLedger, authority
        );
    }
}

contract DeploymentTest is Test {
    Deployer private deployer;
    address private scoreLedger;
    address private authority;

    function setUp() public {
        deployer = new Deployer();
        uint64 nonce = vm.getNonce(address(deployer));
        scoreLedger = vm.computeCreateAddress(address(deployer), nonce + Deployment.SCORE_LEDGER_OFFSET);
        authority = vm.computeCreateAddress(address(deployer), nonce + Deployment.AUTHORITY_OFFSET);
    }

    function test_two_predicted_addresses_are_checked() public {
        vm.expectRevert(
            abi.encodeWithSelector(Deployment.DeploymentWrongScoreLedger.selector, address(9), scoreLedger)
        );
        deployer.deploy(address(9), authority);
        vm.expectRevert(); // the authority's own constructor sees it first
        deployer.deploy(scoreLedger, address(9));
        deployer.deploy(scoreLedger, authority);
        assertNotEq(scoreLedger.code.length, 0);
        assertNotEq(authority.code.length, 0);
    }
}
