// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Emissions} from "../src/Emissions.sol";
import {RoundManager} from "../src/RoundManager.sol";
import {IEmissions} from "../src/interfaces/IEmissions.sol";
import {IRegistry} from "../src/interfaces/IRegistry.sol";
import {IRoundManager} from "../src/interfaces/IRoundManager.sol";
import {IRunRegistry} from "../src/interfaces/IRunRegistry.sol";
import {IScoreLedger} from "../src/interfaces/IScoreLedger.sol";
import {IToken} from "../src/interfaces/IToken.sol";
import {PhaseClock} from "../src/libraries/PhaseClock.sol";
import {Commitment} from "../src/types/Commitment.sol";
import {Finding} from "../src/types/Finding.sol";
import {RunTerms} from "../src/types/RunTerms.sol";
import {FakeRound, Scored} from "./support/FakeRound.sol";
import {Headers} from "./support/Headers.sol";
import {Network} from "./support/Network.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

/// @notice The vectors that the C++ side reads as well: both must give every number in them.
contract VectorsTest is Network {
    /// @dev A file in memory and the case of it that is being read.
    struct Doc {
        string json;
        string at;
    }

    function load(string memory name) private view returns (Doc memory d) {
        d.json = vm.readFile(string.concat("../tests/vectors/", name));
    }

    /// @dev Moves to case `i`; false after the last one.
    function next(Doc memory d, uint256 i) private view returns (bool) {
        d.at = string.concat(".cases[", vm.toString(i), "]");
        return vm.keyExistsJson(d.json, d.at);
    }

    function key(Doc memory d, string memory name) private pure returns (string memory) {
        return string.concat(d.at, ".", name);
    }

    function number(Doc memory d, string memory name) private pure returns (uint256) {
        return vm.parseJsonUint(d.json, key(d, name));
    }

    function word(Doc memory d, string memory name) private pure returns (bytes32) {
        return vm.parseJsonBytes32(d.json, key(d, name));
    }

    function text(Doc memory d, string memory name) private pure returns (string memory) {
        return vm.parseJsonString(d.json, key(d, name));
    }

    function numbers(Doc memory d, string memory name) private pure returns (uint256[] memory) {
        return vm.parseJsonUintArray(d.json, key(d, name));
    }

    function narrow(uint256[] memory values) private pure returns (uint16[] memory out) {
        out = new uint16[](values.length);
        for (uint256 i = 0; i < values.length; ++i) {
            assertLe(values[i], type(uint16).max);
            out[i] = uint16(values[i]);
        }
    }

    // ----------------------------------------------------------------------------------------- settlement

    function test_settle() public {
        Doc memory d = load("settle.json");
        vm.warp(GENESIS + 150);
        // Some cases emit more than the real cap leaves room for; the arithmetic goes up to 2^96.
        vm.mockCall(address(token), abi.encodeCall(IToken.cap, ()), abi.encode(type(uint128).max));
        uint256 cases = 0;
        for (; next(d, cases); ++cases) {
            this.settleCase(cases);
        }
        assertGe(cases, 8);
    }

    /// @dev A call of its own, so that the copies of the file that reading it costs are dropped after each case.
    function settleCase(uint256 index) external {
        Doc memory d = load("settle.json");
        assertTrue(next(d, index));
        FakeRound fake = new FakeRound();
        RunTerms memory terms = defaultTerms();
        terms.startTime = uint64(GENESIS);
        terms.emissionPerRound = uint128(number(d, "emission"));
        terms.minerShareBps = uint16(number(d, "minerShareBps"));
        terms.validatorShareBps = uint16(number(d, "validatorShareBps"));
        fake.setTerms(terms);
        fake.setRound(0, scored(d));
        Emissions target = new Emissions(
            token,
            IRegistry(address(fake)),
            IRunRegistry(address(fake)),
            IRoundManager(address(fake)),
            IScoreLedger(address(fake)),
            treasury
        );
        vm.expectEmit(address(target));
        emit IEmissions.RoundSettled(
            "run", 0, number(d, "minersTotal"), number(d, "validatorsTotal"), number(d, "treasury")
        );
        target.settle("run", 0, 1000);

        string memory name = text(d, "name");
        assertEq(target.failed("run", 0), uint256(word(d, "failed")), name);
        uint256[] memory uids = numbers(d, "creditUids");
        uint256[] memory credits = numbers(d, "credits");
        uint256[256] memory expected;
        for (uint256 i = 0; i < uids.length; ++i) {
            expected[uids[i]] = credits[i];
        }
        for (uint16 uid = 0; uid < 256; ++uid) {
            assertEq(target.credited("run", 0, uid), expected[uid], name);
        }
    }

    function scored(Doc memory d) private view returns (Scored memory s) {
        s.committed = uint256(word(d, "committed"));
        s.included = uint256(word(d, "included"));
        uint256 count = 0;
        while (vm.keyExistsJson(d.json, member(d, count, "uid"))) {
            ++count;
        }
        s.validators = new uint16[](count);
        s.stakes = new uint256[](count);
        s.revealed = new bool[](count);
        s.voted = new bool[](count);
        s.weights = new uint16[][](count);
        s.fails = new uint256[](count);
        s.passes = new uint256[](count);
        s.bystanders = number(d, "seated");
        for (uint256 i = 0; i < count; ++i) {
            s.validators[i] = uint16(vm.parseJsonUint(d.json, member(d, i, "uid")));
            s.stakes[i] = vm.parseJsonUint(d.json, member(d, i, "stake"));
            s.revealed[i] = vm.parseJsonBool(d.json, member(d, i, "revealed"));
            s.voted[i] = vm.parseJsonBool(d.json, member(d, i, "voted"));
            s.weights[i] = narrow(vm.parseJsonUintArray(d.json, member(d, i, "weights")));
            s.fails[i] = uint256(word(d, "failed"));
            s.bystanders -= s.stakes[i];
        }
    }

    function member(Doc memory d, uint256 i, string memory name) private pure returns (string memory) {
        return key(d, string.concat("electorate[", vm.toString(i), "].", name));
    }

    // ---------------------------------------------------------------------------------------- commitments

    function test_commitments() public {
        Doc memory d = load("commitment.json");
        uint256 cases = 0;
        for (; next(d, cases); ++cases) {
            vm.chainId(number(d, "chainId"));
            address target = vm.parseJsonAddress(d.json, key(d, "roundManager"));
            vm.etch(target, address(roundManager).code);
            Commitment memory c = Commitment({
                run: word(d, "run"),
                round: uint64(number(d, "round")),
                id: uint32(number(d, "id")),
                rho: word(d, "rho"),
                baseRoot: word(d, "baseRoot"),
                root: word(d, "root"),
                ciphertextHash: word(d, "ciphertextHash"),
                size: uint64(number(d, "size")),
                keyHash: word(d, "keyHash"),
                segments: uint16(number(d, "segments"))
            });
            bytes32 digest = RoundManager(target).hashCommitment(c);
            assertEq(digest, word(d, "digest"));
            address hotkey = vm.parseJsonAddress(d.json, key(d, "hotkey"));
            bytes memory signature = vm.parseJsonBytes(d.json, key(d, "signature"));
            assertEq(ECDSA.recover(digest, signature), hotkey);
            assertEq(sign(uint256(word(d, "key")), digest), signature);
        }
        assertGe(cases, 2);
    }

    // --------------------------------------------------------------------------------------------- scores

    function test_score_commitments() public {
        Doc memory d = load("score_commitment.json");
        uint256 cases = 0;
        for (; next(d, cases); ++cases) {
            vm.chainId(number(d, "chainId"));
            address target = vm.parseJsonAddress(d.json, key(d, "ledger"));
            vm.etch(target, address(scoreLedger).code);
            uint256 count = 0;
            while (vm.keyExistsJson(d.json, key(d, string.concat("findings[", vm.toString(count), "]")))) {
                ++count;
            }
            Finding[] memory findings = new Finding[](count);
            for (uint256 i = 0; i < count; ++i) {
                string memory f = string.concat("findings[", vm.toString(i), "].");
                findings[i] = Finding({
                    uid: uint16(number(d, string.concat(f, "uid"))),
                    verdict: uint8(number(d, string.concat(f, "verdict"))),
                    segment: uint16(number(d, string.concat(f, "segment"))),
                    evidence: word(d, string.concat(f, "evidence"))
                });
            }
            bytes32 hash = IScoreLedger(target)
                .hashScores(
                    word(d, "run"),
                    uint64(number(d, "round")),
                    uint16(number(d, "uid")),
                    narrow(numbers(d, "weights")),
                    findings,
                    word(d, "salt")
                );
            assertEq(hash, word(d, "hash"));
        }
        assertGe(cases, 2);
    }

    // --------------------------------------------------------------------------------------------- beacon

    function test_beacons() public {
        RunTerms memory sample = sampleTerms();
        Doc memory d = load("beacon.json");
        uint256 cases = 0;
        for (; next(d, cases); ++cases) {
            uint64 slot = uint64(number(d, "slot"));
            uint64 round = uint64(number(d, "round"));
            bytes32 prevrandao = word(d, "prevrandao");
            assertEq(PhaseClock.beaconTarget(sample, slot), number(d, "target"));
            assertEq(PhaseClock.beaconDeadline(sample, slot), number(d, "deadline"));
            bytes32 sigma = proveWith(slot, prevrandao);
            assertEq(sigma, word(d, "sigma"));
            assertEq(roundManager.rho(run, round), word(d, "rho"));
        }
        assertGe(cases, 2);
    }

    /// @dev Schedule of the sample run that the vectors of the beacon refer to.
    function sampleTerms() private returns (RunTerms memory terms) {
        Doc memory d = load("run_spec.json");
        next(d, 0);
        terms = defaultTerms();
        terms.startTime = uint64(number(d, "terms.startTime"));
        terms.roundSeconds = uint32(number(d, "terms.roundSeconds"));
        terms.commitSeconds = uint32(number(d, "terms.commitSeconds"));
        terms.beaconSeconds = uint32(number(d, "terms.beaconSeconds"));
        terms.inclusionSeconds = uint32(number(d, "terms.inclusionSeconds"));
        terms.genesisLeadSeconds = uint32(number(d, "terms.genesisLeadSeconds"));
    }

    /// @dev Each case on a run of its own, so that the slot's target is ahead.
    function proveWith(uint64 slot, bytes32 prevrandao) private returns (bytes32) {
        RunTerms memory terms = defaultTerms();
        vm.prank(creator);
        run = runRegistry.createRun(abi.encode("vector", slot, prevrandao), terms);
        uint256 target = roundManager.beaconTarget(run, slot);
        vm.warp(target);
        vm.roll(block.number + 2);
        bytes memory parent = Headers.encode(block.number - 2, target - 1, 0, 0);
        bytes memory header = Headers.encode(block.number - 1, target, prevrandao, keccak256(parent));
        vm.setBlockhash(block.number - 1, keccak256(header));
        roundManager.proveBeacon(run, slot, header, parent);
        return roundManager.sigma(run, slot);
    }

    // -------------------------------------------------------------------------------------------- run spec

    function test_run_ids() public {
        Doc memory d = load("run_spec.json");
        RunTerms memory terms = defaultTerms();
        uint256 cases = 0;
        for (; next(d, cases); ++cases) {
            bytes memory spec = vm.parseJsonBytes(d.json, key(d, "bytes"));
            vm.prank(creator);
            assertEq(runRegistry.createRun(spec, terms), word(d, "runId"));
        }
        assertGe(cases, 1);
    }
}
