// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IToken} from "./interfaces/IToken.sol";
import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Capped} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Capped.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";
import {ERC20Votes} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Votes.sol";
import {Nonces} from "@openzeppelin/contracts/utils/Nonces.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

/// @title COV
/// @notice Stake and emission of the network. Starts with no supply.
/// @dev Must never mint outside MINTER_ROLE or beyond the cap, and has no way to move or freeze anyone's balance.
contract Token is IToken, ERC20Capped, ERC20Permit, ERC20Votes, AccessManaged {
    uint256 private constant CAP = 21_000_000e18;

    /// @param authority_ AccessManager that says who holds MINTER_ROLE.
    constructor(address authority_)
        ERC20("Covenant", "COV")
        ERC20Capped(CAP)
        ERC20Permit("Covenant")
        AccessManaged(authority_)
    {}

    /// @inheritdoc IToken
    function mint(address to, uint256 amount) external restricted {
        _mint(to, amount);
    }

    /// @inheritdoc IToken
    function cap() public view override(IToken, ERC20Capped) returns (uint256) {
        return super.cap();
    }

    /// @notice Votes are counted by block timestamp.
    function clock() public view override returns (uint48) {
        return SafeCast.toUint48(block.timestamp);
    }

    /// @notice Machine-readable description of the clock (EIP-6372).
    // forge-lint: disable-next-line(mixed-case-function)
    function CLOCK_MODE() public pure override returns (string memory) {
        return "mode=timestamp";
    }

    /// @notice Next permit and delegation nonce of `owner`.
    function nonces(address owner) public view override(ERC20Permit, Nonces) returns (uint256) {
        return super.nonces(owner);
    }

    function _update(address from, address to, uint256 value)
        internal
        override(ERC20, ERC20Capped, ERC20Votes)
    {
        super._update(from, to, value);
    }
}
