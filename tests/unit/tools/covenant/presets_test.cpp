#include "tools/covenant/commands/presets.hpp"

#include "common/crypto/stream_cipher.hpp"
#include "common/engine/model.hpp"
#include "common/execution/opening.hpp"
#include "common/execution/spec_conversion.hpp"
#include "common/protocol/artifact_format.hpp"
#include "common/protocol/model_shape.hpp"
#include "tools/covenant/devnet/record/plan.hpp"

#include <bit>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace covenant::commands {
namespace {

using ::testing::HasSubstr;

// Presets whose layout fits a test; the arithmetic knows no sizes.
std::vector<engine::ModelPreset> small_presets() {
    const auto all = engine::model_presets();
    return {all.begin(), all.begin() + 4};
}

protocol::RunSpec devnet_spec(const engine::ModelConfig& config) {
    protocol::RunSpec spec = devnet::nano_run(1);
    spec.model = {.vocab_size = config.vocab_size,
                  .d_model = config.d_model,
                  .layers = config.layers,
                  .heads = config.heads,
                  .kv_heads = config.kv_heads,
                  .d_ff = config.d_ff,
                  .seq_len = config.seq_len,
                  .norm_eps_bits = std::bit_cast<std::uint32_t>(config.norm_eps),
                  .rope_theta_bits = std::bit_cast<std::uint32_t>(config.rope_theta)};
    return spec;
}

// Counts what the model asks for and computes nothing.
class CountingOps final : public engine::Ops {
  public:
    std::size_t allocated = 0;

