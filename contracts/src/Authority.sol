// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IRunRegistry} from "./interfaces/IRunRegistry.sol";
import {IToken} from "./interfaces/IToken.sol";
import {MINTER_ROLE, RUN_CREATOR_ROLE} from "./types/Roles.sol";
import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";

/// @title Who may call what
/// @notice OpenZeppelin's AccessManager, with the network's two restricted functions wired by the constructor.
/// @dev Deployed last: the token and the run registry name its address before it exists, and the constructor
/// refuses contracts that name another one.
contract Authority is AccessManager {
    error AuthorityWrongTarget(address target, address itsAuthority);

    /// @param admin Holder of ADMIN_ROLE: grants and revokes everything else.
    /// @param token Token, whose mint goes to MINTER_ROLE.
    /// @param runRegistry RunRegistry, whose createRun goes to RUN_CREATOR_ROLE.
    /// @param minters The Emissions contract and, on test chains only, a faucet.
    /// @param runCreators Accounts that may open runs.
    constructor(
        address admin,
        address token,
        address runRegistry,
        address[] memory minters,
        address[] memory runCreators
    ) AccessManager(admin) {
        _wire(token, IToken.mint.selector, MINTER_ROLE, minters);
        _wire(runRegistry, IRunRegistry.createRun.selector, RUN_CREATOR_ROLE, runCreators);
    }

    function _wire(address target, bytes4 selector, uint64 role, address[] memory members) private {
        address its = IAccessManaged(target).authority();
        require(its == address(this), AuthorityWrongTarget(target, its));
        _setTargetFunctionRole(target, selector, role);
        for (uint256 i = 0; i < members.length; ++i) {
            _grantRole(role, members[i], 0, 0);
        }
    }
}
