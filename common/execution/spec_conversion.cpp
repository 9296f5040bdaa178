#include "common/execution/spec_conversion.hpp"

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

engine::CompressHyper compress_hyper(const protocol::RunSpec& spec, protocol::Round round) {
    return {.beta = to_float(spec.outer.feedback_decay_bits), .sparsity = spec.sparsity(round)};
}

engine::OuterHyper outer_hyper(const protocol::RunSpec& spec) {
    return {.alpha = to_double(spec.outer.alpha_bits),
            .support = static_cast<engine::SupportExponent>(spec.outer.support_exponent_halves),
            .full_segments = spec.segments()};
}

}  // namespace covenant::execution
