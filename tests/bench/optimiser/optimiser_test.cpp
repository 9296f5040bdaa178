// The arithmetic of benchmark B1 on a tiny model, and its results file.
#include "common/base/counter_rng.hpp"
#include "common/engine/genesis.hpp"
#include "tests/bench/optimiser/outer.hpp"
#include "tests/bench/optimiser/results.hpp"
#include "tests/bench/optimiser/trainer.hpp"
#include "tests/bench/optimiser/variant.hpp"
#include "tests/support/temp_folder.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <set>

#include <gtest/gtest.h>

namespace covenant::bench {
namespace {

using engine::ParameterBuffer;

engine::Engine tiny_engine() {
    const auto profile = engine::load_profile(engine::kCanonF32, {.isa = {}, .threads = 1});
    return engine::Engine::create(engine::tiny_config(), profile.value()).value();
}

// Tokens that repeat themselves with noise: there is something to learn.
std::vector<std::uint32_t> made_tokens(std::uint64_t stream, std::size_t windows) {
    const engine::ModelConfig config = engine::tiny_config();
    CounterRng rng(7, stream);
    std::vector<std::uint32_t> tokens;
    for (std::size_t i = 0; i < windows * (config.seq_len + 1); ++i)
        tokens.push_back(static_cast<std::uint32_t>(rng.below(4) == 0 ? rng.below(32) : i % 5));
    return tokens;
}

Source made_source() {
    Source source;
    source.batch = [](std::size_t peer, std::uint64_t step) -> Result<std::vector<std::uint32_t>> {
        return made_tokens((std::uint64_t{peer} << 32) | step, 2);
    };
    source.curve_tokens = made_tokens(~std::uint64_t{0}, 4);
    source.final_tokens = made_tokens(~std::uint64_t{0}, 8);
    return source;
}

Plan made_plan(std::size_t peers, std::uint64_t steps, std::uint64_t inner_steps) {
    Plan plan{.peers = peers,
              .steps = steps,
              .inner_steps = inner_steps,
              .evaluate_every = inner_steps,
              .inner = {}};
    plan.inner.schedule = {{0, 1e-3}, {4, 1e-2}, {steps, 1e-3}};
    return plan;
}

struct Made {
    std::vector<Point> curve;
    double final_loss = 0.0;
    ParameterBuffer theta;
};

Made run(const Plan& plan, OuterStep* outer) {
    engine::Engine engine = tiny_engine();
    auto outcome = train(engine, engine::genesis_parameters(engine.layout(), 3), plan,
                         made_source(), outer, {});
    EXPECT_TRUE(outcome) << outcome.error().context;
    return {outcome->curve, outcome->final_loss, std::move(outcome->theta)};
}

engine::ParameterLayout layout() {
    return engine::ParameterLayout(engine::tiny_config());
}

// Buffers with chosen values in the live part of the first chunk.
ParameterBuffer buffer(std::initializer_list<float> values) {
    ParameterBuffer made(layout());
    std::copy(values.begin(), values.end(), made.floats().begin());
    return made;
}

TEST(Trainer, OnePeerWhoseStepsAreTakenWholeTrainsLikeAdamW) {
    const Made alone = run(made_plan(1, 12, 1), nullptr);
    const auto mean = dense_step(layout(), 1, {});
    const Made dense = run(made_plan(1, 12, 4), mean.get());
    EXPECT_TRUE(engine::same_bits(alone.theta, dense.theta));
    EXPECT_EQ(alone.final_loss, dense.final_loss);
    EXPECT_LT(alone.final_loss, alone.curve.front().loss - 0.1);
}

TEST(Trainer, AdamWStepsOnTheMeanGradientOfAllPeers) {
    engine::Engine engine = tiny_engine();
    Plan plan = made_plan(4, 1, 1);
    plan.inner.schedule = {{0, 1e-3}};
    const Source source = made_source();
    ParameterBuffer mean(engine.layout());
    const ParameterBuffer start = engine::genesis_parameters(engine.layout(), 3);
    for (std::size_t peer = 0; peer < plan.peers; ++peer) {
        ParameterBuffer gradient(engine.layout());
        ASSERT_TRUE(engine.gradient(start, source.batch(peer, 0).value(), gradient));
        for (std::size_t i = 0; i < mean.size(); ++i)
            mean.floats()[i] += gradient.floats()[i] / 4.0F;
    }
    const Made made = run(plan, nullptr);
    // The first update of AdamW is the rate times the gradient's sign, and a decay below 1e-4.
    std::size_t seen = 0;
    for (std::size_t i = 0; i < mean.size(); ++i) {
        const float moved = start.floats()[i] - made.theta.floats()[i];
        if (std::abs(mean.floats()[i]) < 1e-4F) continue;
        EXPECT_NEAR(moved, mean.floats()[i] > 0.0F ? 1e-3F : -1e-3F, 1.1e-4F) << i;
        ++seen;
    }
    EXPECT_GT(seen, 500U);
}

TEST(Trainer, VariantsAreEvaluatedAtEqualSteps) {
    const auto mean = dense_step(layout(), 2, {});
    Plan plan = made_plan(2, 14, 2);
    plan.evaluate_every = 4;
    const Made dense = run(plan, mean.get());
    const Made together = run(plan, nullptr);
    std::vector<std::uint64_t> steps;
    for (const Point& point : dense.curve)
        steps.push_back(point.step);
    EXPECT_EQ(steps, (std::vector<std::uint64_t>{0, 4, 8, 12, 14}));
    ASSERT_EQ(dense.curve.size(), together.curve.size());
    for (std::size_t i = 0; i < steps.size(); ++i)
        EXPECT_EQ(together.curve[i].step, steps[i]);
    EXPECT_EQ(dense.curve.front().loss, together.curve.front().loss);
    EXPECT_NE(dense.curve.back().loss, together.curve.back().loss);
}

TEST(Trainer, RoundsDivideTheSteps) {
    engine::Engine engine = tiny_engine();
    const auto mean = dense_step(engine.layout(), 2, {});
    const auto outcome = train(engine, engine::genesis_parameters(engine.layout(), 3),
                               made_plan(2, 10, 4), made_source(), mean.get(), {});
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, Errc::kInvalidArgument);
}

TEST(Trainer, StopsBeforeTheNextStep) {
    engine::Engine engine = tiny_engine();
    std::uint64_t taken = 0;
    const Watch watch{.evaluated = {},
                      .trained = [&](std::uint64_t steps) { taken += steps; },
                      .stop = [&] { return taken >= 3; }};
    const auto mean = dense_step(engine.layout(), 2, {});
    const auto outcome = train(engine, engine::genesis_parameters(engine.layout(), 3),
                               made_plan(2, 8, 2), made_source(), mean.get(), watch);
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, Errc::kInterrupted);
    EXPECT_EQ(taken, 3U);
}

