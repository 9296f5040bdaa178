// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BlockHeader} from "@openzeppelin/contracts/utils/BlockHeader.sol";
import {Memory} from "@openzeppelin/contracts/utils/Memory.sol";

/// @title Proof that a block is the first one at or after a point in time.
/// @dev Exactly one block of a chain has timestamp >= target while its parent's is < target, so the prover has no
/// choice. Hashes of the last 256 blocks come from the EVM, of the last 8191 from the EIP-2935 history contract.
library HeaderProof {
    /// @dev Not a header of this chain, or older than the chain remembers.
    error HeaderProofUnknownBlock(uint256 number);
    error HeaderProofWrongParent(bytes32 given, bytes32 expected);
    error HeaderProofTooEarly(uint256 timestamp, uint256 target);
    error HeaderProofNotFirst(uint256 parentTimestamp, uint256 target);

    /// @param header RLP of the block's header.
    /// @param parentHeader RLP of its parent's header.
    /// @param target Unix seconds.
    /// @return number The block's number.
    /// @return prevrandao The block's randomness.
    function firstBlockAtOrAfter(bytes memory header, bytes memory parentHeader, uint256 target)
        internal
        view
        returns (uint256 number, bytes32 prevrandao)
    {
        Memory.Slice[] memory fields = BlockHeader.parseHeader(header);
        number = BlockHeader.getNumber(fields);
        require(BlockHeader.verifyBlockHeader(fields, keccak256(header)), HeaderProofUnknownBlock(number));

        bytes32 parentHash = keccak256(parentHeader);
        bytes32 expectedHash = BlockHeader.getParentHash(fields);
        require(parentHash == expectedHash, HeaderProofWrongParent(parentHash, expectedHash));

        uint256 timestamp = BlockHeader.getTimestamp(fields);
        require(timestamp >= target, HeaderProofTooEarly(timestamp, target));
        uint256 parentTimestamp = BlockHeader.getTimestamp(parentHeader);
        require(parentTimestamp < target, HeaderProofNotFirst(parentTimestamp, target));

        prevrandao = BlockHeader.getPrevRandao(fields);
    }
}
