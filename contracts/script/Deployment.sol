// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Authority} from "../src/Authority.sol";
import {Emissions} from "../src/Emissions.sol";
import {Registry} from "../src/Registry.sol";
import {RoundManager} from "../src/RoundManager.sol";
import {RunRegistry} from "../src/RunRegistry.sol";
import {ScoreLedger} from "../src/ScoreLedger.sol";
import {Token} from "../src/Token.sol";
import {IScoreLedger} from "../src/interfaces/IScoreLedger.sol";

/// @title The one order in which the contracts are deployed
/// @notice Seven create transactions in a row by one account, no calls after them. Two addresses must be known
/// beforehand: the account's create addresses at nonce + 4 (score ledger) and nonce + 6 (authority).
library Deployment {
    /// @param admin Holder of ADMIN_ROLE.
    /// @param runCreator Account that may open runs.
    /// @param faucet Second minter for test chains; zero for none.
    /// @param treasury Receiver of the treasury's emission.
    /// @param unbondingSeconds Delay of unstaking.
    struct Config {
        address admin;
        address runCreator;
        address faucet;
        address treasury;
        uint256 unbondingSeconds;
    }

    struct Contracts {
        Token token;
        Registry registry;
        RunRegistry runRegistry;
        RoundManager roundManager;
        ScoreLedger scoreLedger;
        Emissions emissions;
        Authority authority;
    }

    uint64 internal constant SCORE_LEDGER_OFFSET = 4;
    uint64 internal constant AUTHORITY_OFFSET = 6;

    error DeploymentWrongScoreLedger(address predicted, address actual);
    error DeploymentWrongAuthority(address predicted, address actual);

    /// @param scoreLedger Predicted address of the score ledger, which the round manager before it names.
    /// @param authority Predicted address of the last contract.
    function deploy(Config memory config, address scoreLedger, address authority)
        internal
        returns (Contracts memory c)
    {
        c.token = new Token(authority);
        c.registry = new Registry(c.token, config.unbondingSeconds);
        c.runRegistry = new RunRegistry(authority);
        c.roundManager = new RoundManager(c.registry, c.runRegistry, IScoreLedger(scoreLedger));
        c.scoreLedger = new ScoreLedger(c.registry, c.runRegistry);
        require(
            address(c.scoreLedger) == scoreLedger,
            DeploymentWrongScoreLedger(scoreLedger, address(c.scoreLedger))
        );
        c.emissions =
            new Emissions(c.token, c.registry, c.runRegistry, c.roundManager, c.scoreLedger, config.treasury);
        address[] memory minters = new address[](config.faucet == address(0) ? 1 : 2);
        minters[0] = address(c.emissions);
        if (minters.length == 2) minters[1] = config.faucet;
        address[] memory creators = new address[](1);
        creators[0] = config.runCreator;
        c.authority = new Authority(config.admin, address(c.token), address(c.runRegistry), minters, creators);
        require(address(c.authority) == authority, DeploymentWrongAuthority(authority, address(c.authority)));
    }
}