TEST(Outer, MeanAndNesterovByHand) {
    const auto mean = dense_step(layout(), 2, {});
    const auto nesterov = dense_step(layout(), 2, {.momentum = 0.5, .learning_rate = 0.25});
    for (const bool with_momentum : {false, true}) {
        OuterStep& step = with_momentum ? *nesterov : *mean;
        ParameterBuffer theta = buffer({8.0F, -2.0F});
        ASSERT_TRUE(step.add(0, theta, buffer({4.0F, -2.0F})));
        ASSERT_TRUE(step.add(1, theta, buffer({8.0F, -6.0F})));
        ASSERT_TRUE(step.apply(theta));  // g = (2, 2), m = (2, 2)
        EXPECT_EQ(theta.floats()[0], with_momentum ? 8.0F - 0.25F * 3.0F : 6.0F);
        EXPECT_EQ(theta.floats()[1], with_momentum ? -2.0F - 0.25F * 3.0F : -4.0F);
        const ParameterBuffer before = theta.clone();
        ASSERT_TRUE(step.add(0, theta, theta));
        ASSERT_TRUE(step.add(1, theta, theta));
        ASSERT_TRUE(step.apply(theta));  // g = 0, m = (1, 1)
        EXPECT_EQ(theta.floats()[0], before.floats()[0] - (with_momentum ? 0.25F * 0.5F : 0.0F));
    }
    EXPECT_EQ(mean->bytes_per_round(), 4.0 * static_cast<double>(layout().parameter_count()));
}

TEST(Outer, WhoSendsEverythingIsAveragedAlikeByEverySupportExponent) {
    std::vector<Made> made;
    for (const engine::SupportExponent support :
         {engine::SupportExponent::kZero, engine::SupportExponent::kHalf,
          engine::SupportExponent::kOne}) {
        // Four peers: the square root of 4 * 4 is exact.
        const auto step =
            sparse_step(layout(), 4, {.keep = 4096, .alpha = 1.0, .support = support});
        made.push_back(run(made_plan(4, 8, 4), step.get()));
    }
    EXPECT_TRUE(engine::same_bits(made[0].theta, made[1].theta));
    EXPECT_TRUE(engine::same_bits(made[0].theta, made[2].theta));
}

TEST(Outer, SupportExponentsDifferWherePeersSendDifferentCoordinates) {
    const auto zero =
        sparse_step(layout(), 2, {.keep = 1, .support = engine::SupportExponent::kZero});
    const auto one =
        sparse_step(layout(), 2, {.keep = 1, .support = engine::SupportExponent::kOne});
    for (OuterStep* step : {zero.get(), one.get()}) {
        ParameterBuffer theta = buffer({0.0F, 0.0F});
        ASSERT_TRUE(step->add(0, theta, buffer({-1.0F, 0.0F})));
        ASSERT_TRUE(step->add(1, theta, buffer({0.0F, -1.0F})));
        ASSERT_TRUE(step->apply(theta));
        EXPECT_NEAR(theta.floats()[0], step == zero.get() ? -0.5F : -1.0F, 0.05F);
        EXPECT_NEAR(theta.floats()[1], step == zero.get() ? -0.5F : -1.0F, 0.05F);
    }
}

