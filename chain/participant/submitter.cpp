#include "chain/participant/submitter.hpp"

#include "chain/refusal.hpp"
#include "common/base/log.hpp"
#include "common/protocol/not_counted.hpp"

namespace covenant::participant {
namespace {

constexpr std::uint64_t kAttempts = 4;

std::string why_refused(const protocol::Intent& intent, protocol::ChainTime deadline,
                        const std::string& reason, std::uint64_t unix_ms) {
    const chain::Refusal refusal = chain::read_refusal(reason);
    const auto late = chain::late_seconds(refusal, deadline, unix_ms);
    const auto why = protocol::refused_because(intent, refusal.rule, late);
    return why ? reason + ": " + protocol::describe(*why) : reason;
}

void say_sending(const Sent& sent) {
    if (sent.detail.empty()) {
        log::debug("round", sent.what, {{"round", sent.round.value}});
    } else {
        log::info("round", sent.what, {{"round", sent.round.value}, {"detail", sent.detail}});
    }
}

}  // namespace

Result<std::optional<std::string>> Submitter::next_key(const std::string& intent,
                                                       protocol::ChainTime now) {
    std::optional<protocol::ChainTime> refused_at;
    for (std::uint64_t attempt = 0; attempt < kAttempts; ++attempt) {
        std::string key = intent + "/" + std::to_string(attempt);
        COVENANT_TRY(const chain::IntentStatus status, ledger_.status(key));
        if (status.phase == chain::IntentPhase::kUnknown) {
            const bool wait = refused_at && now.value < refused_at->value + kTurnSeconds;
            return wait ? std::nullopt : std::optional(std::move(key));
        }
        if (status.phase != chain::IntentPhase::kRefused) {
            return std::optional<std::string>{};
        }
        refused_at = refused_.try_emplace(std::move(key), now).first->second;
    }
    return std::optional<std::string>{};
}

Status Submitter::submit(const std::string& key, const protocol::Intent& intent, Sent sent) {
    COVENANT_CHECK(ledger_.submit(key, intent));
    say_sending(sent);
    open_[key] = {intent, std::move(sent), false};
    return {};
}

void Submitter::say_refused(const std::string& key, const Open& open, const std::string& reason) {
    const auto now = static_cast<std::uint64_t>(clock_.unix_ms());
    log::warn("chain", "refused: " + why_refused(open.intent, open.sent.deadline, reason, now),
              {{"round", open.sent.round.value}, {"intent", key}});
}

Status Submitter::follow(protocol::ChainTime now) {
    for (auto it = open_.begin(); it != open_.end();) {
        const auto& [key, open] = *it;
        const Sent& sent = open.sent;
        COVENANT_TRY(const chain::IntentStatus status, ledger_.status(key));
        if (status.phase == chain::IntentPhase::kPending) {
            if (!open.late && now >= sent.deadline) {
                it->second.late = true;
                log::warn("chain", "not in a block by its deadline: " + sent.what,
                          {{"round", sent.round.value},
                           {"deadline", sent.deadline.value},
                           {"why", status.reason.empty() ? "no block took it" : status.reason}});
            }
            ++it;
            continue;
        }
        if (status.phase == chain::IntentPhase::kConfirmed) {
            log::debug("round", "in the chain: " + sent.what,
                       {{"round", sent.round.value}, {"block", status.block}});
        } else if (status.phase == chain::IntentPhase::kRefused) {
            say_refused(key, open, status.reason);
        }
        it = open_.erase(it);
    }
    return {};
}

}  // namespace covenant::participant
