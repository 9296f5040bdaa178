#include "chain/abi/contracts.hpp"
#include "chain/abi/signatures.hpp"
#include "chain/abi/words.hpp"
#include "common/base/hex.hpp"
#include "common/protocol/event.hpp"

#include <algorithm>
#include <array>
#include <type_traits>

namespace covenant::chain {
using namespace protocol;

namespace {

// The indexed arguments stand in the topics, each a word of its own, the others in the data: two
// readers.
struct LogReader {
    Bytes topic_words;
    AbiReader indexed;
    AbiReader data;

    explicit LogReader(const Log& log)
        : topic_words(join(log.topics)), indexed(topic_words), data(log.data) {}
    LogReader(const LogReader&) = delete;
    LogReader& operator=(const LogReader&) = delete;
    ~LogReader() = default;

    static Bytes join(const std::vector<Hash256>& topics) {
        Bytes out;
        for (std::size_t i = 1; i < topics.size(); ++i) {
            append(out, topics[i].view());
        }
        return out;
    }
    [[nodiscard]] bool ok() const { return indexed.ok() && data.ok(); }

    Uid uid() {
        const Uid value(indexed.uint16());
        if (value.value >= kMaxUids) indexed.fail();
        return value;
    }
    Round round() { return Round(indexed.uint64()); }
    Amount amount() { return Amount{data.uint128()}; }
};

EventBody read_hotkey_registered(LogReader& in) {
    HotkeyRegistered out;
    out.uid = in.uid();
    out.coldkey = in.indexed.address();
    out.hotkey = in.indexed.address();
    const std::uint8_t role = in.data.uint8();
    if (role != static_cast<std::uint8_t>(Role::kMiner) &&
        role != static_cast<std::uint8_t>(Role::kValidator)) {
        in.data.fail();
    }
    out.role = static_cast<Role>(role);
    out.network_key = PublicKey::from(in.data.bytes32().view());
    return out;
}

EventBody read_stake_added(LogReader& in) {
    StakeChanged out;
    out.uid = in.uid();
    (void)in.indexed.address();
    (void)in.amount();
    out.total = in.amount();
    return out;
}

EventBody read_unstake_requested(LogReader& in) {
    StakeChanged out;
    out.uid = in.uid();
    (void)in.amount();
    out.total = in.amount();
    (void)in.data.uint48();
    return out;
}

EventBody read_run_created(LogReader& in) {
    RunCreated out;
    out.run = in.indexed.bytes32();
    (void)in.indexed.address();
    out.terms = read_terms(in.data);
    out.spec = in.data.bytes(kMaxRunSpecBytes);
    return out;
}

EventBody read_artifact_committed(LogReader& in) {
    ArtifactCommitted out;
    const RunId run = in.indexed.bytes32();
    const Round round = in.round();
    const Uid uid = in.uid();
    Commitment& c = out.commitment.commitment;
    c = read_commitment(in.data);
    const Bytes signature = in.data.bytes(out.commitment.signature.size());
    if (c.run != run || c.round != round || c.uid != uid ||
        signature.size() != out.commitment.signature.size()) {
        in.data.fail();
        return out;
    }
    std::copy(signature.begin(), signature.end(), out.commitment.signature.begin());
    return out;
}

EventBody read_beacon_proven(LogReader& in) {
    BeaconProven out;
    out.run = in.indexed.bytes32();
    out.slot = BeaconSlot(in.indexed.uint64());
    out.block = BlockNumber(in.data.uint64());
    out.prevrandao = in.data.bytes32();
    out.sigma = in.data.bytes32();
    return out;
}

EventBody read_inclusion_voted(LogReader& in) {
    InclusionVoted out;
    out.run = in.indexed.bytes32();
    out.round = in.round();
    out.validator = in.uid();
    out.uids = word_to_set(in.data.word());
    out.stake = in.amount();
    return out;
}

EventBody read_parameters_voted(LogReader& in) {
    ParametersVoted out;
    out.run = in.indexed.bytes32();
    out.round = in.round();
    out.validator = in.uid();
    out.root = in.data.bytes32();
    out.loss_bits = in.data.uint32();
    out.stake = in.amount();
    return out;
}

EventBody read_parameters_accepted(LogReader& in) {
    ParametersAccepted out;
    out.run = in.indexed.bytes32();
    out.round = in.round();
    out.root = in.data.bytes32();
    out.loss_bits = in.data.uint32();
    return out;
}

EventBody read_scores_committed(LogReader& in) {
    ScoresCommitted out;
    out.run = in.indexed.bytes32();
    out.round = in.round();
    out.validator = in.uid();
    out.hash = in.data.bytes32();
    return out;
}

EventBody read_scores_revealed(LogReader& in) {
    ScoresRevealed out;
    out.run = in.indexed.bytes32();
    out.round = in.round();
    out.scores.validator = in.uid();
    out.scores.weights = in.data.uint16_array(kMaxUids);
    AbiReader::Array findings = in.data.array(kFindingWords, kMaxFindings);
    out.scores.findings.reserve(findings.count);
    for (std::size_t i = 0; i < findings.count; ++i) {
        Finding finding;
        finding.uid = Uid(findings.items.uint16());
        finding.verdict = findings.items.uint8();
        finding.segment = Segment(findings.items.uint16());
        finding.evidence = findings.items.bytes32();
        if (finding.uid.value >= kMaxUids) in.data.fail();
        out.scores.findings.push_back(finding);
    }
    if (!findings.items.ok()) in.data.fail();
    out.scores.stake = in.amount();
    return out;
}

EventBody read_miner_failed(LogReader& in) {
    MinerFailed out;
    out.run = in.indexed.bytes32();
    out.round = in.round();
    out.uid = in.uid();
    out.fail_stake = in.amount();
    out.pass_stake = in.amount();
    return out;
}

EventBody read_credited(LogReader& in) {
    Credited out;
    out.run = in.indexed.bytes32();
    out.round = in.round();
    out.uid = in.uid();
    out.amount = in.amount();
    return out;
}

EventBody read_round_settled(LogReader& in) {
    RoundSettled out;
    out.run = in.indexed.bytes32();
    out.round = in.round();
    out.miners = in.amount();
    out.validators = in.amount();
    out.treasury = in.amount();
    return out;
}

EventBody read_claimed(LogReader& in) {
    Claimed out;
    out.uid = in.uid();
    out.to = in.indexed.address();
    out.amount = in.amount();
    return out;
}

struct EventKind {
    std::string_view signature;
    Address ContractAddresses::*contract;
    std::size_t indexed;
    EventBody (*read)(LogReader&);
    Hash256 topic;
};

const std::array<EventKind, 15>& event_kinds() {
    static const std::array<EventKind, 15> kinds = [] {
        using C = ContractAddresses;
        std::array<EventKind, 15> out{{
            {signatures::kHotkeyRegistered, &C::registry, 3, read_hotkey_registered, {}},
            {signatures::kStakeAdded, &C::registry, 2, read_stake_added, {}},
            {signatures::kUnstakeRequested, &C::registry, 1, read_unstake_requested, {}},
            {signatures::kRunCreated, &C::run_registry, 2, read_run_created, {}},
            {signatures::kArtifactCommitted, &C::round_manager, 3, read_artifact_committed, {}},
            {signatures::kBeaconProven, &C::round_manager, 2, read_beacon_proven, {}},
            {signatures::kInclusionVoted, &C::round_manager, 3, read_inclusion_voted, {}},
            {signatures::kParametersVoted, &C::round_manager, 3, read_parameters_voted, {}},
            {signatures::kParametersAccepted, &C::round_manager, 2, read_parameters_accepted, {}},
            {signatures::kScoresCommitted, &C::score_ledger, 3, read_scores_committed, {}},
            {signatures::kScoresRevealed, &C::score_ledger, 3, read_scores_revealed, {}},
            {signatures::kMinerFailed, &C::emissions, 3, read_miner_failed, {}},
            {signatures::kCredited, &C::emissions, 3, read_credited, {}},
            {signatures::kRoundSettled, &C::emissions, 2, read_round_settled, {}},
            {signatures::kClaimed, &C::emissions, 2, read_claimed, {}},
        }};
        for (EventKind& kind : out) {
            kind.topic = event_topic(kind.signature);
        }
        return out;
    }();
    return kinds;
}

// The indexed arguments as topics.
struct LogWriter {
    Log log;
    AbiWriter data;

