// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Neuron, Role} from "../types/Neuron.sol";

/// @notice Hotkeys, their owners and their stake.
interface IRegistry {
    event HotkeyRegistered(
        uint16 indexed uid, address indexed coldkey, address indexed hotkey, uint8 role, bytes32 networkKey
    );
    /// @param total The uid's stake after the change.
    event StakeAdded(uint16 indexed uid, address indexed from, uint256 amount, uint256 total);
    /// @param total The uid's remaining stake after the change.
    /// @param releaseAt When everything the uid has unbonding can be withdrawn.
    event UnstakeRequested(uint16 indexed uid, uint256 amount, uint256 total, uint48 releaseAt);
    event StakeWithdrawn(uint16 indexed uid, address indexed to, uint256 amount);

    error RegistryZeroAddress();
    error RegistryUnbondingTooLong(uint256 seconds_);
    error RegistryInvalidRole();
    error RegistryConsentExpired(uint256 deadline);
    error RegistryBadConsent(address hotkey);
    error RegistryAlreadyRegistered(address hotkey, uint16 uid);
    error RegistryFull();
    error RegistryValidatorsFull();
    error RegistryUnknownUid(uint16 uid);
    error RegistryUnknownHotkey(address hotkey);
    error RegistryNotColdkey(uint16 uid, address caller);
    error RegistryZeroAmount();
    error RegistryInsufficientStake(uint16 uid, uint256 amount, uint256 stake);
    error RegistryNothingUnbonding(uint16 uid);
    error RegistryStillUnbonding(uint16 uid, uint48 releaseAt);
    error RegistryFutureLookup(uint48 timestamp, uint48 current);

    /// @notice Gives `hotkey` a slot owned by the caller.
    /// @param hotkey Account that consented; may hold one slot only.
    /// @param role Miner or Validator.
    /// @param networkKey Public key of the node.
    /// @param deadline Last unix second at which the consent is good.
    /// @param hotkeySignature 65-byte EIP-712 signature of HotkeyConsent by the hotkey, with its current nonce.
    function register(
        address hotkey,
        Role role,
        bytes32 networkKey,
        uint256 deadline,
        bytes calldata hotkeySignature
    ) external returns (uint16 uid);

    /// @notice Locks `amount` of the caller's tokens behind `uid`. Anyone may; only the coldkey can take it out.
    function addStake(uint16 uid, uint256 amount) external;

    /// @notice Starts unbonding. A later request joins the earlier one and restarts its delay.
    /// @dev Coldkey only. The stake stops counting at once, also for rounds that open later.
    function requestUnstake(uint16 uid, uint256 amount) external;

    /// @notice Pays everything unbonded to the coldkey. Coldkey only, from releaseAt on.
    function withdrawStake(uint16 uid) external;

    /// @notice Next consent nonce of `hotkey`.
    function nonces(address hotkey) external view returns (uint256);

    /// @notice EIP-712 digest that a hotkey signs to consent.
    function hashConsent(
        address coldkey,
        address hotkey,
        Role role,
        bytes32 networkKey,
        uint256 nonce,
        uint256 deadline
    ) external view returns (bytes32);

    function stakeOf(uint16 uid) external view returns (uint256);

    /// @notice Stake at the end of `timestamp`, which must have passed; zero before the registration.
    function stakeAt(uint16 uid, uint48 timestamp) external view returns (uint256);

    /// @notice stakeAt for several uids, in their order.
    function stakesAt(uint16[] calldata uids, uint48 timestamp) external view returns (uint256[] memory);

    /// @notice Sum of stakeAt over a set of uids (bit i = uid i).
    function totalStakeAt(uint256 uidSet, uint48 timestamp) external view returns (uint256);

    /// @notice What a uid has unbonding, and from when on it can be withdrawn.
    function unbonding(uint16 uid) external view returns (uint256 amount, uint48 releaseAt);

    function neuron(uint16 uid) external view returns (Neuron memory);

    /// @notice Slot of a hotkey; reverts with RegistryUnknownHotkey when it has none.
    function uidOf(address hotkey) external view returns (uint16);

    function isRegistered(address hotkey) external view returns (bool);

    function neuronCount() external view returns (uint256);

    /// @notice All validators, ascending.
    function validatorUids() external view returns (uint16[] memory);

    /// @notice All miners, ascending.
    function minerUids() external view returns (uint16[] memory);

    /// @notice All validators, as a set.
    function validatorSet() external view returns (uint256);

    /// @notice All miners, as a set.
    function minerSet() external view returns (uint256);

    /// @notice Seconds between requestUnstake and withdrawStake.
    function unbondingSeconds() external view returns (uint48);
}
