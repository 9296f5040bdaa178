// libtorch as the oracle of the canonical profiles: the same model, parameters and tokens.
#include "tests/support/engine_fixture.hpp"

#include <cmath>

#include <gtest/gtest.h>

namespace covenant::engine::testing {
namespace {

double relative_distance(const ParameterBuffer& a, const ParameterBuffer& b) {
    double difference = 0.0;
    double size = 0.0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        const double d = static_cast<double>(a.floats()[i]) - static_cast<double>(b.floats()[i]);
        difference += d * d;
        size += static_cast<double>(b.floats()[i]) * static_cast<double>(b.floats()[i]);
    }
    return std::sqrt(difference / size);
}

struct Trained {
    ParameterBuffer gradient;
    TrainState state;
    float loss = 0.0F;
};

// The gradient at the state after 30 steps of canon-f32, where it is no longer noise, and one step
// from there.
Trained step_of(std::string_view profile) {
    const ModelConfig config = nano_config();
    Engine warm = make_engine(config, kCanonF32, {.isa = {}, .threads = 2});
    TrainState state = TrainState::fresh(genesis_parameters(warm.layout(), 3));
    for (std::uint64_t step = 0; step < 30; ++step) {
        if (!warm.train_step(state, make_tokens(config, 2, step), make_hyper(2e-3), step)) {
            throw std::runtime_error("warm-up");
        }
    }
    Engine engine = make_engine(config, profile, {.isa = {}, .threads = 1});
    const auto tokens = make_tokens(config, 3, 99);
    Trained result{ParameterBuffer(engine.layout()), std::move(state)};
    result.loss = engine.gradient(result.state.theta, tokens, result.gradient).value();
    if (!engine.train_step(result.state, tokens, make_hyper(2e-3), 30)) {
        throw std::runtime_error("step");
    }
    return result;
}

TEST(Oracle, CanonF32IsLibtorchWithinRounding) {
    const Trained ours = step_of(kCanonF32);
    const Trained theirs = step_of(kLibtorchF32);
    EXPECT_NEAR(ours.loss, theirs.loss, 1e-5F * theirs.loss);
    EXPECT_LT(relative_distance(ours.gradient, theirs.gradient), 1e-5);
    EXPECT_LT(relative_distance(ours.state.theta, theirs.state.theta), 1e-5);
    EXPECT_GT(relative_distance(ours.gradient, theirs.gradient), 0.0) << "an oracle of its own";
}

// bf16 keeps 8 bits: a relative error of 2^-9 an operand.
TEST(Oracle, CanonBf16IsLibtorchWithinBf16Noise) {
    const Trained ours = step_of(kCanonBf16);
    const Trained whole = step_of(kLibtorchF32);
    const Trained theirs = step_of(kLibtorchBf16);
    EXPECT_NEAR(ours.loss, whole.loss, 5e-3F * whole.loss);
    const double noise = relative_distance(theirs.gradient, whole.gradient);
    EXPECT_GT(noise, 1e-4);
    EXPECT_LT(noise, 2e-2);
    EXPECT_LT(relative_distance(ours.gradient, whole.gradient), 2.0 * noise);
    EXPECT_LT(relative_distance(ours.state.theta, whole.state.theta), 1e-3);
}

}  // namespace
}  // namespace covenant::engine::testing
