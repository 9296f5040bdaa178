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
import {MAX_UIDS, SETTLE_ROUNDS, WEIGHTS_PER_WORD} from "./types/Limits.sol";
import {RunTerms} from "./types/RunTerms.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

/// @title Emissions
/// @notice Turns the revealed scores of a round into credits, and credits into tokens. SettleMath is the formula.
/// @dev Must never credit a round twice or more than its emission, credit more than the token's cap leaves room
/// for, divide what somebody did not earn among the others, or mint what was not credited. Nobody is privileged; needs
/// MINTER_ROLE at the token.
///
/// Settling a round goes through three stages, each resumable after any uid: open (who failed, row sums, budgets,
/// denominators), miners (one committed miner at a time, ascending), validators (ascending).
contract Emissions is IEmissions {
    using PhaseClock for RunTerms;
    using SafeCast for uint256;

    enum Stage {
        Unopened,
        Miners,
        Validators,
        Settled
    }

    struct Settlement {
        Stage stage;
        /// Of the electorate's members that revealed, and of all that are seated: the two denominators.
        uint112 revealedStake;
        uint112 seatedStake;
        /// Uids that the present stage has still to process.
        uint256 pending;
        uint256 failed;
        /// Miners that are paid: included and not failed.
        uint256 payable_;
        /// Members of the electorate that revealed.
        uint256 validators;
        /// Validators that cast both votes.
        uint256 voters;
        /// S of SettleMath.
        uint112 electorateStake;
        /// Token base units from here on.
        uint96 emission;
        uint96 treasury;
        uint96 minerBudget;
        uint96 validatorBudget;
        uint96 minerTotal;
        uint96 validatorTotal;
        mapping(uint16 uid => ValidatorRow) rows;
        mapping(uint16 uid => uint256) credits;
    }

    struct ValidatorRow {
        uint96 stake;
        uint32 rowSum;
        uint40 trust;
    }

    /// @dev The revealed rows, in memory while a page is worked on. Same order in every array.
    struct Rows {
        uint16[] uids;
        uint256[] stakes;
        uint256[] rowSums;
        uint256[] trusts;
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
        if (s.stage == Stage.Miners) maxUids = _minerPage(run, round, maxUids);
        if (s.stage == Stage.Validators) _validatorPage(run, round, maxUids);
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

    // --------------------------------------------------------------------------------------------- open

    function _open(bytes32 run, uint64 round) private {
        RunTerms memory terms = runRegistry.terms(run);
        _requireDue(run, round, terms);
        Settlement storage s = _settlements[run][round];
        (uint16[] memory uids, uint256[] memory stakes) = _takeStakes(run, round, terms);
        _reserve(s, terms);
        uint256 keyed = roundManager.keyed(run, round);
        uint256[] memory rowSums = _sumRows(run, round, keyed, uids);
        for (uint256 i = 0; i < uids.length; ++i) {
            s.rows[uids[i]] = ValidatorRow(stakes[i].toUint96(), rowSums[i].toUint32(), 0);
        }
        uint256 failedSet = _judge(run, round, keyed, uids, stakes);
        s.failed = failedSet;
        s.payable_ = roundManager.included(run, round) & ~failedSet;
        s.voters = roundManager.inclusionVoters(run, round) & roundManager.parametersVoters(run, round);
        s.pending = keyed;
        s.stage = Stage.Miners;
    }

    /// @dev In time, after a round that had a result.
    function _requireDue(bytes32 run, uint64 round, RunTerms memory terms) private view {
        uint256 opensAt = terms.scoreRevealCloses(round);
        uint256 closesAt = opensAt + SETTLE_ROUNDS * terms.roundSeconds;
        require(block.timestamp >= opensAt, EmissionsTooEarly(block.timestamp, opensAt));
        require(block.timestamp < closesAt, EmissionsExpired(block.timestamp, closesAt));
        (bool isAccepted,,) = roundManager.accepted(run, round);
        require(isAccepted, EmissionsNotAccepted(run, round));
        require(roundManager.sigma(run, round + 1) != 0, EmissionsNoBeacon(run, round));
    }

    /// @dev Fixes the denominators: they count who is there, not who spoke.
    /// @return uids Members of the electorate that revealed, ascending.
    /// @return stakes Theirs at the round's snapshot.
    function _takeStakes(bytes32 run, uint64 round, RunTerms memory terms)
        private
        returns (uint16[] memory uids, uint256[] memory stakes)
    {
        Settlement storage s = _settlements[run][round];
        uint48 snapshot = terms.snapshot(round).toUint48();
        (uint256 members, uint256 electorateStake) = roundManager.electorate(run, round);
        uint256 validators = scoreLedger.revealed(run, round) & members;
        uids = UidSet.toArray(validators);
        stakes = registry.stakesAt(uids, snapshot);
        uint256 revealedStake = 0;
        for (uint256 i = 0; i < stakes.length; ++i) {
            revealedStake += stakes[i];
        }
        require(2 * revealedStake > electorateStake, EmissionsNoQuorum(revealedStake, electorateStake));
        s.validators = validators;
        s.revealedStake = revealedStake.toUint112();
        s.electorateStake = electorateStake.toUint112();
        s.seatedStake = roundManager.seatedStake(run, round).toUint112();
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
        s.treasury = SettleMath.portion(emission, treasuryBps).toUint96();
        _reserved += emission;
    }

    /// @dev Fail against pass stake of every uid with a key that anybody accused, over all validators that revealed.
    function _judge(bytes32 run, uint64 round, uint256 keyed, uint16[] memory uids, uint256[] memory stakes)
        private
        returns (uint256 failedSet)
    {
        uint256[] memory fails = new uint256[](uids.length);
        uint256[] memory passes = new uint256[](uids.length);
        uint256 accused = 0;
        for (uint256 i = 0; i < uids.length; ++i) {
            (fails[i], passes[i]) = scoreLedger.findings(run, round, uids[i]);
            accused |= fails[i];
        }
        for (uint256 set = accused & keyed; set != 0; set = UidSet.withoutLowest(set)) {
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

    // ------------------------------------------------------------------------------------------- miners

    /// @return left How many uids of the page the miners did not need.
    function _minerPage(bytes32 run, uint64 round, uint256 maxUids) private returns (uint256 left) {
        Settlement storage s = _settlements[run][round];
        Rows memory rows = _loadRows(s);
        uint256 pending = s.pending;
        uint256 paid = 0;
        left = maxUids;
        while (pending != 0 && left != 0) {
            uint256 word = UidSet.lowest(pending) / WEIGHTS_PER_WORD;
            uint256[] memory words = scoreLedger.weightWords(run, round, rows.uids, word);
            // One read of the column block serves its sixteen miners.
            for (; left != 0 && pending != 0 && UidSet.lowest(pending) / WEIGHTS_PER_WORD == word; --left) {
                uint16 uid = UidSet.lowest(pending);
                uint256 rank = _rank(s, rows, words, uid);
                if (UidSet.contains(s.payable_, uid)) {
                    paid += _credit(
                        run, round, uid, SettleMath.minerCredit(s.minerBudget, rank, s.revealedStake)
                    );
                }
                pending = UidSet.withoutLowest(pending);
            }
        }
        s.minerTotal += paid.toUint96();
        _storeTrusts(s, rows);
        if (pending == 0) s.stage = Stage.Validators;
        s.pending = pending == 0 ? s.validators : pending;
    }

    /// @dev Adds the miner's clipped values to the rows' trusts.
    function _rank(Settlement storage s, Rows memory rows, uint256[] memory words, uint16 uid)
        private
        view
        returns (uint256 rank)
    {
        uint256 shift = 16 * (uid % WEIGHTS_PER_WORD);
        uint256[] memory values = new uint256[](words.length);
        for (uint256 i = 0; i < words.length; ++i) {
            values[i] = SettleMath.normalise((words[i] >> shift) & 0xffff, rows.rowSums[i]);
        }
        uint256 most = SettleMath.consensus(values, rows.stakes, s.electorateStake);
        if (most == 0) return 0;
        for (uint256 i = 0; i < words.length; ++i) {
            uint256 clipped = Math.min(values[i], most);
            rank += rows.stakes[i] * clipped;
            rows.trusts[i] += clipped;
        }
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
        }
    }

    function _storeTrusts(Settlement storage s, Rows memory rows) private {
        for (uint256 i = 0; i < rows.uids.length; ++i) {
            s.rows[rows.uids[i]].trust = rows.trusts[i].toUint40();
        }
    }

    // --------------------------------------------------------------------------------------- validators

    function _validatorPage(bytes32 run, uint64 round, uint256 maxUids) private {
        Settlement storage s = _settlements[run][round];
        uint256 pending = s.pending;
        uint256 paid = 0;
        for (; pending != 0 && maxUids != 0; --maxUids) {
            uint16 uid = UidSet.lowest(pending);
            paid += _credit(run, round, uid, _earned(s, uid));
            pending = UidSet.withoutLowest(pending);
        }
        s.pending = pending;
        s.validatorTotal += paid.toUint96();
        if (pending == 0) _close(run, round);
    }

    function _earned(Settlement storage s, uint16 uid) private view returns (uint256) {
        ValidatorRow memory row = s.rows[uid];
        (uint256 num, uint256 den) = SettleMath.duty(UidSet.contains(s.voters, uid), 0, 0);
        return SettleMath.validatorCredit(s.validatorBudget, row.stake, row.trust, s.seatedStake, num, den);
    }

    // ------------------------------------------------------------------------------------------- credit

    /// @return The amount.
    function _credit(bytes32 run, uint64 round, uint16 uid, uint256 amount) private returns (uint256) {
        if (amount == 0) return 0;
        _settlements[run][round].credits[uid] = amount;
        claimable[uid] += amount;
        totalCredited += amount;
        _reserved -= amount;
        emit Credited(run, round, uid, amount);
        return amount;
    }

    /// @dev The treasury gets its own share. What nobody earned is not credited: it stays under the cap.
    function _close(bytes32 run, uint64 round) private {
        Settlement storage s = _settlements[run][round];
        uint256 toTreasury = s.treasury;
        s.stage = Stage.Settled;
        treasuryClaimable += toTreasury;
        totalCredited += toTreasury;
        _reserved -= uint256(s.emission) - s.minerTotal - s.validatorTotal;
        emit RoundSettled(run, round, s.minerTotal, s.validatorTotal, toTreasury);
    }
}