    std::shared_ptr<float[]> allocate(std::size_t floats) override {
        allocated += floats;
        return std::make_shared_for_overwrite<float[]>(floats);
    }
    void copy_in(const float*, std::size_t, float*) override {}
    void copy_out(const float*, std::size_t, float*) override {}
    void copy(const float*, std::size_t, float*) override {}
    void set_zero(float*, std::size_t) override {}
    [[nodiscard]] bool host_memory() const override { return true; }
    void embedding(std::span<const std::uint32_t>, const float*, float*) override {}
    void embedding_backward(std::span<const std::uint32_t>, const float*, float*) override {}
    void rms_norm(const float*, const float*, std::size_t, float*, float*) override {}
    void rms_norm_backward(const float*, const float*, const float*, const float*, std::size_t,
                           float*, float*) override {}
    void linear(const float*, const float*, std::size_t, std::size_t, std::size_t, bool,
                float*) override {}
    void linear_backward_input(const float*, const float*, std::size_t, std::size_t, std::size_t,
                               bool, float*) override {}
    void linear_backward_weight(const float*, const float*, std::size_t, std::size_t, std::size_t,
                                float*) override {}
    void rope(float*, float*, std::size_t, bool) override {}
    void attention(const float*, const float*, const float*, std::size_t, float*) override {}
    void attention_backward(const float*, const float*, const float*, const float*, const float*,
                            std::size_t, float*, float*, float*) override {}
    void swiglu(const float*, const float*, std::size_t, float*) override {}
    void swiglu_backward(const float*, std::size_t, float*, float*) override {}
    double head_loss(const float*, const float*, std::span<const std::uint32_t>, float, float*,
                     float*) override {
        return 0.0;
    }
};

TEST(Presets, sizes_are_those_of_layout_and_formats) {
    for (const engine::ModelPreset& preset : small_presets()) {
        SCOPED_TRACE(preset.name);
        const PresetCosts costs = preset_costs(preset.config);
        const engine::ParameterLayout layout(preset.config);
        EXPECT_EQ(costs.parameters, layout.parameter_count());
        EXPECT_EQ(costs.chunks, layout.chunk_count());
        EXPECT_EQ(costs.state_bytes, 4 * layout.total_floats() * sizeof(float));
        EXPECT_EQ(costs.opening_bytes, execution::state_opening_bytes(layout));
        protocol::RunSpec spec = devnet_spec(preset.config);
        const auto chunks = protocol::chunk_elements(spec.model);
        EXPECT_EQ(costs.devnet.bytes, crypto::stream_ciphertext_size(protocol::max_artifact_bytes(
                                          spec, protocol::Round(0), chunks)));
        spec.outer.density = {{.round = 0, .kept_per_chunk = kReferenceKept}};
        EXPECT_EQ(costs.reference.bytes,
                  crypto::stream_ciphertext_size(
                      protocol::max_artifact_bytes(spec, protocol::Round(0), chunks)));
        EXPECT_GT(costs.reference.ratio, costs.devnet.ratio);
    }
}

TEST(Presets, activations_are_what_the_model_reserves) {
    for (const engine::ModelPreset& preset : {small_presets()[0], small_presets()[1]}) {
        SCOPED_TRACE(preset.name);
        const engine::ParameterLayout layout(preset.config);
        const PresetCosts costs = preset_costs(preset.config);
        EXPECT_EQ(costs.micro_batch_tokens, 1024U);
        CountingOps ops;
        engine::Model model(layout, ops);
        const std::vector<std::uint32_t> tokens(costs.micro_batch_tokens / preset.config.seq_len *
                                                (preset.config.seq_len + 1));
        const std::vector<float> theta(layout.total_floats());
        std::vector<float> gradient(layout.total_floats());
        model.loss_and_gradient(theta, tokens, 1.0F, gradient);
        const std::size_t logits = std::size_t{256} * preset.config.vocab_size;
        EXPECT_EQ(costs.activation_bytes, (ops.allocated + logits) * sizeof(float));
    }
}

TEST(Presets, work_and_audits_follow_from_the_terms) {
    const PresetCosts nano = preset_costs(engine::nano_config());
    const protocol::RunSpec spec = devnet::nano_run(1);
    EXPECT_EQ(nano.step_tokens, std::uint64_t{spec.inner.windows_per_step} * 128);
    // 887,424 parameters less the embedding (2048 * 128) and five gains of 128, six times a token;
    // attention: 2 layers * 2 products * 128 columns * 64.5 keys, six times.
    EXPECT_DOUBLE_EQ(nano.step_flops, 6.0 * (624'640.0 + 33'024.0) * 256.0);
    EXPECT_DOUBLE_EQ(nano.round_flops, nano.step_flops * 60.0);
    EXPECT_EQ(nano.segments, 6U);
    EXPECT_DOUBLE_EQ(nano.audit_share, 2.0 / 6.0);
    EXPECT_EQ(nano.audit_bytes, 2 * nano.opening_bytes);
}

TEST(Presets, the_largest_is_arithmetic_only) {
    const PresetCosts costs = preset_costs(engine::model_preset("72B").value());
    EXPECT_NEAR(static_cast<double>(costs.parameters), 72.75e9, 0.01e9);
    EXPECT_NEAR(static_cast<double>(costs.opening_bytes),
                12.0 * static_cast<double>(costs.parameters), 0.01e9);
    EXPECT_EQ(costs.micro_batch_tokens, 2048U) << "one window at least";
}

TEST(Presets, are_shown_one_by_one_or_all_together) {
    const auto show = [](const std::string& name, bool json) {
        std::ostringstream out;
        std::ostringstream err;
        node::OutputOptions options;
        options.json = json;
        node::Output output(options, out, err);
        const Status status = show_presets(output, name);
        EXPECT_TRUE(status);
        output.finish(node::ExitCode::kOk);
        return out.str();
    };
    EXPECT_THAT(show("nano", false), HasSubstr("parameters 887424 (0.887 M)"));
    const std::string table = show("all", false);
    const auto rows = codec::Json::parse(show("all", true))->at("data")->as_items().value();
    ASSERT_EQ(rows.size(), engine::model_presets().size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
        EXPECT_EQ(rows[i].string("preset").value(), engine::model_presets()[i].name);
        EXPECT_THAT(table, HasSubstr(std::string(engine::model_presets()[i].name)));
    }
    const auto one = codec::Json::parse(show("10M", true))->at("data").value();
    EXPECT_EQ(one, rows[2]);

    std::ostringstream sink;
    node::Output output({}, sink, sink);
    const Status unknown = show_presets(output, "11M");
    ASSERT_FALSE(unknown);
    EXPECT_EQ(unknown.error().code, Errc::kInvalidArgument);
    EXPECT_THAT(unknown.error().context, HasSubstr("nano, 4M, 10M"));
}

}  // namespace
}  // namespace covenant::commands
