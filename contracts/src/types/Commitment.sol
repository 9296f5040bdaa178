// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice What a miner promises about its artifact of one round, signed by its hotkey (EIP-712).
/// @param run Run id.
/// @param round Round index.
/// @param rho The round's beacon; ties the promise to one history of the chain.
/// @param baseRoot Root of the parameters the round started from.
/// @param uid The miner.
/// @param root Merkle root over the trace, the error feedback and the profile.
/// @param ciphertextHash SHA-256 of the encrypted artifact, its address in the store.
/// @param keyHash SHA-256 of the one-time key, its address in the store from T1 on.
/// @param size Bytes of the encrypted artifact.
/// @param tokens Training tokens processed.
struct Commitment {
    bytes32 run;
    uint64 round;
    bytes32 rho;
    bytes32 baseRoot;
    uint16 uid;
    bytes32 root;
    bytes32 ciphertextHash;
    bytes32 keyHash;
    uint64 size;
    uint64 tokens;
}
