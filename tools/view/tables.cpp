#include "tools/view/tables.hpp"

#include "common/base/hex.hpp"
#include "common/crypto/stream_cipher.hpp"
#include "common/protocol/artifact_format.hpp"
#include "common/protocol/model_shape.hpp"
#include "common/protocol/schedule.hpp"
#include "tools/view/round_report.hpp"

#include <algorithm>
#include <bit>

namespace covenant::view {

using codec::Json;
using protocol::ChainTime;
using protocol::Round;
using protocol::RoundRecord;
using protocol::Uid;

namespace {

const RoundRecord& record_of(const protocol::RunState& state, Round round) {
    static const RoundRecord empty;
    const auto found = state.rounds.find(round);
    return found == state.rounds.end() ? empty : found->second;
}

Json float_json(std::uint32_t bits) {
    return {static_cast<double>(std::bit_cast<float>(bits))};
}

Json segments_json(const std::vector<protocol::Segment>& segments) {
    Json out = Json::array();
    for (const protocol::Segment segment : segments) {
        out.push(segment.value);
    }
    return out;
}

Json hotkey_json(const Scene& scene, Uid uid) {
    const protocol::Neuron* neuron = scene.state.roster.find(uid);
    return neuron == nullptr ? Json() : Json(to_0x(neuron->hotkey));
}

Json name_json(const Scene& scene, Uid uid) {
    const std::string name = name_of(scene.folder, uid);
    return name.empty() ? Json() : Json(name);
}

void identify(Json& row, const Scene& scene, Uid uid) {
    row.set("uid", uid.value)
        .set("hotkey", hotkey_json(scene, uid))
        .set("name", name_json(scene, uid));
}

// When the phase that holds `now` ends.
ChainTime phase_end(const protocol::TimingSpec& timing, ChainTime now) {
    const auto round = protocol::round_at(timing, now);
    if (!round) {
        return ChainTime(timing.start_time);
    }
    const protocol::RoundTimes times = protocol::round_times(timing, *round);
    for (const ChainTime end : {times.t1, times.beacon, times.t2}) {
        if (now < end) {
            return end;
        }
    }
    return times.t3;
}

Json timing_json(const protocol::TimingSpec& timing) {
    Json out = Json::object();
    out.set("start_time", timing.start_time)
        .set("round_seconds", timing.round_seconds)
        .set("commit_seconds", timing.commit_seconds)
        .set("beacon_delay_seconds", timing.beacon_delay_seconds)
        .set("inclusion_seconds", timing.inclusion_seconds)
        .set("score_commit_seconds", timing.score_commit_seconds)
        .set("score_reveal_seconds", timing.score_reveal_seconds);
    return out;
}

Json model_json(const protocol::RunSpec& spec) {
    const protocol::ModelSpec& model = spec.model;
    Json out = Json::object();
    out.set("parameters", protocol::parameter_count(model))
        .set("vocab_size", model.vocab_size)
        .set("d_model", model.d_model)
        .set("layers", model.layers)
        .set("heads", model.heads)
        .set("kv_heads", model.kv_heads)
        .set("d_ff", model.d_ff)
        .set("seq_len", model.seq_len);
    return out;
}

Json work_json(const protocol::RunSpec& spec) {
    Json out = Json::object();
    out.set("inner_steps", spec.inner.steps_per_round)
        .set("segments", spec.segments())
        .set("windows", spec.windows_per_round())
        .set("tokens", spec.windows_per_round() * spec.model.seq_len)
        .set("artifact_bytes_at_most", artifact_bytes_bound(spec))
        .set("compression_ratio_at_least", compression_ratio(spec, artifact_bytes_bound(spec)))
        .set("training_memory_bytes_estimate", training_bytes_estimate(spec));
    return out;
}

}  // namespace

Round Scene::end() const {
    if (!state.spec || !head) {
        return Round{};
    }
    const auto current = protocol::round_at(state.spec->timing, now());
    const std::uint64_t begun = current ? current->value + 1 : 0;
    return Round(std::min(begun, folder.rounds.value_or(begun)));
}

std::optional<RunStatus> run_status(const Scene& scene) {
    const auto& spec = scene.state.spec;
    if (!spec || !scene.head) {
        return std::nullopt;
    }
    const ChainTime now = scene.now();
    RunStatus out;
    out.round = protocol::round_at(spec->timing, now);
    out.phase = protocol::phase_at(spec->timing, now);
    out.seconds_left = phase_end(spec->timing, now).value - now.value;
    const Round at = out.round.value_or(Round{});
    out.base_root = protocol::base_root(scene.state, at);
    out.heldout_loss = protocol::base_loss(scene.state, at);
    out.miners = scene.state.roster.active_miners(now, spec->emission.miner_bond).size();
    out.validators = scene.state.roster.validators(now).size();
    out.committed = record_of(scene.state, at).commitments.size();
    return out;
}

Json status_json(const Scene& scene) {
    Json out = Json::object();
    Json head;
    if (scene.head) {
        head = Json::object();
        head.set("number", scene.head->number.value)
            .set("hash", to_0x(scene.head->hash))
            .set("time", scene.head->time.value);
    }
    out.set("chain_id", scene.chain_id).set("live", scene.live).set("head", std::move(head));
    out.set("run", to_0x(scene.state.run));
    out.set("name", scene.state.spec ? Json(scene.state.spec->name) : Json());
    const auto status = run_status(scene);
    if (!status) {
        return out.set("round", Json()).set("phase", Json()).set("seconds_left", Json());
    }
    out.set("round", status->round ? Json(status->round->value) : Json());
    out.set("phase", protocol::to_string(status->phase));
    out.set("seconds_left", status->seconds_left);
    out.set("base_root", to_0x(status->base_root));
    out.set("heldout_loss",
            status->heldout_loss ? Json(static_cast<double>(*status->heldout_loss)) : Json());
    out.set("miners", status->miners).set("validators", status->validators);
    out.set("committed", status->committed);
    return out;
}

std::uint64_t artifact_bytes_bound(const protocol::RunSpec& spec) {
    const auto chunks = protocol::chunk_elements(spec.model);
    std::uint64_t most = 0;
    for (const protocol::DensityPoint& point : spec.outer.density) {
        most = std::max(most, protocol::max_artifact_bytes(spec, Round(point.round), chunks));
    }
    return crypto::stream_ciphertext_size(most);
}

std::uint64_t training_bytes_estimate(const protocol::RunSpec& spec) {
    // theta, its start, gradient, m, v, e, a, pseudo-gradient
    constexpr std::uint64_t kBuffers = 8;
    return kBuffers * 4 * protocol::parameter_count(spec.model);
}

Json run_json(const Scene& scene) {
    Json out = Json::object();
    out.set("run", to_0x(scene.state.run));
    if (!scene.state.spec) {
        return out.set("verdict", protocol::to_string(scene.state.spec_verdict));
    }
    const protocol::RunSpec& spec = *scene.state.spec;
    out.set("name", spec.name)
        .set("chain_id", spec.chain_id)
        .set("profile", spec.profile)
        .set("genesis_root", to_0x(spec.genesis_root));
    Json data = Json::object();
    data.set("dataset_root", to_0x(spec.data.dataset_root))
        .set("heldout_root", to_0x(spec.data.heldout_root))
        .set("windows", spec.data.window_count)
        .set("heldout_windows", spec.data.heldout_count);
    Json audit = Json::object();
    audit.set("probability", spec.audit.probability_ppm / 1e6)
        .set("segments", spec.audit.segments)
        .set("auditors", spec.audit.auditors);
    Json emission = Json::object();
    emission.set("per_round", to_tokens(spec.emission.per_round))
        .set("miner_share", spec.emission.miner_share_bps / 1e4)
        .set("validator_share", spec.emission.validator_share_bps / 1e4);
    out.set("model", model_json(spec)).set("data", std::move(data));
    out.set("per_round", work_json(spec)).set("timing", timing_json(spec.timing));
    out.set("audit", std::move(audit)).set("emission", std::move(emission));
    out.set("miner_stake_needed", to_tokens(spec.emission.miner_bond));
    return out;
}

Json neuron_json(const Scene& scene, const chain::NeuronRow& row) {
    Json out = Json::object();
    out.set("uid", row.uid.value)
        .set("name", name_json(scene, row.uid))
        .set("role", protocol::to_string(row.role))
        .set("hotkey", to_0x(row.hotkey))
        .set("coldkey", to_0x(row.coldkey))
        .set("registered_at", row.registered_at.value)
        .set("stake", to_tokens(row.stake))
        .set("weight", row.last_weight)
        .set("rounds", row.rounds)
        .set("fails", row.fails)
        .set("last_round", row.last_active ? Json(row.last_active->value) : Json())
        .set("credited", to_tokens(row.credited))
        .set("claimed", to_tokens(row.claimed))
        .set("claimable", to_tokens(protocol::claimable(scene.state, row.uid)));
    return out;
}

Json neurons_json(const Scene& scene) {
    Json out = Json::array();
    for (const chain::NeuronRow& row : chain::neuron_rows(scene.state, scene.now())) {
        out.push(neuron_json(scene, row));
    }
    return out;
}

HotkeyRound hotkey_round(const Scene& scene, Uid uid, Round round) {
    const RoundRecord& record = record_of(scene.state, round);
    HotkeyRound row;
    row.round = round;
    if (const auto found = record.commitments.find(uid); found != record.commitments.end()) {
        row.committed = found->second.time;
        row.bytes = found->second.signed_commitment.commitment.size;
        row.compression_ratio = compression_ratio(*scene.state.spec, row.bytes);
        row.included = protocol::included(scene.state, round).test(uid.value);
        row.drawn = drawn_segments(scene.state, round, uid);
    }
    for (const auto& [validator, scores] : record.reveals) {
        for (const protocol::Finding& finding : scores.findings) {
            if (finding.uid != uid) {
                continue;
            }
            if (finding.verdict == protocol::kFindingFail) {
                ++row.fails;
                row.failed_segment = finding.segment;
            } else {
                ++row.passes;
            }
        }
    }
    row.weight = chain::mean_weight(record, uid);
    row.voted_inclusion = record.inclusion_votes.contains(uid);
    const auto vote = record.parameters_votes.find(uid);
    row.voted_parameters = vote != record.parameters_votes.end();
    row.agreed = row.voted_parameters && record.accepted &&
                 record.accepted->root == vote->second.root &&
                 record.accepted->loss_bits == vote->second.loss_bits;
    row.revealed = record.reveals.contains(uid);
    if (const auto credit = record.credits.find(uid); credit != record.credits.end()) {
        row.credited = credit->second;
    }
    row.settled = record.settled.has_value();
    for (const NotCountedRow& one : not_counted_rows(scene.state, round, scene.now())) {
        if (one.uid == uid) {
            row.not_counted.push_back(one);
        }
    }
    return row;
}

std::vector<HotkeyRound> hotkey_rounds(const Scene& scene, Uid uid) {
    std::vector<HotkeyRound> out;
    for (Round round; round < scene.end(); round = round.next()) {
        out.push_back(hotkey_round(scene, uid, round));
    }
    return out;
}

std::string not_counted_text(std::span<const NotCountedRow> rows) {
    std::string out;
    for (const NotCountedRow& one : rows) {
        out += out.empty() ? "" : ", ";
        if (one.ballot) {
            out += std::string(protocol::to_string(*one.ballot)) + " ";
        }
        out += protocol::describe(one.why);
    }
    return out.empty() ? "-" : out;
}

Json hotkey_rounds_json(const Scene& scene, Uid uid) {
    const protocol::Neuron* neuron = scene.state.roster.find(uid);
    const bool mines = neuron != nullptr && neuron->role == protocol::Role::kMiner;
    Json out = Json::array();
    for (const HotkeyRound& row : hotkey_rounds(scene, uid)) {
        Json json = Json::object();
        json.set("round", row.round.value);
        if (mines) {
            json.set("committed_at", row.committed ? Json(row.committed->value) : Json())
                .set("bytes", row.bytes)
                .set("compression_ratio", row.compression_ratio)
                .set("included", row.included)
                .set("drawn", segments_json(row.drawn))
                .set("passes", row.passes)
                .set("fails", row.fails)
                .set("failed_segment",
                     row.failed_segment ? Json(row.failed_segment->value) : Json())
                .set("weight", row.weight);
        } else {
            json.set("voted_inclusion", row.voted_inclusion)
                .set("voted_parameters", row.voted_parameters)
                .set("agreed", row.agreed)
                .set("revealed", row.revealed);
        }
        json.set("credited", to_tokens(row.credited)).set("settled", row.settled);
        Json reasons = Json::array();
        for (const NotCountedRow& one : row.not_counted) {
            Json reason = Json::object();
            reason.set("ballot", one.ballot ? Json(protocol::to_string(*one.ballot)) : Json())
                .set("reason", protocol::to_string(one.why.reason));
            reasons.push(std::move(reason));
        }
        json.set("not_counted", std::move(reasons));
        out.push(std::move(json));
    }
    return out;
}

std::vector<AuditRow> audit_rows(const Scene& scene, const AuditFilter& filter) {
    std::vector<AuditRow> out;
    for (const auto& [round, record] : scene.state.rounds) {
        if (filter.round && *filter.round != round) {
            continue;
        }
        for (const chain::FindingRow& row : chain::finding_rows(scene.state, round)) {
            if (filter.miner && *filter.miner != row.finding.uid) {
                continue;
            }
            AuditRow audit;
            audit.round = round;
            audit.miner = row.finding.uid;
            audit.validator = row.validator;
            audit.passed = row.finding.verdict == protocol::kFindingPass;
            if (!audit.passed) {
                audit.segment = row.finding.segment;
            }
            audit.drawn = drawn_segments(scene.state, round, row.finding.uid);
            audit.evidence = row.finding.evidence;
            out.push_back(std::move(audit));
        }
    }
    return out;
}

Json audit_json(const Scene& scene, const AuditRow& row) {
    Json out = Json::object();
    out.set("round", row.round.value);
    identify(out, scene, row.miner);
    out.set("validator", hotkey_json(scene, row.validator))
        .set("validator_name", name_json(scene, row.validator))
        .set("drawn", segments_json(row.drawn))
        .set("segment", row.segment ? Json(row.segment->value) : Json())
        .set("verdict", row.passed ? "pass" : "fail")
        .set("evidence", row.passed ? Json() : Json(to_0x(row.evidence)));
    return out;
}

Json scores_json(const Scene& scene, Round round) {
    const RoundRecord& record = record_of(scene.state, round);
    Json commitments = Json::array();
    for (const auto& [validator, hash] : record.score_commitments) {
        Json row = Json::object();
        identify(row, scene, validator);
        commitments.push(std::move(row.set("hash", to_0x(hash))));
    }
    Json reveals = Json::array();
    for (const auto& [validator, scores] : record.reveals) {
        Json row = Json::object();
        identify(row, scene, validator);
        Json weights = Json::array();
        for (std::size_t uid = 0; uid < scores.weights.size(); ++uid) {
            if (scores.weights[uid] != 0) {
                Json weight = Json::object();
                identify(weight, scene, Uid(static_cast<std::uint16_t>(uid)));
                weights.push(std::move(weight.set("weight", scores.weights[uid])));
            }
        }
        row.set("stake", to_tokens(scores.stake)).set("weights", std::move(weights));
        row.set("findings", scores.findings.size());
        reveals.push(std::move(row));
    }
    Json failed = Json::array();
    for (const auto& [uid, when] : record.failed) {
        Json row = Json::object();
        identify(row, scene, uid);
        failed.push(std::move(row.set("settled_at", when.value)));
    }
    Json votes = Json::array();
    for (const auto& [validator, vote] : record.parameters_votes) {
        Json row = Json::object();
        identify(row, scene, validator);
        row.set("root", to_0x(vote.root)).set("loss", float_json(vote.loss_bits));
        votes.push(std::move(row));
    }
    Json out = Json::object();
    out.set("round", round.value)
        .set("parameters_votes", std::move(votes))
        .set("score_commitments", std::move(commitments))
        .set("reveals", std::move(reveals))
        .set("failed", std::move(failed))
        .set("settled", record.settled.has_value());
    return out;
}

std::vector<protocol::RoundSettled> settlements(const protocol::RunState& state) {
    std::vector<protocol::RoundSettled> out;
    for (const auto& [round, record] : state.rounds) {
        if (record.settled) {
            out.push_back(*record.settled);
        }
    }
    return out;
}

Json emission_json(const Scene& scene, std::span<const protocol::RoundSettled> settlements) {
    Json hotkeys = Json::array();
    for (const chain::NeuronRow& row : chain::neuron_rows(scene.state, scene.now())) {
        Json json = Json::object();
        identify(json, scene, row.uid);
        json.set("role", protocol::to_string(row.role))
            .set("credited", to_tokens(row.credited))
            .set("claimed", to_tokens(row.claimed))
            .set("claimable", to_tokens(protocol::claimable(scene.state, row.uid)));
        hotkeys.push(std::move(json));
    }
    Json rounds = Json::array();
    Amount miners;
    Amount validators;
    Amount treasury;
    for (const protocol::RoundSettled& one : settlements) {
        Json row = Json::object();
        row.set("round", one.round.value)
            .set("miners", to_tokens(one.miners))
            .set("validators", to_tokens(one.validators))
            .set("treasury", to_tokens(one.treasury));
        rounds.push(std::move(row));
        miners += one.miners;
        validators += one.validators;
        treasury += one.treasury;
    }
    Json total = Json::object();
    total.set("miners", to_tokens(miners))
        .set("validators", to_tokens(validators))
        .set("treasury", to_tokens(treasury));
    Json out = Json::object();
    out.set("hotkeys", std::move(hotkeys))
        .set("rounds", std::move(rounds))
        .set("total", std::move(total));
    return out;
}

}  // namespace covenant::view
