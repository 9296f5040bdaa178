#include "chain/evm_ledger.hpp"

#include "chain/admin_client.hpp"
#include "chain/chain_view.hpp"
#include "chain/fingerprint.hpp"
#include "common/base/hex.hpp"
#include "common/base/log.hpp"
#include "common/protocol/schedule.hpp"

#include <algorithm>
#include <atomic>
#include <utility>

namespace covenant::chain {
using namespace protocol;

namespace {

constexpr std::uint64_t kConsentSeconds = 24 * 3600;
constexpr unsigned kRpcAttempts = 3;
// What a coldkey's approval to the registry covers: the token's cap, so that stakes added side by
// side do not take each other's allowance. The registry moves its caller's tokens only.
constexpr Amount kStakeAllowance{Uint128{21'000'000} * kOneToken};

}  // namespace

class EvmLedger::Impl {
  public:
    Impl(EvmLedgerOptions options, crypto::SecretKey sender, Clock& clock,
         std::unique_ptr<JsonRpcTransport> transport)
        : options_(std::move(options)),
          key_(std::move(sender)),
          rpc_(std::move(transport), clock, rpc_options()) {
        rpc_.set_stop(options_.stop);
    }

    Status open() {
        COVENANT_CHECK(check_network(options_.network, rpc_));
        // What an earlier process stored is there before the node answers again.
        COVENANT_TRY(view_, ChainView::open({options_.network, options_.network.run,
                                             options_.index_path, kRecentRounds},
                                            rpc_));
        COVENANT_TRY(sqlite::Database outbox_file,
                     sqlite::Database::open(options_.outbox_path, kOutboxFile));
        outbox_database_.emplace(std::move(outbox_file));
        OutboxOptions sending;
        sending.chain_id = options_.network.chain_id;
        sending.confirmations = options_.confirmations;
        sending.bump_after_blocks = options_.bump_after_blocks;
        COVENANT_TRY(Outbox outbox, Outbox::open(*outbox_database_, rpc_, key_, sending));
        outbox_.emplace(std::move(outbox));
        return {};
    }

    Result<Head> sync() {
        COVENANT_TRY(const FollowReport report, view_->follow());
        if (report.fork) {
            reorgs_.fetch_add(1);
            log::warn("chain", "reorganisation",
                      {{"fork", report.fork->value}, {"head", report.head.number.value}});
            COVENANT_CHECK(outbox_->rewind(*report.fork));
        }
        head_ = Head{report.head.number, report.head.hash, report.head.time};
        advance();
        return *head_;
    }

    Status submit(const std::string& key, const Intent& intent) {
        const Hash256 fingerprint = intent_fingerprint(intent);
        COVENANT_TRY(const std::optional<OutboxEntry> known, outbox_->find(key));
        if (known) {  // no work, and for a beacon no header, is needed to say so
            return outbox_->enqueue({key, fingerprint, {}, {}, ""});
        }
        std::string after;
        if (std::holds_alternative<AddStake>(intent)) {
            after = key + "/approve";
            const NetworkFile& network = options_.network;
            COVENANT_CHECK(outbox_->enqueue(
                {after, fingerprint, network.contracts.token,
                 calls::approve(network.contracts.registry, kStakeAllowance), ""}));
        }
        COVENANT_TRY(Call call, translate(intent));
        COVENANT_CHECK(outbox_->enqueue({key, fingerprint, call.to, std::move(call.data),
                                         std::move(after), least_gas(intent)}));
        advance();
        return {};
    }

    Status register_hotkey(const std::string& key, const crypto::SecretKey& hotkey, Role role,
                           const PublicKey& network_key) {
        const NetworkFile& network = options_.network;
        const Hash256 fingerprint =
            intent_fingerprint(RegisterHotkey{key_.address(), hotkey.address(), role, network_key});
        COVENANT_TRY(const std::optional<OutboxEntry> known, outbox_->find(key));
        if (known) return outbox_->enqueue({key, fingerprint, {}, {}, ""});
        COVENANT_TRY(const Bytes answer,
                     eth_call(rpc_, network.contracts.registry, calls::nonces(hotkey.address())));
        AbiReader reader(answer);
        const std::uint64_t nonce = reader.uint64();
        if (!reader.ok()) return fail(Errc::kMalformed, "the registry did not answer a nonce");
        COVENANT_TRY(const BlockHeader head, latest_block(rpc_));
        const std::uint64_t deadline = head.timestamp + kConsentSeconds;
        const Bytes signature = sign_hotkey_consent(network, key_.address(), hotkey, role,
                                                    network_key, nonce, deadline);
        COVENANT_CHECK(outbox_->enqueue(
            {key, fingerprint, network.contracts.registry,
             calls::register_hotkey(hotkey.address(), role, network_key, deadline, signature),
             ""}));
        advance();
        return {};
    }

    Result<IntentStatus> status(const std::string& key) {
        COVENANT_TRY(const std::optional<OutboxEntry> entry, outbox_->find(key));
        IntentStatus out;
        if (!entry) return out;
        out.transaction = entry->transaction;
        out.reason = entry->reason;
        out.block = entry->included_block;
        switch (entry->state) {
            case OutboxState::kConfirmed:
                out.phase = IntentPhase::kConfirmed;
                break;
            case OutboxState::kRefused:
                out.phase = IntentPhase::kRefused;
                break;
            default:
                out.phase = IntentPhase::kPending;
                if (entry->state == OutboxState::kQueued) out.reason = last_warning_;
        }
        return out;
    }

    [[nodiscard]] std::shared_ptr<const RunState> state() const { return view_->state(); }
    [[nodiscard]] std::uint64_t reorgs() const { return reorgs_.load(); }
    [[nodiscard]] const NetworkFile& network() const { return options_.network; }
    [[nodiscard]] Address sender() const { return key_.address(); }

