// What a node says, as values: strict readers of hex quantities, blocks, logs and receipts.
#pragma once

#include "chain/abi/contracts.hpp"
#include "chain/rpc/client.hpp"
#include "common/base/safe_math.hpp"
#include "common/protocol/transition.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace covenant::chain {

// "0x1a": 1 to 16 (32) digits. kMalformed else.
Result<std::uint64_t> parse_quantity(const codec::Json& value);
Result<Uint128> parse_quantity128(const codec::Json& value);
std::string to_quantity(Uint128 value);

struct BlockHeader {
    Hash256 parent_hash;
    Hash256 ommers_hash;
    Address beneficiary;
    Hash256 state_root;
    Hash256 transactions_root;
    Hash256 receipts_root;
    Bytes logs_bloom;  // 256 bytes
    Uint128 difficulty = 0;
    std::uint64_t number = 0;
    std::uint64_t gas_limit = 0;
    std::uint64_t gas_used = 0;
    std::uint64_t timestamp = 0;
    Bytes extra_data;
    Hash256 mix_hash;  // prevrandao
    Bytes nonce;       // 8 bytes
    // Added by later forks, in this order; a field that is present needs all before it.
    std::optional<Uint128> base_fee;                  // London
    std::optional<Hash256> withdrawals_root;          // Shanghai
    std::optional<std::uint64_t> blob_gas_used;       // Cancun
    std::optional<std::uint64_t> excess_blob_gas;     // Cancun
    std::optional<Hash256> parent_beacon_block_root;  // Cancun
    std::optional<Hash256> requests_hash;             // Prague
    Hash256 hash;                                     // as the node reports it
};

// A block of eth_getBlockBy*; nothing for null. The bytes are not checked against the hash:
// encode_header does that.
Result<std::optional<BlockHeader>> parse_block(const codec::Json& value);
// RLP of the header. kMismatch when its keccak is not header.hash: a fork added a field that this
// build does not know, or the node gave a field that is not the block's.
Result<Bytes> encode_header(const BlockHeader& header);
// False when the block surely has no log: its bloom is empty, and the hash covers that bloom. Some
// nodes give an empty bloom for every block.
bool may_have_logs(const BlockHeader& header);

Result<Log> parse_log(const codec::Json& value);

struct Receipt {
    Hash256 transaction;
    protocol::BlockNumber block;
    Hash256 block_hash;
    bool success = false;
    std::uint64_t gas_used = 0;
    std::optional<Address> created;
    std::vector<Log> logs;
};
Result<std::optional<Receipt>> parse_receipt(const codec::Json& value);

// What was read out of a node's answer: what does not read is kUnavailable, not the end of the
// caller, for the next answer may come from another member of a pool.
template <typename T>
Result<T> from_node(Result<T> value, std::string_view method) {
    if (value || value.error().code != Errc::kMalformed) return value;
    return fail(Errc::kUnavailable, std::string(method) + ": the node's answer does not read: " +
                                        value.error().context);
}

// Typed calls.
Result<std::uint64_t> chain_id(RpcClient& rpc);
// Nothing: the node does not have the block yet, or no longer (pruned history).
Result<std::optional<BlockHeader>> block_by_number(RpcClient& rpc, std::uint64_t number);
Result<BlockHeader> latest_block(RpcClient& rpc);
// The return data of eth_call at the latest block; a revert is kRejected with describe_revert's
// text.
Result<Bytes> eth_call(RpcClient& rpc, const Address& to, ByteView data,
                       const std::optional<Address>& from = std::nullopt);
// keccak256 of the account's code; kNotFound when it has none.
Result<Hash256> code_hash(RpcClient& rpc, const Address& account);
// The first block with timestamp >= time, with its parent. Headers are looked at from the head
// backwards in growing steps, never below `lowest`, then by binary search: old history may be gone.
// kPrecondition (retryable) when there is none yet or the block is `lowest` itself; kUnavailable
// when the node no longer has it.
struct BlockPair {
    BlockHeader block;
    BlockHeader parent;
};
Result<BlockPair> first_block_at(RpcClient& rpc, protocol::ChainTime time,
                                 std::uint64_t lowest = 0);

}  // namespace covenant::chain
