// One row of the outbox and one signed form of it, as outbox_rows.cpp stores and outbox.cpp moves
// them.
#pragma once

#include "chain/tx/outbox.hpp"

namespace covenant::chain {

inline constexpr std::string_view kGapPrefix = "gap/";  // keys of fillers; callers may not use it

struct Outbox::Row {
    std::uint64_t seq = 0;
    std::string key;
    Hash256 fingerprint;
    Address target;
    Bytes data;
    std::string after;
    OutboxState state = OutboxState::kQueued;
    std::string reason;
    std::optional<std::uint64_t> nonce;
    std::uint64_t gas_limit = 0;
    std::uint64_t sent_block = 0;
    std::uint64_t included_block = 0;
    std::uint64_t misses = 0;
    Hash256 hash;
};

// A transaction that may have left this machine.
struct Outbox::Form {
    SignedTransaction transaction;
    Fees fees;
};

}  // namespace covenant::chain
