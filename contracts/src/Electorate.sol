// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IRegistry} from "./interfaces/IRegistry.sol";
import {IRoundManager} from "./interfaces/IRoundManager.sol";
import {IRunRegistry} from "./interfaces/IRunRegistry.sol";
import {PhaseClock} from "./libraries/PhaseClock.sol";
import {UidSet} from "./libraries/UidSet.sol";
import {MISSES_TO_JAIL, WATCHED_ROUNDS} from "./types/Limits.sol";
import {RunTerms} from "./types/RunTerms.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {Checkpoints} from "@openzeppelin/contracts/utils/structs/Checkpoints.sol";

/// @title Electorate
/// @notice Whose votes count in a round, how many are enough, and who is jailed because its vote is missing.
/// @dev Everything is measured against the stake that is there at the round's snapshot, never against the stake that
/// spoke: who is silent counts as a no until it is jailed, and even then a decision needs half of all seated stake.
/// A snapshot lies before the block that gives the round's beacon and is read only when it is past, so nothing that
/// anybody does later changes it; which call stores it first makes no difference.
abstract contract Electorate is IRoundManager {
    using Checkpoints for Checkpoints.Trace208;
    using PhaseClock for RunTerms;
    using SafeCast for uint256;

    struct Snapshot {
        /// Seated and not jailed.
        uint256 electors;
        uint128 stake;
        /// Stake of the jailed as well.
        uint128 seatedStake;
    }

    IRegistry public immutable registry;
    IRunRegistry public immutable runRegistry;

    /// @dev As stored by the first vote of the round; without stake before that.
    mapping(bytes32 run => mapping(uint64 round => Snapshot)) private _snapshots;
    /// @dev Rounds in which everything stood that a validator needs to do its duties, ascending.
    mapping(bytes32 run => uint64[]) private _countable;
    /// @dev Validators with a trace below: spares the snapshot a look at all the others.
    mapping(bytes32 run => uint256) private _everJailed;
    /// @dev By time: twice the number of jailings so far, plus one while jailed. The last key may lie ahead: the
    /// time at which a validator that asked for its return is free.
    mapping(bytes32 run => mapping(uint16 uid => Checkpoints.Trace208)) private _jailings;

    constructor(IRegistry registry_, IRunRegistry runRegistry_) {
        require(
            address(registry_) != address(0) && address(runRegistry_) != address(0), RoundManagerZeroAddress()
        );
        registry = registry_;
        runRegistry = runRegistry_;
    }

    // ------------------------------------------------------------------------------------------ actions

    /// @inheritdoc IRoundManager
    function jail(bytes32 run, uint16 uid) external {
        uint48 time = block.timestamp.toUint48();
        require(!jailedAt(run, uid, time), RoundManagerAlreadyJailed(uid));
        uint256 count = missed(run, uid);
        require(count >= MISSES_TO_JAIL, RoundManagerNotMissing(count));

        _everJailed[run] = UidSet.with(_everJailed[run], uid);
        // Free until now, so the latest value is even and twice the number of earlier jailings.
        Checkpoints.Trace208 storage trace = _jailings[run][uid];
        trace.push(time, trace.latest() + 3);
        emit Jailed(run, uid, count.toUint32());
    }

    /// @inheritdoc IRoundManager
    function returnFromJail(bytes32 run) external {
        uint16 uid = registry.uidOf(msg.sender);
        require(jailedAt(run, uid, block.timestamp.toUint48()), RoundManagerNotJailed(uid));
        Checkpoints.Trace208 storage trace = _jailings[run][uid];
        uint208 value = trace.latest();
        require(value & 1 == 1, RoundManagerAlreadyReturning(uid));

        RunTerms memory terms = runRegistry.terms(run);
        uint256 rounds = _waitOf(value >> 1, terms.jailRounds);
        uint48 freeAt = (block.timestamp + rounds * terms.roundSeconds).toUint48();
        trace.push(freeAt, value - 1);
        emit Returned(run, uid, freeAt);
    }

    // -------------------------------------------------------------------------------------------- views

    /// @inheritdoc IRoundManager
    function electorate(bytes32 run, uint64 round) external view returns (uint256 uidSet, uint256 stake) {
        Snapshot memory s = _snapshotOf(run, round);
        return (s.electors, s.stake);
    }

    /// @inheritdoc IRoundManager
    function electorateStake(bytes32 run, uint64 round) external view returns (uint256) {
        return _snapshotOf(run, round).stake;
    }

    /// @inheritdoc IRoundManager
    function seatedStake(bytes32 run, uint64 round) external view returns (uint256) {
        return _snapshotOf(run, round).seatedStake;
    }

    /// @inheritdoc IRoundManager
    function jailedAt(bytes32 run, uint16 uid, uint48 timestamp) public view returns (bool) {
        return _jailings[run][uid].upperLookupRecent(timestamp) & 1 == 1;
    }

    /// @inheritdoc IRoundManager
    function jailing(bytes32 run, uint16 uid) external view returns (uint256 times, uint48 freeAt) {
        (bool exists, uint48 since, uint208 value) = _jailings[run][uid].latestCheckpoint();
        if (!exists) return (0, 0);
        return (value >> 1, value & 1 == 1 ? type(uint48).max : since);
    }

    /// @inheritdoc IRoundManager
    function missed(bytes32 run, uint16 uid) public view returns (uint256 count) {
        RunTerms memory terms = runRegistry.terms(run);
        // What led to an earlier jailing is paid for: only rounds after the last return count.
        (, uint48 since,) = _jailings[run][uid].latestCheckpoint();
        uint64[] storage rounds = _countable[run];
        uint256 end = _closedCount(rounds, terms);
        uint256 begin = Math.saturatingSub(end, WATCHED_ROUNDS);
        for (; end > begin; --end) {
            uint64 round = rounds[end - 1];
            if (terms.snapshot(round) < since) break;
            if (!UidSet.contains(_snapshotOf(run, round).electors, uid)) continue;
            if (_neglected(run, round, uid)) ++count;
        }
    }

    // ---------------------------------------------------------------------------------------- internals

    /// @dev Whether a validator of the round's electorate left out one of its duties there.
    function _neglected(bytes32 run, uint64 round, uint16 uid) internal view virtual returns (bool);

    /// @dev Rounds come in ascending order, since slots are proven in disjoint windows.
    function _addCountable(bytes32 run, uint64 round) internal {
        _countable[run].push(round);
    }

    /// @dev The calling elector and its stake; stores the round's snapshot if this is its first vote.
    function _callingElector(bytes32 run, uint64 round, RunTerms memory terms)
        internal
        returns (uint16 uid, uint256 stake, uint256 quorum)
    {
        uid = registry.uidOf(msg.sender);
        Snapshot memory s = _snapshots[run][round];
        if (s.stake == 0) {
            s = _takeSnapshot(run, round, terms);
            _snapshots[run][round] = s;
        }
        require(UidSet.contains(s.electors, uid), RoundManagerNotInElectorate(uid));
        stake = registry.stakeAt(uid, terms.snapshot(round).toUint48());
        quorum = _quorum(s);
    }

    function _snapshotOf(bytes32 run, uint64 round) internal view returns (Snapshot memory s) {
        s = _snapshots[run][round];
        if (s.stake == 0) s = _takeSnapshot(run, round, runRegistry.terms(run));
    }

    /// @dev Least stake that decides: 2/3 of max(electorate, 3/4 of all seated), never nothing. So below a third of
    /// the electorate nobody stops a round, and jailing the silent never brings a decision below half of the seated.
    function _quorum(Snapshot memory s) internal pure returns (uint256) {
        uint256 six = Math.max(4 * uint256(s.stake), 3 * uint256(s.seatedStake));
        return Math.max(Math.ceilDiv(six, 6), 1);
    }

    /// @dev Stakes of some uids at the round's snapshot.
    function _stakesOf(bytes32 run, uint64 round, uint16[] memory uids)
        internal
        view
        returns (uint256[] memory)
    {
        return registry.stakesAt(uids, runRegistry.terms(run).snapshot(round).toUint48());
    }

    /// @dev Reverts in the registry until the snapshot is past. Dust has no seat: it would only make loops longer.
    function _takeSnapshot(bytes32 run, uint64 round, RunTerms memory terms)
        private
        view
        returns (Snapshot memory s)
    {
        uint48 time = terms.snapshot(round).toUint48();
        uint16[] memory uids = registry.validatorUids();
        uint256[] memory stakes = registry.stakesAt(uids, time);
        uint256 everJailed = _everJailed[run];
        uint256 stake = 0;
        uint256 seated = 0;
        for (uint256 i = 0; i < uids.length; ++i) {
            if (stakes[i] < terms.minimumStake) continue;
            seated += stakes[i];
            if (UidSet.contains(everJailed, uids[i]) && jailedAt(run, uids[i], time)) continue;
            stake += stakes[i];
            s.electors = UidSet.with(s.electors, uids[i]);
        }
        s.stake = stake.toUint128();
        s.seatedStake = seated.toUint128();
    }

    /// @dev 2, 4, 8, ... rounds after the first, second, third jailing, at most `longest`.
    function _waitOf(uint256 times, uint256 longest) private pure returns (uint256) {
        return times > 31 ? longest : Math.min(uint256(1) << times, longest);
    }

    /// @dev How many of the rounds have closed their score reveals; by halving, as many may still be open.
    function _closedCount(uint64[] storage rounds, RunTerms memory terms) private view returns (uint256 low) {
        uint256 high = rounds.length;
        while (low < high) {
            uint256 middle = Math.average(low, high);
            if (terms.scoreRevealCloses(rounds[middle]) <= block.timestamp) low = middle + 1;
            else high = middle;
        }
    }
}
