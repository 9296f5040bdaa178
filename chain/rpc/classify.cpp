#include "chain/rpc/client.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

namespace covenant::chain {
namespace {

using enum RpcFailure;

// Looked for in this order, in lower case: the first text that occurs decides. Sources: geth
// core/txpool/errors.go, anvil 1.7, reth; a replacement's price is asked for before the pool's
// general "underpriced".
constexpr auto kTexts = std::to_array<std::pair<std::string_view, RpcFailure>>({
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
    {"execution reverted", kReverted},
});

}  // namespace

std::string_view to_string(RpcFailure failure) {
    switch (failure) {
        case kTransient:
            return "transient";
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
        case kUnknownMethod:
            return "unknown_method";
        case kOther:
            return "other";
    }
    return "other";
}

RpcFailure classify(std::int64_t code, std::string_view message, bool has_revert_data) {
    if (code == 3 || has_revert_data) return kReverted;
    if (code == -32601) return kUnknownMethod;
    std::string lower(message);
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    if (lower.find("rate limit") != std::string::npos ||
        lower.find("too many requests") != std::string::npos) {
        return kTransient;
    }
    for (const auto& [text, failure] : kTexts) {
        if (lower.find(text) != std::string::npos) return failure;
    }
    if (code == -32005 || code == -32603 || code == 429) return kTransient;
    return kOther;
}

Error rpc_failure(std::string_view method, const RpcError& error) {
    const bool transient = error.failure == kTransient;
    return Error{transient ? Errc::kUnavailable : Errc::kRejected,
                 std::string(method) + ": the node answered error " + std::to_string(error.code) +
                     ": " + error.message,
                 transient};
}

}  // namespace covenant::chain
