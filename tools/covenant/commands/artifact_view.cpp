#include "tools/covenant/commands/artifact_view.hpp"

#include "common/base/hex.hpp"
#include "common/base/level.hpp"
#include "common/protocol/model_shape.hpp"
#include "tools/covenant/report/round_report.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <vector>

#include <fmt/format.h>

namespace covenant::commands {
namespace {

using codec::Json;

double value_of(std::uint32_t bits) {
    return static_cast<double>(std::bit_cast<float>(bits));
}

template <typename Level>
Levels levels_of(const protocol::Artifact& artifact, Level level) {
    Levels out;
    for (const protocol::PayloadChunk& chunk : artifact.chunks) {
        const auto value = static_cast<double>(level_value(level(chunk)));
        out.lowest = &chunk == &artifact.chunks.front() ? value : std::min(out.lowest, value);
        out.highest = std::max(out.highest, value);
        out.mean += value / static_cast<double>(artifact.chunks.size());
    }
    return out;
}

Json levels_json(const Levels& levels) {
    Json out = Json::object();
    out.set("lowest", levels.lowest).set("mean", levels.mean).set("highest", levels.highest);
    return out;
}

// Bits of all symbols that were counted, at their own frequencies.
template <typename Counts>
double entropy_bits(const Counts& counts) {
    double total = 0.0;
    for (const std::uint64_t count : counts)
        total += static_cast<double>(count);
    double bits = 0.0;
    for (const std::uint64_t count : counts) {
        const auto n = static_cast<double>(count);
        if (count > 0) bits += n * std::log2(total / n);
    }
    return bits;
}

double payload_entropy_bits(const protocol::Artifact& artifact) {
    std::vector<std::uint64_t> gaps(protocol::kChunkElements, 0);
    std::array<std::uint64_t, 4> codes{};
    std::array<std::uint64_t, 256> lows{};
    std::array<std::uint64_t, 256> highs{};
    for (const protocol::PayloadChunk& chunk : artifact.chunks) {
        std::size_t next = 0;
        for (const std::uint16_t index : chunk.indices) {
            ++gaps[index - next];
            next = std::size_t{index} + 1;
        }
        for (const std::uint8_t code : chunk.codes)
            ++codes[code];
        ++lows[chunk.low];
        ++highs[chunk.high];
    }
    return entropy_bits(gaps) + entropy_bits(codes) + entropy_bits(lows) + entropy_bits(highs);
}

double ratio_of(double a, std::uint64_t b) {
    return b == 0 ? 0.0 : a / static_cast<double>(b);
}

}  // namespace

ArtifactSummary summarize(const protocol::Artifact& artifact, const protocol::RunSpec& spec,
                          std::uint64_t plaintext_bytes, std::uint64_t wire_bytes) {
    ArtifactSummary out;
    out.parameters = protocol::parameter_count(spec.model);
    out.plaintext_bytes = plaintext_bytes;
    out.wire_bytes = wire_bytes;
    const protocol::PayloadCodec payload(spec.outer.kept_per_chunk);
    for (const protocol::PayloadChunk& chunk : artifact.chunks) {
        out.kept_values += chunk.indices.size();
        out.payload_bytes += payload.encode(chunk).size();
        out.zero_chunks += chunk.high == 0 ? 1U : 0U;
    }
    out.bits_per_kept_value =
        ratio_of(8.0 * static_cast<double>(out.payload_bytes), out.kept_values);
    out.entropy_per_kept_value = ratio_of(payload_entropy_bits(artifact), out.kept_values);
    out.entropy_ratio =
        out.bits_per_kept_value == 0.0 ? 0.0 : out.entropy_per_kept_value / out.bits_per_kept_value;
    out.bits_per_value = ratio_of(8.0 * static_cast<double>(plaintext_bytes), out.kept_values);
    out.bits_per_parameter = ratio_of(8.0 * static_cast<double>(wire_bytes), out.parameters);
    out.compression_ratio = report::compression_ratio(spec, wire_bytes);
    out.low = levels_of(artifact, [](const auto& chunk) { return chunk.low; });
    out.high = levels_of(artifact, [](const auto& chunk) { return chunk.high; });
    return out;
}

Json artifact_json(const protocol::Artifact& artifact, const ArtifactSummary& summary) {
    Json trace = Json::array();
    for (const protocol::SegmentRecord& record : artifact.trace) {
        Json row = Json::object();
        row.set("theta_root", to_0x(record.theta_root))
            .set("m_root", to_0x(record.m_root))
            .set("v_root", to_0x(record.v_root))
            .set("adam_t", record.adam_t)
            .set("cursor", record.cursor)
            .set("window_root", to_0x(record.window_root))
            .set("loss", value_of(record.loss_bits));
        trace.push(std::move(row));
    }
    const protocol::FeedbackRecord& feedback = artifact.feedback;
    Json ef = Json::object();
    ef.set("previous_commitment", to_0x(feedback.previous_commitment))
        .set("feedback_root", to_0x(feedback.feedback_root))
        .set("sum_root", to_0x(feedback.sum_root))
        .set("residual_root", to_0x(feedback.residual_root))
        .set("payload_root", to_0x(feedback.payload_root))
        .set("norm", std::bit_cast<double>(feedback.norm_bits))
        .set("kept_per_chunk", feedback.kept_per_chunk);
    Json profile = Json::object();
    profile.set("profile_id", to_0x(artifact.profile.profile_id))
        .set("build_id", to_0x(artifact.profile.build_id))
        .set("hardware_class", artifact.profile.hardware_class);
    Json header = Json::object();
    header.set("version", protocol::kArtifactVersion)
        .set("run", to_0x(artifact.run))
        .set("round", artifact.round.value)
        .set("uid", artifact.uid.value)
        .set("base_root", to_0x(artifact.base_root));
    Json payload = Json::object();
    payload.set("chunks", artifact.chunks.size())
        .set("zero_chunks", summary.zero_chunks)
        .set("kept_values", summary.kept_values)
        .set("bytes", summary.payload_bytes)
        .set("bits_per_kept_value", summary.bits_per_kept_value)
        .set("entropy_per_kept_value", summary.entropy_per_kept_value)
        .set("entropy_ratio", summary.entropy_ratio)
        .set("low_levels", levels_json(summary.low))
        .set("high_levels", levels_json(summary.high));
    Json out = Json::object();
    out.set("header", std::move(header))
        .set("trace", std::move(trace))
        .set("feedback", std::move(ef))
        .set("profile", std::move(profile))
        .set("payload", std::move(payload))
        .set("plaintext_bytes", summary.plaintext_bytes)
        .set("wire_bytes", summary.wire_bytes)
        .set("bits_per_value", summary.bits_per_value)
        .set("bits_per_parameter", summary.bits_per_parameter)
        .set("compression_ratio", summary.compression_ratio);
    return out;
}

std::string artifact_text(const protocol::Artifact& artifact, const ArtifactSummary& summary) {
    std::string out = fmt::format(
        "artifact   version {}  run {}  round {}  uid {}\nbase root  {}\ntrace      {} "
        "boundaries, {} segments\n",
        protocol::kArtifactVersion, to_short_hex(artifact.run.view()), artifact.round.value,
        artifact.uid.value, to_0x(artifact.base_root), artifact.trace.size(),
        artifact.trace.size() - 1);
    for (std::size_t i = 0; i < artifact.trace.size(); ++i) {
        const protocol::SegmentRecord& record = artifact.trace[i];
        out += fmt::format("  {:>3}  theta {}  steps {:>6}  windows {:>8}  loss {}\n", i,
                           to_short_hex(record.theta_root.view()), record.adam_t, record.cursor,
                           i == 0 ? "-" : fmt::format("{:.4f}", value_of(record.loss_bits)));
    }
    out +=
        fmt::format("feedback   {}, norm {:.6g}\n",
                    artifact.feedback.previous_commitment.is_zero()
                        ? std::string("fresh")
                        : "continues " + to_short_hex(artifact.feedback.previous_commitment.view()),
                    std::bit_cast<double>(artifact.feedback.norm_bits));
    out += fmt::format(
        "payload    {} chunks ({} of zeros), {} values kept of {}, {:.3f} bits each "
        "(entropy {:.3f}), {:.3f} with headers and trace\n",
        artifact.chunks.size(), summary.zero_chunks, summary.kept_values, summary.parameters,
        summary.bits_per_kept_value, summary.entropy_per_kept_value, summary.bits_per_value);
    out += fmt::format(
        "levels     low {:.3g} to {:.3g} (mean {:.3g}), high {:.3g} to {:.3g} "
        "(mean {:.3g})\n",
        summary.low.lowest, summary.low.highest, summary.low.mean, summary.high.lowest,
        summary.high.highest, summary.high.mean);
    out += fmt::format(
        "size       {} bytes on the wire, {:.3f} bits a parameter, {:.1f} times "
        "smaller than binary32",
        summary.wire_bytes, summary.bits_per_parameter, summary.compression_ratio);
    return out;
}

}  // namespace covenant::commands
