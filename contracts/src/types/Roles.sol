// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @dev Role ids of the Authority. 0 is AccessManager's own ADMIN_ROLE.
uint64 constant MINTER_ROLE = 1;
uint64 constant RUN_CREATOR_ROLE = 2;