  private:
    static RpcOptions rpc_options() {
        RpcOptions out;
        out.retry.attempts = kRpcAttempts;
        return out;
    }

    // The state is good even when sending is not: what failed is tried again at the next sync.
    void advance() {
        const BlockNumber head = head_ ? head_->number : BlockNumber(0);
        Status sent = outbox_->advance(head);
        if (sent) {
            last_warning_.clear();
            return;
        }
        if (sent.error().code == Errc::kInterrupted) return;  // the process ends
        if (sent.error().context == last_warning_) return;
        last_warning_ = sent.error().context;
        log::warn("chain.outbox", "sending has to wait", {{"why", last_warning_}});
    }

    [[nodiscard]] std::uint64_t least_gas(const Intent& intent) const {
        const bool vote = std::holds_alternative<VoteInclusion>(intent) ||
                          std::holds_alternative<VoteParameters>(intent);
        if (!vote) return 0;
        const std::shared_ptr<const RunState> now = state();
        const auto& neurons = now->roster.neurons;
        return vote_gas_bound(static_cast<std::size_t>(
            std::count_if(neurons.begin(), neurons.end(),
                          [](const auto& one) { return one.second.role == Role::kValidator; })));
    }

    Result<Call> translate(const Intent& intent) {
        const ContractAddresses& contracts = options_.network.contracts;
        if (auto call = call_of(contracts, intent)) return std::move(*call);
        if (const auto* beacon = std::get_if<ProveBeacon>(&intent)) return prove(*beacon);
        if (const auto* round = std::get_if<SettleRound>(&intent)) {
            return Call{contracts.emissions, calls::settle(*round, options_.settle_page)};
        }
        return fail(Errc::kInvalidArgument,
                    "a registration needs the hotkey's consent: use register_hotkey");
    }

    Result<Call> prove(const ProveBeacon& intent) {
        const std::shared_ptr<const RunState> now = state();
        if (!now->spec || now->run != intent.run) {
            return fail(Error{Errc::kPrecondition,
                              "beacon slot " + std::to_string(intent.slot.value) + ": run " +
                                  to_0x(intent.run) + " is not on the chain yet",
                              true});
        }
        const std::string where = "beacon slot " + std::to_string(intent.slot.value);
        auto pair = first_block_at(rpc_, beacon_target(now->spec->timing, intent.slot),
                                   options_.network.deployed_at);
        if (!pair) return fail(std::move(pair).error().within(where));
        COVENANT_TRY(const Bytes header, provable(pair->block, where));
        COVENANT_TRY(const Bytes parent, provable(pair->parent, where));
        return Call{options_.network.contracts.round_manager,
                    calls::prove_beacon(intent.run, intent.slot, header, parent)};
    }

    // A header that does not hash is this node's shortcoming: another validator's node may prove
    // it.
    Result<Bytes> provable(const BlockHeader& header, const std::string& where) {
        auto encoded = encode_header(header);
        if (encoded) return encoded;
        Error error = std::move(encoded).error().within(where);
        if (unprovable_ != where)
            log::warn("chain", "cannot prove a beacon", {{"why", error.context}});
        unprovable_ = where;
        error.code = Errc::kUnavailable;
        error.retryable = true;
        return fail(std::move(error));
    }

    EvmLedgerOptions options_;
    crypto::SecretKey key_;
    RpcClient rpc_;
    std::unique_ptr<ChainView> view_;
    std::optional<sqlite::Database> outbox_database_;
    std::optional<Outbox> outbox_;
    std::optional<Head> head_;
    std::string last_warning_;
    std::string unprovable_;  // the beacon whose header was complained about last
    std::atomic<std::uint64_t> reorgs_{0};
};

EvmLedger::EvmLedger(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
EvmLedger::~EvmLedger() = default;

Result<std::unique_ptr<EvmLedger>> EvmLedger::open(EvmLedgerOptions options,
                                                   crypto::SecretKey sender, Clock& clock) {
    COVENANT_TRY(std::unique_ptr<JsonRpcTransport> transport,
                 make_http_transport(options.network.rpc_url, options.rpc_timeout_ms));
    return open(std::move(options), std::move(sender), clock, std::move(transport));
}

Result<std::unique_ptr<EvmLedger>> EvmLedger::open(EvmLedgerOptions options,
                                                   crypto::SecretKey sender, Clock& clock,
                                                   std::unique_ptr<JsonRpcTransport> transport) {
    auto impl =
        std::make_unique<Impl>(std::move(options), std::move(sender), clock, std::move(transport));
    COVENANT_CHECK(impl->open());
    return std::unique_ptr<EvmLedger>(new EvmLedger(std::move(impl)));
}

SigningDomain EvmLedger::domain() const {
    return {impl_->network().chain_id, impl_->network().contracts.round_manager};
}

Address EvmLedger::score_ledger() const {
    return impl_->network().contracts.score_ledger;
}

Address EvmLedger::sender() const {
    return impl_->sender();
}

Result<Head> EvmLedger::sync() {
    return impl_->sync();
}

std::shared_ptr<const RunState> EvmLedger::state() const {
    return impl_->state();
}

std::uint64_t EvmLedger::reorgs() const {
    return impl_->reorgs();
}

Status EvmLedger::submit(const std::string& key, const Intent& intent) {
    return impl_->submit(key, intent);
}

Result<IntentStatus> EvmLedger::status(const std::string& key) {
    return impl_->status(key);
}

Status EvmLedger::register_hotkey(const std::string& key, const crypto::SecretKey& hotkey,
                                  Role role, const PublicKey& network_key) {
    return impl_->register_hotkey(key, hotkey, role, network_key);
}

}  // namespace covenant::chain
