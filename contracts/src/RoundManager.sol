// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Electorate} from "./Electorate.sol";
import {IRegistry} from "./interfaces/IRegistry.sol";
import {IRoundManager} from "./interfaces/IRoundManager.sol";
import {IRunRegistry} from "./interfaces/IRunRegistry.sol";
import {IScoreLedger} from "./interfaces/IScoreLedger.sol";
import {HeaderProof} from "./libraries/HeaderProof.sol";
import {PhaseClock} from "./libraries/PhaseClock.sol";
import {UidSet} from "./libraries/UidSet.sol";
import {VoteCount} from "./libraries/VoteCount.sol";
import {Commitment} from "./types/Commitment.sol";
import {MAX_KEY_BATCH, MAX_UIDS} from "./types/Limits.sol";
import {Neuron, Role} from "./types/Neuron.sol";
import {RunTerms} from "./types/RunTerms.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {Checkpoints} from "@openzeppelin/contracts/utils/structs/Checkpoints.sol";

/// @title RoundManager
/// @notice Commitments, keys, beacons and the validators' two votes of every round.
/// @dev Must never take a second commitment of a miner for a round, let anybody choose the beacon's block, change a
/// round's rho or base root after its T0, take a key once the block that draws audits may be known, or accept
/// parameters without the quorum. Holds no tokens and knows no privileged caller: a stranger can bring a signed
/// commitment, a key that fits, a header, or the call that jails who has not voted, and moves nothing else. Loops are
/// bounded by 256 uids, 64 validators and 8 rounds.
contract RoundManager is Electorate, EIP712 {
    using Checkpoints for Checkpoints.Trace208;
    using PhaseClock for RunTerms;
    using VoteCount for uint256[];

    struct Round {
        uint256 committed;
        /// Committed, and the key stands on chain.
        uint256 keyed;
        uint256 inclusionVoters;
        uint256 parametersVoters;
        bool isAccepted;
        uint32 heldoutLossBits;
        bytes32 root;
        mapping(uint16 uid => bytes32) digests;
        mapping(uint16 uid => bytes32) roots;
        mapping(uint16 uid => bytes32) keyHashes;
        mapping(uint16 uid => uint256) inclusionVotes;
        mapping(uint16 uid => uint256) suspectVotes;
        mapping(bytes32 parameters => uint256) parametersStake;
    }

    bytes32 private constant COMMITMENT_TYPEHASH = keccak256(
        "Commitment(bytes32 run,uint64 round,uint32 id,bytes32 rho,bytes32 baseRoot,bytes32 root,bytes32 ciphertextHash,uint64 size,bytes32 keyHash,uint16 segments)"
    );

    IScoreLedger public immutable scoreLedger;

    mapping(bytes32 run => mapping(uint64 round => Round)) private _rounds;
    mapping(bytes32 run => mapping(uint64 slot => bytes32)) private _sigmas;
    /// @dev Key = value = round + 1 of every round with accepted parameters, ascending.
    mapping(bytes32 run => Checkpoints.Trace208) private _acceptedRounds;

    /// @param scoreLedger_ May not exist yet: it is deployed after this contract and asked for ballots only.
    constructor(IRegistry registry_, IRunRegistry runRegistry_, IScoreLedger scoreLedger_)
        Electorate(registry_, runRegistry_)
        EIP712("Covenant", "1")
    {
        require(address(scoreLedger_) != address(0), RoundManagerZeroAddress());
        scoreLedger = scoreLedger_;
    }

    // ------------------------------------------------------------------------------------------ actions

    /// @inheritdoc IRoundManager
    function commitArtifact(Commitment calldata c, bytes calldata signature) external {
        RunTerms memory terms = runRegistry.terms(c.run);
        _requireWindow(terms.t0(c.round), terms.t1(c.round));
        require(c.round <= terms.lastRound, RoundManagerRunEnded(c.round, terms.lastRound));
        _requireDomain(c);
        require(c.segments == terms.segments, RoundManagerWrongSegments(c.segments, terms.segments));
        Neuron memory miner = _requireMiner(c.id, terms.snapshot(c.round));
        Round storage state = _rounds[c.run][c.round];
        require(
            !UidSet.contains(state.committed, miner.uid),
            RoundManagerAlreadyCommitted(c.run, c.round, miner.uid)
        );
        bytes32 digest = hashCommitment(c);
        (address signer,,) = ECDSA.tryRecover(digest, signature);
        require(signer == miner.hotkey, RoundManagerBadSignature(miner.uid));

        state.committed = UidSet.with(state.committed, miner.uid);
        state.digests[miner.uid] = digest;
        state.roots[miner.uid] = c.root;
        state.keyHashes[miner.uid] = c.keyHash;
        emit ArtifactCommitted(c.run, c.round, miner.uid, c, signature);
    }

    /// @inheritdoc IRoundManager
    function showKeys(bytes32 run, uint64 round, uint32[] calldata ids, bytes32[] calldata keys) external {
        RunTerms memory terms = runRegistry.terms(run);
        _requireWindow(terms.t1(round), terms.keysClose(round));
        require(
            ids.length == keys.length && ids.length <= MAX_KEY_BATCH,
            RoundManagerBadBatch(ids.length, keys.length)
        );
        // What is bad or repeated is left out rather than refused, or one wrong key would hold up all the others.
        (uint256 good, uint256 count) = _storeKeys(_rounds[run][round], ids, keys);
        require(count != 0, RoundManagerNoNewKey(run, round));
        // The event is how the keys reach everybody: the contract itself keeps only who has shown one.
        if (count == ids.length) emit KeysShown(run, round, ids, keys);
        else _reportGood(run, round, ids, keys, good);
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

        bytes32 sigma_ = sha256(abi.encodePacked("aud", prevrandao, slot));
        _sigmas[run][slot] = sigma_;
        // Keys have closed: from here on the round has all that its validators' duties need.
        if (slot != 0 && _rounds[run][slot - 1].keyed != 0) _addCountable(run, slot - 1);
        emit BeaconProven(run, slot, SafeCast.toUint64(number), prevrandao, sigma_);
    }

    /// @inheritdoc IRoundManager
    function voteInclusion(bytes32 run, uint64 round, uint256 included_, uint256 suspect) external {
        RunTerms memory terms = runRegistry.terms(run);
        _requireWindow(terms.auditOpens(round), terms.t2(round));
        (uint16 uid, uint256 stake,) = _callingElector(run, round, terms);
        Round storage state = _rounds[run][round];
        require(!UidSet.contains(state.inclusionVoters, uid), RoundManagerAlreadyVoted(run, round, uid));
        uint256 keyed_ = state.keyed;
        uint256 named = included_ | suspect;
        require(named & ~keyed_ == 0, RoundManagerNotKeyed(named, keyed_));

        state.inclusionVoters = UidSet.with(state.inclusionVoters, uid);
        state.inclusionVotes[uid] = included_;
        if (suspect != 0) state.suspectVotes[uid] = suspect;
        emit InclusionVoted(run, round, uid, included_, suspect, stake);
    }

    /// @inheritdoc IRoundManager
    function voteParameters(bytes32 run, uint64 round, bytes32 root, uint32 heldoutLossBits) external {
        RunTerms memory terms = runRegistry.terms(run);
        _requireWindow(terms.t2(round), terms.t3(round));
        require(root != 0, RoundManagerZeroRoot());
        require(_sigmas[run][round + 1] != 0, RoundManagerNoBeacon(run, round));
        (uint16 uid, uint256 stake, uint256 quorum) = _callingElector(run, round, terms);
        Round storage state = _rounds[run][round];
        require(!UidSet.contains(state.parametersVoters, uid), RoundManagerAlreadyVoted(run, round, uid));

        bytes32 key = _parametersKey(root, heldoutLossBits);
        uint256 agreeing = state.parametersStake[key] + stake;
        state.parametersVoters = UidSet.with(state.parametersVoters, uid);
        state.parametersStake[key] = agreeing;
        emit ParametersVoted(run, round, uid, root, heldoutLossBits, stake);
        // Everybody votes once, so at most one (root, loss) can reach 2/3 of the electorate.
        if (!state.isAccepted && agreeing >= quorum) _accept(run, round, root, heldoutLossBits);
    }

    // -------------------------------------------------------------------------------------------- views

    /// @inheritdoc IRoundManager
    function sigma(bytes32 run, uint64 slot) external view returns (bytes32) {
        return _sigmas[run][slot];
    }

    /// @inheritdoc IRoundManager
    function rho(bytes32 run, uint64 round) public view returns (bytes32) {
        bytes32 own = _sigmas[run][round];
        return own == 0 ? bytes32(0) : sha256(abi.encodePacked("rho", own, round));
    }

    /// @inheritdoc IRoundManager
    function commitmentDigest(bytes32 run, uint64 round, uint16 uid) external view returns (bytes32) {
        return _rounds[run][round].digests[uid];
    }

    /// @inheritdoc IRoundManager
    function commitmentRoot(bytes32 run, uint64 round, uint16 uid) external view returns (bytes32) {
        return _rounds[run][round].roots[uid];
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
    function keyed(bytes32 run, uint64 round) external view returns (uint256) {
        return _rounds[run][round].keyed;
    }

    /// @inheritdoc IRoundManager
    function included(bytes32 run, uint64 round) external view returns (uint256) {
        Round storage state = _rounds[run][round];
        // No vote, no inclusion; from the first vote on the electorate is fixed.
        if (state.inclusionVoters == 0 || isNull(run, round)) return 0;
        return _reachesQuorum(run, round);
    }

    /// @inheritdoc IRoundManager
    function suspected(bytes32 run, uint64 round) external view returns (uint256) {
        Round storage state = _rounds[run][round];
        if (state.inclusionVoters == 0) return 0;
        uint256 moreThanHalf = uint256(_snapshotOf(run, round).stake) / 2 + 1;
        uint256 limit = Math.max(UidSet.count(state.committed) / 8, 1);
        uint256[] memory counted = _count(run, round, state.suspectVotes);
        return counted.heaviest(counted.reaching(moreThanHalf), limit);
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
    function inclusionVoters(bytes32 run, uint64 round) external view returns (uint256) {
        return _rounds[run][round].inclusionVoters;
    }

    /// @inheritdoc IRoundManager
    function inclusionVote(bytes32 run, uint64 round, uint16 uid)
        external
        view
        returns (uint256 included_, uint256 suspect)
    {
        Round storage state = _rounds[run][round];
        return (state.inclusionVotes[uid], state.suspectVotes[uid]);
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
    function keysClose(bytes32 run, uint64 round) external view returns (uint256) {
        return runRegistry.terms(run).keysClose(round);
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
    function snapshot(bytes32 run, uint64 round) external view returns (uint256) {
        return runRegistry.terms(run).snapshot(round);
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

    /// @dev A miner that registered later could have chosen its slot by the round's beacon.
    function _requireMiner(uint32 id, uint256 snapshot_) private view returns (Neuron memory miner) {
        require(id < MAX_UIDS, RoundManagerNotMiner(id));
        miner = registry.neuron(SafeCast.toUint16(id));
        require(miner.role == Role.Miner, RoundManagerNotMiner(id));
        require(miner.registeredAt <= snapshot_, RoundManagerNotInRoster(miner.uid, miner.registeredAt));
    }

    /// @return good Positions in the batch of the keys that fit and are new.
    /// @return count How many these are.
    function _storeKeys(Round storage state, uint32[] calldata ids, bytes32[] calldata keys)
        private
        returns (uint256 good, uint256 count)
    {
        uint256 committed_ = state.committed;
        uint256 keyed_ = state.keyed;
        for (uint256 i = 0; i < ids.length; ++i) {
            uint32 id = ids[i];
            // Beyond 255 no set contains anything.
            if (!UidSet.contains(committed_ & ~keyed_, id)) continue;
            if (sha256(abi.encodePacked(keys[i])) != state.keyHashes[SafeCast.toUint16(id)]) continue;
            keyed_ = UidSet.with(keyed_, id);
            good = UidSet.with(good, i);
            ++count;
        }
        state.keyed = keyed_;
    }

    function _reportGood(
        bytes32 run,
        uint64 round,
        uint32[] calldata ids,
        bytes32[] calldata keys,
        uint256 good
    ) private {
        uint16[] memory positions = UidSet.toArray(good);
        uint32[] memory goodIds = new uint32[](positions.length);
        bytes32[] memory goodKeys = new bytes32[](positions.length);
        for (uint256 i = 0; i < positions.length; ++i) {
            (goodIds[i], goodKeys[i]) = (ids[positions[i]], keys[positions[i]]);
        }
        emit KeysShown(run, round, goodIds, goodKeys);
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

    /// @dev Both votes and the ballot. Parameters can be asked for only where something is included, and that is
    /// looked at last, as the dearest part. That the round may be null in the end excuses nobody.
    function _neglected(bytes32 run, uint64 round, uint16 uid) internal view override returns (bool) {
        Round storage state = _rounds[run][round];
        if (!UidSet.contains(state.inclusionVoters, uid)) return true;
        if (!UidSet.contains(scoreLedger.revealed(run, round), uid)) return true;
        if (UidSet.contains(state.parametersVoters, uid)) return false;
        return _reachesQuorum(run, round) != 0;
    }

    /// @dev `included` before a null round empties it. Votes name nobody but the keyed, and never is nothing a quorum.
    function _reachesQuorum(bytes32 run, uint64 round) private view returns (uint256) {
        uint256 quorum = _quorum(_snapshotOf(run, round));
        return _count(run, round, _rounds[run][round].inclusionVotes).reaching(quorum);
    }

    /// @dev One kind of set that the round's voters voted, counted by their stake at the snapshot.
    function _count(bytes32 run, uint64 round, mapping(uint16 uid => uint256) storage votes)
        private
        view
        returns (uint256[] memory)
    {
        uint16[] memory uids = UidSet.toArray(_rounds[run][round].inclusionVoters);
        uint256[] memory sets = new uint256[](uids.length);
        for (uint256 i = 0; i < uids.length; ++i) {
            sets[i] = votes[uids[i]];
        }
        return VoteCount.count(sets, _stakesOf(run, round, uids));
    }

    function _requireWindow(uint256 opensAt, uint256 closesAt) private view {
        require(
            block.timestamp >= opensAt && block.timestamp < closesAt,
            RoundManagerOutsideWindow(block.timestamp, opensAt, closesAt)
        );
    }

    function _parametersKey(bytes32 root, uint32 heldoutLossBits) private pure returns (bytes32) {
        return keccak256(abi.encode(root, heldoutLossBits));
    }

    /// @dev Views take any round; beyond 2^48 there is nothing later to find.
    function _saturatedKey(uint256 key) private pure returns (uint48) {
        return SafeCast.toUint48(Math.min(key, type(uint48).max));
    }
}
