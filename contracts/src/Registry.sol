// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IRegistry} from "./interfaces/IRegistry.sol";
import {UidSet} from "./libraries/UidSet.sol";
import {MAX_UIDS, MAX_VALIDATORS} from "./types/Limits.sol";
import {Neuron, Role} from "./types/Neuron.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Nonces} from "@openzeppelin/contracts/utils/Nonces.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {Checkpoints} from "@openzeppelin/contracts/utils/structs/Checkpoints.sol";

/// @title Registry
/// @notice Hotkeys, their owners and their stake.
/// @dev Must never hold fewer tokens than all stake plus all unbonding, pay anyone but a uid's coldkey, or
/// register a hotkey that did not sign for exactly this coldkey, role and network key. Nobody is privileged here.
contract Registry is IRegistry, EIP712, Nonces {
    using Checkpoints for Checkpoints.Trace208;
    using SafeERC20 for IERC20;

    struct Unbonding {
        uint208 amount;
        uint48 releaseAt;
    }

    bytes32 private constant CONSENT_TYPEHASH = keccak256(
        "HotkeyConsent(address coldkey,address hotkey,uint8 role,bytes32 networkKey,uint256 nonce,uint256 deadline)"
    );
    /// @dev Longer would only be a mistake, and a fund lost for ever.
    uint256 private constant MAX_UNBONDING_SECONDS = 365 days;

    IERC20 public immutable token;
    uint48 public immutable override unbondingSeconds;

    Neuron[] private _neurons;
    mapping(address hotkey => uint256 uidPlusOne) private _slots;
    uint256 private _validators;
    uint256 private _miners;
    mapping(uint16 uid => Checkpoints.Trace208) private _stakes;
    mapping(uint16 uid => Unbonding) private _unbonding;

    /// @param token_ Token that is staked.
    /// @param unbondingSeconds_ Delay between requestUnstake and withdrawStake, at most 365 days.
    constructor(IERC20 token_, uint256 unbondingSeconds_) EIP712("Covenant", "1") {
        require(address(token_) != address(0), RegistryZeroAddress());
        require(unbondingSeconds_ <= MAX_UNBONDING_SECONDS, RegistryUnbondingTooLong(unbondingSeconds_));
        token = token_;
        unbondingSeconds = SafeCast.toUint48(unbondingSeconds_);
    }

    /// @inheritdoc IRegistry
    function register(
        address hotkey,
        Role role,
        bytes32 networkKey,
        uint256 deadline,
        bytes calldata hotkeySignature
    ) external returns (uint16 uid) {
        require(role != Role.None, RegistryInvalidRole());
        require(block.timestamp <= deadline, RegistryConsentExpired(deadline));
        uint256 slot = _slots[hotkey];
        if (slot != 0) revert RegistryAlreadyRegistered(hotkey, SafeCast.toUint16(slot - 1));
        _requireConsent(hotkey, role, networkKey, deadline, hotkeySignature);

        uint256 count = _neurons.length;
        require(count < MAX_UIDS, RegistryFull());
        uid = SafeCast.toUint16(count);
        if (role == Role.Validator) {
            require(UidSet.count(_validators) < MAX_VALIDATORS, RegistryValidatorsFull());
            _validators = UidSet.with(_validators, uid);
        } else {
            _miners = UidSet.with(_miners, uid);
        }
        _slots[hotkey] = count + 1;
        _neurons.push(
            Neuron({
                coldkey: msg.sender,
                hotkey: hotkey,
                role: role,
                uid: uid,
                networkKey: networkKey,
                registeredAt: _now()
            })
        );
        emit HotkeyRegistered(uid, msg.sender, hotkey, uint8(role), networkKey);
    }

    /// @inheritdoc IRegistry
    function addStake(uint16 uid, uint256 amount) external {
        _requireUid(uid);
        require(amount != 0, RegistryZeroAmount());
        uint256 total = _stakes[uid].latest() + amount;
        _stakes[uid].push(_now(), SafeCast.toUint208(total));
        emit StakeAdded(uid, msg.sender, amount, total);
        token.safeTransferFrom(msg.sender, address(this), amount);
    }

    /// @inheritdoc IRegistry
    function requestUnstake(uint16 uid, uint256 amount) external {
        _requireColdkey(uid);
        require(amount != 0, RegistryZeroAmount());
        uint256 stake = _stakes[uid].latest();
        require(amount <= stake, RegistryInsufficientStake(uid, amount, stake));

        uint48 releaseAt = _now() + unbondingSeconds;
        _stakes[uid].push(_now(), SafeCast.toUint208(stake - amount));
        Unbonding storage pending = _unbonding[uid];
        pending.amount += SafeCast.toUint208(amount);
        pending.releaseAt = releaseAt;
        emit UnstakeRequested(uid, amount, stake - amount, releaseAt);
    }

    /// @inheritdoc IRegistry
    function withdrawStake(uint16 uid) external {
        address coldkey = _requireColdkey(uid);
        Unbonding memory pending = _unbonding[uid];
        require(pending.amount != 0, RegistryNothingUnbonding(uid));
        require(block.timestamp >= pending.releaseAt, RegistryStillUnbonding(uid, pending.releaseAt));
        delete _unbonding[uid];
        emit StakeWithdrawn(uid, coldkey, pending.amount);
        token.safeTransfer(coldkey, pending.amount);
    }

    /// @inheritdoc IRegistry
    function nonces(address hotkey) public view override(IRegistry, Nonces) returns (uint256) {
        return super.nonces(hotkey);
    }

    /// @inheritdoc IRegistry
    function hashConsent(
        address coldkey,
        address hotkey,
        Role role,
        bytes32 networkKey,
        uint256 nonce,
        uint256 deadline
    ) public view returns (bytes32) {
        return _hashTypedDataV4(
            keccak256(abi.encode(CONSENT_TYPEHASH, coldkey, hotkey, role, networkKey, nonce, deadline))
        );
    }

    /// @inheritdoc IRegistry
    function stakeOf(uint16 uid) external view returns (uint256) {
        return _stakes[uid].latest();
    }

    /// @inheritdoc IRegistry
    function stakeAt(uint16 uid, uint48 timestamp) external view returns (uint256) {
        _requirePast(timestamp);
        return _stakes[uid].upperLookupRecent(timestamp);
    }

    /// @inheritdoc IRegistry
    function stakesAt(uint16[] calldata uids, uint48 timestamp)
        external
        view
        returns (uint256[] memory stakes)
    {
        _requirePast(timestamp);
        stakes = new uint256[](uids.length);
        for (uint256 i = 0; i < uids.length; ++i) {
            stakes[i] = _stakes[uids[i]].upperLookupRecent(timestamp);
        }
    }

    /// @inheritdoc IRegistry
    function totalStakeAt(uint256 uidSet, uint48 timestamp) external view returns (uint256 total) {
        _requirePast(timestamp);
        for (; uidSet != 0; uidSet = UidSet.withoutLowest(uidSet)) {
            total += _stakes[UidSet.lowest(uidSet)].upperLookupRecent(timestamp);
        }
    }

    /// @inheritdoc IRegistry
    function unbonding(uint16 uid) external view returns (uint256 amount, uint48 releaseAt) {
        Unbonding memory pending = _unbonding[uid];
        return (pending.amount, pending.releaseAt);
    }

    /// @inheritdoc IRegistry
    function neuron(uint16 uid) external view returns (Neuron memory) {
        _requireUid(uid);
        return _neurons[uid];
    }

    /// @inheritdoc IRegistry
    function uidOf(address hotkey) external view returns (uint16) {
        uint256 slot = _slots[hotkey];
        require(slot != 0, RegistryUnknownHotkey(hotkey));
        return SafeCast.toUint16(slot - 1);
    }

    /// @inheritdoc IRegistry
    function isRegistered(address hotkey) external view returns (bool) {
        return _slots[hotkey] != 0;
    }

    /// @inheritdoc IRegistry
    function neuronCount() external view returns (uint256) {
        return _neurons.length;
    }

    /// @inheritdoc IRegistry
    function validatorUids() external view returns (uint16[] memory) {
        return UidSet.toArray(_validators);
    }

    /// @inheritdoc IRegistry
    function minerUids() external view returns (uint16[] memory) {
        return UidSet.toArray(_miners);
    }

    /// @inheritdoc IRegistry
    function validatorSet() external view returns (uint256) {
        return _validators;
    }

    /// @inheritdoc IRegistry
    function minerSet() external view returns (uint256) {
        return _miners;
    }

    function _requireConsent(
        address hotkey,
        Role role,
        bytes32 networkKey,
        uint256 deadline,
        bytes calldata signature
    ) private {
        bytes32 digest = hashConsent(msg.sender, hotkey, role, networkKey, _useNonce(hotkey), deadline);
        (address signer,,) = ECDSA.tryRecover(digest, signature);
        // tryRecover gives zero for anything malformed, and zero is no hotkey.
        require(signer != address(0) && signer == hotkey, RegistryBadConsent(hotkey));
    }

    function _requireUid(uint16 uid) private view {
        require(uid < _neurons.length, RegistryUnknownUid(uid));
    }

    function _requireColdkey(uint16 uid) private view returns (address coldkey) {
        _requireUid(uid);
        coldkey = _neurons[uid].coldkey;
        require(msg.sender == coldkey, RegistryNotColdkey(uid, msg.sender));
    }

    /// @dev A block may still change the stake of its own timestamp.
    function _requirePast(uint48 timestamp) private view {
        require(timestamp < block.timestamp, RegistryFutureLookup(timestamp, _now()));
    }

    function _now() private view returns (uint48) {
        return SafeCast.toUint48(block.timestamp);
    }
}
