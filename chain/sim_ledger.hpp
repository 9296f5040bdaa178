// A chain in this process for deterministic tests: virtual blocks, intents applied in the order of
// submission by protocol::transition, events folded by protocol::apply. The same seed and the same
// calls give the same chain.
#pragma once

#include "chain/ledger.hpp"
#include "common/base/clock.hpp"
#include "common/base/counter_rng.hpp"
#include "common/protocol/transition.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace covenant::chain {

struct SimChainOptions {
    std::uint64_t seed = 1;
    std::uint64_t chain_id = 31337;
    std::uint64_t start_time =
        0;  // timestamp of block 0, seconds; 0: the clock's second at construction
    std::uint32_t block_seconds = 1;  // at least 1
    Address round_manager = Address{{0x11}};
    Address score_ledger = Address{{0x12}};
    // A recorded run: prevrandao of the block that proves a beacon slot. Slots that are not listed
    // take that of their block, which the seed gives.
    std::map<std::uint64_t, Hash256> prevrandao;
};

struct SimBlock {
    protocol::BlockNumber number;
    Hash256 hash;
    protocol::ChainTime time;
    Hash256 prevrandao;
    std::vector<protocol::Event> events;
};

// One thread.
class SimChain {
  public:
    // The clock outlives the chain.
    SimChain(const VirtualClock& clock, protocol::RunId run, SimChainOptions options);

    // Mines every block that is due by the clock. Ledgers call it in sync().
    void catch_up();
    // The newest `depth` blocks are dropped and mined again, empty, with the same times and other
    // prevrandao. Their intents wait for the next new block, as when clients send them again; those
    // that are late by then are refused. depth is cut so that block 0 stays.
    void reorg(std::uint64_t depth);

    // The mempool's entrance; SimLedger uses it. Senders are told apart by address.
    Status submit(const Address& sender, const std::string& key, const protocol::Intent& intent);
    [[nodiscard]] IntentStatus status(const Address& sender, const std::string& key) const;

    [[nodiscard]] const SimBlock& head() const { return blocks_.back(); }
    [[nodiscard]] const std::vector<SimBlock>& blocks() const { return blocks_; }
    [[nodiscard]] std::shared_ptr<const protocol::RunState> state() const { return state_; }
    [[nodiscard]] const SimChainOptions& options() const { return options_; }
    [[nodiscard]] const protocol::RunId& run() const { return run_; }
    // The first block with timestamp >= time, if it is mined.
    [[nodiscard]] const SimBlock* first_block_at(protocol::ChainTime time) const;
    [[nodiscard]] protocol::SigningDomain domain() const {
        return {options_.chain_id, options_.round_manager};
    }

  private:
    struct Entry {
        Address sender;
        std::string key;
        protocol::Intent intent;
        Hash256 fingerprint;
        IntentStatus status;
        std::uint64_t block = 0;  // where it was applied or refused; 0 while it waits
    };
    enum class Content : std::uint8_t { kEmpty, kMempool };
    void mine(std::uint64_t time, Content content);
    void execute(Entry& entry, SimBlock& block, protocol::RunState& state);
    [[nodiscard]] std::optional<protocol::BlockInfo> beacon_block(
        const protocol::RunState& state, const protocol::ProveBeacon& intent) const;

    const VirtualClock* clock_;
    protocol::RunId run_;
    SimChainOptions options_;
    std::vector<SimBlock> blocks_;
    std::vector<Entry> entries_;  // in the order of submission
    std::shared_ptr<const protocol::RunState> state_;
    std::uint64_t forks_ = 0;
};

class SimLedger final : public Ledger {
  public:
    // The chain outlives the ledger.
    SimLedger(SimChain& chain, Address sender) : chain_(&chain), sender_(sender) {}

    [[nodiscard]] protocol::SigningDomain domain() const override { return chain_->domain(); }
    [[nodiscard]] Address score_ledger() const override { return chain_->options().score_ledger; }
    [[nodiscard]] Address sender() const override { return sender_; }
    Result<Head> sync() override;
    // As of this ledger's last sync.
    [[nodiscard]] std::shared_ptr<const protocol::RunState> state() const override;
    [[nodiscard]] std::uint64_t reorgs() const { return reorgs_; }  // seen by sync()
    Status submit(const std::string& key, const protocol::Intent& intent) override;
    Result<IntentStatus> status(const std::string& key) override;

    // While off, sync and submit fail with kUnavailable, as with a dead node.
    void set_online(bool online) { online_ = online; }

  private:
    SimChain* chain_;
    Address sender_;
    std::shared_ptr<const protocol::RunState> state_;
    Hash256 seen_;  // hash of the head at the last sync
    std::uint64_t seen_number_ = 0;
    std::uint64_t reorgs_ = 0;
    bool online_ = true;
};

}  // namespace covenant::chain
