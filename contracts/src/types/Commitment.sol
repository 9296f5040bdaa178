// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice What a miner promises about its artifact of one round, signed by its hotkey (EIP-712).
/// @param run Run id.
/// @param round Round index.
/// @param id The miner: today its uid, so below 256.
/// @param rho The round's beacon; ties the promise to one history of the chain.
/// @param baseRoot Root of the parameters the round started from.
/// @param root Merkle root over the trace, the error feedback and the profile.
/// @param ciphertextHash SHA-256 of the encrypted artifact, its address in the store.
/// @param size Bytes of the encrypted artifact.
/// @param keyHash SHA-256 of the one-time key that is shown on chain between T1 and TK.
/// @param segments Segments trained, exactly as many as the run's terms say.
struct Commitment {
    bytes32 run;
    uint64 round;
    uint32 id;
    bytes32 rho;
    bytes32 baseRoot;
    bytes32 root;
    bytes32 ciphertextHash;
    uint64 size;
    bytes32 keyHash;
    uint16 segments;
}
