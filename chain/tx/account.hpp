// A sender for one-off commands (deployment, registration by hand): sends one transaction and waits
// for its receipt. Nodes use the outbox instead; never both for one account at the same time.
#pragma once

#include "chain/tx/gas.hpp"
#include "chain/tx/transaction.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace covenant::chain {

class Account {
  public:
    // The client and the key outlive it.
    Account(RpcClient& rpc, const crypto::SecretKey& key, std::uint64_t chain_id)
        : rpc_(&rpc), key_(&key), chain_id_(chain_id) {}

    [[nodiscard]] Address address() const { return key_->address(); }
    // kRejected: the contract refuses (its custom error is named) or the transaction failed in its
    // block. kPrecondition: the account has too little ether. kTimeout, kUnavailable: no receipt
    // within kTimeoutMs, no answer within kSilenceMs or no new block within kStillMs, or the answer
    // to the sending was lost; the transaction may still come in, so these are not retryable and
    // name it. `what` opens every error text ("add stake").
    Result<Receipt> send(std::string_view what, const std::optional<Address>& to, Bytes data,
                         Uint128 value = 0);
    // send() in two halves, so that several transactions can be under way: post() returns the hash
    // at once.
    Result<Hash256> post(std::string_view what, const std::optional<Address>& to, Bytes data,
                         Uint128 value = 0);
    Result<Receipt> wait(std::string_view what, const Hash256& hash);
    [[nodiscard]] RpcClient& rpc() { return *rpc_; }

    static constexpr std::uint32_t kTimeoutMs = 180'000;  // for a receipt; for a doubted refusal
    static constexpr std::uint32_t kSilenceMs = 20'000;   // of the node
    static constexpr std::uint32_t kStillMs = 60'000;     // without a new block
    static constexpr std::uint32_t kPollMs = 100;
    static constexpr std::uint32_t kLookMs = 1'000;  // between two looks at a refusal, or the head

  private:
    // Whether there is a chain to wait for.
    class Pulse;
    // The gas that it takes. A refusal counts once the newest known block refuses, too.
    Result<std::uint64_t> estimate(const std::string& name, const CallRequest& request);
    Result<bool> newest_block_refuses(const CallRequest& request);
    Result<std::optional<Receipt>> find_receipt(const Hash256& hash);
    [[nodiscard]] Error too_little_ether(const std::string& name) const;

    RpcClient* rpc_;
    const crypto::SecretKey* key_;
    std::uint64_t chain_id_;
    // What a pool's member that is behind does not know yet.
    std::uint64_t next_nonce_ = 0;  // after what this object sent
    std::uint64_t mined_ = 0;       // the newest block with one of its transactions
};

}  // namespace covenant::chain
