#include "common/engine/engine.hpp"
#include "tests/support/engine_fixture.hpp"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

namespace covenant::engine::testing {
namespace {

ThreadPool pool(2);

const kernels::Kernels& test_kernels() {
    return *kernels::kernels_for(kernels::available_isas().back()).value();
}

void fill(const ParameterLayout& layout, ParameterBuffer& buffer, std::uint64_t seed, float scale) {
    CounterRng rng(seed);
    for (const TensorSlot& slot : layout.tensors()) {
        for (float& value : buffer.floats().subspan(slot.offset, slot.numel)) {
            value = (static_cast<float>(rng.next_u32() >> 8) / 16777216.0F - 0.5F) * scale;
        }
    }
}

// Textbook AdamW in fp64, as Loshchilov and Hutter write it.
TEST(AdamW, FollowsTheTextbookInDoublePrecision) {
    const ParameterLayout layout(tiny_config());
    TrainState state = TrainState::fresh(genesis_parameters(layout, 5));
    InnerHyper hyper = make_hyper(3e-3);
    std::vector<double> theta(state.theta.floats().begin(), state.theta.floats().end());
    std::vector<double> m(theta.size(), 0.0);
    std::vector<double> v(theta.size(), 0.0);
    ParameterBuffer gradient(layout);
    for (std::uint64_t t = 1; t <= 7; ++t) {
        fill(layout, gradient, t, 0.3F);
        const double norm = global_norm(layout, gradient.floats(), test_kernels(), pool);
        ASSERT_GT(norm, 1.0);  // clips
        adamw_update(layout, hyper, 3e-3, norm, t, gradient.floats(), state.theta.floats(),
                     state.m.floats(), state.v.floats(), test_kernels(), pool);
        for (const TensorSlot& slot : layout.tensors()) {
            for (std::size_t i = slot.offset; i < slot.offset + slot.numel; ++i) {
                const double g = static_cast<double>(gradient.floats()[i]) / norm;
                m[i] = 0.9 * m[i] + 0.1 * g;
                v[i] = 0.95 * v[i] + 0.05 * g * g;
                const double tt = static_cast<double>(t);
                const double u = (m[i] / (1.0 - std::pow(0.9, tt))) /
                                 (std::sqrt(v[i] / (1.0 - std::pow(0.95, tt))) + 1e-8);
                theta[i] -= 3e-3 * (u + (slot.is_norm ? 0.0 : 0.1 * theta[i]));
            }
        }
    }
    for (std::size_t i = 0; i < theta.size(); ++i) {
        ASSERT_NEAR(static_cast<double>(state.theta.floats()[i]), theta[i], 2e-6) << i;
        ASSERT_NEAR(static_cast<double>(state.m.floats()[i]), m[i], 1e-7) << i;
        ASSERT_NEAR(static_cast<double>(state.v.floats()[i]), v[i], 1e-8) << i;
    }
}

// The order of operations in inner_optimizer.hpp, one element at a time: equal bits.
TEST(AdamW, KeepsTheWrittenOrderBitForBit) {
    const ParameterLayout layout(tiny_config());
    TrainState state = TrainState::fresh(genesis_parameters(layout, 6));
    fill(layout, state.m, 1, 0.1F);
    const InnerHyper hyper = make_hyper();
    ParameterBuffer gradient(layout);
    fill(layout, gradient, 2, 1.0F);
    const double norm = global_norm(layout, gradient.floats(), test_kernels(), pool);
    const TrainState before = state.clone();
    adamw_update(layout, hyper, 0.01, norm, 4, gradient.floats(), state.theta.floats(),
                 state.m.floats(), state.v.floats(), test_kernels(), pool);
    const auto scale = static_cast<float>(1.0 / norm);
    const double b1 = static_cast<double>(0.9F);
    const double b2 = static_cast<double>(0.95F);
    const auto c1 = static_cast<float>(1.0 / (1.0 - ((b1 * b1) * b1) * b1));
    const auto c2 = static_cast<float>(1.0 / (1.0 - ((b2 * b2) * b2) * b2));
    for (const TensorSlot& slot : layout.tensors()) {
        const float decay =
            slot.is_norm ? 0.0F : static_cast<float>(0.01 * static_cast<double>(0.1F));
        for (std::size_t i = slot.offset; i < slot.offset + slot.numel; ++i) {
            volatile float g = gradient.floats()[i] * scale;
            volatile float a = 0.9F * before.m.floats()[i];
            volatile float b = (1.0F - 0.9F) * g;
            volatile float m = a + b;
            volatile float c = 0.95F * before.v.floats()[i];
            volatile float d = (1.0F - 0.95F) * g;
            volatile float e = d * g;
            volatile float v = c + e;
            volatile float mc = m * c1;
            volatile float vc = v * c2;
            volatile float root = std::sqrt(vc);
            volatile float bottom = root + 1e-8F;
            volatile float u = mc / bottom;
            volatile float shrink = decay * before.theta.floats()[i];
            volatile float shrunk = before.theta.floats()[i] - shrink;
            volatile float move = static_cast<float>(0.01) * u;
            volatile float theta = shrunk - move;
            ASSERT_EQ(state.m.floats()[i], m) << slot.name;
            ASSERT_EQ(state.v.floats()[i], v) << slot.name;
            ASSERT_EQ(state.theta.floats()[i], theta) << slot.name;
        }
    }
}

TEST(AdamW, LeavesPaddingAlone) {
    const ParameterLayout layout(tiny_config());
    TrainState state = TrainState::fresh(genesis_parameters(layout, 6));
    ParameterBuffer gradient(layout);
    fill(layout, gradient, 2, 1.0F);
    adamw_update(layout, make_hyper(), 0.01, 1.0, 1, gradient.floats(), state.theta.floats(),
                 state.m.floats(), state.v.floats(), test_kernels(), pool);
    EXPECT_TRUE(check_state(layout, state.theta));
    EXPECT_TRUE(check_state(layout, state.m));
    EXPECT_TRUE(check_state(layout, state.v));
}

TEST(GlobalNorm, AddsInSixteenLanesPerTensor) {
    const ParameterLayout layout(tiny_config());
    ParameterBuffer gradient(layout);
    fill(layout, gradient, 3, 100.0F);
    double total = 0.0;
    for (const TensorSlot& slot : layout.tensors()) {
        std::array<double, 16> lane{};
        for (std::size_t i = 0; i < slot.numel; ++i) {
            const auto g = static_cast<double>(gradient.floats()[slot.offset + i]);
            lane[i % 16] += g * g;
        }
        const auto fold = [&](std::size_t l) {
            return (lane[l] + lane[l + 8]) + (lane[l + 4] + lane[l + 12]);
        };
        total += (fold(0) + fold(2)) + (fold(1) + fold(3));
    }
    EXPECT_EQ(global_norm(layout, gradient.floats(), test_kernels(), pool), std::sqrt(total));
}

TEST(LearningRate, IsLinearBetweenPointsAndConstantOutside) {
    const std::vector<LrPoint> schedule{{10, 0.0}, {20, 1.0}, {40, 0.5}};
    EXPECT_EQ(learning_rate(schedule, 0), 0.0);
    EXPECT_EQ(learning_rate(schedule, 10), 0.0);
    EXPECT_EQ(learning_rate(schedule, 15), 0.5);
    EXPECT_EQ(learning_rate(schedule, 20), 1.0);
    EXPECT_EQ(learning_rate(schedule, 30), 0.75);
    EXPECT_EQ(learning_rate(schedule, 40), 0.5);
    EXPECT_EQ(learning_rate(schedule, ~std::uint64_t{0}), 0.5);
}

TEST(BiasCorrection, TendsToOneAndStopsEarly) {
    EXPECT_EQ(bias_correction(0.5F, 1), 0.5);
    EXPECT_EQ(bias_correction(0.5F, 3), 0.875);
    EXPECT_EQ(bias_correction(0.0F, 1), 1.0);
    EXPECT_NEAR(bias_correction(0.95F, 100), 1.0 - std::pow(static_cast<double>(0.95F), 100.0),
                1e-14);
    EXPECT_EQ(bias_correction(0.9F, ~std::uint64_t{0}), 1.0);
}

TEST(InnerHyper, EachFieldOutOfRangeIsNamed) {
    const auto refused = [](auto change, const char* name) {
        InnerHyper hyper = make_hyper();
        change(hyper);
        const Status status = hyper.validate();
        ASSERT_FALSE(status) << name;
        EXPECT_EQ(status.error().code, Errc::kInvalidArgument);
        EXPECT_NE(status.error().context.find(name), std::string::npos) << status.error().context;
    };
    EXPECT_TRUE(make_hyper().validate());
    refused([](InnerHyper& h) { h.beta1 = 1.0F; }, "beta1");
    refused([](InnerHyper& h) { h.beta2 = -0.1F; }, "beta2");
    refused([](InnerHyper& h) { h.weight_decay = std::numeric_limits<float>::quiet_NaN(); },
            "weight_decay");
    refused([](InnerHyper& h) { h.eps = 0.0F; }, "eps");
    refused([](InnerHyper& h) { h.clip_norm = -1.0F; }, "clip_norm");
    refused([](InnerHyper& h) { h.schedule.clear(); }, "schedule");
    refused([](InnerHyper& h) { h.schedule = {{0, 2.0}}; }, "learning rate");
    refused([](InnerHyper& h) { h.schedule = {{5, 0.1}, {5, 0.1}}; }, "schedule step");
}

}  // namespace
}  // namespace covenant::engine::testing
