// The durable sender of one account. A row {key, fingerprint, calldata} is committed before
// anything is sent; nonce, signed bytes and hash are committed before the bytes leave. So a crash
// at any point leaves either nothing or a transaction that the next start sends again, byte for
// byte.
//
//   queued -> sent -> included -> confirmed
//      |        |
//      +--------+-> refused         (estimate or receipt says that the contract refuses)
//
// Each row says once in the log that it was sent, and once in which block it was mined or why not.
// A refusing estimate is believed when the caller's head refuses as well: the node may be a member
// of a pool that is behind.
//
// What brings a row back: a reorg or a chain that lost blocks (included, confirmed -> sent, the raw
// bytes are sent again), a nonce used by someone else (sent -> queued, signed again with a fresh
// nonce, same content).
//
// One account has one outbox: two processes that send from one account take each other's nonces and
// both stall.
#pragma once

#include "chain/tx/gas.hpp"
#include "chain/tx/transaction.hpp"
#include "common/protocol/ids.hpp"
#include "common/sqlite/database.hpp"

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace covenant::chain {

inline constexpr sqlite::FileKind kOutboxFile{
    .name = "outbox",
    .remedy =
        "keep it, it knows what this account has sent; restore it from a copy, or, without "
        "one, wait until no transaction of the account is pending, then move it away",
};

struct OutboxOptions {
    std::uint64_t chain_id = 0;
    std::uint64_t confirmations = 1;  // blocks from the including one on, itself counted
    std::uint64_t bump_after_blocks = 4;
    FeePolicy fees;
};

enum class OutboxState : std::uint8_t {
    kQueued = 0,
    kSent = 1,
    kIncluded = 2,
    kConfirmed = 3,
    kRefused = 4,
};
std::string_view to_string(OutboxState state);

struct OutboxEntry {
    std::string key;
    OutboxState state = OutboxState::kQueued;
    std::string reason;  // of a refusal
    std::optional<std::uint64_t> nonce;
    Hash256 transaction;  // of the newest signed form; zero before the first
    std::uint64_t included_block = 0;
};

struct OutboxRequest {
    std::string key;      // idempotency key, 1..256 bytes; the caller's
    Hash256 fingerprint;  // of what is asked: the same key with another fingerprint is refused
    Address to;
    Bytes data;
    std::string after;            // key of a row that must be included first; "" for none
    std::uint64_t least_gas = 0;  // the gas limit is not below it, whatever the estimate says
};

class Outbox {
  public:
    // Creates the tables where missing. The database, the client and the key outlive the outbox.
    // kMismatch: the file belongs to another account or chain. kCorrupt: a row does not match its
    // digest.
    static Result<Outbox> open(sqlite::Database& database, RpcClient& rpc,
                               const crypto::SecretKey& key, OutboxOptions options);

    // Commits the row. The same key and fingerprint again: nothing. kAlreadyExists: other content
    // under this key.
    Status enqueue(const OutboxRequest& request);
    // Estimates, signs, sends, looks for receipts, raises fees, fills nonce gaps. `head` is the
    // newest block that the caller's state covers: rows are confirmed up to it only. Errors of the
    // world leave rows as they are.
    Status advance(protocol::BlockNumber head);
    // Blocks above `fork` are gone: rows included there are sent again.
    Status rewind(protocol::BlockNumber fork);

    Result<std::optional<OutboxEntry>> find(std::string_view key);
    Result<std::vector<OutboxEntry>> entries();  // in the order of enqueue

  private:
    struct Row;
    struct Form;
    Outbox(sqlite::Database& database, RpcClient& rpc, const crypto::SecretKey& key,
           OutboxOptions options)
        : database_(&database), rpc_(&rpc), key_(&key), options_(std::move(options)) {}

    Result<std::vector<Row>> rows(std::string_view condition);
    Result<std::vector<Form>> forms(const Row& row);  // newest first
    Status save(Row& row);
    Result<std::optional<Receipt>> find_receipt(Row& row, const std::vector<Form>& forms,
                                                bool& in_pool);
    // The three steps of advance().
    Status track(Row& row, std::uint64_t latest_count, std::uint64_t head);
    Status fill_gaps(std::uint64_t latest_count, std::uint64_t head);
    Status launch(Row& row, std::uint64_t head);

    Status settle(Row& row, const Receipt& receipt, std::uint64_t head);
    Status sign(Row& row, const Fees& fees, std::uint64_t head);
    Status send(Row& row, std::uint64_t head);
    void say_sent(const Row& row);
    Status raise(Row& row, std::uint64_t head);
    Status refuse(Row& row, std::string reason);
    Status refuse_estimate(Row& row, const RpcError& error, std::uint64_t head);
    Result<std::string> replay_reason(const Row& row, const Receipt& receipt);
    Result<std::uint64_t> next_nonce();
    Result<std::uint64_t> transaction_count(std::string_view tag);

    sqlite::Database* database_;
    RpcClient* rpc_;
    const crypto::SecretKey* key_;
    OutboxOptions options_;
    std::set<std::string> said_;  // undecided keys whose "sent" is in this process's log
};

}  // namespace covenant::chain
