// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// @notice COV: 18 decimals, capped supply, EIP-2612 permits, votes by timestamp.
interface IToken is IERC20 {
    /// @notice Creates `amount` base units for `to`.
    /// @dev Restricted to MINTER_ROLE. Reverts with ERC20ExceededCap beyond the cap.
    function mint(address to, uint256 amount) external;

    /// @notice Most base units that can ever exist.
    function cap() external view returns (uint256);
}
