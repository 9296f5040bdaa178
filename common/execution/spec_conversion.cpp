#include "common/execution/spec_conversion.hpp"

#include "common/base/assert.hpp"
#include "common/base/level.hpp"

#include <bit>

namespace covenant::execution {
namespace {

float to_float(std::uint32_t bits) {
    return std::bit_cast<float>(bits);
}
double to_double(std::uint32_t bits) {
    return static_cast<double>(to_float(bits));
}

}  // namespace

engine::ModelConfig model_config(const protocol::ModelSpec& model) {
    return {.vocab_size = model.vocab_size,
            .d_model = model.d_model,
            .layers = model.layers,
            .heads = model.heads,
            .kv_heads = model.kv_heads,
            .d_ff = model.d_ff,
            .seq_len = model.seq_len,
            .norm_eps = to_float(model.norm_eps_bits),
            .rope_theta = to_float(model.rope_theta_bits)};
}

engine::InnerHyper inner_hyper(const protocol::RunSpec& spec) {
    engine::InnerHyper hyper{.beta1 = to_float(spec.inner.beta1_bits),
                             .beta2 = to_float(spec.inner.beta2_bits),
                             .eps = to_float(spec.inner.epsilon_bits),
                             .weight_decay = to_float(spec.inner.weight_decay_bits),
                             .clip_norm = to_float(spec.inner.clip_norm_bits),
                             .schedule = {}};
    for (const protocol::LearningRatePoint& point : spec.inner.learning_rate) {
        hyper.schedule.push_back({.step = point.step, .lr = to_double(point.rate_bits)});
    }
    return hyper;
}

engine::CompressHyper compress_hyper(const protocol::RunSpec& spec) {
    return {.beta = to_float(spec.outer.feedback_decay_bits), .keep = spec.outer.kept_per_chunk};
}

engine::OuterHyper outer_hyper(const protocol::RunSpec& spec) {
    return {.alpha = to_double(spec.outer.alpha_bits),
            .support = static_cast<engine::SupportExponent>(spec.outer.support_exponent_halves),
            .full_tokens = spec.windows_per_round() * spec.model.seq_len};
}

std::vector<std::uint16_t> chunk_elements(const engine::ParameterLayout& layout) {
    std::vector<std::uint16_t> elements(layout.chunk_count());
    for (std::size_t i = 0; i < elements.size(); ++i) {
        elements[i] = static_cast<std::uint16_t>(layout.live_floats(i));
    }
    return elements;
}

engine::SparseChunk to_sparse_chunk(const protocol::PayloadChunk& chunk) {
    return {.indices = chunk.indices,
            .codes = chunk.codes,
            .low = level_value(chunk.low),
            .high = level_value(chunk.high)};
}

protocol::PayloadChunk to_payload_chunk(const engine::SparseChunk& chunk) {
    COVENANT_ASSERT(is_level(chunk.low) && is_level(chunk.high), "the levels of a chunk are such");
    return {.low = nearest_level(chunk.low),
            .high = nearest_level(chunk.high),
            .indices = chunk.indices,
            .codes = chunk.codes};
}

std::vector<engine::SparseChunk> to_sparse_chunks(std::span<const protocol::PayloadChunk> chunks) {
    std::vector<engine::SparseChunk> out;
    out.reserve(chunks.size());
    for (const protocol::PayloadChunk& chunk : chunks) {
        out.push_back(to_sparse_chunk(chunk));
    }
    return out;
}

std::vector<protocol::PayloadChunk> to_payload_chunks(std::span<const engine::SparseChunk> chunks) {
    std::vector<protocol::PayloadChunk> out;
    out.reserve(chunks.size());
    for (const engine::SparseChunk& chunk : chunks) {
        out.push_back(to_payload_chunk(chunk));
    }
    return out;
}

}  // namespace covenant::execution
