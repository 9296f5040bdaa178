// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Deployment} from "../../script/Deployment.sol";
import {Authority} from "../../src/Authority.sol";
import {Emissions} from "../../src/Emissions.sol";
import {Registry} from "../../src/Registry.sol";
import {RoundManager} from "../../src/RoundManager.sol";
import {RunRegistry} from "../../src/RunRegistry.sol";
import {ScoreLedger} from "../../src/ScoreLedger.sol";
import {Token} from "../../src/Token.sol";
import {UidSet} from "../../src/libraries/UidSet.sol";
import {Commitment} from "../../src/types/Commitment.sol";
import {Finding} from "../../src/types/Finding.sol";
import {Role} from "../../src/types/Neuron.sol";
import {RunTerms} from "../../src/types/RunTerms.sol";
import {Headers} from "./Headers.sol";
import {Test} from "forge-std/Test.sol";

/// @notice A deployed network with one run, and verbs to drive it.
abstract contract Network is Test {
    uint256 internal constant GENESIS = 1_700_000_000;
    uint256 internal constant KEYS = 0xC0FFEE;
    uint48 internal constant UNBONDING = 7 days;
    uint128 internal constant EMISSION = 1000e18;
    bytes internal constant SPEC = hex"01020304";

    address internal admin = makeAddr("admin");
    address internal creator = makeAddr("creator");
    address internal faucet = makeAddr("faucet");
    address internal treasury = makeAddr("treasury");

    Token internal token;
    Registry internal registry;
    RunRegistry internal runRegistry;
    RoundManager internal roundManager;
    ScoreLedger internal scoreLedger;
    Emissions internal emissions;
    Authority internal authority;
    bytes32 internal run;

    function setUp() public virtual {
        vm.warp(GENESIS);
        vm.roll(1000);
        uint64 nonce = vm.getNonce(address(this));
        Deployment.Contracts memory c = Deployment.deploy(
            Deployment.Config(admin, creator, faucet, treasury, UNBONDING),
            vm.computeCreateAddress(address(this), nonce + Deployment.SCORE_LEDGER_OFFSET),
            vm.computeCreateAddress(address(this), nonce + Deployment.AUTHORITY_OFFSET)
        );
        token = c.token;
        registry = c.registry;
        runRegistry = c.runRegistry;
        roundManager = c.roundManager;
        scoreLedger = c.scoreLedger;
        emissions = c.emissions;
        authority = c.authority;
    }

    // ------------------------------------------------------------------------------------------ neurons

    function keyOf(uint256 uid) internal pure returns (uint256) {
        return KEYS + uid;
    }

    function hotkeyOf(uint256 uid) internal pure returns (address) {
        return vm.addr(keyOf(uid));
    }

    function coldkeyOf(uint256 uid) internal pure returns (address) {
        return address(uint160(0xC01D0000 + uid));
    }

    function consent(uint256 key, address coldkey, Role role, bytes32 networkKey, uint256 deadline)
        internal
        view
        returns (bytes memory)
    {
        address hotkey = vm.addr(key);
        return
            sign(
                key,
                registry.hashConsent(coldkey, hotkey, role, networkKey, registry.nonces(hotkey), deadline)
            );
    }

    function sign(uint256 key, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }

    /// @dev Registers the next uid with the keys that belong to it.
    function join(Role role, uint256 stake) internal returns (uint16 uid) {
        uid = uint16(registry.neuronCount());
        bytes32 networkKey = bytes32(uint256(uid));
        bytes memory signature = consent(keyOf(uid), coldkeyOf(uid), role, networkKey, type(uint256).max);
        vm.prank(coldkeyOf(uid));
        registry.register(hotkeyOf(uid), role, networkKey, type(uint256).max, signature);
        if (stake != 0) addStake(uid, stake);
    }

    function addStake(uint16 uid, uint256 amount) internal {
        address coldkey = coldkeyOf(uid);
        vm.prank(faucet);
        token.mint(coldkey, amount);
        vm.startPrank(coldkey);
        token.approve(address(registry), amount);
        registry.addStake(uid, amount);
        vm.stopPrank();
    }

    // --------------------------------------------------------------------------------------------- runs

    function defaultTerms() internal view returns (RunTerms memory) {
        return RunTerms({
            startTime: uint64(block.timestamp + 100),
            roundSeconds: 100,
            commitSeconds: 40,
            keySeconds: 45,
            beaconSeconds: 50,
            inclusionSeconds: 70,
            openingSeconds: 80,
            scoreCommitSeconds: 120,
            scoreRevealSeconds: 150,
            genesisLeadSeconds: 10,
            blockSeconds: 1,
            jailRounds: 8,
            lastRound: 1_000_000,
            segments: 6,
            auditRatePpm: 160_000,
            minerShareBps: 5400,
            validatorShareBps: 3600,
            emissionPerRound: EMISSION,
            minimumStake: 10,
            genesisRoot: keccak256("genesis"),
            datasetRoot: keccak256("dataset")
        });
    }

    function openRun() internal {
        openRun(defaultTerms());
    }

    function openRun(RunTerms memory terms) internal {
        vm.prank(creator);
        run = runRegistry.createRun(SPEC, terms);
    }

    // ------------------------------------------------------------------------------------------- rounds

    /// @dev Makes the chain hold a first block at the slot's target and a parent just before it.
    function blocksFor(uint64 slot) internal returns (bytes memory header, bytes memory parent) {
        uint256 target = roundManager.beaconTarget(run, slot);
        uint256 number = block.number + 1;
        vm.roll(number + 1);
        parent = Headers.encode(number - 1, target - 1, keccak256("unused"), keccak256("grandparent"));
        header = Headers.encode(number, target, randaoOf(slot), keccak256(parent));
        vm.setBlockhash(number, keccak256(header));
    }

    function randaoOf(uint64 slot) internal pure returns (bytes32) {
        return keccak256(abi.encode("randao", slot));
    }

    /// @dev Goes to the slot's target, if it is ahead, and proves it.
    function proveSlot(uint64 slot) internal {
        warpTo(roundManager.beaconTarget(run, slot));
        (bytes memory header, bytes memory parent) = blocksFor(slot);
        roundManager.proveBeacon(run, slot, header, parent);
    }

    function warpTo(uint256 timestamp) internal {
        if (block.timestamp < timestamp) vm.warp(timestamp);
    }

    function commitment(uint64 round, uint16 uid) internal view returns (Commitment memory) {
        return Commitment({
            run: run,
            round: round,
            id: uid,
            rho: roundManager.rho(run, round),
            baseRoot: roundManager.baseRoot(run, round),
            root: keccak256(abi.encode("root", round, uid)),
            ciphertextHash: keccak256(abi.encode("ciphertext", round, uid)),
            size: 12345,
            keyHash: sha256(abi.encode(oneTimeKey(round, uid))),
            segments: 6
        });
    }

    function commit(uint64 round, uint16 uid) internal {
        Commitment memory c = commitment(round, uid);
        roundManager.commitArtifact(c, sign(keyOf(uid), roundManager.hashCommitment(c)));
    }

    /// @dev The key that opens a miner's artifact; its hash stands in the commitment.
    function oneTimeKey(uint64 round, uint256 uid) internal pure returns (bytes32) {
        return keccak256(abi.encode("key", round, uid));
    }

    /// @dev Goes to T1, if it is ahead, and shows the keys of a set of miners.
    function showKeys(uint64 round, uint256 set) internal {
        warpTo(roundManager.t1(run, round));
        uint16[] memory uids = UidSet.toArray(set);
        uint32[] memory ids = new uint32[](uids.length);
        bytes32[] memory keys = new bytes32[](uids.length);
        for (uint256 i = 0; i < uids.length; ++i) {
            (ids[i], keys[i]) = (uids[i], oneTimeKey(round, uids[i]));
        }
        roundManager.showKeys(run, round, ids, keys);
    }

    function voteInclusion(uint64 round, uint16 uid, uint256 set) internal {
        voteInclusion(round, uid, set, 0);
    }

    function voteInclusion(uint64 round, uint16 uid, uint256 set, uint256 suspect) internal {
        vm.prank(hotkeyOf(uid));
        roundManager.voteInclusion(run, round, set, suspect);
    }

    function voteParameters(uint64 round, uint16 uid, bytes32 root) internal {
        vm.prank(hotkeyOf(uid));
        roundManager.voteParameters(run, round, root, 7);
    }

    // ------------------------------------------------------------------------------------------- scores

    function commitScores(uint64 round, uint16 uid, uint16[] memory weights, Finding[] memory findings)
        internal
    {
        bytes32 hash = scoreLedger.hashScores(run, round, uid, weights, findings, "salt");
        vm.prank(hotkeyOf(uid));
        scoreLedger.commitScores(run, round, hash);
    }

    function revealScores(uint64 round, uint16 uid, uint16[] memory weights, Finding[] memory findings)
        internal
    {
        vm.prank(hotkeyOf(uid));
        scoreLedger.revealScores(run, round, weights, findings, "salt");
    }

    function t0(uint64 round) internal view returns (uint256) {
        return roundManager.t0(run, round);
    }
}
