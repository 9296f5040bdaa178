// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IEmissions} from "./interfaces/IEmissions.sol";
import {IRegistry} from "./interfaces/IRegistry.sol";
import {IRoundManager} from "./interfaces/IRoundManager.sol";
import {IRunRegistry} from "./interfaces/IRunRegistry.sol";
import {IScoreLedger} from "./interfaces/IScoreLedger.sol";
import {IToken} from "./interfaces/IToken.sol";
import {PhaseClock} from "./libraries/PhaseClock.sol";
import {SettleMath} from "./libraries/SettleMath.sol";
import {UidSet} from "./libraries/UidSet.sol";
import {MAX_UIDS, WEIGHTS_PER_WORD} from "./types/Limits.sol";
import {RunTerms} from "./types/RunTerms.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

/// @title Emissions
/// @notice Turns the revealed scores of a round into credits, and credits into tokens. SettleMath is the formula.
/// @dev Must never credit a round twice or more than its emission, credit more than the token's cap leaves room
/// for, or mint what was not credited. Nobody is privileged; needs MINTER_ROLE at the token.
///
/// Settling a round goes through three stages, each resumable after any uid: open (who failed, who counts, row
/// sums, budgets), rank (one committed miner at a time, ascending), credit (miners and validators, ascending).
contract Emissions is IEmissions {
    using PhaseClock for RunTerms;
    using SafeCast for uint256;

    enum Stage {
        Unopened,
        Ranking,
        Crediting,
        Settled
    }

    struct Settlement {
        Stage stage;
        /// Sum of the ranks so far, R of SettleMath when the ranking is over.
        uint248 rankSum;
        /// Uids that the present stage has still to process.
        uint256 pending;
        uint256 failed;
        /// Miners that can be ranked: committed and not failed.
        uint256 miners;
        /// Validators whose row counts.
        uint256 validators;
        /// Token base units.
        uint96 emission;
        uint96 treasuryFloor;
        uint96 minerBudget;
        uint96 validatorBudget;
        uint96 minerTotal;
        uint96 validatorTotal;
        mapping(uint16 uid => MinerResult) minerResults;
        mapping(uint16 uid => ValidatorRow) rows;
        mapping(uint16 uid => uint256) credits;
    }

    struct MinerResult {
        uint160 rank;
        uint40 consensus;
    }

    struct ValidatorRow {
        uint96 stake;
        uint32 rowSum;
        uint40 trust;
    }

    /// @dev The rows that count, in memory while a page is worked on. Same order in every array.
    struct Rows {
        uint16[] uids;
        uint256[] stakes;
        uint256[] rowSums;
        uint256[] trusts;
        uint256 totalStake;
    }

    IToken public immutable token;
    IRegistry public immutable registry;
    IRunRegistry public immutable runRegistry;
    IRoundManager public immutable roundManager;
    IScoreLedger public immutable scoreLedger;
    address public immutable override treasury;

    mapping(bytes32 run => mapping(uint64 round => Settlement)) private _settlements;
    mapping(uint16 uid => uint256) public override claimable;
    uint256 public override treasuryClaimable;
    uint256 public override totalCredited;
    uint256 public override totalClaimed;
    /// @dev Emission of rounds that are being settled and not credited yet.
    uint256 private _reserved;

    constructor(
        IToken token_,
        IRegistry registry_,
        IRunRegistry runRegistry_,
        IRoundManager roundManager_,
        IScoreLedger scoreLedger_,
        address treasury_
    ) {
        require(
            address(token_) != address(0) && address(registry_) != address(0)
                && address(runRegistry_) != address(0) && address(roundManager_) != address(0)
                && address(scoreLedger_) != address(0) && treasury_ != address(0),
            EmissionsZeroAddress()
        );
        token = token_;
        registry = registry_;
        runRegistry = runRegistry_;
        roundManager = roundManager_;
        scoreLedger = scoreLedger_;
        treasury = treasury_;
    }

    // ------------------------------------------------------------------------------------------ actions

    /// @inheritdoc IEmissions
    function settle(bytes32 run, uint64 round, uint256 maxUids) external {
        require(maxUids != 0, EmissionsEmptyPage());
        Settlement storage s = _settlements[run][round];
        require(s.stage != Stage.Settled, EmissionsAlreadySettled(run, round));
        if (s.stage == Stage.Unopened) _open(run, round);
        if (s.stage == Stage.Ranking) maxUids = _rankPage(run, round, maxUids);
        if (s.stage == Stage.Crediting) _creditPage(run, round, maxUids);
    }

    /// @inheritdoc IEmissions
    function claim(uint16 uid) external {
        uint256 amount = claimable[uid];
        require(amount != 0, EmissionsNothingToClaim());
        address to = registry.neuron(uid).coldkey;
        claimable[uid] = 0;
        totalClaimed += amount;
        emit Claimed(uid, to, amount);
        token.mint(to, amount);
    }

    /// @inheritdoc IEmissions
    function claimTreasury() external {
        uint256 amount = treasuryClaimable;
        require(amount != 0, EmissionsNothingToClaim());
        treasuryClaimable = 0;
        totalClaimed += amount;
        emit TreasuryClaimed(treasury, amount);
        token.mint(treasury, amount);
    }

    // -------------------------------------------------------------------------------------------- views

    /// @inheritdoc IEmissions
    function credited(bytes32 run, uint64 round, uint16 uid) external view returns (uint256) {
        return _settlements[run][round].credits[uid];
    }

    /// @inheritdoc IEmissions
    function settled(bytes32 run, uint64 round) external view returns (bool) {
        return _settlements[run][round].stage == Stage.Settled;
    }

    /// @inheritdoc IEmissions
    function failed(bytes32 run, uint64 round) external view returns (uint256) {
        return _settlements[run][round].failed;
    }

    /// @inheritdoc IEmissions
    function consensus(bytes32 run, uint64 round, uint16 uid) external view returns (uint256) {
        return _settlements[run][round].minerResults[uid].consensus;
    }

    // --------------------------------------------------------------------------------------------- open

    function _open(bytes32 run, uint64 round) private {
        RunTerms memory terms = runRegistry.terms(run);
        uint256 opensAt = terms.scoreRevealCloses(round);
        require(block.timestamp >= opensAt, EmissionsTooEarly(block.timestamp, opensAt));

        Settlement storage s = _settlements[run][round];
        _reserve(s, terms);
        uint256 committed = roundManager.committed(run, round);
        uint16[] memory uids = UidSet.toArray(scoreLedger.revealed(run, round));
        uint256[] memory stakes = registry.stakesAt(uids, terms.t0(round).toUint48());

        uint256 failedSet = _judge(run, round, committed, uids, stakes);
        uint256 miners = committed & ~failedSet;
        uint256[] memory rowSums = _sumRows(run, round, miners, uids);
        uint256 validators = 0;
        for (uint256 i = 0; i < uids.length; ++i) {
            if (rowSums[i] == 0 || stakes[i] == 0) continue;
            validators = UidSet.with(validators, uids[i]);
            s.rows[uids[i]] = ValidatorRow(stakes[i].toUint96(), rowSums[i].toUint32(), 0);
        }
        s.failed = failedSet;
        s.miners = miners;
        s.validators = validators;
        s.pending = validators == 0 ? 0 : miners;
        s.stage = Stage.Ranking;
    }

    /// @dev The round's emission is what its terms say or what the cap leaves, whichever is less.
    function _reserve(Settlement storage s, RunTerms memory terms) private {
        uint256 promised = totalCredited - totalClaimed + _reserved;
        uint256 room = Math.saturatingSub(token.cap(), token.totalSupply() + promised);
        uint256 emission = Math.min(terms.emissionPerRound, room);
        uint256 treasuryBps = SettleMath.BPS - uint256(terms.minerShareBps) - uint256(terms.validatorShareBps);
        s.emission = emission.toUint96();
        s.minerBudget = SettleMath.portion(emission, terms.minerShareBps).toUint96();
        s.validatorBudget = SettleMath.portion(emission, terms.validatorShareBps).toUint96();
        s.treasuryFloor = SettleMath.portion(emission, treasuryBps).toUint96();
        _reserved += emission;
    }

    /// @dev Fail against pass stake of every committed uid that anybody accused, over all validators that revealed.
    function _judge(
        bytes32 run,
        uint64 round,
        uint256 committed,
        uint16[] memory uids,
        uint256[] memory stakes
    ) private returns (uint256 failedSet) {
        uint256[] memory fails = new uint256[](uids.length);
        uint256[] memory passes = new uint256[](uids.length);
        uint256 accused = 0;
        for (uint256 i = 0; i < uids.length; ++i) {
            (fails[i], passes[i]) = scoreLedger.findings(run, round, uids[i]);
            accused |= fails[i];
        }
        for (uint256 set = accused & committed; set != 0; set = UidSet.withoutLowest(set)) {
            uint16 uid = UidSet.lowest(set);
            uint256 failStake = _stakeOn(uid, fails, stakes);
            uint256 passStake = _stakeOn(uid, passes, stakes);
            if (!SettleMath.isFailed(failStake, passStake)) continue;
            failedSet = UidSet.with(failedSet, uid);
            emit MinerFailed(run, round, uid, failStake, passStake);
        }
    }

    function _stakeOn(uint16 uid, uint256[] memory sets, uint256[] memory stakes)
        private
        pure
        returns (uint256 sum)
    {
        for (uint256 i = 0; i < sets.length; ++i) {
            if (UidSet.contains(sets[i], uid)) sum += stakes[i];
        }
    }

    /// @dev Sum of each row's weights over `miners`.
    function _sumRows(bytes32 run, uint64 round, uint256 miners, uint16[] memory uids)
        private
        view
        returns (uint256[] memory sums)
    {
        sums = new uint256[](uids.length);
        for (uint256 word = 0; word < MAX_UIDS / WEIGHTS_PER_WORD; ++word) {
            uint256 mask = _weightMask(miners, word);
            if (mask == 0) continue;
            uint256[] memory words = scoreLedger.weightWords(run, round, uids, word);
            for (uint256 i = 0; i < words.length; ++i) {
                for (uint256 rest = words[i] & mask; rest != 0; rest >>= 16) {
                    sums[i] += rest & 0xffff;
                }
            }
        }
    }

    /// @dev All ones over the weights of the word that belong to uids of the set.
    function _weightMask(uint256 set, uint256 word) private pure returns (uint256 mask) {
        uint256 bits = (set >> (word * WEIGHTS_PER_WORD)) & 0xffff;
        for (; bits != 0; bits = UidSet.withoutLowest(bits)) {
            mask |= uint256(0xffff) << (16 * uint256(UidSet.lowest(bits)));
        }
    }

    // --------------------------------------------------------------------------------------------- rank

    /// @return left How many uids of the page the ranking did not need.
    function _rankPage(bytes32 run, uint64 round, uint256 maxUids) private returns (uint256 left) {
        Settlement storage s = _settlements[run][round];
        left = maxUids;
        uint256 pending = s.pending;
        if (pending != 0) {
            Rows memory rows = _loadRows(s);
            uint256 rankSum = s.rankSum;
            while (pending != 0 && left != 0) {
                uint256 word = UidSet.lowest(pending) / WEIGHTS_PER_WORD;
                uint256[] memory words = scoreLedger.weightWords(run, round, rows.uids, word);
                // One read of the column block serves its sixteen miners.
                for (
                    ; left != 0 && pending != 0 && UidSet.lowest(pending) / WEIGHTS_PER_WORD == word; --left) {
                    rankSum += _rankMiner(s, rows, words, UidSet.lowest(pending));
                    pending = UidSet.withoutLowest(pending);
                }
            }
            s.rankSum = rankSum.toUint248();
            s.pending = pending;
            _storeTrusts(s, rows);
        }
        if (pending == 0) {
            s.pending = s.rankSum == 0 ? 0 : s.miners | s.validators;
            s.stage = Stage.Crediting;
        }
    }

    function _rankMiner(Settlement storage s, Rows memory rows, uint256[] memory words, uint16 uid)
        private
        returns (uint256 rank)
    {
        uint256 shift = 16 * (uid % WEIGHTS_PER_WORD);
        uint256[] memory values = new uint256[](words.length);
        for (uint256 i = 0; i < words.length; ++i) {
            values[i] = SettleMath.normalise((words[i] >> shift) & 0xffff, rows.rowSums[i]);
        }
        uint256 median = SettleMath.consensus(values, rows.stakes, rows.totalStake);
        if (median == 0) return 0;
        for (uint256 i = 0; i < words.length; ++i) {
            uint256 clipped = Math.min(values[i], median);
            rank += rows.stakes[i] * clipped;
            rows.trusts[i] += clipped;
        }
        s.minerResults[uid] = MinerResult(rank.toUint160(), median.toUint40());
    }

    function _loadRows(Settlement storage s) private view returns (Rows memory rows) {
        rows.uids = UidSet.toArray(s.validators);
        uint256 n = rows.uids.length;
        rows.stakes = new uint256[](n);
        rows.rowSums = new uint256[](n);
        rows.trusts = new uint256[](n);
        for (uint256 i = 0; i < n; ++i) {
            ValidatorRow memory row = s.rows[rows.uids[i]];
            rows.stakes[i] = row.stake;
            rows.rowSums[i] = row.rowSum;
            rows.trusts[i] = row.trust;
            rows.totalStake += row.stake;
        }
    }

    function _storeTrusts(Settlement storage s, Rows memory rows) private {
        for (uint256 i = 0; i < rows.uids.length; ++i) {
            s.rows[rows.uids[i]].trust = rows.trusts[i].toUint40();
        }
    }

    // ------------------------------------------------------------------------------------------- credit

    function _creditPage(bytes32 run, uint64 round, uint256 maxUids) private {
        Settlement storage s = _settlements[run][round];
        uint256 pending = s.pending;
        uint256 minerTotal = s.minerTotal;
        uint256 validatorTotal = s.validatorTotal;
        for (; pending != 0 && maxUids != 0; --maxUids) {
            uint16 uid = UidSet.lowest(pending);
            pending = UidSet.withoutLowest(pending);
            if (UidSet.contains(s.validators, uid)) {
                validatorTotal += _creditValidator(run, round, uid);
            } else {
                minerTotal += _creditMiner(run, round, uid);
            }
        }
        s.pending = pending;
        s.minerTotal = minerTotal.toUint96();
        s.validatorTotal = validatorTotal.toUint96();
        if (pending == 0) _close(run, round);
    }

    function _creditMiner(bytes32 run, uint64 round, uint16 uid) private returns (uint256 amount) {
        Settlement storage s = _settlements[run][round];
        amount = SettleMath.share(s.minerBudget, s.minerResults[uid].rank, s.rankSum);
        _credit(run, round, uid, amount);
    }

    function _creditValidator(bytes32 run, uint64 round, uint16 uid) private returns (uint256 amount) {
        Settlement storage s = _settlements[run][round];
        ValidatorRow memory row = s.rows[uid];
        amount = SettleMath.share(s.validatorBudget, uint256(row.stake) * row.trust, s.rankSum);
        _credit(run, round, uid, amount);
    }

    function _credit(bytes32 run, uint64 round, uint16 uid, uint256 amount) private {
        if (amount == 0) return;
        _settlements[run][round].credits[uid] = amount;
        claimable[uid] += amount;
        totalCredited += amount;
        _reserved -= amount;
        emit Credited(run, round, uid, amount);
    }

    /// @dev The treasury gets what is left of a round that paid anybody, and its own share of one that did not.
    function _close(bytes32 run, uint64 round) private {
        Settlement storage s = _settlements[run][round];
        uint256 paid = uint256(s.minerTotal) + s.validatorTotal;
        uint256 toTreasury = s.rankSum == 0 ? s.treasuryFloor : s.emission - paid;
        s.stage = Stage.Settled;
        treasuryClaimable += toTreasury;
        totalCredited += toTreasury;
        _reserved -= s.emission - paid;
        emit RoundSettled(run, round, s.minerTotal, s.validatorTotal, toTreasury);
    }
}
