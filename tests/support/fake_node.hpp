// An Ethereum node in memory, as far as the client looks: blocks with parent hashes, logs, a
// mempool and receipts. Tests script its failures.
#pragma once

#include "chain/abi/contracts.hpp"
#include "chain/rpc/client.hpp"
#include "chain/rpc/types.hpp"
#include "common/base/hex.hpp"
#include "common/crypto/keccak256.hpp"

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace covenant::chain {

struct FakeTransaction {
    std::uint64_t nonce = 0;
    Uint128 max_fee = 0;
    std::uint64_t gas_limit = 0;
    Bytes raw;
    Hash256 hash;
};

// The nonce and fee of a type-2 transaction; enough RLP for what our own code writes.
inline FakeTransaction read_transaction(const Bytes& raw) {
    std::size_t at = 1;
    const auto skip_header = [&](std::uint8_t base) {
        const std::uint8_t first = raw.at(at++);
        std::size_t size = static_cast<std::size_t>(first) - base;
        if (size > 55) {
            std::size_t bytes = size - 55;
            size = 0;
            while (bytes-- > 0) {
                size = size << 8 | raw.at(at++);
            }
        }
        return size;
    };
    const auto integer = [&]() -> Uint128 {
        if (raw.at(at) < 0x80) return raw.at(at++);
        std::size_t size = skip_header(0x80);
        Uint128 value = 0;
        while (size-- > 0) {
            value = value << 8 | raw.at(at++);
        }
        return value;
    };
    skip_header(0xc0);
    FakeTransaction out;
    integer();  // chain id
    out.nonce = static_cast<std::uint64_t>(integer());
    integer();  // tip
    out.max_fee = integer();
    out.gas_limit = static_cast<std::uint64_t>(integer());
    out.raw = raw;
    out.hash = crypto::keccak256(raw);
    return out;
}

class FakeNode {
  public:
    struct Block {
        std::uint64_t number = 0;
        std::uint64_t time = 0;
        Hash256 hash;
        Hash256 parent;
        std::vector<Log> logs;
        std::vector<FakeTransaction> transactions;
    };

    FakeNode() { blocks.push_back(make_block(0, {})); }

    std::vector<Block> blocks;
    std::vector<FakeTransaction> pool;
    std::vector<Bytes> sent;    // every raw transaction that arrived, in order
    std::set<Hash256> failing;  // hashes whose receipt says status 0
    std::deque<std::string> send_errors;
    std::deque<std::string> call_errors;  // a JSON-RPC error with code -32005 for the next calls
    std::optional<Bytes> estimate_revert;
    std::optional<std::string> estimate_error;
    std::uint64_t max_log_range = 1'000'000;
    std::uint64_t foreign_nonces = 0;  // used by transactions that are not in blocks
    bool offline = false;
    bool lose_send_reply = false;
    std::map<std::string, int> calls;
    std::function<void(const std::string&)> before;  // called with each method
    // What stands in front of the node: answers a request (a batch is an array) itself, or not.
    std::function<std::optional<TransportReply>(const codec::Json&)> gateway;
    // Changes the node's answer to a call.
    std::function<void(const std::string& method, const codec::Json& params, codec::Json& answer)>
        spoil;

    [[nodiscard]] std::uint64_t latest_count() const {
        std::uint64_t count = foreign_nonces;
        for (const Block& block : blocks) {
            count += block.transactions.size();
        }
        return count;
    }

    void mine(std::vector<Log> logs = {}) {
        Block block = make_block(blocks.size(), blocks.back().hash);
        std::uint64_t next = latest_count();
        bool found = true;
        while (found) {
            found = false;
            for (std::size_t i = 0; i < pool.size(); ++i) {
                if (pool[i].nonce != next) continue;
                block.transactions.push_back(pool[i]);
                pool.erase(pool.begin() + static_cast<std::ptrdiff_t>(i));
                ++next;
                found = true;
                break;
            }
        }
        std::uint32_t index = 0;
        for (Log& log : logs) {
            log.block = protocol::BlockNumber(block.number);
            log.block_hash = block.hash;
            log.index = index++;
            log.transaction = crypto::keccak256(log.data);
        }
        block.logs = std::move(logs);
        blocks.push_back(std::move(block));
    }

    // The newest blocks go, with their transactions; others of the same number come.
    void reorg(std::size_t depth, std::size_t new_blocks) {
        blocks.resize(blocks.size() - depth);
        ++branch;
        for (std::size_t i = 0; i < new_blocks; ++i) {
            mine();
        }
    }

    codec::Json answer(const std::string& method, const codec::Json& params,
                       const codec::Json& id) {
        ++calls[method];
        if (before) before(method);
        codec::Json out = codec::Json::object();
        out.set("jsonrpc", "2.0").set("id", id);
        if (!call_errors.empty()) {
            set_error(out, -32005, call_errors.front());
            call_errors.pop_front();
            return out;
        }
        respond(out, method, params);
        if (spoil) spoil(method, params, out);
        return out;
    }

    static void set_error(codec::Json& out, std::int64_t code, const std::string& message) {
        codec::Json error = codec::Json::object();
        error.set("code", code).set("message", message);
        out.set("error", error);
    }

    static codec::Json block_json(const Block& block) {
        const std::string zero = to_0x(Hash256{});
        Bytes bloom(256, 0);
        if (!block.logs.empty()) bloom[7] = 1;
        codec::Json out = codec::Json::object();
        out.set("parentHash", to_0x(block.parent)).set("sha3Uncles", zero);
        out.set("miner", to_0x(Address{})).set("stateRoot", zero).set("transactionsRoot", zero);
        out.set("receiptsRoot", zero).set("logsBloom", to_0x(bloom)).set("difficulty", "0x0");
        out.set("number", to_quantity(block.number)).set("gasLimit", "0x1c9c380");
        out.set("gasUsed", "0x0").set("timestamp", to_quantity(block.time)).set("extraData", "0x");
        out.set("mixHash", zero).set("nonce", "0x0000000000000000");
        out.set("baseFeePerGas", to_quantity(1'000'000'000)).set("hash", to_0x(block.hash));
        return out;
    }

  private:
    std::uint64_t branch = 0;

    Block make_block(std::uint64_t number, const Hash256& parent) const {
        Block block;
        block.number = number;
        block.time = 1'000 + 2 * number;
        block.parent = parent;
        Bytes seed(parent.bytes.begin(), parent.bytes.end());
        seed.push_back(static_cast<std::uint8_t>(branch));
        seed.push_back(static_cast<std::uint8_t>(number));
        block.hash = crypto::keccak256(seed);
        return block;
    }

    static codec::Json log_json(const Log& log) {
        codec::Json topics = codec::Json::array();
        for (const Hash256& topic : log.topics) {
            topics.push(to_0x(topic));
        }
        codec::Json out = codec::Json::object();
        out.set("address", to_0x(log.address)).set("topics", topics).set("data", to_0x(log.data));
        out.set("blockNumber", to_quantity(log.block.value));
        out.set("blockHash", to_0x(log.block_hash));
        out.set("transactionHash", to_0x(log.transaction)).set("logIndex", to_quantity(log.index));
        return out;
    }

    static std::uint64_t number(const codec::Json& params, std::size_t index) {
        return parse_quantity(*params.at_index(index)).value();
    }

    void respond(codec::Json& out, const std::string& method, const codec::Json& params) {
        using codec::Json;
        if (method == "eth_getBlockByNumber") {
            const std::string tag = params.at_index(0)->as_string().value();
            const std::uint64_t wanted = tag == "latest" ? blocks.size() - 1 : number(params, 0);
            out.set("result", wanted < blocks.size() ? block_json(blocks[wanted]) : Json());
        } else if (method == "eth_chainId") {
            out.set("result", "0x7a69");
        } else if (method == "eth_feeHistory") {
            set_error(out, -32601, "the method eth_feeHistory does not exist");
        } else if (method == "eth_getTransactionCount") {
            std::uint64_t count = latest_count();
            if (params.at_index(1)->as_string().value() == "pending") {
                std::set<std::uint64_t> nonces;
                for (const FakeTransaction& tx : pool) {
                    nonces.insert(tx.nonce);
                }
                while (nonces.contains(count)) {
                    ++count;
                }
            }
            out.set("result", to_quantity(count));
        } else if (method == "eth_estimateGas") {
            if (estimate_revert) {
                Json error = Json::object();
                error.set("code", 3).set("message", "execution reverted");
                error.set("data", to_0x(*estimate_revert));
                out.set("error", error);
            } else if (estimate_error) {
                set_error(out, -32003, *estimate_error);
            } else {
                out.set("result", "0xc350");
            }
        } else if (method == "eth_sendRawTransaction") {
            const Bytes raw = from_hex(params.at_index(0)->as_string().value()).value();
            sent.push_back(raw);
            if (!send_errors.empty()) {
                set_error(out, -32003, send_errors.front());
                send_errors.pop_front();
                return;
            }
            FakeTransaction tx = read_transaction(raw);
            if (tx.nonce < latest_count()) {
                set_error(out, -32003, "nonce too low");
                return;
            }
            for (FakeTransaction& other : pool) {
                if (other.nonce != tx.nonce) continue;
                if (other.hash == tx.hash) {
                    set_error(out, -32003, "transaction already imported");
                } else if (tx.max_fee * 10 < other.max_fee * 11) {
                    set_error(out, -32003, "replacement transaction underpriced");
                } else {
                    other = tx;
                    out.set("result", to_0x(tx.hash));
                }
                return;
            }
            pool.push_back(tx);
            out.set("result", to_0x(tx.hash));
        } else if (method == "eth_getTransactionReceipt") {
            const std::string hash = params.at_index(0)->as_string().value();
            out.set("result", Json());
            for (const Block& block : blocks) {
                for (const FakeTransaction& tx : block.transactions) {
                    if (to_0x(tx.hash) != hash) continue;
                    Json receipt = Json::object();
                    receipt.set("transactionHash", hash);
                    receipt.set("blockNumber", to_quantity(block.number));
                    receipt.set("blockHash", to_0x(block.hash));
                    receipt.set("status", failing.contains(tx.hash) ? "0x0" : "0x1");
                    receipt.set("gasUsed", "0x5208").set("logs", Json::array());
                    out.set("result", receipt);
                }
            }
        } else if (method == "eth_getTransactionByHash") {
            const std::string hash = params.at_index(0)->as_string().value();
            out.set("result", Json());
            for (const FakeTransaction& tx : pool) {
                if (to_0x(tx.hash) == hash) out.set("result", Json::object());
            }
        } else if (method == "eth_call") {
            Json error = Json::object();
            error.set("code", 3).set("message", "execution reverted");
            error.set("data", to_0x(estimate_revert.value_or(Bytes{})));
            out.set("error", error);
        } else if (method == "eth_getLogs") {
            const Json query = params.at_index(0).value();
            std::uint64_t from = 0;
            std::uint64_t to = 0;
            if (query.has("blockHash")) {
                const std::string hash = query.string("blockHash").value();
                bool known = false;
                for (const Block& block : blocks) {
                    if (to_0x(block.hash) != hash) continue;
                    from = to = block.number;
                    known = true;
                }
                if (!known) {
                    set_error(out, -32000, "unknown block");
                    return;
                }
            } else {
                from = parse_quantity(query.at("fromBlock").value()).value();
                to = parse_quantity(query.at("toBlock").value()).value();
            }
            if (to - from + 1 > max_log_range) {
                set_error(out, -32602, "query returned more than 10000 results");
                return;
            }
            Json logs = Json::array();
            for (std::uint64_t n = from; n <= to && n < blocks.size(); ++n) {
                for (const Log& log : blocks[n].logs) {
                    logs.push(log_json(log));
                }
            }
            out.set("result", logs);
        } else {
            set_error(out, -32601, "unknown method " + method);
        }
    }
};

class FakeTransport final : public JsonRpcTransport {
  public:
    explicit FakeTransport(FakeNode& node) : node_(&node) {}
    Result<TransportReply> post(std::string_view body) override {
        if (node_->offline) return fail(Errc::kUnavailable, "connection refused");
        const codec::Json request = codec::Json::parse(body).value();
        if (node_->gateway) {
            if (auto reply = node_->gateway(request)) return std::move(*reply);
        }
        if (request.is_array()) {
            codec::Json out = codec::Json::array();
            const std::vector<codec::Json> items = request.as_items().value();
            for (const codec::Json& item : items) {
                out.push(one(item));
            }
            return TransportReply{200, out.dump()};
        }
        const codec::Json reply = one(request);
        if (node_->lose_send_reply &&
            request.string("method").value() == "eth_sendRawTransaction") {
            node_->lose_send_reply = false;
            node_->offline = true;
            return fail(Errc::kTimeout, "no reply");
        }
        return TransportReply{200, reply.dump()};
    }
    [[nodiscard]] std::string endpoint() const override { return "http://fake"; }

  private:
    codec::Json one(const codec::Json& request) {
        return node_->answer(request.string("method").value(), request.at("params").value(),
                             request.at("id").value());
    }
    FakeNode* node_;
};

inline ContractAddresses fake_contracts() {
    ContractAddresses out;
    out.token.bytes[19] = 1;
    out.registry.bytes[19] = 2;
    out.run_registry.bytes[19] = 3;
    out.round_manager.bytes[19] = 4;
    out.score_ledger.bytes[19] = 5;
    out.emissions.bytes[19] = 6;
    out.authority.bytes[19] = 7;
    return out;
}

inline Hash256 hash_of(std::uint8_t value) {
    Hash256 out;
    out.bytes.fill(value);
    return out;
}

}  // namespace covenant::chain
