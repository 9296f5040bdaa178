#include "chain/rpc/types.hpp"

#include "chain/abi/revert.hpp"
#include "chain/abi/rlp.hpp"
#include "common/base/hex.hpp"
#include "common/crypto/keccak256.hpp"

#include <algorithm>

namespace covenant::chain {
using codec::Json;

namespace {

constexpr std::size_t kMaxLogData = 128 * 1024;
constexpr std::size_t kMaxExtraData = 4 * 1024;  // 32 on Ethereum, more on some test chains
constexpr std::size_t kBloomSize = 256;
constexpr std::size_t kMaxReceiptLogs = 10'000;

Result<Uint128> quantity(const Json& value, std::size_t max_digits) {
    const Result<std::string> read = value.as_string();
    if (!read) return fail(read.error());
    const std::string_view text = *read;
    if (!text.starts_with("0x") || text.size() < 3 || text.size() > max_digits + 2) {
        return fail(Errc::kMalformed, value.path() + ": expected a hex quantity of at most " +
                                          std::to_string(max_digits) + " digits, found '" +
                                          std::string(text.substr(0, 40)) + "'");
    }
    Uint128 out = 0;
    for (const char c : text.substr(2)) {
        unsigned digit = 0;
        if (c >= '0' && c <= '9') {
            digit = static_cast<unsigned>(c - '0');
        } else if (c >= 'a' && c <= 'f') {
            digit = static_cast<unsigned>(c - 'a') + 10;
        } else if (c >= 'A' && c <= 'F') {
            digit = static_cast<unsigned>(c - 'A') + 10;
        } else {
            return fail(Errc::kMalformed,
                        value.path() + ": '" + std::string(text) + "' is no hex quantity");
        }
        out = (out << 4) | digit;
    }
    return out;
}

Result<std::uint64_t> u64_field(const Json& object, std::string_view key) {
    COVENANT_TRY(const Json value, object.at(key));
    return parse_quantity(value);
}

bool present(const Json& object, std::string_view key) {
    return object.has(key) && !object.at(key)->is_null();
}

template <typename T, typename Read>
Status optional_field(const Json& object, std::string_view key, std::optional<T>& out, Read read) {
    if (!present(object, key)) return {};
    COVENANT_TRY(out, read());
    return {};
}

std::string number_tag(std::uint64_t number) {
    return to_quantity(number);
}

}  // namespace

Result<std::uint64_t> parse_quantity(const Json& value) {
    COVENANT_TRY(const Uint128 out, quantity(value, 16));
    return static_cast<std::uint64_t>(out);
}

Result<Uint128> parse_quantity128(const Json& value) {
    return quantity(value, 32);
}

std::string to_quantity(Uint128 value) {
    std::string digits;
    do {
        digits += "0123456789abcdef"[static_cast<unsigned>(value & 0xf)];
        value >>= 4;
    } while (value != 0);
    digits += "x0";
    std::reverse(digits.begin(), digits.end());
    return digits;
}

Result<std::optional<BlockHeader>> parse_block(const Json& value) {
    if (value.is_null()) return std::nullopt;
    if (!value.is_object()) return fail(Errc::kMalformed, value.path() + ": expected a block");
    BlockHeader h;
    COVENANT_TRY(h.parent_hash, value.fixed<Hash256>("parentHash"));
    COVENANT_TRY(h.ommers_hash, value.fixed<Hash256>("sha3Uncles"));
    COVENANT_TRY(h.beneficiary, value.fixed<Address>("miner"));
    COVENANT_TRY(h.state_root, value.fixed<Hash256>("stateRoot"));
    COVENANT_TRY(h.transactions_root, value.fixed<Hash256>("transactionsRoot"));
    COVENANT_TRY(h.receipts_root, value.fixed<Hash256>("receiptsRoot"));
    COVENANT_TRY(h.logs_bloom, value.bytes("logsBloom", kBloomSize));
    COVENANT_TRY(const Json difficulty, value.at("difficulty"));
    COVENANT_TRY(h.difficulty, parse_quantity128(difficulty));
    COVENANT_TRY(h.number, u64_field(value, "number"));
    COVENANT_TRY(h.gas_limit, u64_field(value, "gasLimit"));
    COVENANT_TRY(h.gas_used, u64_field(value, "gasUsed"));
    COVENANT_TRY(h.timestamp, u64_field(value, "timestamp"));
    COVENANT_TRY(h.extra_data, value.bytes("extraData", kMaxExtraData));
    COVENANT_TRY(h.mix_hash, value.fixed<Hash256>("mixHash"));
    COVENANT_TRY(h.nonce, value.bytes("nonce", 8));
    COVENANT_TRY(h.hash, value.fixed<Hash256>("hash"));
    COVENANT_CHECK(optional_field(value, "baseFeePerGas", h.base_fee, [&]() -> Result<Uint128> {
        COVENANT_TRY(const Json fee, value.at("baseFeePerGas"));
        return parse_quantity128(fee);
    }));
    COVENANT_CHECK(optional_field(value, "withdrawalsRoot", h.withdrawals_root,
                                  [&] { return value.fixed<Hash256>("withdrawalsRoot"); }));
    COVENANT_CHECK(optional_field(value, "blobGasUsed", h.blob_gas_used,
                                  [&] { return u64_field(value, "blobGasUsed"); }));
    COVENANT_CHECK(optional_field(value, "excessBlobGas", h.excess_blob_gas,
                                  [&] { return u64_field(value, "excessBlobGas"); }));
    COVENANT_CHECK(optional_field(value, "parentBeaconBlockRoot", h.parent_beacon_block_root,
                                  [&] { return value.fixed<Hash256>("parentBeaconBlockRoot"); }));
    COVENANT_CHECK(optional_field(value, "requestsHash", h.requests_hash,
                                  [&] { return value.fixed<Hash256>("requestsHash"); }));
    return h;
}

Result<Bytes> encode_header(const BlockHeader& h) {
    RlpList list;
    list.bytes(h.parent_hash.view())
        .bytes(h.ommers_hash.view())
        .bytes(h.beneficiary.view())
        .bytes(h.state_root.view())
        .bytes(h.transactions_root.view())
        .bytes(h.receipts_root.view())
        .bytes(h.logs_bloom)
        .uint(h.difficulty)
        .uint(h.number)
        .uint(h.gas_limit)
        .uint(h.gas_used)
        .uint(h.timestamp)
        .bytes(h.extra_data)
        .bytes(h.mix_hash.view())
        .bytes(h.nonce);
    if (h.base_fee) list.uint(*h.base_fee);
    if (h.withdrawals_root) list.bytes(h.withdrawals_root->view());
    if (h.blob_gas_used) list.uint(*h.blob_gas_used);
    if (h.excess_blob_gas) list.uint(*h.excess_blob_gas);
    if (h.parent_beacon_block_root) list.bytes(h.parent_beacon_block_root->view());
    if (h.requests_hash) list.bytes(h.requests_hash->view());
    Bytes out = list.finish();
    if (const Hash256 hash = crypto::keccak256(out); hash != h.hash) {
        return fail(Errc::kMismatch,
                    "header of block " + std::to_string(h.number) + " hashes to " + to_0x(hash) +
                        ", the node says " + to_0x(h.hash) +
                        ": the chain's fork has header fields that this build does not know, or "
                        "the node leaves fields out (some give an empty logsBloom): use another "
                        "node, or a newer build");
    }
    return out;
}

bool may_have_logs(const BlockHeader& header) {
    const bool empty = std::all_of(header.logs_bloom.begin(), header.logs_bloom.end(),
                                   [](std::uint8_t byte) { return byte == 0; });
    return !empty || !encode_header(header);
}

Result<Log> parse_log(const Json& value) {
    Log log;
    COVENANT_TRY(log.address, value.fixed<Address>("address"));
    COVENANT_TRY(const std::vector<Json> topics, value.items("topics"));
    if (topics.size() > 4) {
        return fail(Errc::kMalformed, value.path() + ": a log has at most 4 topics, this one " +
                                          std::to_string(topics.size()));
    }
    for (const Json& topic : topics) {
        const Result<std::string> text = topic.as_string();
        if (!text) return fail(text.error());
        const Result<Hash256> hash = fixed_from_hex<Hash256>(*text);
        if (!hash) return fail(hash.error());
        log.topics.push_back(*hash);
    }
    COVENANT_TRY(log.data, value.bytes("data", kMaxLogData));
    COVENANT_TRY(const std::uint64_t block, u64_field(value, "blockNumber"));
    log.block = protocol::BlockNumber(block);
    COVENANT_TRY(log.block_hash, value.fixed<Hash256>("blockHash"));
    COVENANT_TRY(log.transaction, value.fixed<Hash256>("transactionHash"));
    COVENANT_TRY(const std::uint64_t index, u64_field(value, "logIndex"));
    if (index > 0xffffffffU) return fail(Errc::kMalformed, value.path() + ": logIndex too large");
    log.index = static_cast<std::uint32_t>(index);
    return log;
}

Result<std::optional<Receipt>> parse_receipt(const Json& value) {
    if (value.is_null()) return std::nullopt;
    if (!value.is_object()) return fail(Errc::kMalformed, value.path() + ": expected a receipt");
    Receipt out;
    COVENANT_TRY(out.transaction, value.fixed<Hash256>("transactionHash"));
    COVENANT_TRY(const std::uint64_t block, u64_field(value, "blockNumber"));
    out.block = protocol::BlockNumber(block);
    COVENANT_TRY(out.block_hash, value.fixed<Hash256>("blockHash"));
    COVENANT_TRY(const std::uint64_t status, u64_field(value, "status"));
    out.success = status == 1;
    COVENANT_TRY(out.gas_used, u64_field(value, "gasUsed"));
    COVENANT_CHECK(optional_field(value, "contractAddress", out.created,
                                  [&] { return value.fixed<Address>("contractAddress"); }));
    COVENANT_TRY(const std::vector<Json> logs, value.items("logs"));
    if (logs.size() > kMaxReceiptLogs) {
        return fail(Errc::kMalformed, value.path() + ": too many logs in one receipt");
    }
    out.logs.reserve(logs.size());
    for (const Json& item : logs) {
        COVENANT_TRY(Log log, parse_log(item));
        out.logs.push_back(std::move(log));
    }
    return out;
}

Result<std::uint64_t> chain_id(RpcClient& rpc) {
    COVENANT_TRY(const Json value, rpc.call("eth_chainId", Json::array()));
    return from_node(parse_quantity(value), "eth_chainId");
}

Result<std::optional<BlockHeader>> block_by_number(RpcClient& rpc, std::uint64_t number) {
    constexpr std::string_view kMethod = "eth_getBlockByNumber";
    Json params = Json::array();
    params.push(number_tag(number)).push(false);
    COVENANT_TRY(const RpcReply reply, rpc.ask(kMethod, params));
    if (reply.error && reply.error->failure == RpcFailure::kPruned) return std::nullopt;
    if (reply.error) return fail(rpc_failure(kMethod, *reply.error));
    COVENANT_TRY(std::optional<BlockHeader> header, from_node(parse_block(reply.result), kMethod));
    if (header && header->number != number) {
        return fail(Errc::kUnavailable, "asked for block " + std::to_string(number) +
                                            ", the node gave block " +
                                            std::to_string(header->number));
    }
    return header;
}

Result<BlockHeader> latest_block(RpcClient& rpc) {
    constexpr std::string_view kMethod = "eth_getBlockByNumber";
    Json params = Json::array();
    params.push("latest").push(false);
    COVENANT_TRY(const Json value, rpc.call(kMethod, params));
    COVENANT_TRY(std::optional<BlockHeader> header, from_node(parse_block(value), kMethod));
    if (!header) return fail(Errc::kUnavailable, "the node has no latest block yet");
    return std::move(*header);
}

Result<Bytes> eth_call(RpcClient& rpc, const Address& to, ByteView data,
                       const std::optional<Address>& from) {
    Json request = Json::object();
    request.set("to", to_0x(to)).set("data", to_0x(data));
    if (from) request.set("from", to_0x(*from));
    Json params = Json::array();
    params.push(request).push("latest");
    COVENANT_TRY(const Json value, rpc.call("eth_call", params));
    COVENANT_TRY(const std::string text, from_node(value.as_string(), "eth_call"));
    return from_node(from_hex(text, kMaxLogData), "eth_call");
}

Result<Hash256> code_hash(RpcClient& rpc, const Address& account) {
    Json params = Json::array();
    params.push(to_0x(account)).push("latest");
    COVENANT_TRY(const Json value, rpc.call("eth_getCode", params));
    COVENANT_TRY(const std::string text, from_node(value.as_string(), "eth_getCode"));
    COVENANT_TRY(const Bytes code, from_node(from_hex(text, 128 * 1024), "eth_getCode"));
    if (code.empty()) return fail(Errc::kNotFound, "no contract at " + to_0x(account));
    return crypto::keccak256(code);
}

namespace {

// Blocks from `low` on are searched; `above` is known to be late enough.
struct Search {
    std::uint64_t low = 0;
    BlockHeader above;

