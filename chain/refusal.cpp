#include "chain/refusal.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace covenant::chain {
using protocol::Verdict;

namespace {

// The contracts' errors that refuse a commitment or a ballot by a rule of the protocol.
constexpr auto kRules = std::to_array<std::pair<std::string_view, Verdict>>({
    {"RoundManagerOutsideWindow", Verdict::kWrongPhase},
    {"ScoreLedgerOutsideWindow", Verdict::kWrongPhase},
    {"RoundManagerRunEnded", Verdict::kWrongPhase},
    {"RoundManagerWrongSegments", Verdict::kMalformed},
    {"RoundManagerNotKeyed", Verdict::kNotMiner},
    {"RoundManagerNoNewKey", Verdict::kDuplicate},
    {"RoundManagerWrongRho", Verdict::kWrongBeacon},
    {"RoundManagerWrongBaseRoot", Verdict::kWrongBase},
    {"RoundManagerBadSignature", Verdict::kBadSignature},
    {"RoundManagerNotMiner", Verdict::kNotMiner},
    {"RoundManagerNotInRoster", Verdict::kNotMiner},
    {"RoundManagerAlreadyCommitted", Verdict::kDuplicate},
    {"RoundManagerAlreadyVoted", Verdict::kDuplicate},
    {"ScoreLedgerAlreadyCommitted", Verdict::kDuplicate},
    {"ScoreLedgerAlreadyRevealed", Verdict::kDuplicate},
    {"RoundManagerNotInElectorate", Verdict::kNotValidator},
    {"ScoreLedgerNotValidator", Verdict::kNotValidator},
    {"ScoreLedgerNoStake", Verdict::kNotValidator},
    {"ScoreLedgerWrongReveal", Verdict::kRevealMismatch},
});

Verdict rule_named(std::string_view name) {
    for (const auto& [error, verdict] : kRules) {
        if (name == error || name == to_string(verdict)) return verdict;
    }
    return Verdict::kAccept;
}

// The next decimal number of "now, opens, closes)".
std::optional<std::uint64_t> take_number(std::string_view& text) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc()) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    while (!text.empty() && (text.front() == ',' || text.front() == ' '))
        text.remove_prefix(1);
    return value;
}

}  // namespace

Refusal read_refusal(std::string_view reason) {
    const std::size_t open = std::min(reason.find('('), reason.size());
    Refusal out{.rule = rule_named(reason.substr(0, open)), .late_seconds = std::nullopt};
    if (out.rule != Verdict::kWrongPhase || open == reason.size()) return out;
    std::string_view arguments = reason.substr(open + 1);
    const auto now = take_number(arguments);
    const auto opens = take_number(arguments);
    const auto closes = take_number(arguments);
    if (now && opens && closes && *now >= *closes) out.late_seconds = *now - *closes;
    return out;
}

std::optional<double> late_seconds(const Refusal& refusal, protocol::ChainTime deadline,
                                   std::uint64_t unix_ms) {
    if (refusal.rule != Verdict::kWrongPhase) return std::nullopt;
    const auto own = static_cast<double>(static_cast<std::int64_t>(unix_ms) -
                                         static_cast<std::int64_t>(deadline.value) * 1000) /
                     1000;
    if (refusal.late_seconds) {
        const auto least = static_cast<double>(*refusal.late_seconds);
        return std::clamp(own, least, least + 1);
    }
    return own >= 0 ? std::optional(own) : std::nullopt;
}

}  // namespace covenant::chain
