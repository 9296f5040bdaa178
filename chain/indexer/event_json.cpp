#include "chain/indexer/event_json.hpp"

#include "common/base/hex.hpp"

#include <bit>

namespace covenant::chain {
using namespace protocol;
using codec::Json;

namespace {

std::string_view finding_name(std::uint8_t verdict) {
    return verdict == kFindingPass ? "pass" : verdict == kFindingFail ? "fail" : "unknown";
}

// Each type of field as JSON, under the field's name.
struct JsonFields {
    Json& out;

    template <std::size_t N, typename Tag>
    void data(std::string_view name, const FixedBytes<N, Tag>& field) {
        out.set(name, to_0x(field));
    }
    template <typename Tag, typename Rep>
    void data(std::string_view name, const StrongId<Tag, Rep>& field) {
        out.set(name, field.value);
    }
    void data(std::string_view name, Role field) { out.set(name, to_string(field)); }
    void data(std::string_view name, const Amount& field) {
        out.set(name, to_decimal(field.units));
    }
    void data(std::string_view name, const Bytes& field) { out.set(name, to_0x(field)); }
    void data(std::string_view name, const UidSet& field) {
        Json list = Json::array();
        for (std::size_t i = 0; i < kMaxUids; ++i) {
            if (field.test(i)) list.push(i);
        }
        out.set(name, list);
    }
    void data(std::string_view name, std::uint32_t field) { out.set(name, field); }
    void data(std::string_view name, const ShownKeys& field) {
        Json list = Json::array();
        for (const ShownKey& one : field) {
            Json item = Json::object();
            item.set("uid", one.uid.value).set("key", to_0x(one.key));
            list.push(item);
        }
        out.set(name, list);
    }
    void data(std::string_view name, const std::vector<std::uint16_t>& field) {
        Json list = Json::array();
        for (const std::uint16_t one : field) {
            list.push(one);
        }
        out.set(name, list);
    }
    void data(std::string_view name, const std::vector<Finding>& field) {
        Json list = Json::array();
        for (const Finding& finding : field) {
            Json item = Json::object();
            item.set("uid", finding.uid.value)
                .set("verdict", finding_name(finding.verdict))
                .set("segment", finding.segment.value)
                .set("evidence", to_0x(finding.evidence));
            list.push(item);
        }
        out.set(name, list);
    }
    // What people ask of a run; the spec has the rest.
    void data(std::string_view, const RunTerms& field) {
        out.set("start_time", field.timing.start_time)
            .set("round_seconds", field.timing.round_seconds)
            .set("emission_per_round", to_decimal(field.emission_per_round.units))
            .set("genesis_root", to_0x(field.genesis_root))
            .set("dataset_root", to_0x(field.dataset_root));
    }
    // Beside its topics.
    void data(std::string_view, const SignedCommitment& field) {
        const Commitment& c = field.commitment;
        out.set("rho", to_0x(c.rho))
            .set("base_root", to_0x(c.base_root))
            .set("root", to_0x(c.root))
            .set("ciphertext_hash", to_0x(c.ciphertext_hash))
            .set("size", c.size)
            .set("key_hash", to_0x(c.key_hash))
            .set("segments", c.segments)
            .set("signature", to_0x(field.signature));
    }
    void loss(std::uint32_t bits) {
        out.set("loss_bits", bits).set("loss", static_cast<double>(std::bit_cast<float>(bits)));
    }
    template <typename T>
    void topic(std::string_view name, const T& field) {
        data(name, field);
    }
    template <typename T>
    void skipped(const T&) {}
    template <typename T>
    void skipped_topic(const T&) {}
};

// Topics are what an event is about; other arguments are not keys.
struct KeyFields {
    EventKey& out;

    void topic(std::string_view name, const Hash256& field) {
        if (name == "run") out.run = field;
    }
    void topic(std::string_view, Round field) { out.round = field; }
    void topic(std::string_view, BeaconSlot field) {
        if (field.value > 0) out.round = Round(field.value - 1);
    }
    void topic(std::string_view, Uid field) { out.uid = field; }
    void topic(std::string_view, const Address&) {}
    template <typename T>
    void data(std::string_view, const T&) {}
    void loss(std::uint32_t) {}
    template <typename T>
    void skipped(const T&) {}
    template <typename T>
    void skipped_topic(const T&) {}
};

}  // namespace

Json event_body_json(const EventBody& body) {
    Json out = Json::object();
    JsonFields fields{out};
    std::visit([&](const auto& event) { event.fields(event, fields); }, body);
    return out;
}

EventKey event_key(const EventBody& body) {
    EventKey out;
    KeyFields fields{out};
    std::visit([&](const auto& event) { event.fields(event, fields); }, body);
    return out;
}

}  // namespace covenant::chain
