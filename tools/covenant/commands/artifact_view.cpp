#include "tools/covenant/commands/artifact_view.hpp"

#include "common/base/hex.hpp"
#include "common/base/level.hpp"
#include "common/protocol/model_shape.hpp"
#include "tools/view/round_report.hpp"

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

// Of one level of each chunk.
Levels levels_of(const SparseUpdate& update, std::size_t number) {
    Levels out;
    for (std::size_t i = 0; i < update.chunk_count(); ++i) {
        const auto value = static_cast<double>(level_value(update.chunk(i).levels[number]));
        out.lowest = i == 0 ? value : std::min(out.lowest, value);
        out.highest = std::max(out.highest, value);
        out.mean += value / static_cast<double>(update.chunk_count());
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

double payload_entropy_bits(const SparseUpdate& update) {
    std::vector<std::uint64_t> gaps(kChunkElements, 0);
    std::array<std::uint64_t, 256> codes{};
    std::array<std::uint64_t, 256> lowest{};
    std::array<std::uint64_t, 256> steps{};
    for (std::size_t i = 0; i < update.chunk_count(); ++i) {
        const SparseView chunk = update.chunk(i);
        std::size_t next = 0;
        for (const std::uint16_t index : chunk.indices) {
            ++gaps[index - next];
            next = std::size_t{index} + 1;
        }
        for (const std::uint8_t code : chunk.codes)
            ++codes[code];
        ++lowest[chunk.levels[0]];
        for (std::size_t level = 1; level < chunk.levels.size(); ++level)
            ++steps[static_cast<std::size_t>(chunk.levels[level] - chunk.levels[level - 1])];
    }
    return entropy_bits(gaps) + entropy_bits(codes) + entropy_bits(lowest) + entropy_bits(steps);
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
    const SparseUpdate& update = artifact.update;
    for (std::size_t i = 0; i < update.chunk_count(); ++i)
        out.zero_chunks += update.chunk(i).levels.back() == 0 ? 1U : 0U;
    out.payload_bytes = protocol::encode_payload(update).size();
    out.kept_values = update.value_count();
    out.payload_root = protocol::payload_root(update);
    out.bits_per_kept_value =
        ratio_of(8.0 * static_cast<double>(out.payload_bytes), out.kept_values);
    out.entropy_per_kept_value = ratio_of(payload_entropy_bits(update), out.kept_values);
    out.entropy_ratio =
        out.bits_per_kept_value == 0.0 ? 0.0 : out.entropy_per_kept_value / out.bits_per_kept_value;
    out.bits_per_value = ratio_of(8.0 * static_cast<double>(plaintext_bytes), out.kept_values);
    out.bits_per_parameter = ratio_of(8.0 * static_cast<double>(wire_bytes), out.parameters);
    out.compression_ratio = view::compression_ratio(spec, wire_bytes);
    out.low = levels_of(update, 0);
    out.high = levels_of(update, update.sparsity().levels() - 1);
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
        .set("sum_root", to_0x(feedback.sum_root))
        .set("payload_root", to_0x(feedback.payload_root))
        .set("norm", std::bit_cast<double>(feedback.norm_bits))
        .set("kept_per_chunk", feedback.kept_per_chunk);
    Json profile = Json::object();
    profile.set("profile_id", to_0x(artifact.profile_id));
    Json header = Json::object();
    header.set("version", protocol::kArtifactVersion)
        .set("run", to_0x(artifact.run))
        .set("round", artifact.round.value)
        .set("uid", artifact.uid.value)
        .set("base_root", to_0x(artifact.base_root));
    Json payload = Json::object();
    payload.set("chunks", artifact.update.chunk_count())
        .set("code_bits", artifact.update.sparsity().code_bits)
        .set("zero_chunks", summary.zero_chunks)
        .set("kept_values", summary.kept_values)
        .set("bytes", summary.payload_bytes)
        .set("bits_per_kept_value", summary.bits_per_kept_value)
        .set("entropy_per_kept_value", summary.entropy_per_kept_value)
        .set("entropy_ratio", summary.entropy_ratio)
        .set("low_levels", levels_json(summary.low))
        .set("high_levels", levels_json(summary.high))
        .set("root", to_0x(summary.payload_root))
        .set("root_is_committed", summary.payload_root == feedback.payload_root);
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
        artifact.update.chunk_count(), summary.zero_chunks, summary.kept_values, summary.parameters,
        summary.bits_per_kept_value, summary.entropy_per_kept_value, summary.bits_per_value);
    out += fmt::format(
        "levels     low {:.3g} to {:.3g} (mean {:.3g}), high {:.3g} to {:.3g} "
        "(mean {:.3g})\n",
        summary.low.lowest, summary.low.highest, summary.low.mean, summary.high.lowest,
        summary.high.highest, summary.high.mean);
    out += fmt::format("proofs     payload root {}, {}\n", to_0x(summary.payload_root),
                       summary.payload_root == artifact.feedback.payload_root
                           ? "as committed: --chunk I shows a chunk with its proof"
                           : "NOT the committed one");
    out += fmt::format(
        "size       {} bytes on the wire, {:.3f} bits a parameter, {:.1f} times "
        "smaller than binary32",
        summary.wire_bytes, summary.bits_per_parameter, summary.compression_ratio);
    return out;
}

ChunkView view_chunk(const protocol::Artifact& artifact, const protocol::RunSpec& spec,
                     std::uint32_t index) {
    auto parts = protocol::open_payload(artifact.update, std::array{0U, index + 1});
    ChunkView out{
        .index = index, .table = std::move(parts[0]), .opening = std::move(parts[1]), .chunk = {}};
    const Hash256& root = artifact.feedback.payload_root;
    const Sparsity& sparsity = artifact.update.sparsity();
    const auto elements = protocol::chunk_elements(spec.model);
    const auto table = protocol::decode_table_opening(root, sparsity, elements.size(), out.table);
    if (!table) return out;
    auto chunk = protocol::decode_chunk_opening(root, protocol::PayloadCodec(sparsity, *table),
                                                elements, out.opening);
    out.proven = chunk.has_value();
    if (chunk) out.chunk = std::move(*chunk);
    return out;
}

Json chunk_json(const ChunkView& view) {
    const auto part = [](const protocol::PayloadOpening& opening) {
        Json proof = Json::array();
        for (const Hash256& hash : opening.proof)
            proof.push(to_0x(hash));
        return Json::object()
            .set("leaf", opening.leaf)
            .set("offset", opening.offset)
            .set("bytes", to_0x(opening.bytes))
            .set("proof", std::move(proof));
    };
    Json levels = Json::array();
    for (const std::uint8_t level : view.chunk.levels)
        levels.push(static_cast<double>(level_value(level)));
    Json indices = Json::array();
    Json values = Json::array();
    const SparseView chunk = view.chunk.view();
    for (std::size_t i = 0; i < chunk.indices.size(); ++i) {
        indices.push(chunk.indices[i]);
        values.push(static_cast<double>(chunk.value(i)));
    }
    Json out = Json::object();
    out.set("index", view.index)
        .set("proven", view.proven)
        .set("table", part(view.table))
        .set("opening", part(view.opening))
        .set("levels", std::move(levels))
        .set("indices", std::move(indices))
        .set("values", std::move(values));
    return out;
}

std::string chunk_text(const ChunkView& view) {
    std::string out = fmt::format(
        "chunk      {}: {} bytes from byte {} of the payload, a proof of {} hashes, {}\n",
        view.index, view.opening.bytes.size(), view.opening.offset, view.opening.proof.size(),
        view.proven ? "under the payload root" : "NOT under the payload root");
    out += "levels     ";
    for (const std::uint8_t level : view.chunk.levels)
        out += fmt::format(" {:.4g}", level_value(level));
    const SparseView chunk = view.chunk.view();
    for (std::size_t i = 0; i < chunk.indices.size(); ++i) {
        out += fmt::format("{}{:>6} {:>+11.4g}", i % 4 == 0 ? "\n  " : "", chunk.indices[i],
                           chunk.value(i));
    }
    return out;
}

}  // namespace covenant::commands
