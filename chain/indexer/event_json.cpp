#include "chain/indexer/event_json.hpp"

#include "common/base/hex.hpp"

#include <bit>
#include <cmath>

namespace covenant::chain {
using namespace protocol;
using codec::Json;

namespace {

std::string text(Amount amount) {
    return to_decimal(amount.units);
}

Json uid_list(const UidSet& set) {
    Json out = Json::array();
    for (std::size_t i = 0; i < kMaxUids; ++i) {
        if (set.test(i)) out.push(i);
    }
    return out;
}

void set_loss(Json& out, std::uint32_t bits) {
    out.set("loss_bits", bits).set("loss", static_cast<double>(std::bit_cast<float>(bits)));
}

Json at_round(const RunId& run, Round round) {
    Json out = Json::object();
    out.set("run", to_0x(run)).set("round", round.value);
    return out;
}

Json write(const HotkeyRegistered& e) {
    Json out = Json::object();
    out.set("uid", e.uid.value)
        .set("coldkey", to_0x(e.coldkey))
        .set("hotkey", to_0x(e.hotkey))
        .set("role", to_string(e.role))
        .set("network_key", to_0x(e.network_key));
    return out;
}
Json write(const StakeChanged& e) {
    Json out = Json::object();
    out.set("uid", e.uid.value).set("total", text(e.total));
    return out;
}
Json write(const RunCreated& e) {
    Json out = Json::object();
    out.set("run", to_0x(e.run))
        .set("start_time", e.terms.timing.start_time)
        .set("round_seconds", e.terms.timing.round_seconds)
        .set("emission_per_round", text(e.terms.emission_per_round))
        .set("genesis_root", to_0x(e.terms.genesis_root))
        .set("dataset_root", to_0x(e.terms.dataset_root))
        .set("spec", to_0x(e.spec));
    return out;
}
Json write(const ArtifactCommitted& e) {
    const Commitment& c = e.commitment.commitment;
    Json out = at_round(c.run, c.round);
    out.set("uid", c.uid.value)
        .set("rho", to_0x(c.rho))
        .set("base_root", to_0x(c.base_root))
        .set("root", to_0x(c.root))
        .set("ciphertext_hash", to_0x(c.ciphertext_hash))
        .set("key_hash", to_0x(c.key_hash))
        .set("size", c.size)
        .set("tokens", c.tokens)
        .set("signature", to_0x(e.commitment.signature));
    return out;
}
Json write(const BeaconProven& e) {
    Json out = Json::object();
    out.set("run", to_0x(e.run))
        .set("slot", e.slot.value)
        .set("block", e.block.value)
        .set("prevrandao", to_0x(e.prevrandao))
        .set("sigma", to_0x(e.sigma));
    return out;
}
Json write(const InclusionVoted& e) {
    Json out = at_round(e.run, e.round);
    out.set("validator", e.validator.value)
        .set("uids", uid_list(e.uids))
        .set("stake", text(e.stake));
    return out;
}
Json write(const ParametersVoted& e) {
    Json out = at_round(e.run, e.round);
    out.set("validator", e.validator.value).set("root", to_0x(e.root));
    set_loss(out, e.loss_bits);
    out.set("stake", text(e.stake));
    return out;
}
Json write(const ParametersAccepted& e) {
    Json out = at_round(e.run, e.round);
    out.set("root", to_0x(e.root));
    set_loss(out, e.loss_bits);
    return out;
}
Json write(const ScoresCommitted& e) {
    Json out = at_round(e.run, e.round);
    out.set("validator", e.validator.value).set("hash", to_0x(e.hash));
    return out;
}
Json write(const ScoresRevealed& e) {
    Json out = at_round(e.run, e.round);
    Json weights = Json::array();
    for (const std::uint16_t weight : e.scores.weights) {
        weights.push(weight);
    }
    Json findings = Json::array();
    for (const Finding& finding : e.scores.findings) {
        Json item = Json::object();
        item.set("uid", finding.uid.value)
            .set("verdict", finding.verdict == kFindingPass   ? "pass"
                            : finding.verdict == kFindingFail ? "fail"
                                                              : "unknown")
            .set("segment", finding.segment.value)
            .set("evidence", to_0x(finding.evidence));
        findings.push(item);
    }
    out.set("validator", e.scores.validator.value)
        .set("weights", weights)
        .set("findings", findings)
        .set("stake", text(e.scores.stake));
    return out;
}
Json write(const MinerFailed& e) {
    Json out = at_round(e.run, e.round);
    out.set("uid", e.uid.value)
        .set("fail_stake", text(e.fail_stake))
        .set("pass_stake", text(e.pass_stake));
    return out;
}
Json write(const Credited& e) {
    Json out = at_round(e.run, e.round);
    out.set("uid", e.uid.value).set("amount", text(e.amount));
    return out;
}
Json write(const RoundSettled& e) {
    Json out = at_round(e.run, e.round);
    out.set("miners", text(e.miners))
        .set("validators", text(e.validators))
        .set("treasury", text(e.treasury));
    return out;
}
Json write(const Claimed& e) {
    Json out = Json::object();
    out.set("uid", e.uid.value).set("to", to_0x(e.to)).set("amount", text(e.amount));
    return out;
}

EventKey key_of(const HotkeyRegistered& e) {
    return {{}, {}, e.uid};
}
EventKey key_of(const StakeChanged& e) {
    return {{}, {}, e.uid};
}
EventKey key_of(const RunCreated& e) {
    return {e.run, {}, {}};
}
EventKey key_of(const ArtifactCommitted& e) {
    const Commitment& c = e.commitment.commitment;
    return {c.run, c.round, c.uid};
}
EventKey key_of(const BeaconProven& e) {
    if (e.slot.value == 0) return {e.run, {}, {}};
    return {e.run, Round(e.slot.value - 1), {}};
}
EventKey key_of(const InclusionVoted& e) {
    return {e.run, e.round, e.validator};
}
EventKey key_of(const ParametersVoted& e) {
    return {e.run, e.round, e.validator};
}
EventKey key_of(const ParametersAccepted& e) {
    return {e.run, e.round, {}};
}
EventKey key_of(const ScoresCommitted& e) {
    return {e.run, e.round, e.validator};
}
EventKey key_of(const ScoresRevealed& e) {
    return {e.run, e.round, e.scores.validator};
}
EventKey key_of(const MinerFailed& e) {
    return {e.run, e.round, e.uid};
}
EventKey key_of(const Credited& e) {
    return {e.run, e.round, e.uid};
}
EventKey key_of(const RoundSettled& e) {
    return {e.run, e.round, {}};
}
EventKey key_of(const Claimed& e) {
    return {{}, {}, e.uid};
}

}  // namespace

Json event_body_json(const EventBody& body) {
    return std::visit([](const auto& event) { return write(event); }, body);
}

EventKey event_key(const EventBody& body) {
    return std::visit([](const auto& event) { return key_of(event); }, body);
}

}  // namespace covenant::chain
