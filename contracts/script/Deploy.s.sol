// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Deployment} from "./Deployment.sol";
import {Script} from "forge-std/Script.sol";

/// @notice Deploys everything with the broadcasting account. Reads COVENANT_ADMIN, COVENANT_RUN_CREATOR,
/// COVENANT_TREASURY, COVENANT_UNBONDING_SECONDS and, on test chains only, COVENANT_FAUCET.
contract Deploy is Script {
    function run() external returns (Deployment.Contracts memory contracts) {
        Deployment.Config memory config = Deployment.Config({
            admin: vm.envAddress("COVENANT_ADMIN"),
            runCreator: vm.envAddress("COVENANT_RUN_CREATOR"),
            faucet: vm.envOr("COVENANT_FAUCET", address(0)),
            treasury: vm.envAddress("COVENANT_TREASURY"),
            unbondingSeconds: vm.envUint("COVENANT_UNBONDING_SECONDS")
        });
        vm.startBroadcast();
        (, address deployer,) = vm.readCallers();
        uint64 nonce = vm.getNonce(deployer);
        contracts = Deployment.deploy(
            config,
            vm.computeCreateAddress(deployer, nonce + Deployment.SCORE_LEDGER_OFFSET),
            vm.computeCreateAddress(deployer, nonce + Deployment.AUTHORITY_OFFSET)
        );
        vm.stopBroadcast();
    }
}
