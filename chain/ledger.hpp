// The chain as a node sees it: a folded state to read and intents to submit. EvmLedger speaks to a
// real EVM chain, SimLedger runs the same rules in-process under a virtual clock; nodes cannot tell
// them apart.
#pragma once

#include "common/base/result.hpp"
#include "common/protocol/intent.hpp"
#include "common/protocol/run_state.hpp"

#include <cstdint>
#include <memory>
#include <string>

namespace covenant::chain {

struct Head {
    protocol::BlockNumber number;
    Hash256 hash;
    protocol::ChainTime time;  // the block's timestamp: the only time that protocol decisions use
};

enum class IntentPhase : std::uint8_t {
    kUnknown,    // no intent was submitted under this key
    kPending,    // sent or queued, not yet in a block with enough confirmations
    kConfirmed,  // its effect is in the state
    kRefused,    // the contract said no; reason names its error; it will not be retried
};

struct IntentStatus {
    IntentPhase phase = IntentPhase::kUnknown;
    std::string reason;       // of a refusal: custom error or verdict name; why a pending one waits
    Hash256 transaction;      // zero before the first send
    std::uint64_t block = 0;  // that mined it; 0 before
};

class Ledger {
  public:
    virtual ~Ledger() = default;

    // Identity, fixed at construction (EvmLedger checks chain id, genesis hash and contract code
    // before it exists).
    [[nodiscard]] virtual protocol::SigningDomain domain() const = 0;
    [[nodiscard]] virtual Address score_ledger() const = 0;
    [[nodiscard]] virtual Address sender()
        const = 0;  // the account that signs this ledger's transactions

    // Follows the chain up to its head (reorgs included), advances the outbox, returns the head.
    // kUnavailable or kTimeout while the chain does not answer; the state then stays as it was.
    virtual Result<Head> sync() = 0;
    // The fold of all events up to the last sync. Immutable snapshot, never null.
    [[nodiscard]] virtual std::shared_ptr<const protocol::RunState> state() const = 0;

    // Records the intent durably under `key` and sends it. The same key with the same intent is a
    // no-op, with another one kAlreadyExists: what was sent once is never replaced by other
    // content.
    virtual Status submit(const std::string& key, const protocol::Intent& intent) = 0;
    virtual Result<IntentStatus> status(const std::string& key) = 0;
};

}  // namespace covenant::chain
