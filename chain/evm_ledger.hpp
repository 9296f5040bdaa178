// The Ledger over a real EVM chain: follower and outbox in one SQLite file, the state folded from
// the events.
#pragma once

#include "chain/ledger.hpp"
#include "chain/network_file.hpp"
#include "chain/tx/outbox.hpp"
#include "common/base/clock.hpp"
#include "common/crypto/secp256k1.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

namespace covenant::chain {

struct EvmLedgerOptions {
    NetworkFile network;
    std::string index_path;           // SQLite file of the events; can be rebuilt from the chain
    std::string outbox_path;          // SQLite file of what this account sent; must not be lost
    std::uint64_t confirmations = 1;  // before an intent counts as confirmed
    std::uint64_t bump_after_blocks = 4;
    std::uint32_t rpc_timeout_ms = 10'000;
    std::uint16_t settle_page = 256;  // uids in one settle transaction
    std::stop_token stop;             // ends waiting for the node, from open() on: kInterrupted
};

// sync, submit and status belong to one thread; state() and reorgs() may be called from any.
class EvmLedger final : public Ledger {
  public:
    // Checks the network file against the chain. kMismatch: another chain; kUnavailable: it does
    // not answer.
    static Result<std::unique_ptr<EvmLedger>> open(EvmLedgerOptions options,
                                                   crypto::SecretKey sender, Clock& clock);
    static Result<std::unique_ptr<EvmLedger>> open(EvmLedgerOptions options,
                                                   crypto::SecretKey sender, Clock& clock,
                                                   std::unique_ptr<JsonRpcTransport> transport);
    ~EvmLedger() override;

    [[nodiscard]] protocol::SigningDomain domain() const override;
    [[nodiscard]] Address score_ledger() const override;
    [[nodiscard]] Address sender() const override;
    Result<Head> sync() override;
    [[nodiscard]] std::shared_ptr<const protocol::RunState> state() const override;
    [[nodiscard]] std::uint64_t reorgs() const;  // seen by sync()
    // RegisterHotkey needs the hotkey's signature: kInvalidArgument, use register_hotkey.
    // ProveBeacon before a block reached the slot's time: kPrecondition, retryable. Otherwise an
    // accepted intent is on disk when this returns; an unreachable node only delays it.
    Status submit(const std::string& key, const protocol::Intent& intent) override;
    Result<IntentStatus> status(const std::string& key) override;

    // For a coldkey's ledger: RegisterHotkey with the hotkey's consent, signed here.
    Status register_hotkey(const std::string& key, const crypto::SecretKey& hotkey,
                           protocol::Role role, const PublicKey& network_key);

  private:
    class Impl;
    explicit EvmLedger(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace covenant::chain
