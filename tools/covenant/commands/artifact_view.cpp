#include "tools/covenant/commands/artifact_view.hpp"

#include "common/base/hex.hpp"
#include "common/protocol/model_shape.hpp"
#include "tools/covenant/report/round_report.hpp"

#include <algorithm>
#include <bit>

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
        const double value = value_of(level(chunk));
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
    for (const protocol::PayloadChunk& chunk : artifact.chunks) {
        const std::uint64_t kept = chunk.indices.size();
        out.kept_values += kept;
        out.payload_bytes += 8 + (12 * kept + 7) / 8 + (2 * kept + 7) / 8;
        out.zero_chunks += value_of(chunk.high_bits) == 0.0 ? 1U : 0U;
    }
    out.bits_per_kept_value =
        ratio_of(8.0 * static_cast<double>(out.payload_bytes), out.kept_values);
    out.bits_per_parameter = ratio_of(8.0 * static_cast<double>(wire_bytes), out.parameters);
    out.compression_ratio = report::compression_ratio(spec, wire_bytes);
    out.low = levels_of(artifact, [](const auto& chunk) { return chunk.low_bits; });
    out.high = levels_of(artifact, [](const auto& chunk) { return chunk.high_bits; });
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
    out +=
        fmt::format("payload    {} chunks ({} of zeros), {} values kept of {}, {:.3f} bits each\n",
                    artifact.chunks.size(), summary.zero_chunks, summary.kept_values,
                    summary.parameters, summary.bits_per_kept_value);
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