    LogWriter& topic(const Word& word) {
        log.topics.push_back(Hash256::from(word));
        return *this;
    }
    LogWriter& topic(const Hash256& hash) { return topic(hash.bytes); }
    LogWriter& topic(std::uint64_t value) { return topic(to_word(value)); }
    LogWriter& topic(const Address& address) {
        Word word{};
        std::copy(address.bytes.begin(), address.bytes.end(), word.begin() + 12);
        return topic(word);
    }
};

void write(LogWriter& out, const HotkeyRegistered& e) {
    out.topic(e.uid.value).topic(e.coldkey).topic(e.hotkey);
    out.data.uint(static_cast<std::uint8_t>(e.role)).bytes32(e.network_key);
}
void write(LogWriter& out, const StakeChanged& e) {
    out.topic(e.uid.value).topic(Address{});
    out.data.uint(e.total.units).uint(e.total.units);
}
void write(LogWriter& out, const RunCreated& e) {
    out.topic(e.run).topic(Address{});
    out.data.inline_words(terms_words(e.terms)).bytes(e.spec);
}
void write(LogWriter& out, const ArtifactCommitted& e) {
    const Commitment& c = e.commitment.commitment;
    out.topic(c.run).topic(c.round.value).topic(c.uid.value);
    out.data.inline_words(commitment_words(c)).bytes(e.commitment.signature);
}
void write(LogWriter& out, const BeaconProven& e) {
    out.topic(e.run).topic(e.slot.value);
    out.data.uint(e.block.value).bytes32(e.prevrandao).bytes32(e.sigma);
}
void write(LogWriter& out, const InclusionVoted& e) {
    out.topic(e.run).topic(e.round.value).topic(e.validator.value);
    out.data.word(set_to_word(e.uids)).uint(e.stake.units);
}
void write(LogWriter& out, const ParametersVoted& e) {
    out.topic(e.run).topic(e.round.value).topic(e.validator.value);
    out.data.bytes32(e.root).uint(e.loss_bits).uint(e.stake.units);
}
void write(LogWriter& out, const ParametersAccepted& e) {
    out.topic(e.run).topic(e.round.value);
    out.data.bytes32(e.root).uint(e.loss_bits);
}
void write(LogWriter& out, const ScoresCommitted& e) {
    out.topic(e.run).topic(e.round.value).topic(e.validator.value);
    out.data.bytes32(e.hash);
}
void write(LogWriter& out, const ScoresRevealed& e) {
    out.topic(e.run).topic(e.round.value).topic(e.scores.validator.value);
    out.data.uint16_array(e.scores.weights)
        .static_array(e.scores.findings.size(), findings_words(e.scores.findings))
        .uint(e.scores.stake.units);
}
void write(LogWriter& out, const MinerFailed& e) {
    out.topic(e.run).topic(e.round.value).topic(e.uid.value);
    out.data.uint(e.fail_stake.units).uint(e.pass_stake.units);
}
void write(LogWriter& out, const Credited& e) {
    out.topic(e.run).topic(e.round.value).topic(e.uid.value);
    out.data.uint(e.amount.units);
}
void write(LogWriter& out, const RoundSettled& e) {
    out.topic(e.run).topic(e.round.value);
    out.data.uint(e.miners.units).uint(e.validators.units).uint(e.treasury.units);
}
void write(LogWriter& out, const Claimed& e) {
    out.topic(e.uid.value).topic(e.to);
    out.data.uint(e.amount.units);
}

std::string_view signature_of(const EventBody& body) {
    // In the order of the variant's alternatives; StakeChanged is written as StakeAdded.
    constexpr std::array<std::string_view, std::variant_size_v<EventBody>> kNames{
        signatures::kHotkeyRegistered, signatures::kStakeAdded,
        signatures::kRunCreated,       signatures::kArtifactCommitted,
        signatures::kBeaconProven,     signatures::kInclusionVoted,
        signatures::kParametersVoted,  signatures::kParametersAccepted,
        signatures::kScoresCommitted,  signatures::kScoresRevealed,
        signatures::kMinerFailed,      signatures::kCredited,
        signatures::kRoundSettled,     signatures::kClaimed};
    return kNames[body.index()];
}

}  // namespace

Result<std::optional<EventBody>> decode_log(const ContractAddresses& contracts, const Log& log) {
    if (log.topics.empty()) return std::nullopt;
    const auto& kinds = event_kinds();
    const auto kind = std::find_if(kinds.begin(), kinds.end(), [&](const EventKind& candidate) {
        return candidate.topic == log.topics[0] && contracts.*candidate.contract == log.address;
    });
    if (kind == kinds.end()) return std::nullopt;
    if (log.topics.size() == kind->indexed + 1) {
        LogReader reader(log);
        EventBody body = kind->read(reader);
        if (reader.ok()) return body;
    }
    return fail(Errc::kMalformed,
                "log " + std::to_string(log.index) + " of block " +
                    std::to_string(log.block.value) + " at contract " + to_0x(log.address) +
                    " has the topic of " + std::string(kind->signature) +
                    " but other contents: the contract is not the one this build knows; check "
                    "network.json");
}

Log encode_log(const ContractAddresses& contracts, const EventBody& body) {
    LogWriter out;
    const std::string_view signature = signature_of(body);
    const auto& kinds = event_kinds();
    const auto kind = std::find_if(kinds.begin(), kinds.end(), [&](const EventKind& candidate) {
        return candidate.signature == signature;
    });
    out.log.address = contracts.*kind->contract;
    out.topic(kind->topic);
    std::visit([&](const auto& event) { write(out, event); }, body);
    out.log.data = out.data.finish();
    return out.log;
}

}  // namespace covenant::chain
