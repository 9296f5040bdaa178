// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IRegistry} from "./interfaces/IRegistry.sol";
import {IRoundManager} from "./interfaces/IRoundManager.sol";
import {IRunRegistry} from "./interfaces/IRunRegistry.sol";
import {HeaderProof} from "./libraries/HeaderProof.sol";
import {PhaseClock} from "./libraries/PhaseClock.sol";
import {UidSet} from "./libraries/UidSet.sol";
import {Commitment} from "./types/Commitment.sol";
import {MAX_UIDS} from "./types/Limits.sol";
import {Neuron, Role} from "./types/Neuron.sol";
import {RunTerms} from "./types/RunTerms.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {Checkpoints} from "@openzeppelin/contracts/utils/structs/Checkpoints.sol";

/// @title RoundManager
/// @notice Commitments, beacons and the validators' two votes of every round.
/// @dev Must never take a second commitment of a miner for a round, let anybody choose the beacon's block, change
/// a round's rho, base root or electorate after its T0, or accept parameters without 2/3 of the electorate's stake.
/// Holds no tokens and knows no privileged caller.
contract RoundManager is IRoundManager, EIP712 {
    using Checkpoints for Checkpoints.Trace208;
    using PhaseClock for RunTerms;

    struct Round {
        uint256 committed;
        uint256 inclusionVoters;
        uint256 parametersVoters;
        /// Electorate as fixed by the first vote that needed it; its stake is zero before that.
        uint256 electorate;
        uint128 electorateStake;
        bool isAccepted;
        uint32 heldoutLossBits;
        bytes32 root;
        mapping(uint16 uid => bytes32) digests;
        mapping(uint16 uid => uint256) inclusionVotes;
        mapping(bytes32 parameters => uint256) parametersStake;
    }

    bytes32 private constant COMMITMENT_TYPEHASH = keccak256(
        "Commitment(bytes32 run,uint64 round,bytes32 rho,bytes32 baseRoot,uint16 uid,bytes32 root,bytes32 ciphertextHash,bytes32 keyHash,uint64 size,uint64 tokens)"
    );

    IRegistry public immutable registry;
    IRunRegistry public immutable runRegistry;

    mapping(bytes32 run => mapping(uint64 round => Round)) private _rounds;
    mapping(bytes32 run => mapping(uint64 slot => bytes32)) private _sigmas;
    /// @dev Key = value = slot + 1 of every proven slot; slots are proven in ascending order.
    mapping(bytes32 run => Checkpoints.Trace208) private _provenSlots;
    /// @dev Key = value = round + 1 of every round with accepted parameters, ascending as well.
    mapping(bytes32 run => Checkpoints.Trace208) private _acceptedRounds;

    constructor(IRegistry registry_, IRunRegistry runRegistry_) EIP712("Covenant", "1") {
        require(
            address(registry_) != address(0) && address(runRegistry_) != address(0), RoundManagerZeroAddress()
        );
        registry = registry_;
        runRegistry = runRegistry_;
    }

    // ------------------------------------------------------------------------------------------ actions

    /// @inheritdoc IRoundManager
    function commitArtifact(Commitment calldata c, bytes calldata signature) external {
        RunTerms memory terms = runRegistry.terms(c.run);
        _requireWindow(terms.t0(c.round), terms.t1(c.round));
        _requireDomain(c);

        Neuron memory miner = registry.neuron(c.uid);
        require(miner.role == Role.Miner, RoundManagerNotMiner(c.uid));
        require(miner.registeredAt <= terms.t0(c.round), RoundManagerNotInRoster(c.uid, miner.registeredAt));
        Round storage state = _rounds[c.run][c.round];
        require(!UidSet.contains(state.committed, c.uid), RoundManagerAlreadyCommitted(c.run, c.round, c.uid));
        bytes32 digest = hashCommitment(c);
        (address signer,,) = ECDSA.tryRecover(digest, signature);
        require(signer == miner.hotkey, RoundManagerBadSignature(c.uid));

        state.committed = UidSet.with(state.committed, c.uid);
        state.digests[c.uid] = digest;
        emit ArtifactCommitted(c.run, c.round, c.uid, c, signature);
    }

    /// @inheritdoc IRoundManager
    function proveBeacon(bytes32 run, uint64 slot, bytes calldata header, bytes calldata parentHeader)
        external
    {
        RunTerms memory terms = runRegistry.terms(run);
        uint256 target = terms.beaconTarget(slot);
        _requireWindow(target, terms.beaconDeadline(slot));
        require(_sigmas[run][slot] == 0, RoundManagerAlreadyProven(run, slot));
        (uint256 number, bytes32 prevrandao) = HeaderProof.firstBlockAtOrAfter(header, parentHeader, target);

        bytes32 sigma_ = _storeSigma(run, slot, prevrandao);
        emit BeaconProven(run, slot, SafeCast.toUint64(number), prevrandao, sigma_);
    }

    /// @inheritdoc IRoundManager
    function voteInclusion(bytes32 run, uint64 round, uint256 uidBitmap) external {
        RunTerms memory terms = runRegistry.terms(run);
        _requireWindow(terms.auditOpens(round), terms.t2(round));
        uint16 uid = _callingValidator();
        Round storage state = _rounds[run][round];
        require(!UidSet.contains(state.inclusionVoters, uid), RoundManagerAlreadyVoted(run, round, uid));
        require(uidBitmap & ~state.committed == 0, RoundManagerNotCommitted(uidBitmap, state.committed));
        // Stake is needed to vote at all; only the electorate's counts now, but the vote of a newcomer lets it into
        // the electorate of the next two rounds.
        uint256 stake = registry.stakeAt(uid, SafeCast.toUint48(terms.t0(round)));
        require(stake != 0, RoundManagerNoStake(uid));
        (uint256 voters,) = _fixElectorate(run, round, terms);

        state.inclusionVoters = UidSet.with(state.inclusionVoters, uid);
        state.inclusionVotes[uid] = uidBitmap;
        emit InclusionVoted(run, round, uid, uidBitmap, UidSet.contains(voters, uid) ? stake : 0);
    }

    /// @inheritdoc IRoundManager
    function voteParameters(bytes32 run, uint64 round, bytes32 root, uint32 heldoutLossBits) external {
        RunTerms memory terms = runRegistry.terms(run);
        _requireWindow(terms.t2(round), terms.t3(round));
        require(root != 0, RoundManagerZeroRoot());
        require(_sigmas[run][round + 1] != 0, RoundManagerNoBeacon(run, round));
        uint16 uid = _callingValidator();
        Round storage state = _rounds[run][round];
        require(!UidSet.contains(state.parametersVoters, uid), RoundManagerAlreadyVoted(run, round, uid));
        (uint256 voters, uint256 total) = _fixElectorate(run, round, terms);
        require(UidSet.contains(voters, uid), RoundManagerNotInElectorate(uid));
        uint256 stake = registry.stakeAt(uid, SafeCast.toUint48(terms.t0(round)));
        require(stake != 0, RoundManagerNoStake(uid));

        bytes32 key = _parametersKey(root, heldoutLossBits);
        uint256 agreeing = state.parametersStake[key] + stake;
        state.parametersVoters = UidSet.with(state.parametersVoters, uid);
        state.parametersStake[key] = agreeing;
        emit ParametersVoted(run, round, uid, root, heldoutLossBits, stake);
        // Everybody votes once, so at most one (root, loss) can reach 2/3.
        if (!state.isAccepted && _isQuorum(agreeing, total)) {
            _accept(run, round, root, heldoutLossBits);
        }
    }

    // -------------------------------------------------------------------------------------------- views

    /// @inheritdoc IRoundManager
    function sigma(bytes32 run, uint64 slot) external view returns (bytes32) {
        return _sigmas[run][slot];
    }

    /// @inheritdoc IRoundManager
    function rho(bytes32 run, uint64 round) public view returns (bytes32) {
        uint256 slotPlusOne = _provenSlots[run].upperLookupRecent(_saturatedKey(uint256(round) + 1));
        if (slotPlusOne == 0) return 0;
        return sha256(abi.encodePacked("rho", _sigmas[run][SafeCast.toUint64(slotPlusOne - 1)], round));
    }

    /// @inheritdoc IRoundManager
    function commitmentDigest(bytes32 run, uint64 round, uint16 uid) external view returns (bytes32) {
        return _rounds[run][round].digests[uid];
    }

    /// @inheritdoc IRoundManager
    function hashCommitment(Commitment calldata c) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(COMMITMENT_TYPEHASH, c)));
    }

    /// @inheritdoc IRoundManager
    function committed(bytes32 run, uint64 round) external view returns (uint256) {
        return _rounds[run][round].committed;
    }

    /// @inheritdoc IRoundManager
    function included(bytes32 run, uint64 round) external view returns (uint256 result) {
        if (isNull(run, round)) return 0;
        Round storage state = _rounds[run][round];
        // No vote, no inclusion; from the first vote on the electorate is fixed.
        uint256 total = state.electorateStake;
        if (total == 0) return 0;

        uint256[MAX_UIDS] memory yes = _countYes(run, round);
        for (uint256 set = state.committed; set != 0; set = UidSet.withoutLowest(set)) {
            uint16 uid = UidSet.lowest(set);
            if (_isQuorum(yes[uid], total)) result = UidSet.with(result, uid);
        }
    }

    /// @inheritdoc IRoundManager
    function baseRoot(bytes32 run, uint64 round) public view returns (bytes32) {
        // Rounds before this one have keys up to `round`.
        uint256 roundPlusOne = _acceptedRounds[run].upperLookupRecent(_saturatedKey(round));
        if (roundPlusOne == 0) return runRegistry.terms(run).genesisRoot;
        return _rounds[run][SafeCast.toUint64(roundPlusOne - 1)].root;
    }

    /// @inheritdoc IRoundManager
    function accepted(bytes32 run, uint64 round)
        external
        view
        returns (bool isAccepted, bytes32 root, uint32 heldoutLossBits)
    {
        Round storage state = _rounds[run][round];
        return (state.isAccepted, state.root, state.heldoutLossBits);
    }

    /// @inheritdoc IRoundManager
    function isNull(bytes32 run, uint64 round) public view returns (bool) {
        return block.timestamp >= runRegistry.terms(run).t3(round) && !_rounds[run][round].isAccepted;
    }

    /// @inheritdoc IRoundManager
    function electorate(bytes32 run, uint64 round) public view returns (uint256 uidSet, uint256 stake) {
        Round storage state = _rounds[run][round];
        if (state.electorateStake != 0) return (state.electorate, state.electorateStake);
        return _computeElectorate(run, round, runRegistry.terms(run));
    }

    /// @inheritdoc IRoundManager
    function electorateStake(bytes32 run, uint64 round) external view returns (uint256 stake) {
        (, stake) = electorate(run, round);
    }

    /// @inheritdoc IRoundManager
    function inclusionVoters(bytes32 run, uint64 round) external view returns (uint256) {
        return _rounds[run][round].inclusionVoters;
    }

    /// @inheritdoc IRoundManager
    function inclusionVote(bytes32 run, uint64 round, uint16 uid) external view returns (uint256) {
        return _rounds[run][round].inclusionVotes[uid];
    }

    /// @inheritdoc IRoundManager
    function parametersVoters(bytes32 run, uint64 round) external view returns (uint256) {
        return _rounds[run][round].parametersVoters;
    }

    /// @inheritdoc IRoundManager
    function parametersStake(bytes32 run, uint64 round, bytes32 root, uint32 heldoutLossBits)
        external
        view
        returns (uint256)
    {
        return _rounds[run][round].parametersStake[_parametersKey(root, heldoutLossBits)];
    }

    /// @inheritdoc IRoundManager
    function t0(bytes32 run, uint64 round) external view returns (uint256) {
        return runRegistry.terms(run).t0(round);
    }

    /// @inheritdoc IRoundManager
    function t1(bytes32 run, uint64 round) external view returns (uint256) {
        return runRegistry.terms(run).t1(round);
    }

    /// @inheritdoc IRoundManager
    function t2(bytes32 run, uint64 round) external view returns (uint256) {
        return runRegistry.terms(run).t2(round);
    }

    /// @inheritdoc IRoundManager
    function t3(bytes32 run, uint64 round) external view returns (uint256) {
        return runRegistry.terms(run).t3(round);
    }

    /// @inheritdoc IRoundManager
    function beaconTarget(bytes32 run, uint64 slot) external view returns (uint256) {
        return runRegistry.terms(run).beaconTarget(slot);
    }

    /// @inheritdoc IRoundManager
    function beaconDeadline(bytes32 run, uint64 slot) external view returns (uint256) {
        return runRegistry.terms(run).beaconDeadline(slot);
    }

    /// @inheritdoc IRoundManager
    function currentRound(bytes32 run) external view returns (bool started, uint64 round) {
        RunTerms memory terms = runRegistry.terms(run);
        if (block.timestamp < terms.startTime) return (false, 0);
        return (true, SafeCast.toUint64((block.timestamp - terms.startTime) / terms.roundSeconds));
    }

    // ---------------------------------------------------------------------------------------- internals

    /// @dev The commitment names the run's present state; a signature for another history is worth nothing.
    function _requireDomain(Commitment calldata c) private view {
        bytes32 expectedRho = rho(c.run, c.round);
        require(expectedRho != 0, RoundManagerNoBeacon(c.run, c.round));
        require(c.rho == expectedRho, RoundManagerWrongRho(c.rho, expectedRho));
        bytes32 expectedRoot = baseRoot(c.run, c.round);
        require(c.baseRoot == expectedRoot, RoundManagerWrongBaseRoot(c.baseRoot, expectedRoot));
    }

    function _storeSigma(bytes32 run, uint64 slot, bytes32 prevrandao) private returns (bytes32 sigma_) {
        sigma_ = sha256(abi.encodePacked("aud", prevrandao, slot));
        _sigmas[run][slot] = sigma_;
        uint48 key = SafeCast.toUint48(uint256(slot) + 1);
        _provenSlots[run].push(key, key);
    }

    function _accept(bytes32 run, uint64 round, bytes32 root, uint32 heldoutLossBits) private {
        Round storage state = _rounds[run][round];
        state.isAccepted = true;
        state.root = root;
        state.heldoutLossBits = heldoutLossBits;
        uint48 key = SafeCast.toUint48(uint256(round) + 1);
        _acceptedRounds[run].push(key, key);
        emit ParametersAccepted(run, round, root, heldoutLossBits);
    }

    function _fixElectorate(bytes32 run, uint64 round, RunTerms memory terms)
        private
        returns (uint256 uidSet, uint256 stake)
    {
        Round storage state = _rounds[run][round];
        if (state.electorateStake != 0) return (state.electorate, state.electorateStake);
        (uidSet, stake) = _computeElectorate(run, round, terms);
        state.electorate = uidSet;
        state.electorateStake = SafeCast.toUint128(stake);
    }

    /// @dev Validators that voted on inclusion in one of the last two rounds; if those have no stake at T0, all
    /// validators. Both inputs are final at T0: earlier votes closed before it, and stake is looked up at it.
    function _computeElectorate(bytes32 run, uint64 round, RunTerms memory terms)
        private
        view
        returns (uint256 uidSet, uint256 stake)
    {
        uint48 at = SafeCast.toUint48(terms.t0(round));
        if (round >= 1) uidSet = _rounds[run][round - 1].inclusionVoters;
        if (round >= 2) uidSet |= _rounds[run][round - 2].inclusionVoters;
        stake = registry.totalStakeAt(uidSet, at);
        if (stake == 0) {
            uidSet = registry.validatorSet();
            stake = registry.totalStakeAt(uidSet, at);
        }
    }

    /// @dev Yes stake of every uid over the electorate's votes.
    function _countYes(bytes32 run, uint64 round) private view returns (uint256[MAX_UIDS] memory yes) {
        Round storage state = _rounds[run][round];
        uint256 voters = state.inclusionVoters & state.electorate;
        uint16[] memory uids = UidSet.toArray(voters);
        uint256[] memory stakes = registry.stakesAt(uids, SafeCast.toUint48(runRegistry.terms(run).t0(round)));
        for (uint256 i = 0; i < uids.length; ++i) {
            for (uint256 set = state.inclusionVotes[uids[i]]; set != 0; set = UidSet.withoutLowest(set)) {
                yes[UidSet.lowest(set)] += stakes[i];
            }
        }
    }

    function _callingValidator() private view returns (uint16 uid) {
        uid = registry.uidOf(msg.sender);
        require(UidSet.contains(registry.validatorSet(), uid), RoundManagerNotValidator(uid));
    }

    function _requireWindow(uint256 opensAt, uint256 closesAt) private view {
        require(
            block.timestamp >= opensAt && block.timestamp < closesAt,
            RoundManagerOutsideWindow(block.timestamp, opensAt, closesAt)
        );
    }

    function _isQuorum(uint256 stake, uint256 total) private pure returns (bool) {
        return stake * 3 >= total * 2;
    }

    function _parametersKey(bytes32 root, uint32 heldoutLossBits) private pure returns (bytes32) {
        return keccak256(abi.encode(root, heldoutLossBits));
    }

    /// @dev Views take any round; beyond 2^48 there is nothing later to find.
    function _saturatedKey(uint256 key) private pure returns (uint48) {
        return SafeCast.toUint48(Math.min(key, type(uint48).max));
    }
}
