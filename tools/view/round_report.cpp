#include "tools/view/round_report.hpp"

#include "common/base/hex.hpp"
#include "common/protocol/audit.hpp"
#include "common/protocol/model_shape.hpp"

#include <algorithm>
#include <bit>
#include <map>

namespace covenant::view {

using codec::Json;
using protocol::Round;
using protocol::RoundRecord;
using protocol::RunState;
using protocol::Uid;

namespace {

std::string hotkey_text(const RunState& state, Uid uid) {
    const protocol::Neuron* neuron = state.roster.find(uid);
    return neuron == nullptr ? "" : to_0x(neuron->hotkey);
}

Json commitments_json(const RunState& state, const RoundRecord& record) {
    Json rows = Json::array();
    for (const auto& [uid, one] : record.commitments) {
        const protocol::Commitment& commitment = one.signed_commitment.commitment;
        Json row = Json::object();
        row.set("uid", uid.value)
            .set("hotkey", hotkey_text(state, uid))
            .set("root", to_0x(commitment.root));
        row.set("order", one.order).set("time", one.time.value).set("tokens", commitment.tokens);
        rows.push(std::move(row));
    }
    return rows;
}

Json artifacts_json(const RunState& state, const RoundRecord& record,
                    const protocol::UidSet& included) {
    Json rows = Json::array();
    for (const auto& [uid, one] : record.commitments) {
        const protocol::Commitment& commitment = one.signed_commitment.commitment;
        Json row = Json::object();
        row.set("uid", uid.value).set("hotkey", hotkey_text(state, uid));
        row.set("ciphertext", to_0x(commitment.ciphertext_hash))
            .set("key", to_0x(commitment.key_hash));
        row.set("bytes", commitment.size);
        row.set("compression_ratio", compression_ratio(*state.spec, commitment.size));
        row.set("included", included.test(uid.value));
        rows.push(std::move(row));
    }
    return rows;
}

Json audits_json(const RunState& state, Round round, const RoundRecord& record) {
    Json rows = Json::array();
    for (const auto& [validator, scores] : record.reveals) {
        for (const protocol::Finding& finding : scores.findings) {
            const bool passed = finding.verdict == protocol::kFindingPass;
            Json drawn = Json::array();
            for (const protocol::Segment segment : drawn_segments(state, round, finding.uid)) {
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
    }
    return rows;
}

Json weights_json(const RunState& state, const RoundRecord& record) {
    Json rows = Json::array();
    for (const auto& [validator, scores] : record.reveals) {
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

Json emission_json(const RunState& state, const RoundRecord& record) {
    Json rows = Json::array();
    for (const auto& [uid, neuron] : state.roster.neurons) {
        const auto credit = record.credits.find(uid);
        Json row = Json::object();
        row.set("uid", uid.value)
            .set("hotkey", to_0x(neuron.hotkey))
            .set("role", protocol::to_string(neuron.role));
        row.set("amount", to_tokens(credit == record.credits.end() ? Amount{} : credit->second));
        rows.push(std::move(row));
    }
    return rows;
}

// One list: a miner's round, or a validator's ballot, with the reason's name.
Json not_counted_json(const RunState& state, Round round, protocol::ChainTime now) {
    Json rows = Json::array();
    for (const NotCountedRow& one : not_counted_rows(state, round, now)) {
        Json row = Json::object();
        row.set("uid", one.uid.value).set("hotkey", hotkey_text(state, one.uid));
        row.set("ballot", one.ballot ? Json(protocol::to_string(*one.ballot)) : Json());
        row.set("reason", protocol::to_string(one.why.reason));
        rows.push(std::move(row));
    }
    return rows;
}

const RoundRecord& record_of(const RunState& state, Round round) {
    static const RoundRecord empty;
    const auto found = state.rounds.find(round);
    return found == state.rounds.end() ? empty : found->second;
}

}  // namespace

double compression_ratio(const protocol::RunSpec& spec, std::uint64_t artifact_bytes) {
    const auto dense = static_cast<double>(4 * protocol::parameter_count(spec.model));
    return artifact_bytes == 0 ? 0.0 : dense / static_cast<double>(artifact_bytes);
}

std::vector<protocol::Segment> drawn_segments(const RunState& state, Round round, Uid miner) {
    const RoundRecord& record = record_of(state, round);
    const auto commitment = record.commitments.find(miner);
    const auto beacon = state.beacons.find(protocol::beacon_slot_of(round));
    if (!state.spec || commitment == record.commitments.end() || beacon == state.beacons.end()) {
        return {};
    }
    const auto chunks =
        static_cast<std::uint32_t>(protocol::chunk_elements(state.spec->model).size());
    const auto duty = protocol::audit_duty(*state.spec, beacon->second.sigma,
                                           commitment->second.signed_commitment.commitment.root,
                                           miner, protocol::electorate(state, round), chunks);
    return duty ? duty->segments : std::vector<protocol::Segment>{};
}

std::vector<Failure> failures(const RunState& state, Round round) {
    std::map<Uid, Failure> found;
    for (const auto& [validator, scores] : record_of(state, round).reveals) {
        for (const protocol::Finding& finding : scores.findings) {
            if (finding.verdict == protocol::kFindingFail) {
                Failure& failure = found[finding.uid];
                failure.miner = finding.uid;
                failure.segment = finding.segment;
                failure.evidence = finding.evidence;
                ++failure.validators;
            }
        }
    }
    std::vector<Failure> out;
    out.reserve(found.size());
    for (const auto& [uid, failure] : found) {
        out.push_back(failure);
    }
    return out;
}

std::vector<NotCountedRow> not_counted_rows(const RunState& state, Round round,
                                            protocol::ChainTime now) {
    std::vector<NotCountedRow> out;
    const auto round_facts = protocol::round_view(state, round);
    if (!round_facts) {
        return out;
    }
    for (const auto& [uid, neuron] : state.roster.neurons) {
        if (const auto why = protocol::miner_not_counted(*round_facts, uid, now)) {
            out.push_back({uid, std::nullopt, *why});
        }
        for (const auto& one : protocol::ballots_not_counted(*round_facts, uid, now)) {
            out.push_back({uid, one.ballot, one.why});
        }
    }
    return out;
}

Json round_json(const RunState& state, Round round, protocol::ChainTime now) {
    const RoundRecord& record = record_of(state, round);
    const auto beacon = state.beacons.find(protocol::beacon_slot_of(round));
    const auto rho = protocol::rho(state, round);
    const protocol::UidSet included = protocol::included(state, round);
    Json json = Json::object();
    json.set("index", round.value);
    json.set("t0", protocol::round_times(state.spec->timing, round).t0.value);
    json.set("beacon", beacon == state.beacons.end() ? Json() : Json(to_0x(beacon->second.sigma)));
    json.set("rho", rho ? Json(to_0x(*rho)) : Json());
    json.set("base_root", to_0x(protocol::base_root(state, round)));
    json.set("heldout_loss",
             record.accepted
                 ? Json(static_cast<double>(std::bit_cast<float>(record.accepted->loss_bits)))
                 : Json());
    json.set("parameters_root", record.accepted ? Json(to_0x(record.accepted->root)) : Json());
    json.set("commitments", commitments_json(state, record));
    json.set("artifacts", artifacts_json(state, record, included));
    json.set("included", included.count());
    json.set("audits", audits_json(state, round, record));
    json.set("weights", weights_json(state, record));
    json.set("emission", emission_json(state, record));
    json.set("not_counted", not_counted_json(state, round, now));
    json.set("settled", record.settled.has_value());
    return json;
}

Json rounds_json(const RunState& state, protocol::ChainTime now, Round end) {
    Json rows = Json::array();
    for (Round round; state.spec && round < end; round = round.next()) {
        if (now < protocol::round_times(state.spec->timing, round).t0) {
            break;
        }
        rows.push(round_json(state, round, now));
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
        const RoundRecord& record = record_of(state, round);
        null_rounds += record.accepted ? 0U : 1U;
        for (const auto& [uid, amount] : record.credits) {
            credits[uid] += amount;
        }
        if (record.settled) {
            treasury += record.settled->treasury;
        }
        for (const auto& [validator, scores] : record.reveals) {
            for (const protocol::Finding& finding : scores.findings) {
                (finding.verdict == protocol::kFindingPass ? passes : fails) += 1;
            }
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
