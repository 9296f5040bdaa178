// Logs to events and back, over the field lists of common/protocol/event.hpp.
#include "chain/abi/contracts.hpp"
#include "chain/abi/fields.hpp"
#include "common/base/hex.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace covenant::chain {
using namespace protocol;

namespace {

// The indexed arguments stand in the topics, each a word of its own, the others in the data: two
// readers.
struct LogReader {
    Bytes topic_words;
    AbiReader indexed;
    AbiReader rest;

    explicit LogReader(const Log& log)
        : topic_words(join(log.topics)), indexed(topic_words), rest(log.data) {}
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
    [[nodiscard]] bool ok() const { return indexed.ok() && rest.ok(); }

    template <typename T>
    void topic(std::string_view, T& field) {
        abi_read(indexed, field);
    }
    template <typename T>
    void data(std::string_view, T& field) {
        abi_read(rest, field);
    }
    void loss(std::uint32_t& bits) { abi_read(rest, bits); }
    template <typename T>
    void skipped_topic(const T&) {
        T ignored{};
        abi_read(indexed, ignored);
    }
    template <typename T>
    void skipped(const T&) {
        T ignored{};
        abi_read(rest, ignored);
    }
};

// The inverse; the topics are the words of `indexed`.
struct LogWriter {
    AbiWriter indexed;
    AbiWriter rest;

    template <typename T>
    void topic(std::string_view, const T& field) {
        abi_write(indexed, field);
    }
    template <typename T>
    void data(std::string_view, const T& field) {
        abi_write(rest, field);
    }
    void loss(std::uint32_t bits) { abi_write(rest, bits); }
    template <typename T>
    void skipped_topic(const T& value) {
        abi_write(indexed, value);
    }
    template <typename T>
    void skipped(const T& value) {
        abi_write(rest, value);
    }
};

template <typename Kind>
EventBody read_kind(LogReader& in) {
    Kind out;
    Kind::fields(out, in);
    return out;
}

// The registry's other way to say that a stake changed.
constexpr std::string_view kUnstakeRequested = "UnstakeRequested(uint16,uint256,uint256,uint48)";
EventBody read_unstake_requested(LogReader& in) {
    StakeChanged out;
    in.topic("uid", out.uid);
    in.skipped(Amount{});  // how much
    in.data("total", out.total);
    (void)in.rest.uint48();  // since when
    return out;
}

struct EventKind {
    std::string signature;
    Contract contract{};
    std::size_t indexed = 0;
    EventBody (*read)(LogReader&) = nullptr;
    Hash256 topic;
};

template <typename Kind>
EventKind kind_of() {
    const Kind empty{};
    LogWriter sample;
    Kind::fields(empty, sample);
    std::string signature = abi_signature<Kind>(Kind::kEmittedAs);
    const Hash256 topic = event_topic(signature);
    return {std::move(signature), Kind::kContract, sample.indexed.finish().size() / kWordSize,
            read_kind<Kind>, topic};
}

constexpr std::size_t kKinds = std::variant_size_v<EventBody>;

// In the order of the variant's alternatives, then the registry's second one.
const std::array<EventKind, kKinds + 1>& event_kinds() {
    static const auto kinds = []<std::size_t... I>(std::index_sequence<I...>) {
        return std::array<EventKind, kKinds + 1>{
            kind_of<std::variant_alternative_t<I, EventBody>>()...,
            EventKind{std::string(kUnstakeRequested), Contract::kRegistry, 1,
                      read_unstake_requested, event_topic(kUnstakeRequested)}};
    }
    (std::make_index_sequence<kKinds>{});
    return kinds;
}

}  // namespace

Result<std::optional<EventBody>> decode_log(const ContractAddresses& contracts, const Log& log) {
    if (log.topics.empty()) return std::nullopt;
    const auto& kinds = event_kinds();
    const auto kind = std::find_if(kinds.begin(), kinds.end(), [&](const EventKind& candidate) {
        return candidate.topic == log.topics[0] && contracts.of(candidate.contract) == log.address;
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
                    " has the topic of " + kind->signature +
                    " but other contents: the contract is not the one this build knows; check "
                    "network.json");
}

Log encode_log(const ContractAddresses& contracts, const EventBody& body) {
    const EventKind& kind = event_kinds()[body.index()];
    LogWriter out;
    std::visit([&](const auto& event) { event.fields(event, out); }, body);
    Log log;
    log.address = contracts.of(kind.contract);
    log.topics.push_back(kind.topic);
    const Bytes topics = out.indexed.finish();
    for (std::size_t at = 0; at < topics.size(); at += kWordSize) {
        log.topics.push_back(Hash256::from(ByteView(topics).subspan(at, kWordSize)));
    }
    log.data = out.rest.finish();
    return log;
}

}  // namespace covenant::chain
