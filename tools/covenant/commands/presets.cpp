#include "tools/covenant/commands/presets.hpp"

#include "common/crypto/stream_cipher.hpp"
#include "common/protocol/artifact_format.hpp"
#include "common/protocol/model_shape.hpp"
#include "tools/covenant/devnet/record/plan.hpp"

#include <algorithm>
#include <array>
#include <bit>

#include <fmt/format.h>

namespace covenant::commands {
namespace {

using codec::Json;

constexpr std::uint64_t kChunk = kChunkElements;
constexpr std::uint64_t kMicroBatchTokens = 1024;  // rule E12
constexpr std::uint64_t kLogitTokens = 256;        // rule E9
// Magic, version and adam_t of a state opening.
constexpr std::uint64_t kOpeningHeader = 14;

protocol::ModelSpec model_spec(const engine::ModelConfig& config) {
    return {.vocab_size = config.vocab_size,
            .d_model = config.d_model,
            .layers = config.layers,
            .heads = config.heads,
            .kv_heads = config.kv_heads,
            .d_ff = config.d_ff,
            .seq_len = config.seq_len,
            .norm_eps_bits = std::bit_cast<std::uint32_t>(config.norm_eps),
            .rope_theta_bits = std::bit_cast<std::uint32_t>(config.rope_theta)};
}

// What model.cpp reserves for a micro-batch of `rows` tokens, in floats.
std::uint64_t activation_floats(const engine::ModelConfig& config, std::uint64_t rows) {
    const std::uint64_t d = config.d_model;
    const std::uint64_t kv = std::uint64_t{config.kv_heads} * config.head_dim();
    const std::uint64_t ff = config.d_ff;
    const std::uint64_t layer = 4 * d + 2 * kv + 2 * ff + 2;
    const std::uint64_t shared = 4 * d + 1 + std::max(ff, d) + d + 2 * kv;
    return rows * (config.layers * layer + shared) + kLogitTokens * config.vocab_size;
}

PresetCosts::Wire wire(protocol::RunSpec spec, std::uint16_t kept_per_chunk) {
    spec.outer.density = {{.round = 0, .kept_per_chunk = kept_per_chunk}};
    constexpr protocol::Round kFirst{0};
    // Whole chunks are alike: their number times one of them.
    constexpr std::array<std::uint16_t, 1> kWhole{kChunk};
    const std::uint64_t frame = protocol::max_artifact_bytes(spec, kFirst, {});
    std::uint64_t bytes = frame;
    for (const std::uint64_t elements : protocol::tensor_elements(spec.model)) {
        bytes += elements / kChunk * (protocol::max_artifact_bytes(spec, kFirst, kWhole) - frame);
        if (elements % kChunk != 0) {
            const std::array rest{static_cast<std::uint16_t>(elements % kChunk)};
            bytes += protocol::max_artifact_bytes(spec, kFirst, rest) - frame;
        }
    }
    bytes = crypto::stream_ciphertext_size(bytes);
    const auto dense = static_cast<double>(4 * protocol::parameter_count(spec.model));
    return {kept_per_chunk, bytes, dense / static_cast<double>(bytes)};
}

// Of one token, forward and backward: every weight of a matrix product is used once forward and
// twice backward, a multiplication and an addition each; attention multiplies d values with half of
// the window's keys and as many of its values.
double token_flops(const engine::ModelConfig& config) {
    const std::uint64_t d = config.d_model;
    const std::uint64_t outside =
        d * config.vocab_size + (2 * std::uint64_t{config.layers} + 1) * d;  // embedding, gains
    const double weights = static_cast<double>(config.parameter_count() - outside);
    const double keys = (static_cast<double>(config.seq_len) + 1.0) / 2.0;
    const double attention =
        2.0 * static_cast<double>(config.layers) * static_cast<double>(d) * keys;
    return 6.0 * (weights + attention);
}

std::string human_flops(double flops) {
    constexpr std::array<std::string_view, 7> kUnits{"",      "kFLOP", "MFLOP", "GFLOP",
                                                     "TFLOP", "PFLOP", "EFLOP"};
    std::size_t unit = 0;
    for (; flops >= 1000.0 && unit + 1 < kUnits.size(); ++unit)
        flops /= 1000.0;
    return fmt::format("{:.{}f} {}", flops, flops < 9.95 ? 1 : 0, kUnits[unit]);
}

std::string human_count(std::uint64_t count) {
    const auto value = static_cast<double>(count);
    return count >= 1'000'000'000 ? fmt::format("{:.2f} B", value / 1e9)
                                  : fmt::format("{:.3f} M", value / 1e6);
}

Json wire_json(const PresetCosts::Wire& one) {
    Json out = Json::object();
    out.set("kept_per_chunk", one.kept_per_chunk)
        .set("artifact_bytes_at_most", one.bytes)
        .set("compression_ratio_at_least", one.ratio);
    return out;
}

void show_one(node::Output& out, const engine::ModelPreset& preset) {
    const engine::ModelConfig& config = preset.config;
    const PresetCosts costs = preset_costs(config);
    out.text(
        fmt::format("preset     {}: {} layers of width {}, {} heads ({} of keys), SwiGLU {}, "
                    "vocabulary {}, window {}",
                    preset.name, config.layers, config.d_model, config.heads, config.kv_heads,
                    config.d_ff, config.vocab_size, config.seq_len));
    out.text(fmt::format("parameters {} ({})", costs.parameters, human_count(costs.parameters)));
    out.text(
        fmt::format("memory     {} of training: {} theta, m, v and gradient, {} activations of "
                    "{} tokens",
                    node::human_bytes(costs.state_bytes + costs.activation_bytes),
                    node::human_bytes(costs.state_bytes), node::human_bytes(costs.activation_bytes),
                    costs.micro_batch_tokens));
    out.text(
        fmt::format("state      {} leaves of 16 KiB, each a compression chunk; an opening has {}",
                    costs.chunks, node::human_bytes(costs.opening_bytes)));
    for (const auto& [label, one] :
         {std::pair{"reference", costs.reference}, std::pair{"devnet", costs.devnet}}) {
        out.text(fmt::format(
            "upload     at most {} a round at k = {} of 4096 ({}), {:.1f} times smaller "
            "than the parameters",
            node::human_bytes(one.bytes), one.kept_per_chunk, label, one.ratio));
    }
    out.text(fmt::format("work       {} an inner step of {} tokens, {} a round",
                         human_flops(costs.step_flops), costs.step_tokens,
                         human_flops(costs.round_flops)));
    out.text(
        fmt::format("audits     {:.1f} % of a round's compute to audit one miner (q = {:g}, {} of "
                    "{} segments), {} of openings",
                    100.0 * costs.audit_share, costs.audit_probability, costs.audited_segments,
                    costs.segments, node::human_bytes(costs.audit_bytes)));
}

void show_all(node::Output& out) {
    node::Table table(
        {"preset", "parameters", "memory", "opening", "most k=64",
         fmt::format("most k={}", devnet::nano_run(1).sparsity(protocol::Round(0)).keep),
         "inner step", "audit"});
    table.align_right({1, 2, 3, 4, 5, 6, 7});
    for (const engine::ModelPreset& preset : engine::model_presets()) {
        const PresetCosts costs = preset_costs(preset.config);
        table.add({std::string(preset.name), human_count(costs.parameters),
                   node::human_bytes(costs.state_bytes + costs.activation_bytes),
                   node::human_bytes(costs.opening_bytes), node::human_bytes(costs.reference.bytes),
                   node::human_bytes(costs.devnet.bytes), human_flops(costs.step_flops),
                   fmt::format("{:.1f} %", 100.0 * costs.audit_share)});
    }
    out.table(table);
    out.note("terms of a devnet's rounds; one preset in words: covenant run info --preset 10M");
}

}  // namespace

PresetCosts preset_costs(const engine::ModelConfig& config) {
    protocol::RunSpec spec = devnet::nano_run(1);
    spec.model = model_spec(config);
    PresetCosts costs;
    costs.parameters = protocol::parameter_count(spec.model);
    for (const std::uint64_t elements : protocol::tensor_elements(spec.model))
        costs.chunks += (elements + kChunk - 1) / kChunk;
    const std::uint64_t buffer = costs.chunks * kChunk * sizeof(float);
    costs.state_bytes = 4 * buffer;
    costs.micro_batch_tokens =
        std::max<std::uint64_t>(1, kMicroBatchTokens / config.seq_len) * config.seq_len;
    costs.activation_bytes = activation_floats(config, costs.micro_batch_tokens) * sizeof(float);
    costs.opening_bytes = kOpeningHeader + 3 * buffer;
    costs.reference = wire(spec, kReferenceKept);
    costs.devnet = wire(spec, spec.sparsity(protocol::Round(0)).keep);
    costs.step_tokens = std::uint64_t{spec.inner.windows_per_step} * config.seq_len;
    costs.step_flops = token_flops(config) * static_cast<double>(costs.step_tokens);
    costs.round_flops = costs.step_flops * spec.inner.steps_per_round;
    costs.audit_probability = spec.audit.probability_ppm / 1e6;
    costs.audited_segments = spec.audit.segments;
    costs.segments = spec.segments();
    costs.audit_share = costs.audit_probability * costs.audited_segments / costs.segments;
    costs.audit_bytes = costs.audited_segments * costs.opening_bytes;
    return costs;
}

Json preset_json(const engine::ModelPreset& preset) {
    const engine::ModelConfig& config = preset.config;
    const PresetCosts costs = preset_costs(config);
    Json model = Json::object();
    model.set("vocab_size", config.vocab_size)
        .set("d_model", config.d_model)
        .set("layers", config.layers)
        .set("heads", config.heads)
        .set("kv_heads", config.kv_heads)
        .set("d_ff", config.d_ff)
        .set("seq_len", config.seq_len);
    Json memory = Json::object();
    memory.set("state_bytes", costs.state_bytes)
        .set("activation_bytes", costs.activation_bytes)
        .set("micro_batch_tokens", costs.micro_batch_tokens);
    Json wires = Json::object();
    wires.set("reference", wire_json(costs.reference)).set("devnet", wire_json(costs.devnet));
    Json work = Json::object();
    work.set("step_tokens", costs.step_tokens)
        .set("step_flops", costs.step_flops)
        .set("round_flops", costs.round_flops);
    Json audit = Json::object();
    audit.set("probability", costs.audit_probability)
        .set("audited_segments", costs.audited_segments)
        .set("segments", costs.segments)
        .set("share_of_round", costs.audit_share)
        .set("opening_bytes", costs.audit_bytes);
    Json out = Json::object();
    out.set("preset", preset.name)
        .set("parameters", costs.parameters)
        .set("model", std::move(model))
        .set("leaves", costs.chunks)
        .set("opening_bytes", costs.opening_bytes)
        .set("memory", std::move(memory))
        .set("wire", std::move(wires))
        .set("work", std::move(work))
        .set("audit", std::move(audit));
    return out;
}

Status show_presets(node::Output& output, const std::string& name) {
    if (name == "all") {
        Json rows = Json::array();
        for (const engine::ModelPreset& preset : engine::model_presets())
            rows.push(preset_json(preset));
        output.data(std::move(rows));
        show_all(output);
        return {};
    }
    auto config = engine::model_preset(name);
    if (!config) {
        return fail(Errc::kInvalidArgument, config.error().context + ", and all for a table");
    }
    const engine::ModelPreset preset{name, *config};
    output.data(preset_json(preset));
    show_one(output, preset);
    return {};
}

}  // namespace covenant::commands
