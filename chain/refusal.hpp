// What a refused intent's text says, read back. IntentStatus::reason is the contract's custom error
// with its arguments on a real chain, and a verdict's name on a simulated one.
#pragma once

#include "common/protocol/ids.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

namespace covenant::chain {

struct Refusal {
    protocol::Verdict rule = protocol::Verdict::kAccept;  // kAccept: a text that names no rule
    // Seconds after the deadline by the chain's clock, where the text tells it: whole seconds, as
    // block timestamps are.
    std::optional<std::uint64_t> late_seconds;
};
Refusal read_refusal(std::string_view reason);

// How late the refused message was. The chain's clock counts whole seconds, so the sender's own
// clock
// (`unix_ms`, when the refusal was seen) tells the part below the second; alone where the chain
// does not tell. Nothing when neither shows it late.
std::optional<double> late_seconds(const Refusal& refusal, protocol::ChainTime deadline,
                                   std::uint64_t unix_ms);

}  // namespace covenant::chain
