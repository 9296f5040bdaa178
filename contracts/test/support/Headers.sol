// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {RLP} from "@openzeppelin/contracts/utils/RLP.sol";

/// @notice Writes block headers of 21 fields, as a Prague block has them.
library Headers {
    using RLP for RLP.Encoder;

    function encode(uint256 number, uint256 timestamp, bytes32 prevrandao, bytes32 parentHash)
        internal
        pure
        returns (bytes memory)
    {
        RLP.Encoder memory e = RLP.encoder();
        e.push(parentHash).push(keccak256("ommers")).push(address(0xBEEF));
        e.push(keccak256("state")).push(keccak256("transactions")).push(keccak256("receipts"));
        e.push(new bytes(256)).push(uint256(0)).push(number).push(uint256(30_000_000));
        e.push(uint256(21_000)).push(timestamp).push(bytes("extra")).push(prevrandao);
        e.push(new bytes(8)).push(uint256(1 gwei)).push(keccak256("withdrawals"));
        e.push(uint256(0)).push(uint256(0)).push(bytes32(0)).push(keccak256("requests"));
        return e.encode();
    }
}