TEST(Outer, WhatIsNotSentComesLaterFromTheErrorFeedback) {
    const auto step = sparse_step(
        layout(), 1, {.beta = 1.0F, .keep = 1, .support = engine::SupportExponent::kZero});
    ParameterBuffer theta = buffer({0.0F, 0.0F});
    ASSERT_TRUE(step->add(0, theta, buffer({-1.0F, -0.5F})));
    ASSERT_TRUE(step->apply(theta));
    EXPECT_NEAR(theta.floats()[0], -1.0F, 0.05F);
    EXPECT_EQ(theta.floats()[1], 0.0F);
    const ParameterBuffer held = theta.clone();
    ASSERT_TRUE(step->add(0, theta, held));  // nothing new
    ASSERT_TRUE(step->apply(theta));
    EXPECT_NEAR(theta.floats()[1], -0.5F, 0.025F);
}

TEST(Outer, SparserUpdatesTakeFewerBytes) {
    double before = 4.0 * static_cast<double>(layout().parameter_count());
    for (const std::uint32_t keep : {1024U, 256U, 64U}) {
        const auto step = sparse_step(layout(), 1, {.keep = keep});
        ParameterBuffer start = engine::genesis_parameters(layout(), 1);
        ParameterBuffer end = engine::genesis_parameters(layout(), 2);
        ASSERT_TRUE(step->add(0, start, end));
        EXPECT_GT(step->bytes_per_round(), 0.0);
        EXPECT_LT(step->bytes_per_round(), before / 2.0);
        before = step->bytes_per_round();
    }
}

TEST(Grids, EvaluateEveryVariantAtARoundsEnd) {
    for (const auto& [name, count] : {std::pair{"nano", 23U}, std::pair{"4M", 8U},
                                      std::pair{"10M", 3U}, std::pair{"quick", 4U}}) {
        const Grid grid = grid_by_name(name).value();
        EXPECT_EQ(grid.variants.size(), count);
        EXPECT_TRUE(grid.inner_hyper().validate());
        EXPECT_EQ(engine::learning_rate(grid.inner_hyper().schedule, grid.steps),
                  grid.learning_rate / 10.0);
        const engine::ModelConfig config = engine::model_preset(grid.preset).value();
        EXPECT_EQ(config.seq_len, grid.sequence_length);
        EXPECT_EQ(config.vocab_size, grid.vocab_size);
        std::set<std::string> keys;
        for (const Variant& variant : grid.variants) {
            EXPECT_EQ(grid.steps % variant.inner_steps, 0U) << variant.name();
            EXPECT_EQ(grid.evaluate_every % variant.inner_steps, 0U) << variant.name();
            for (const std::uint64_t seed : {1U, 2U})
                keys.insert(run_key(grid, variant, seed, "canon-f32", "ab"));
        }
        EXPECT_EQ(keys.size(), std::size_t{2} * count);
    }
    EXPECT_EQ(grid_by_name("huge").error().code, Errc::kNotFound);
}

TEST(Results, AFinishedRunIsFoundAndACutOffLineIsNot) {
    const testing::TempFolder folder;
    const std::filesystem::path path = folder / "results" / "b1.jsonl";
    RunRecord record;
    record.key = "one";
    record.curve = {{0, 7.5}, {64, 6.25}};
    {
        ResultsFile file = ResultsFile::open(path).value();
        EXPECT_FALSE(file.has("one"));
        ASSERT_TRUE(file.append(record));
        EXPECT_TRUE(file.has("one"));
    }
    {
        record.key = "two";
        std::ofstream(path, std::ios::app) << to_line(record).substr(0, 60);
    }
    ResultsFile file = ResultsFile::open(path).value();
    EXPECT_TRUE(file.has("one"));
    EXPECT_FALSE(file.has("two"));
    ASSERT_TRUE(file.append(record));
    EXPECT_TRUE(ResultsFile::open(path).value().has("two"));
    std::ifstream in(path);
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 3);
    EXPECT_TRUE(text.ends_with(R"("curve": [[0, 7.500000], [64, 6.250000]]})"
                               "\n"));
}

TEST(Results, ADenseRunHasNoSparseSettings) {
    RunRecord record;
    record.alpha = 1.0;
    EXPECT_NE(to_line(record).find(R"("p": null, "alpha": null, "k": null)"), std::string::npos);
    record.support = "1/2";
    record.keep = 256;
    EXPECT_NE(to_line(record).find(R"("p": "1/2", "alpha": 1, "k": 256)"), std::string::npos);
}

}  // namespace
}  // namespace covenant::bench
