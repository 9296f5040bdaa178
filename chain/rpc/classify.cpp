#include "chain/rpc/client.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

namespace covenant::chain {
namespace {

using enum RpcFailure;

// Looked for in this order, in lower case, from the beginning of a word: the first text that occurs
// decides. Sources: geth core/txpool/errors.go, anvil 1.7, reth and the gateways in front of them;
// a replacement's price is asked for before the pool's general "underpriced".
constexpr auto kTexts = std::to_array<std::pair<std::string_view, RpcFailure>>({
    {"rate limit", kRateLimited},
    {"request limit", kRateLimited},
    {"too many requests", kRateLimited},
    {"throttled", kRateLimited},
    {"compute units", kRateLimited},
    {"already known", kAlreadyKnown},
    {"already imported", kAlreadyKnown},
    {"known transaction", kAlreadyKnown},
    {"nonce too low", kNonceTooLow},
    {"underpriced", kUnderpriced},
    {"less than block base fee", kFeeBelowBase},
    {"less than block.basefee", kFeeBelowBase},
    {"below base fee", kFeeBelowBase},
    {"insufficient funds", kInsufficientFunds},
    {"tx_gas_limit_cap", kGasLimitTooHigh},
    {"gas limit too high", kGasLimitTooHigh},
    {"exceeds block gas limit", kGasLimitTooHigh},
    {"intrinsic gas too high", kGasLimitTooHigh},
    {"too many results", kTooManyResults},
    {"more than 10000 results", kTooManyResults},
    {"query returned more than", kTooManyResults},
    {"block range", kTooManyResults},
    {"range too large", kTooManyResults},
    {"range is too large", kTooManyResults},
    {"response size", kTooManyResults},
    {"pruned", kPruned},
    {"history unavailable", kPruned},
    {"missing trie node", kPruned},
    {"historical state", kPruned},
    {"does not exist/is not available", kUnknownMethod},
    {"transaction type not supported", kInvalid},
    {"unknown transaction type", kInvalid},
    {"unsupported transaction type", kInvalid},
    {"invalid sender", kInvalid},
    {"invalid chain id", kInvalid},
    {"intrinsic gas too low", kInvalid},
    {"oversized data", kInvalid},
    {"exceeds the configured cap", kInvalid},
    {"missing value for required argument", kInvalid},
    {"invalid argument", kInvalid},
    {"invalid params", kInvalid},
    {"execution reverted", kReverted},
});

bool says(std::string_view message, std::string_view text) {
    for (auto at = message.find(text); at != std::string_view::npos;
         at = message.find(text, at + 1)) {
        if (at == 0 || std::isalpha(static_cast<unsigned char>(message[at - 1])) == 0) return true;
    }
    return false;
}

}  // namespace

std::string_view to_string(RpcFailure failure) {
    switch (failure) {
        case kTransient:
            return "transient";
        case kRateLimited:
            return "rate_limited";
        case kReverted:
            return "reverted";
        case kAlreadyKnown:
            return "already_known";
        case kNonceTooLow:
            return "nonce_too_low";
        case kUnderpriced:
            return "underpriced";
        case kFeeBelowBase:
            return "fee_below_base";
        case kInsufficientFunds:
            return "insufficient_funds";
        case kGasLimitTooHigh:
            return "gas_limit_too_high";
        case kTooManyResults:
            return "too_many_results";
        case kPruned:
            return "pruned";
        case kUnknownMethod:
            return "unknown_method";
        case kInvalid:
            return "invalid";
    }
    return "transient";
}

RpcFailure classify(std::int64_t code, std::string_view message, bool has_revert_data) {
    if (code == 3 || has_revert_data) return kReverted;
    if (code == -32601) return kUnknownMethod;
    if (code == 429) return kRateLimited;
    if (code == 4444) return kPruned;  // EIP-4444: expired history
    std::string lower(message);
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    for (const auto& [text, failure] : kTexts) {
        if (says(lower, text)) return failure;
    }
    return code == -32005 ? kRateLimited : kTransient;
}

Error rpc_failure(std::string_view method, const RpcError& error) {
    const bool later = error.failure == kTransient || error.failure == kRateLimited ||
                       error.failure == kTooManyResults || error.failure == kPruned;
    std::string text = std::string(method) + ": the node answered error " +
                       std::to_string(error.code) + ": " + error.message;
    if (error.failure == kPruned) {
        text += "; it no longer has history that is needed here: use a node that keeps it";
    }
    return Error{later ? Errc::kUnavailable : Errc::kRejected, std::move(text), later};
}

}  // namespace covenant::chain
