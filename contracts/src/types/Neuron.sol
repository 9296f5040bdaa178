// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice What a registered hotkey does in the network. A hotkey holds one role for good.
enum Role {
    None,
    Miner,
    Validator
}

/// @notice One registered hotkey and its slot.
/// @param coldkey Owner: moves the stake and is paid the emission.
/// @param hotkey Online signing key; an account of its own, never a contract.
/// @param role Miner or validator.
/// @param uid Slot in [0, 256), given in order of registration and never reused.
/// @param networkKey Public key by which peers know the node; opaque to the contracts.
/// @param registeredAt Block timestamp of the registration, in seconds.
struct Neuron {
    address coldkey;
    address hotkey;
    Role role;
    uint16 uid;
    bytes32 networkKey;
    uint48 registeredAt;
}