    // A block between them; nothing when the node no longer has it, so that it is too old.
    Status look(RpcClient& rpc, std::uint64_t number, protocol::ChainTime time) {
        COVENANT_TRY(std::optional<BlockHeader> header, block_by_number(rpc, number));
        if (header && header->timestamp >= time.value) {
            above = std::move(*header);
        } else {
            low = number + 1;
        }
        return {};
    }
};

}  // namespace

Result<BlockPair> first_block_at(RpcClient& rpc, protocol::ChainTime time, std::uint64_t lowest) {
    COVENANT_TRY(BlockHeader head, latest_block(rpc));
    if (head.timestamp < time.value) {
        Error error{Errc::kPrecondition,
                    "no block has reached time " + std::to_string(time.value) +
                        " yet, the head is " + std::to_string(head.timestamp) +
                        ": ask again after the next block",
                    true};
        return fail(std::move(error));
    }
    Search search{std::min(lowest, head.number), std::move(head)};
    for (std::uint64_t step = 1; search.low + step < search.above.number; step *= 2) {
        const std::uint64_t low = search.low;
        COVENANT_CHECK(search.look(rpc, search.above.number - step, time));
        if (search.low != low) break;
    }
    while (search.low < search.above.number) {
        const std::uint64_t middle = search.low + (search.above.number - search.low) / 2;
        COVENANT_CHECK(search.look(rpc, middle, time));
    }
    BlockHeader& above = search.above;
    if (above.number == lowest) {
        return fail(Errc::kPrecondition, "time " + std::to_string(time.value) +
                                             " is not after block " + std::to_string(lowest) +
                                             ", the first one that is looked at: no block proves "
                                             "a beacon for it");
    }
    COVENANT_TRY(std::optional<BlockHeader> parent, block_by_number(rpc, above.number - 1));
    if (!parent) {
        return fail(Errc::kUnavailable,
                    "the node does not have block " + std::to_string(above.number - 1) +
                        ", which the beacon of time " + std::to_string(time.value) + " needs");
    }
    if (parent->hash != above.parent_hash || parent->timestamp >= time.value) {
        return fail(Errc::kUnavailable, "the chain was reorganised while block " +
                                            std::to_string(above.number) + " was looked up");
    }
    return BlockPair{std::move(above), std::move(*parent)};
}

}  // namespace covenant::chain
