// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Neuron, Role} from "../../src/types/Neuron.sol";
import {RunTerms} from "../../src/types/RunTerms.sol";

/// @notice One scored round, as a test wants it.
struct Scored {
    uint256 committed;
    uint16[] validators;
    uint256[] stakes;
    uint16[][] weights;
    uint256[] fails;
    uint256[] passes;
}

/// @notice Stands in for the registry, the run registry, the round manager and the score ledger towards Emissions.
contract FakeRound {
    struct Row {
        uint256 stake;
        uint256 failed;
        uint256 passed;
        mapping(uint256 word => uint256) words;
    }

    RunTerms private _terms;
    mapping(uint64 round => uint256) private _committed;
    mapping(uint64 round => uint256) private _revealed;
    mapping(uint64 round => mapping(uint16 uid => Row)) private _rows;

    function setTerms(RunTerms memory terms_) external {
        _terms = terms_;
    }

    function setRound(uint64 round, Scored calldata s) external {
        _committed[round] = s.committed;
        for (uint256 i = 0; i < s.validators.length; ++i) {
            uint16 uid = s.validators[i];
            _revealed[round] |= uint256(1) << uid;
            Row storage row = _rows[round][uid];
            (row.stake, row.failed, row.passed) = (s.stakes[i], s.fails[i], s.passes[i]);
            for (uint256 j = 0; j < s.weights[i].length; ++j) {
                row.words[j / 16] |= uint256(s.weights[i][j]) << (16 * (j % 16));
            }
        }
    }

    function terms(bytes32) external view returns (RunTerms memory) {
        return _terms;
    }

    function committed(bytes32, uint64 round) external view returns (uint256) {
        return _committed[round];
    }

    function revealed(bytes32, uint64 round) external view returns (uint256) {
        return _revealed[round];
    }

    function findings(bytes32, uint64 round, uint16 uid) external view returns (uint256, uint256) {
        return (_rows[round][uid].failed, _rows[round][uid].passed);
    }

    function weightWords(bytes32, uint64 round, uint16[] calldata uids, uint256 word)
        external
        view
        returns (uint256[] memory words)
    {
        words = new uint256[](uids.length);
        for (uint256 i = 0; i < uids.length; ++i) {
            words[i] = _rows[round][uids[i]].words[word];
        }
    }

    function stakesAt(uint16[] calldata uids, uint48 timestamp)
        external
        view
        returns (uint256[] memory stakes)
    {
        uint64 round = uint64((timestamp - _terms.startTime) / _terms.roundSeconds);
        stakes = new uint256[](uids.length);
        for (uint256 i = 0; i < uids.length; ++i) {
            stakes[i] = _rows[round][uids[i]].stake;
        }
    }

    function neuron(uint16 uid) external pure returns (Neuron memory) {
        return Neuron(address(uint160(0xC01D0000 + uint256(uid))), address(1), Role.Miner, uid, 0, 0);
    }
}
