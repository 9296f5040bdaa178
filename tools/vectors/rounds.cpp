// Vectors of what a round derives from its beacon, and of the artifact's bytes.
#include "common/base/counter_rng.hpp"
#include "common/base/level.hpp"
#include "common/protocol/artifact_format.hpp"
#include "common/protocol/assignment.hpp"
#include "common/protocol/audit.hpp"
#include "tools/vectors/json_file.hpp"
#include "tools/vectors/samples.hpp"

#include <bit>
#include <initializer_list>
#include <numeric>
#include <utility>

namespace covenant::vectors {
namespace {

using codec::Json;

Hash256 sample_run() {
    return protocol::run_id(protocol::encode_run_spec(sample_spec()));
}

Json assignment_case(std::uint64_t round, std::uint64_t base, std::uint32_t active,
                     std::uint32_t rank) {
    const protocol::RunSpec spec = sample_spec();
    const protocol::AssignmentInput input{.run = sample_run(),
                                          .round = protocol::Round(round),
                                          .rho = filled_hash(static_cast<std::uint8_t>(round + 1)),
                                          .base = base,
                                          .active_miners = active,
                                          .rank = rank};
    const Hash256 seed = filled_hash(0x55);
    Json cursors = Json::array();
    for (std::uint32_t s = 0; s <= spec.segments(); ++s) {
        cursors.push(
            protocol::segment_cursor(spec, rank, protocol::Segment(static_cast<std::uint16_t>(s))));
    }
    return Json::object()
        .set("run", hex_json(input.run))
        .set("windowCount", spec.data.window_count)
        .set("heldoutCount", spec.data.heldout_count)
        .set("round", round)
        .set("rho", hex_json(input.rho))
        .set("base", base)
        .set("activeMiners", active)
        .set("rank", rank)
        .set("windows",
             id_list(protocol::assigned_windows(spec, input, 0, spec.inner.steps_per_round)))
        .set("cursors", cursors)
        .set("seed", hex_json(seed))
        .set("sampled",
             id_list(protocol::sample_assigned(spec, input, seed, spec.score.assigned_windows)))
        .set("heldout",
             id_list(protocol::heldout_windows(spec, "score", seed, spec.score.heldout_windows)))
        .set("monitor", id_list(protocol::heldout_windows(spec, "monitor", input.run,
                                                          spec.score.monitor_windows)));
}

Json audit_case(std::uint8_t sigma_byte, std::uint16_t miner, std::uint32_t chunk_count) {
    const protocol::RunSpec spec = sample_spec();
    const Hash256 sigma = filled_hash(sigma_byte);
    const Hash256 root = filled_hash(0xc0);
    const std::vector<protocol::ValidatorStake> validators = {
        {.uid = protocol::Uid(10), .stake = Amount{kOneToken}},
        {.uid = protocol::Uid(11), .stake = Amount{5 * kOneToken}},
        {.uid = protocol::Uid(12), .stake = Amount{}},
        {.uid = protocol::Uid(13), .stake = Amount{2 * kOneToken + 1}}};
    Json uids = Json::array();
    Json stakes = Json::array();
    for (const auto& validator : validators) {
        uids.push(validator.uid.value);
        stakes.push(amount_json(validator.stake));
    }
    Json out = Json::object()
                   .set("probabilityPpm", spec.audit.probability_ppm)
                   .set("segmentCount", spec.segments())
                   .set("sigma", hex_json(sigma))
                   .set("root", hex_json(root))
                   .set("miner", miner)
                   .set("validators", uids)
                   .set("stakes", stakes)
                   .set("chunkCount", chunk_count);
    const auto duty =
        protocol::audit_duty(spec, sigma, root, protocol::Uid(miner), validators, chunk_count);
    out.set("drawn", duty.has_value());
    if (duty) {
        Json chunks = Json::array();
        for (const std::uint32_t chunk : duty->chunks)
            chunks.push(chunk);
        out.set("segments", id_list(duty->segments))
            .set("chunks", chunks)
            .set("auditors", id_list(duty->auditors));
    }
    return out;
}

void fill_sample(const MutableSparseView& chunk, std::uint32_t elements, std::uint64_t seed) {
    CounterRng rng(seed, 3);
    std::uint8_t level = nearest_level((0.25F + static_cast<float>(seed)) / 16.0F);
    for (std::size_t i = 0; i < chunk.levels.size(); ++i) {
        level = static_cast<std::uint8_t>(level + i % 3 + 1);
        chunk.levels[i] = level;
    }
    // A selection in order: take each position with the odds that leave enough for the rest.
    std::size_t taken = 0;
    for (std::uint32_t i = 0; i < elements && taken < chunk.indices.size(); ++i) {
        if (rng.below(elements - i) >= chunk.indices.size() - taken) continue;
        const bool negative = rng.below(2) != 0;
        chunk.indices[taken] = static_cast<std::uint16_t>(i);
        chunk.codes[taken] = static_cast<std::uint8_t>(rng.below(chunk.levels.size()) |
                                                       (negative ? kCodeNegative : 0U));
        ++taken;
    }
}

// The first values of the chunk, all zero.
void fill_zeros(const MutableSparseView& chunk) {
    std::iota(chunk.indices.begin(), chunk.indices.end(), std::uint16_t{0});
}

// What a chunk decodes to.
Json chunk_json(const SparseView& chunk) {
    Json indices = Json::array();
    Json values = Json::array();
    for (std::size_t i = 0; i < chunk.indices.size(); ++i) {
        indices.push(chunk.indices[i]);
        values.push(static_cast<double>(chunk.value(i)));
    }
    return Json::object().set("indices", indices).set("values", values);
}

Json elements_json(std::span<const std::uint16_t> elements) {
    Json out = Json::array();
    for (const std::uint16_t count : elements)
        out.push(count);
    return out;
}

Json update_json(const SparseUpdate& update) {
    Json out = Json::array();
    for (std::size_t i = 0; i < update.chunk_count(); ++i)
        out.push(chunk_json(update.chunk(i)));
    return out;
}

Json payload_case(const SparseUpdate& update, std::span<const std::uint16_t> elements) {
    return Json::object()
        .set("keptPerChunk", update.sparsity().keep)
        .set("codeBits", update.sparsity().code_bits)
        .set("chunkElements", elements_json(elements))
        .set("bytes", hex_json(protocol::encode_payload(update)))
        .set("root", hex_json(protocol::payload_root(update)))
        .set("decoded", update_json(update));
}

}  // namespace

protocol::Artifact sample_artifact(const std::vector<std::uint16_t>& chunk_elements) {
    const protocol::RunSpec spec = sample_spec();
    protocol::Artifact out;
    out.run = sample_run();
    out.round = protocol::Round(3);
    out.uid = protocol::Uid(1);
    out.base_root = filled_hash(0xb0);
    for (std::uint32_t s = 0; s <= spec.segments(); ++s) {
        const auto byte = static_cast<std::uint8_t>(s);
        out.trace.push_back(
            {.theta_root = filled_hash(byte),
             .m_root = filled_hash(static_cast<std::uint8_t>(0x20 + byte)),
             .v_root = filled_hash(static_cast<std::uint8_t>(0x40 + byte)),
             .adam_t = std::uint64_t{36} + s * spec.inner.steps_per_segment,
             .cursor = protocol::segment_cursor(spec, 1,
                                                protocol::Segment(static_cast<std::uint16_t>(s))),
             .window_root = s == 0 ? Hash256{} : filled_hash(static_cast<std::uint8_t>(0x60 + s)),
             .loss_bits = s == 0 ? 0 : bits_of(4.5F - 0.125F * static_cast<float>(s))});
    }
    out.update = SparseUpdate(spec.sparsity(out.round), chunk_elements);
    for (std::size_t i = 0; i < chunk_elements.size(); ++i) {
        if (i == 1) {
            fill_zeros(out.update.chunk(i));
        } else {
            fill_sample(out.update.chunk(i), chunk_elements[i], i);
        }
    }
    out.feedback = {.previous_commitment = filled_hash(0x81),
                    .sum_root = filled_hash(0x82),
                    .payload_root = protocol::payload_root(out.update),
                    .norm_bits = std::bit_cast<std::uint64_t>(2.75),
                    .kept_per_chunk = out.update.sparsity().keep};
    out.profile_id = protocol::profile_id(spec.profile);
    return out;
}

VectorFile assignment_vectors() {
    JsonFile file(
        "assignment.json",
        "Windows of one miner and round in training order, segment cursors, windows drawn "
        "from its own and from the held-out split, for the sample run of run_spec.json.");
    file.add(assignment_case(0, 0, 1, 0));
    file.add(assignment_case(0, 0, 3, 2));
    file.add(assignment_case(4, 432, 3, 0));
    file.add(assignment_case(46, 4968, 3, 1));  // crosses into the next epoch
    return file.finish();
}

VectorFile audit_vectors() {
    JsonFile file("audit.json",
                  "Audit draws under the sample run of run_spec.json: whether the commitment is "
                  "audited, and then which segments and chunks, by whom.");
    for (std::uint8_t i = 0; i < 12; ++i) {
        const auto sigma = static_cast<std::uint8_t>(0x30 + i);
        file.add(audit_case(sigma, static_cast<std::uint16_t>(i % 3), i == 7 ? 1 : 217));
    }
    return file.finish();
}

VectorFile artifact_vectors() {
    JsonFile file("artifact.json",
                  "A small artifact of the sample run of run_spec.json, the values that its chunks "
                  "decode to, and the hashes that its commitment is made of.");
    const std::vector<std::uint16_t> elements = {4096, 4096, 100, 1};
    const protocol::Artifact artifact = sample_artifact(elements);
    const protocol::TraceContext context{
        .run = artifact.run, .miner = artifact.uid, .round = artifact.round};
    Json segments = Json::array();
    for (std::size_t s = 0; s < artifact.trace.size(); ++s) {
        const protocol::Segment index(static_cast<std::uint16_t>(s));
        segments.push(hex_json(protocol::segment_hash(context, index, artifact.trace[s])));
    }
    file.add(Json::object()
                 .set("chunkElements", elements_json(elements))
                 .set("keptPerChunk", artifact.feedback.kept_per_chunk)
                 .set("codeBits", artifact.update.sparsity().code_bits)
                 .set("bytes", hex_json(protocol::encode_artifact(artifact)))
                 .set("decoded", update_json(artifact.update))
                 .set("miner", context.miner.value)
                 .set("segmentHashes", segments)
                 .set("feedbackHash", hex_json(protocol::feedback_hash(context, artifact.feedback)))
                 .set("profileHash", hex_json(protocol::profile_hash(context, artifact.profile_id)))
                 .set("profileId", hex_json(artifact.profile_id))
                 .set("payloadRoot", hex_json(artifact.feedback.payload_root))
                 .set("commitmentRoot",
                      hex_json(protocol::commitment_root(context, artifact.trace, artifact.feedback,
                                                         artifact.profile_id))));
    return file.finish();
}

VectorFile payload_vectors() {
    JsonFile file("payload.json",
                  "Payloads at several densities and sizes of codes: their bytes, the values that "
                  "their chunks decode to, and their roots.");
    std::uint64_t seed = 0;
    const std::vector<std::uint16_t> few = {100, 1, 2, 17};
    const std::vector<std::uint16_t> whole = {4096, 300};
    for (const std::uint8_t code_bits : std::initializer_list<std::uint8_t>{1, 2, 3, 4}) {
        for (const std::uint16_t k :
             std::initializer_list<std::uint16_t>{1, 64, 128, 256, 1024, 4096}) {
            for (const auto& elements : {few, whole}) {
                if (elements == whole && (k > 256 || (code_bits != 2 && k > 64))) continue;
                SparseUpdate update({.keep = k, .code_bits = code_bits}, elements);
                for (std::size_t i = 0; i < elements.size(); ++i)
                    fill_sample(update.chunk(i), elements[i], seed++ % 24);
                file.add(payload_case(update, elements));
            }
        }
    }
    // Only zeros; then the first and the last positions, from the least to the greatest level.
    const std::vector<std::uint16_t> two = {4096, 4096};
    SparseUpdate update({.keep = 64, .code_bits = 2}, two);
    fill_zeros(update.chunk(0));
    fill_zeros(update.chunk(1));
    file.add(payload_case(update, two));
    const MutableSparseView last = update.chunk(1);
    std::iota(last.indices.begin(), last.indices.end(), static_cast<std::uint16_t>(4096 - 64));
    last.levels.back() = kMaxLevel;
    file.add(payload_case(update, two));
    last.levels.front() = kMaxLevel;
    file.add(payload_case(update, two));
    return file.finish();
}

std::vector<VectorFile> all_vectors() {
    return {merkle_vectors(),     run_spec_vectors(),         beacon_vectors(),
            commitment_vectors(), score_commitment_vectors(), assignment_vectors(),
            audit_vectors(),      artifact_vectors(),         payload_vectors(),
            settle_vectors()};
}

}  // namespace covenant::vectors
