#include "tests/support/engine_fixture.hpp"
#include "tests/unit/common/engine/reference_model.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include <gtest/gtest.h>

namespace covenant::engine::testing {
namespace {

ModelConfig gradient_config() {
    ModelConfig config = tiny_config();
    config.layers = 2;
    config.heads = 4;
    config.kv_heads = 2;
    return config;
}

// Larger than genesis, so that no gradient drowns in the rounding of the loss.
ParameterBuffer large_parameters(const ParameterLayout& layout) {
    ParameterBuffer theta = genesis_parameters(layout, 77);
    for (const TensorSlot& slot : layout.tensors()) {
        if (slot.is_norm) continue;
        for (float& value : theta.floats().subspan(slot.offset, slot.numel))
            value *= 15.0F;
    }
    return theta;
}

// Along random directions inside each tensor: (L(theta + h d) - L(theta - h d)) / 2h = <gradient,
// d>.
TEST(Model, GradientMatchesFiniteDifferences) {
    Engine engine = make_engine(gradient_config());
    const ParameterLayout& layout = engine.layout();
    const ParameterBuffer theta = large_parameters(layout);
    const auto tokens = make_tokens(engine.config(), 4, 1);
    ParameterBuffer gradient(layout);
    ASSERT_TRUE(engine.gradient(theta, tokens, gradient));
    CounterRng rng(5);
    for (const TensorSlot& slot : layout.tensors()) {
        // A direction that is correlated with the gradient, so that the derivative is far from
        // zero.
        std::vector<double> direction(slot.numel);
        double norm = 0.0;
        const auto of_slot = gradient.floats().subspan(slot.offset, slot.numel);
        double size = 0.0;
        for (const float g : of_slot)
            size += static_cast<double>(g) * static_cast<double>(g);
        ASSERT_GT(size, 0.0) << slot.name;
        const double noise = std::sqrt(size / static_cast<double>(slot.numel));
        for (std::size_t i = 0; i < slot.numel; ++i) {
            const double random = static_cast<double>(rng.next_u32()) / 4294967296.0 - 0.5;
            direction[i] = static_cast<double>(of_slot[i]) + noise * random;
            norm += direction[i] * direction[i];
        }
        const double h = 0.005 / std::sqrt(norm);
        ParameterBuffer plus = theta.clone();
        ParameterBuffer minus = theta.clone();
        double expected = 0.0;
        double step = 0.0;  // as the rounded parameters really moved
        for (std::size_t i = 0; i < slot.numel; ++i) {
            const std::size_t at = slot.offset + i;
            plus.floats()[at] += static_cast<float>(h * direction[i]);
            minus.floats()[at] -= static_cast<float>(h * direction[i]);
            const double moved =
                static_cast<double>(plus.floats()[at]) - static_cast<double>(minus.floats()[at]);
            expected += moved * static_cast<double>(of_slot[i]);
            step += std::fabs(moved);
        }
        ASSERT_GT(step, 0.0);
        const double difference =
            engine.loss(plus, tokens).value() - engine.loss(minus, tokens).value();
        EXPECT_NEAR(difference / expected, 1.0, 2e-3) << slot.name << " " << difference;
    }
}

TEST(Model, GenesisLossIsThatOfAUniformGuess) {
    Engine engine = make_engine(nano_config());
    const ParameterBuffer theta = genesis_parameters(engine.layout(), 1);
    const auto tokens = make_tokens(engine.config(), 2, 1);
    EXPECT_NEAR(engine.loss(theta, tokens).value(), std::log(2048.0), 0.1);
}

TEST(Model, LossMatchesTheScalarReference) {
    for (const ModelConfig& config : {tiny_config(), gradient_config()}) {
        Engine engine = make_engine(config);
        const ParameterBuffer theta = large_parameters(engine.layout());
        const auto tokens = make_tokens(config, 6, 3);
        EXPECT_NEAR(engine.loss(theta, tokens).value(),
                    reference_loss(engine.layout(), theta, tokens), 2e-6);
    }
}

// canon-bf16 rounds the operands of products, nothing else: near the reference and not on it.
TEST(Model, Bf16StaysNearTheScalarReference) {
    const ModelConfig config = gradient_config();
    Engine engine = make_engine(config, kCanonBf16);
    Engine exact = make_engine(config, kCanonF32);
    const ParameterBuffer theta = large_parameters(engine.layout());
    const auto tokens = make_tokens(config, 6, 3);
    const double reference = reference_loss(engine.layout(), theta, tokens);
    const double loss = engine.loss(theta, tokens).value();
    EXPECT_NEAR(loss, reference, 2e-2);
    EXPECT_GT(std::fabs(loss - reference), 1e-6);
    ParameterBuffer rounded(engine.layout());
    ParameterBuffer whole(engine.layout());
    ASSERT_TRUE(engine.gradient(theta, tokens, rounded));
    ASSERT_TRUE(exact.gradient(theta, tokens, whole));
    double difference = 0.0;
    double size = 0.0;
    for (std::size_t i = 0; i < whole.size(); ++i) {
        const double d = static_cast<double>(rounded.floats()[i] - whole.floats()[i]);
        difference += d * d;
        size += static_cast<double>(whole.floats()[i]) * static_cast<double>(whole.floats()[i]);
    }
    EXPECT_LT(std::sqrt(difference / size), 2e-2);
}

// 130 windows of 8 tokens are two micro-batches of 1024 tokens and a rest; the gradient is that of
// all.
TEST(Model, MicroBatchesAddUpToTheWholeStep) {
    Engine engine = make_engine(gradient_config());
    const ParameterBuffer theta = large_parameters(engine.layout());
    const auto tokens = make_tokens(engine.config(), 130, 9);
    const std::size_t window = std::size_t{engine.config().seq_len} + 1;
    ParameterBuffer whole(engine.layout());
    const float loss = engine.gradient(theta, tokens, whole).value();
    std::vector<double> sum(whole.size(), 0.0);
    double losses = 0.0;
    for (const auto& [first, count] : {std::pair<std::size_t, std::size_t>{0, 70}, {70, 60}}) {
        ParameterBuffer part(engine.layout());
        const auto tokens_of = std::span(tokens).subspan(first * window, count * window);
        const double share = static_cast<double>(count) / 130.0;
        losses += share * static_cast<double>(engine.gradient(theta, tokens_of, part).value());
        for (std::size_t i = 0; i < sum.size(); ++i)
            sum[i] += share * static_cast<double>(part.floats()[i]);
    }
    EXPECT_NEAR(static_cast<double>(loss), losses, 1e-5);
    for (std::size_t i = 0; i < whole.size(); ++i) {
        ASSERT_NEAR(static_cast<double>(whole.floats()[i]), sum[i], 1e-5) << i;
    }
}

// The next token's logits are the last row of the same forward pass: -log softmax gives the loss.
TEST(Model, LogitsAgreeWithTheLoss) {
    const ModelConfig config = gradient_config();
    Engine engine = make_engine(config);
    const ParameterBuffer theta = large_parameters(engine.layout());
    const auto window = make_tokens(config, 1, 5);
    double nats = 0.0;
    for (std::size_t t = 1; t < window.size(); ++t) {
        const auto logits = engine.logits(theta, std::span(window).first(t)).value();
        ASSERT_EQ(logits.size(), config.vocab_size);
        double sum = 0.0;
        for (const float z : logits)
            sum += std::exp(static_cast<double>(z));
        nats += std::log(sum) - static_cast<double>(logits[window[t]]);
    }
    EXPECT_NEAR(nats / config.seq_len, engine.loss(theta, window).value(), 1e-6);
    EXPECT_EQ(engine.logits(theta, {}).error().code, Errc::kInvalidArgument);
    EXPECT_EQ(engine.logits(theta, window).error().code, Errc::kInvalidArgument);
    const std::vector<std::uint32_t> outside{config.vocab_size};
    EXPECT_EQ(engine.logits(theta, outside).error().code, Errc::kInvalidArgument);
}

// Twenty steps of the tiny model, recorded from this code. The tolerance is wider than what another
// kernel moves and far below what a change of the model, the data order or the optimiser does.
TEST(Model, LossTrajectoryStaysAsCommitted) {
    Engine engine = make_engine();
    TrainState state = TrainState::fresh(genesis_parameters(engine.layout(), 2024));
    const InnerHyper hyper = make_hyper(2e-2);
    constexpr std::array<float, 20> kCommitted{3.47954F, 3.39827F, 3.29150F, 3.13946F, 3.08569F,
                                               3.02986F, 2.92056F, 2.77910F, 2.41416F, 2.60309F,
                                               2.55280F, 2.40601F, 2.37730F, 1.99001F, 1.97927F,
                                               1.99488F, 1.96840F, 1.91063F, 1.73642F, 1.61708F};
    for (std::size_t step = 0; step < kCommitted.size(); ++step) {
        const auto tokens = make_tokens(engine.config(), 4, 100 + step);
        const auto report = engine.train_step(state, tokens, hyper, step);
        ASSERT_TRUE(report);
        EXPECT_NEAR(report->loss, kCommitted[step], 2e-3F) << "step " << step;
    }
    EXPECT_EQ(state.adam_t, 20U);
}

TEST(TrainStep, RefusesBadInputAndLeavesTheStateAlone) {
    Engine engine = make_engine();
    TrainState state = TrainState::fresh(genesis_parameters(engine.layout(), 1));
    const TrainState before = state.clone();
    const auto good = make_tokens(engine.config(), 2, 1);
    const auto refused = [&](std::vector<std::uint32_t> tokens, const InnerHyper& hyper,
                             std::string_view words) {
        const auto report = engine.train_step(state, tokens, hyper, 0);
        ASSERT_FALSE(report);
        EXPECT_EQ(report.error().code, Errc::kInvalidArgument);
        EXPECT_NE(report.error().context.find(words), std::string::npos) << report.error().context;
    };
    refused({}, make_hyper(), "0 tokens");
    auto odd = good;
    odd.pop_back();
    refused(odd, make_hyper(), "17 tokens");
    auto outside = good;
    outside[4] = 32;
    refused(outside, make_hyper(), "token 32 at position 4");
    InnerHyper no_schedule = make_hyper();
    no_schedule.schedule.clear();
    refused(good, no_schedule, "schedule");
    EXPECT_TRUE(same_bits(state.theta, before.theta));
    EXPECT_TRUE(same_bits(state.v, before.v));
    EXPECT_EQ(state.adam_t, 0U);

    TrainState foreign = TrainState::fresh(ParameterBuffer(ParameterLayout(nano_config())));
    EXPECT_EQ(engine.train_step(foreign, good, make_hyper(), 0).error().code,
              Errc::kInvalidArgument);
    state.m = ParameterBuffer();
    EXPECT_EQ(engine.train_step(state, good, make_hyper(), 0).error().code, Errc::kInvalidArgument);
    EXPECT_EQ(engine.loss(ParameterBuffer(), good).error().code, Errc::kInvalidArgument);
}

TEST(TrainStep, NonFiniteStatesAreRejected) {
    Engine engine = make_engine();
    const auto tokens = make_tokens(engine.config(), 2, 1);
    TrainState state = TrainState::fresh(genesis_parameters(engine.layout(), 1));
    state.theta.floats()[engine.layout().tensors()[3].offset] =
        std::numeric_limits<float>::quiet_NaN();
    EXPECT_EQ(engine.train_step(state, tokens, make_hyper(), 0).error().code, Errc::kRejected);
    EXPECT_EQ(engine.loss(state.theta, tokens).error().code, Errc::kRejected);

    TrainState overflow = TrainState::fresh(genesis_parameters(engine.layout(), 1));
    overflow.v.floats()[0] = std::numeric_limits<float>::infinity();
    EXPECT_EQ(engine.train_step(overflow, tokens, make_hyper(), 0).error().code, Errc::kRejected);
    TrainState moment = TrainState::fresh(genesis_parameters(engine.layout(), 1));
    moment.m.floats()[0] = std::numeric_limits<float>::infinity();
    EXPECT_EQ(engine.train_step(moment, tokens, make_hyper(), 0).error().code, Errc::kRejected);
}

TEST(Engine, RefusesAnInvalidConfig) {
    ModelConfig config = tiny_config();
    config.layers = 0;
    EXPECT_EQ(Engine::create(config, test_profile()).error().code, Errc::kInvalidArgument);
}

}  // namespace
}  // namespace covenant::engine::testing
