#include "chain/abi/revert.hpp"

#include "chain/abi/codec.hpp"
#include "common/base/hex.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <vector>

namespace covenant::chain {
namespace {

// Every custom error of contracts/src and of the libraries underneath. A test compares the list
// with the compiled artifacts.
constexpr auto kErrors = std::to_array<std::string_view>({
    "AccessManagedInvalidAuthority(address)",
    "AccessManagedRequiredDelay(address,uint32)",
    "AccessManagedUnauthorized(address)",
    "AccessManagerAlreadyScheduled(bytes32)",
    "AccessManagerBadConfirmation()",
    "AccessManagerExpired(bytes32)",
    "AccessManagerInvalidInitialAdmin(address)",
    "AccessManagerLockedFunction(bytes4)",
    "AccessManagerLockedRole(uint64)",
    "AccessManagerNotReady(bytes32)",
    "AccessManagerNotScheduled(bytes32)",
    "AccessManagerUnauthorizedAccount(address,uint64)",
    "AccessManagerUnauthorizedCall(address,address,bytes4)",
    "AccessManagerUnauthorizedCancel(address,address,address,bytes4)",
    "AccessManagerUnauthorizedConsume(address)",
    "AddressEmptyCode(address)",
    "AuthorityWrongTarget(address,address)",
    "CheckpointUnorderedInsertion()",
    "ECDSAInvalidSignature()",
    "ECDSAInvalidSignatureLength(uint256)",
    "ECDSAInvalidSignatureS(bytes32)",
    "ERC20ExceededCap(uint256,uint256)",
    "ERC20ExceededSafeSupply(uint256,uint256)",
    "ERC20InsufficientAllowance(address,uint256,uint256)",
    "ERC20InsufficientBalance(address,uint256,uint256)",
    "ERC20InvalidApprover(address)",
    "ERC20InvalidCap(uint256)",
    "ERC20InvalidReceiver(address)",
    "ERC20InvalidSender(address)",
    "ERC20InvalidSpender(address)",
    "ERC2612ExpiredSignature(uint256)",
    "ERC2612InvalidSigner(address,address)",
    "ERC5805FutureLookup(uint256,uint48)",
    "ERC6372InconsistentClock()",
    "EmissionsAlreadySettled(bytes32,uint64)",
    "EmissionsEmptyPage()",
    "EmissionsExpired(uint256,uint256)",
    "EmissionsNoBeacon(bytes32,uint64)",
    "EmissionsNoQuorum(uint256,uint256)",
    "EmissionsNotAccepted(bytes32,uint64)",
    "EmissionsNothingToClaim()",
    "EmissionsTooEarly(uint256,uint256)",
    "EmissionsZeroAddress()",
    "FailedCall()",
    "FieldNotPresentInBlockHeader(uint8)",
    "HeaderProofNotFirst(uint256,uint256)",
    "HeaderProofTooEarly(uint256,uint256)",
    "HeaderProofUnknownBlock(uint256)",
    "HeaderProofWrongParent(bytes32,bytes32)",
    "InsufficientBalance(uint256,uint256)",
    "InvalidAccountNonce(address,uint256)",
    "InvalidShortString()",
    "RLPInvalidEncoding()",
    "RegistryAlreadyRegistered(address,uint16)",
    "RegistryBadConsent(address)",
    "RegistryConsentExpired(uint256)",
    "RegistryFull()",
    "RegistryFutureLookup(uint48,uint48)",
    "RegistryInsufficientStake(uint16,uint256,uint256)",
    "RegistryInvalidRole()",
    "RegistryNotColdkey(uint16,address)",
    "RegistryNothingUnbonding(uint16)",
    "RegistryStillUnbonding(uint16,uint48)",
    "RegistryUnbondingTooLong(uint256)",
    "RegistryUnknownHotkey(address)",
    "RegistryUnknownUid(uint16)",
    "RegistryValidatorsFull()",
    "RegistryZeroAddress()",
    "RegistryZeroAmount()",
    "RoundManagerAlreadyCommitted(bytes32,uint64,uint16)",
    "RoundManagerAlreadyJailed(uint16)",
    "RoundManagerAlreadyProven(bytes32,uint64)",
    "RoundManagerAlreadyReturning(uint16)",
    "RoundManagerAlreadyVoted(bytes32,uint64,uint16)",
    "RoundManagerBadBatch(uint256,uint256)",
    "RoundManagerBadSignature(uint16)",
    "RoundManagerNoBeacon(bytes32,uint64)",
    "RoundManagerNoNewKey(bytes32,uint64)",
    "RoundManagerNotInElectorate(uint16)",
    "RoundManagerNotInRoster(uint16,uint48)",
    "RoundManagerNotJailed(uint16)",
    "RoundManagerNotKeyed(uint256,uint256)",
    "RoundManagerNotMiner(uint32)",
    "RoundManagerNotMissing(uint256)",
    "RoundManagerOutsideWindow(uint256,uint256,uint256)",
    "RoundManagerRunEnded(uint64,uint64)",
    "RoundManagerWrongBaseRoot(bytes32,bytes32)",
    "RoundManagerWrongRho(bytes32,bytes32)",
    "RoundManagerWrongSegments(uint16,uint16)",
    "RoundManagerZeroAddress()",
    "RoundManagerZeroRoot()",
    "RunRegistryAlreadyExists(bytes32)",
    "RunRegistryBadAudit(uint16,uint32)",
    "RunRegistryBadSchedule()",
    "RunRegistryBadShares(uint256)",
    "RunRegistryBadSpecLength(uint256)",
    "RunRegistryStartsTooSoon(uint256,uint256)",
    "RunRegistryUnknownRun(bytes32)",
    "RunRegistryZeroMinimumStake()",
    "RunRegistryZeroRoot()",
    "SafeCastOverflowedIntDowncast(uint8,int256)",
    "SafeCastOverflowedIntToUint(int256)",
    "SafeCastOverflowedUintDowncast(uint8,uint256)",
    "SafeCastOverflowedUintToInt(uint256)",
    "SafeERC20FailedOperation(address)",
    "ScoreLedgerAlreadyCommitted(bytes32,uint64,uint16)",
    "ScoreLedgerAlreadyRevealed(bytes32,uint64,uint16)",
    "ScoreLedgerBadFinding(uint256)",
    "ScoreLedgerNoStake(uint16)",
    "ScoreLedgerNotCommitted(bytes32,uint64,uint16)",
    "ScoreLedgerNotValidator(uint16)",
    "ScoreLedgerOutsideWindow(uint256,uint256,uint256)",
    "ScoreLedgerTooManyFindings(uint256)",
    "ScoreLedgerTooManyWeights(uint256)",
    "ScoreLedgerWrongReveal(bytes32,bytes32)",
    "ScoreLedgerZeroAddress()",
    "ScoreLedgerZeroHash()",
    "StringTooLong(string)",
    "VotesExpiredSignature(uint256)",
});

const std::map<Selector, std::string_view>& by_selector() {
    static const std::map<Selector, std::string_view> table = [] {
        std::map<Selector, std::string_view> out;
        for (const std::string_view signature : kErrors) {
            out.emplace(function_selector(signature), signature);
        }
        return out;
    }();
    return table;
}

constexpr std::size_t kMaxText = 300;

std::string printable(ByteView bytes) {
    std::string out;
    for (const std::uint8_t byte : bytes.first(std::min(bytes.size(), kMaxText))) {
        out += byte >= 0x20 && byte < 0x7f ? static_cast<char>(byte) : '?';
    }
    if (bytes.size() > kMaxText) out += "...";
    return out;
}

std::string panic_text(Uint128 code) {
    switch (static_cast<unsigned>(code)) {
        case 0x01:
            return "assertion failed";
        case 0x11:
            return "arithmetic overflow";
        case 0x12:
            return "division by zero";
        case 0x21:
            return "bad enum value";
        case 0x31:
            return "pop of an empty array";
        case 0x32:
            return "index out of bounds";
        case 0x41:
            return "out of memory";
        default:
            return "panic";
    }
}

std::string argument(std::string_view type, const Word& word) {
    if (type.starts_with("uint")) {
        const std::optional<Uint128> value = to_uint128(word);
        return value ? to_decimal(*value) : to_0x(word);
    }
    if (type == "address") return to_0x(ByteView(word).subspan(12));
    if (type == "bytes4") return to_0x(ByteView(word).first(4));
    return to_0x(word);
}

std::string with_arguments(std::string_view signature, ByteView data) {
    const std::size_t open = signature.find('(');
    std::string out(signature.substr(0, open + 1));
    std::string_view types = signature.substr(open + 1, signature.size() - open - 2);
    AbiReader reader(data);
    bool first = true;
    while (!types.empty()) {
        const std::size_t comma = std::min(types.find(','), types.size());
        const Word word = reader.word();
        if (!reader.ok()) return out + "...)";  // fewer words than the signature says
        if (!first) out += ", ";
        first = false;
        out += argument(types.substr(0, comma), word);
        types.remove_prefix(std::min(comma + 1, types.size()));
    }
    return out + ")";
}

}  // namespace

std::string describe_revert(ByteView data) {
    if (data.size() < 4) return "reverted without a reason";
    Selector selector{};
    std::copy_n(data.begin(), 4, selector.begin());
    const ByteView rest = data.subspan(4);
    if (selector == function_selector("Error(string)")) {
        AbiReader reader(rest);
        const Bytes text = reader.bytes(64 * 1024);
        return reader.ok() ? printable(text) : "reverted with a broken reason";
    }
    if (selector == function_selector("Panic(uint256)")) {
        AbiReader reader(rest);
        const Uint128 code = reader.uint128();
        if (!reader.ok() || code > 0xff) return "reverted with a broken panic";
        const std::uint8_t byte = static_cast<std::uint8_t>(code);
        return "Panic(" + to_0x(ByteView(&byte, 1)) + ": " + panic_text(code) + ")";
    }
    const auto& table = by_selector();
    if (const auto found = table.find(selector); found != table.end()) {
        return with_arguments(found->second, rest);
    }
    return "unknown error " + to_0x(selector);
}

std::span<const std::string_view> known_errors() {
    return kErrors;
}

}  // namespace covenant::chain
