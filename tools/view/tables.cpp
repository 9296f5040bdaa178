#include "tools/view/tables.hpp"

#include "common/base/assert.hpp"
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
using protocol::RoundView;
using protocol::Uid;

namespace {

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
    for (const ChainTime end : {times.t1, times.keys, times.beacon, times.t2}) {
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
        .set("key_seconds", timing.key_seconds)
        .set("beacon_seconds", timing.beacon_seconds)
        .set("inclusion_seconds", timing.inclusion_seconds)
        .set("opening_seconds", timing.opening_seconds)
        .set("score_commit_seconds", timing.score_commit_seconds)
        .set("score_reveal_seconds", timing.score_reveal_seconds)
        .set("block_seconds", timing.block_seconds)
        .set("jail_rounds", timing.jail_rounds)
        .set("last_round", timing.last_round);
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

RoundView Scene::round(Round round) const {
    auto facts = protocol::round_view(state, round);
    COVENANT_ASSERT(facts.has_value(), "a round is shown of a run that is known");
    return std::move(*facts);
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
    out.validators = scene.state.roster.seated(now, spec->emission.validator_stake).size();
    if (const protocol::RoundRecord* record = scene.state.record(at)) {
        out.committed = record->commitments.size();
    }
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

std::string not_counted_text(std::span<const protocol::Uncounted> rows) {
    std::string out;
    for (const protocol::Uncounted& one : rows) {
        out += (out.empty() ? "" : ", ") + protocol::describe(one);
    }
    return out.empty() ? "-" : out;
}

namespace {

void set_mined(Json& json, const protocol::RunSpec& spec, const RoundView& round, Uid uid) {
    const protocol::RecordedCommitment* one = round.commitment(uid);
    const std::uint64_t bytes = one == nullptr ? 0 : one->signed_commitment.commitment.size;
    const protocol::AuditOutcome audit = round.audited()[uid];
    json.set("committed_at", one == nullptr ? Json() : Json(one->time.value))
        .set("bytes", bytes)
        .set("compression_ratio", compression_ratio(spec, bytes))
        .set("included", round.included.test(uid.value))
        .set("drawn", segments_json(round.drawn(uid)))
        .set("passes", audit.passes)
        .set("fails", audit.fails)
        .set("failed_segment", audit.failed_segment ? Json(audit.failed_segment->value) : Json())
        .set("weight", chain::mean_weight(round, uid));
}

void set_validated(Json& json, const RoundView& round, Uid uid) {
    json.set("voted_inclusion", round.inclusion_votes.contains(uid))
        .set("voted_parameters", round.parameters_votes.contains(uid))
        .set("agreed", round.agreed(uid))
        .set("revealed", round.reveals.contains(uid));
}

}  // namespace

Json hotkey_rounds_json(const Scene& scene, Uid uid) {
    const protocol::Neuron* neuron = scene.state.roster.find(uid);
    const bool mines = neuron != nullptr && neuron->role == protocol::Role::kMiner;
    Json out = Json::array();
    for (Round number; number < scene.end(); number = number.next()) {
        const RoundView round = scene.round(number);
        Json json = Json::object();
        json.set("round", number.value);
        if (mines) {
            set_mined(json, *scene.state.spec, round, uid);
        } else {
            set_validated(json, round, uid);
        }
        json.set("credited", to_tokens(round.credited(uid)))
            .set("settled", round.settled.has_value());
        Json reasons = Json::array();
        for (const protocol::Uncounted& one : protocol::not_counted(round, uid, scene.now())) {
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
    if (!scene.state.spec) {
        return out;
    }
    for (const auto& [number, record] : scene.state.rounds) {
        if (record.reveals.empty() || (filter.round && *filter.round != number)) {
            continue;
        }
        const RoundView round = scene.round(number);
        for (const auto& [validator, finding] : round.findings()) {
            if (filter.miner && *filter.miner != finding.uid) {
                continue;
            }
            AuditRow audit;
            audit.round = number;
            audit.miner = finding.uid;
            audit.validator = validator;
            audit.passed = finding.verdict == protocol::kFindingPass;
            if (!audit.passed) {
                audit.segment = finding.segment;
            }
            audit.drawn = round.drawn(finding.uid);
            audit.evidence = finding.evidence;
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

Json scores_json(const Scene& scene, const RoundView& round) {
    Json commitments = Json::array();
    for (const auto& [validator, hash] : round.score_commitments) {
        Json row = Json::object();
        identify(row, scene, validator);
        commitments.push(std::move(row.set("hash", to_0x(hash))));
    }
    Json reveals = Json::array();
    for (const auto& [validator, scores] : round.reveals) {
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
    for (const auto& [uid, when] : round.failed) {
        Json row = Json::object();
        identify(row, scene, uid);
        failed.push(std::move(row.set("settled_at", when.value)));
    }
    Json votes = Json::array();
    for (const auto& [validator, vote] : round.parameters_votes) {
        Json row = Json::object();
        identify(row, scene, validator);
        row.set("root", to_0x(vote.root)).set("loss", float_json(vote.loss_bits));
        votes.push(std::move(row));
    }
    Json out = Json::object();
    out.set("round", round.round.value)
        .set("parameters_votes", std::move(votes))
        .set("score_commitments", std::move(commitments))
        .set("reveals", std::move(reveals))
        .set("failed", std::move(failed))
        .set("settled", round.settled.has_value());
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
