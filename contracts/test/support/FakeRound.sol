// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Neuron, Role} from "../../src/types/Neuron.sol";
import {RunTerms} from "../../src/types/RunTerms.sol";

/// @notice One scored round, as a test wants it. The validators are its electorate.
struct Scored {
    uint256 committed;
    uint256 included;
    uint16[] validators;
    uint256[] stakes;
    /// Of the validators, by position.
    bool[] revealed;
    bool[] voted;
    uint16[][] weights;
    uint256[] fails;
    uint256[] passes;
    /// Stake of validators outside the electorate.
    uint256 bystanders;
}

/// @notice Stands in for the registry, the run registry, the round manager and the score ledger towards Emissions.
contract FakeRound {
    struct Row {
        uint256 stake;
        uint256 failed;
        uint256 passed;
        mapping(uint256 word => uint256) words;
    }

    struct Round {
        uint256 committed;
        uint256 included;
        uint256 electorate;
        uint256 electorateStake;
        uint256 seatedStake;
        uint256 revealed;
        uint256 voters;
        bool isNull;
        bool isBlind;
        mapping(uint16 uid => Row) rows;
    }

    RunTerms private _terms;
    mapping(uint64 round => Round) private _rounds;

    function setTerms(RunTerms memory terms_) external {
        _terms = terms_;
    }

    function setRound(uint64 round, Scored calldata s) external {
        Round storage r = _rounds[round];
        (r.committed, r.included) = (s.committed, s.included);
        (r.electorate, r.electorateStake, r.revealed, r.voters) = (0, 0, 0, 0);
        for (uint256 i = 0; i < s.validators.length; ++i) {
            uint256 bit = uint256(1) << s.validators[i];
            r.electorate |= bit;
            r.electorateStake += s.stakes[i];
            if (s.revealed[i]) r.revealed |= bit;
            if (s.voted[i]) r.voters |= bit;
            Row storage row = r.rows[s.validators[i]];
            (row.stake, row.failed, row.passed) = (s.stakes[i], s.fails[i], s.passes[i]);
            for (uint256 j = 0; j < 16; ++j) {
                row.words[j] = 0;
            }
            for (uint256 j = 0; j < s.weights[i].length; ++j) {
                row.words[j / 16] |= uint256(s.weights[i][j]) << (16 * (j % 16));
            }
        }
        r.seatedStake = r.electorateStake + s.bystanders;
    }

    /// @dev The round has no result, or no beacon.
    function spoil(uint64 round, bool isNull, bool isBlind) external {
        (_rounds[round].isNull, _rounds[round].isBlind) = (isNull, isBlind);
    }

    /// @dev A stranger reveals a row: the electorate does not know it.
    function revealOutside(uint64 round, uint16 uid, uint256 stake, uint256 word) external {
        Round storage r = _rounds[round];
        r.revealed |= uint256(1) << uid;
        (r.rows[uid].stake, r.rows[uid].failed, r.rows[uid].words[0]) = (stake, r.committed, word);
    }

    function terms(bytes32) external view returns (RunTerms memory) {
        return _terms;
    }

    function accepted(bytes32, uint64 round) external view returns (bool, bytes32, uint32) {
        return (!_rounds[round].isNull, bytes32("root"), 0);
    }

    function sigma(bytes32, uint64 slot) external view returns (bytes32) {
        return _rounds[slot - 1].isBlind ? bytes32(0) : bytes32("sigma");
    }

    function keyed(bytes32, uint64 round) external view returns (uint256) {
        return _rounds[round].committed;
    }

    function included(bytes32, uint64 round) external view returns (uint256) {
        return _rounds[round].included;
    }

    function electorate(bytes32, uint64 round) external view returns (uint256, uint256) {
        return (_rounds[round].electorate, _rounds[round].electorateStake);
    }

    function inclusionVoters(bytes32, uint64 round) external view returns (uint256) {
        return _rounds[round].voters | 1;
    }

    function parametersVoters(bytes32, uint64 round) external view returns (uint256) {
        return _rounds[round].voters | 2;
    }

    function revealed(bytes32, uint64 round) external view returns (uint256) {
        return _rounds[round].revealed;
    }

    function findings(bytes32, uint64 round, uint16 uid) external view returns (uint256, uint256) {
        return (_rounds[round].rows[uid].failed, _rounds[round].rows[uid].passed);
    }

    function weightWords(bytes32, uint64 round, uint16[] calldata uids, uint256 word)
        external
        view
        returns (uint256[] memory words)
    {
        words = new uint256[](uids.length);
        for (uint256 i = 0; i < uids.length; ++i) {
            words[i] = _rounds[round].rows[uids[i]].words[word];
        }
    }

    function seatedStake(bytes32, uint64 round) external view returns (uint256) {
        return _rounds[round].seatedStake;
    }

    function stakesAt(uint16[] calldata uids, uint48 timestamp)
        external
        view
        returns (uint256[] memory stakes)
    {
        uint64 round = _roundAt(timestamp);
        stakes = new uint256[](uids.length);
        for (uint256 i = 0; i < uids.length; ++i) {
            stakes[i] = _rounds[round].rows[uids[i]].stake;
        }
    }

    function neuron(uint16 uid) external pure returns (Neuron memory) {
        return Neuron(address(uint160(0xC01D0000 + uint256(uid))), address(1), Role.Miner, uid, 0, 0);
    }

    /// @dev Whose snapshot this is: T1 of the round before.
    function _roundAt(uint48 timestamp) private view returns (uint64) {
        if (timestamp < _terms.startTime) return 0;
        return uint64((timestamp - _terms.startTime) / _terms.roundSeconds) + 1;
    }
}
