#include "tools/view/round_report.hpp"

#include "common/base/hex.hpp"
#include "common/protocol/model_shape.hpp"
#include "common/protocol/not_counted.hpp"

#include <bit>
#include <map>

namespace covenant::view {

using codec::Json;
using protocol::Round;
using protocol::RoundView;
using protocol::RunState;
using protocol::Uid;

namespace {

std::string hotkey_text(const RunState& state, Uid uid) {
    const protocol::Neuron* neuron = state.roster.find(uid);
    return neuron == nullptr ? "" : to_0x(neuron->hotkey);
}

Json commitments_json(const RunState& state, const RoundView& round) {
    Json rows = Json::array();
    for (const auto& [uid, one] : round.commitments) {
        const protocol::Commitment& commitment = one.signed_commitment.commitment;
        Json row = Json::object();
        row.set("uid", uid.value)
            .set("hotkey", hotkey_text(state, uid))
            .set("root", to_0x(commitment.root));
        row.set("order", one.order)
            .set("time", one.time.value)
            .set("segments", commitment.segments)
            .set("key_shown", round.keys.contains(uid));
        rows.push(std::move(row));
    }
    return rows;
}

Json artifacts_json(const RunState& state, const RoundView& round) {
    Json rows = Json::array();
    for (const auto& [uid, one] : round.commitments) {
        const protocol::Commitment& commitment = one.signed_commitment.commitment;
        Json row = Json::object();
        row.set("uid", uid.value).set("hotkey", hotkey_text(state, uid));
        row.set("ciphertext", to_0x(commitment.ciphertext_hash))
            .set("key", to_0x(commitment.key_hash));
        row.set("bytes", commitment.size);
        row.set("compression_ratio", compression_ratio(*state.spec, commitment.size));
        row.set("included", round.included.test(uid.value));
        rows.push(std::move(row));
    }
    return rows;
}

Json audits_json(const RunState& state, const RoundView& round) {
    Json rows = Json::array();
    for (const auto& [validator, finding] : round.findings()) {
        const bool passed = finding.verdict == protocol::kFindingPass;
        Json drawn = Json::array();
        for (const protocol::Segment segment : round.drawn(finding.uid)) {
            drawn.push(segment.value);
        }
        Json row = Json::object();
        row.set("uid", finding.uid.value).set("hotkey", hotkey_text(state, finding.uid));
        row.set("validator", hotkey_text(state, validator));
        row.set("segment", passed ? Json() : Json(finding.segment.value))
            .set("drawn", std::move(drawn));
        row.set("verdict", passed ? "pass" : "fail").set("evidence", to_0x(finding.evidence));
        rows.push(std::move(row));
    }
    return rows;
}

Json weights_json(const RunState& state, const RoundView& round) {
    Json rows = Json::array();
    for (const auto& [validator, scores] : round.reveals) {
        Json weights = Json::array();
        for (const std::uint16_t weight : scores.weights) {
            weights.push(weight);
        }
        Json row = Json::object();
        row.set("validator", hotkey_text(state, validator)).set("stake", to_tokens(scores.stake));
        row.set("weights", std::move(weights));
        rows.push(std::move(row));
    }
    return rows;
}

Json emission_json(const RunState& state, const RoundView& round) {
    Json rows = Json::array();
    for (const auto& [uid, neuron] : state.roster.neurons) {
        Json row = Json::object();
        row.set("uid", uid.value)
            .set("hotkey", to_0x(neuron.hotkey))
            .set("role", protocol::to_string(neuron.role));
        row.set("amount", to_tokens(round.credited(uid)));
        rows.push(std::move(row));
    }
    return rows;
}

// One list: a miner's round, or a validator's ballot, with the reason's name.
Json not_counted_json(const RunState& state, const RoundView& round, protocol::ChainTime now) {
    Json rows = Json::array();
    for (const protocol::Uncounted& one : protocol::not_counted(round, now)) {
        Json row = Json::object();
        row.set("uid", one.uid.value).set("hotkey", hotkey_text(state, one.uid));
        row.set("ballot", one.ballot ? Json(protocol::to_string(*one.ballot)) : Json());
        row.set("reason", protocol::to_string(one.why.reason));
        rows.push(std::move(row));
    }
    return rows;
}

}  // namespace

double compression_ratio(const protocol::RunSpec& spec, std::uint64_t artifact_bytes) {
    const auto dense = static_cast<double>(4 * protocol::parameter_count(spec.model));
    return artifact_bytes == 0 ? 0.0 : dense / static_cast<double>(artifact_bytes);
}

Json round_json(const RunState& state, const RoundView& round, protocol::ChainTime now) {
    const auto& accepted = round.accepted;
    Json json = Json::object();
    json.set("index", round.round.value);
    json.set("t0", round.times.t0.value);
    json.set("beacon", round.sigma ? Json(to_0x(*round.sigma)) : Json());
    json.set("rho", round.rho.is_zero() ? Json() : Json(to_0x(round.rho)));
    json.set("base_root", to_0x(round.base_root));
    json.set(
        "heldout_loss",
        accepted ? Json(static_cast<double>(std::bit_cast<float>(accepted->loss_bits))) : Json());
    json.set("parameters_root", accepted ? Json(to_0x(accepted->root)) : Json());
    json.set("commitments", commitments_json(state, round));
    json.set("artifacts", artifacts_json(state, round));
    json.set("included", round.included.count());
    json.set("audits", audits_json(state, round));
    json.set("weights", weights_json(state, round));
    json.set("emission", emission_json(state, round));
    json.set("not_counted", not_counted_json(state, round, now));
    json.set("settled", round.settled.has_value());
    return json;
}

Json rounds_json(const RunState& state, protocol::ChainTime now, Round end) {
    Json rows = Json::array();
    for (Round round; round < end; round = round.next()) {
        const auto facts = protocol::round_view(state, round);
        if (!facts || now < facts->times.t0) {
            break;
        }
        rows.push(round_json(state, *facts, now));
    }
    return rows;
}

Json totals_json(const RunState& state, Round end) {
    std::map<Uid, Amount> credits;
    Amount treasury;
    std::uint64_t passes = 0;
    std::uint64_t fails = 0;
    std::uint64_t null_rounds = 0;
    for (Round round; round < end; round = round.next()) {
        const auto facts = protocol::round_view(state, round);
        null_rounds += facts && facts->accepted ? 0U : 1U;
        if (!facts) {
            continue;
        }
        for (const auto& [uid, amount] : facts->credits) {
            credits[uid] += amount;
        }
        if (facts->settled) {
            treasury += facts->settled->treasury;
        }
        for (const protocol::FindingBy& one : facts->findings()) {
            (one.passed() ? passes : fails) += 1;
        }
    }
    Json emission = Json::array();
    for (const auto& [uid, neuron] : state.roster.neurons) {
        Json row = Json::object();
        row.set("uid", uid.value)
            .set("hotkey", to_0x(neuron.hotkey))
            .set("role", protocol::to_string(neuron.role));
        row.set("amount", to_tokens(credits[uid]));
        emission.push(std::move(row));
    }
    const auto loss = end.value == 0 ? std::nullopt : protocol::base_loss(state, end);
    Json json = Json::object();
    json.set("rounds", end.value).set("null_rounds", null_rounds);
    json.set("heldout_loss", loss ? Json(static_cast<double>(*loss)) : Json());
    json.set("audits_passed", passes).set("audits_failed", fails);
    json.set("emission", std::move(emission)).set("treasury", to_tokens(treasury));
    return json;
}

}  // namespace covenant::view
