#include "common/execution/loss_score.hpp"
#include "common/execution/outer_step.hpp"
#include "common/execution/spec_conversion.hpp"
#include "common/execution/state_digest.hpp"
#include "common/protocol/artifact_format.hpp"
#include "common/protocol/model_shape.hpp"
#include "tests/support/execution_fixture.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include <gtest/gtest.h>

namespace covenant::execution::testing {
namespace {

class OuterStep : public ::testing::Test {
  protected:
    std::uint64_t segments() const { return run_.spec.segments(); }
    AggregatedArtifact of(std::uint32_t rank) const {
        return {protocol::Uid(static_cast<std::uint16_t>(rank)), segments(),
                played(rank).result.artifact.update};
    }
    TestRun& run_ = shared_run();
    engine::ParameterBuffer theta_ = run_.genesis.clone();
};

TEST_F(OuterStep, IsAFunctionOfTheArtifactsAlone) {
    const std::vector<AggregatedArtifact> all{of(0), of(1), of(2)};
    const auto report =
        outer_step(run_.engine.layout(), run_.spec, protocol::Round(0), all, theta_);
    ASSERT_TRUE(report) << report.error().context;
    EXPECT_EQ(report->contributions.size(), 3U);
    EXPECT_FALSE(engine::same_bits(theta_, run_.genesis));
    // From the encoded bytes, as another node gets them.
    const auto elements = protocol::chunk_elements(run_.spec.model);
    std::vector<protocol::Artifact> decoded;
    for (std::uint32_t rank = 0; rank < 3; ++rank) {
        decoded.push_back(
            protocol::decode_artifact(protocol::encode_artifact(played(rank).result.artifact),
                                      run_.spec, elements)
                .value());
    }
    std::vector<AggregatedArtifact> fetched;
    for (std::uint16_t rank = 0; rank < 3; ++rank) {
        fetched.push_back({protocol::Uid(rank), segments(), decoded[rank].update});
    }
    engine::ParameterBuffer other = run_.genesis.clone();
    ASSERT_TRUE(outer_step(run_.engine.layout(), run_.spec, protocol::Round(0), fetched, other));
    EXPECT_EQ(state_root(other), state_root(theta_));
}

TEST_F(OuterStep, NobodyLeavesTheParameters) {
    ASSERT_TRUE(outer_step(run_.engine.layout(), run_.spec, protocol::Round(0), {}, theta_));
    EXPECT_TRUE(engine::same_bits(theta_, run_.genesis));
}

TEST_F(OuterStep, RefusesDisorderAndForeignChunks) {
    const std::vector<AggregatedArtifact> backwards{of(2), of(1)};
    EXPECT_EQ(outer_step(run_.engine.layout(), run_.spec, protocol::Round(0), backwards, theta_)
                  .error()
                  .code,
              Errc::kInvalidArgument);
    const auto refused = [&](const SparseUpdate& update) {
        const std::vector<AggregatedArtifact> broken{of(0), {protocol::Uid(1), segments(), update}};
        const auto result =
            outer_step(run_.engine.layout(), run_.spec, protocol::Round(0), broken, theta_);
        ASSERT_FALSE(result);
        EXPECT_EQ(result.error().code, Errc::kMalformed);
        EXPECT_NE(result.error().context.find("uid 1"), std::string::npos);
    };
    SparseUpdate disorder = played(1).result.artifact.update;
    std::swap(disorder.chunk(0).indices[0], disorder.chunk(0).indices[1]);
    refused(disorder);
    // Of other chunks, of another density, of another code.
    const auto elements = run_.engine.layout().chunk_elements();
    refused(SparseUpdate(disorder.sparsity(), elements.first(elements.size() - 1)));
    refused(SparseUpdate({.keep = 1023, .code_bits = 2}, elements));
    refused(SparseUpdate({.keep = 1024, .code_bits = 1}, elements));
    EXPECT_TRUE(engine::same_bits(theta_, run_.genesis));
}

TEST_F(OuterStep, ThreadsChangeNoBit) {
    const std::vector<AggregatedArtifact> all{of(0), of(1), of(2)};
    ASSERT_TRUE(outer_step(run_.engine.layout(), run_.spec, protocol::Round(0), all, theta_));
    for (const unsigned threads : {1U, 2U, 3U}) {
        ThreadPool pool(threads);
        engine::ParameterBuffer other = run_.genesis.clone();
        ASSERT_TRUE(
            outer_step(run_.engine.layout(), run_.spec, protocol::Round(0), all, other, &pool));
        EXPECT_TRUE(engine::same_bits(other, theta_)) << threads;
    }
}

TEST_F(OuterStep, TheRoundHasItsDensity) {
    protocol::RunSpec spec = run_.spec;
    spec.outer.density = {{0, 2048}, {7, 1024}};
    const std::vector<AggregatedArtifact> all{of(0), of(1), of(2)};
    EXPECT_EQ(outer_step(run_.engine.layout(), spec, protocol::Round(6), all, theta_).error().code,
              Errc::kMalformed);
    EXPECT_TRUE(engine::same_bits(theta_, run_.genesis));
    EXPECT_TRUE(outer_step(run_.engine.layout(), spec, protocol::Round(7), all, theta_));
    EXPECT_FALSE(engine::same_bits(theta_, run_.genesis));
}

TEST_F(OuterStep, ThreeMinersLowerTheHeldOutLoss) {
    const auto before =
        monitor_loss_bits(run_.engine, run_.spec, run_.run, run_.windows, run_.genesis);
    const std::vector<AggregatedArtifact> all{of(0), of(1), of(2)};
    ASSERT_TRUE(outer_step(run_.engine.layout(), run_.spec, protocol::Round(0), all, theta_));
    const auto after = monitor_loss_bits(run_.engine, run_.spec, run_.run, run_.windows, theta_);
    ASSERT_TRUE(before);
    ASSERT_TRUE(after);
    EXPECT_NEAR(std::bit_cast<float>(*before), std::log(400.0F), 0.1F);
    EXPECT_LT(std::bit_cast<float>(*after), std::bit_cast<float>(*before) - 0.1F);
}

class LossScore : public ::testing::Test {
  protected:
    LossScore() {
        own_ = run_.windows
                   .windows(protocol::sample_assigned(run_.spec, assignment_of(run_, 1), {}, 4))
                   .value();
        heldout_ = run_.windows
                       .heldout_windows(protocol::heldout_windows(run_.spec, "score", Hash256{}, 4))
                       .value();
        sets_ = {own_, heldout_};
        for (const auto set : sets_)
            base_.push_back(run_.engine.loss(run_.genesis, set).value());
    }
    Result<std::vector<double>> score(const SparseUpdate& update, double clip) {
        return loss_scores(run_.engine, run_.spec, run_.genesis, update, clip, sets_, base_);
    }
    TestRun& run_ = shared_run();
    std::vector<std::uint32_t> own_, heldout_;
    std::vector<std::span<const std::uint32_t>> sets_;
    std::vector<double> base_;
};

TEST_F(LossScore, HonestWorkHelpsAndItsNegativeHurts) {
    SparseUpdate update = played(1).result.artifact.update;
    const auto good = score(update, 1.0).value();
    EXPECT_GT(good[0], 0.0);
    EXPECT_GT(good[1], 0.0);
    for (std::size_t i = 0; i < update.chunk_count(); ++i) {
        for (std::uint8_t& code : update.chunk(i).codes)
            code ^= kCodeNegative;
    }
    const auto bad = score(update, 1.0).value();
    EXPECT_LT(bad[0], 0.0);
    EXPECT_LT(bad[1], 0.0);
}

TEST_F(LossScore, IsTheRelativeGainOfTheProbe) {
    const SparseUpdate& update = played(1).result.artifact.update;
    engine::ParameterBuffer probe = run_.genesis.clone();
    const double scale = (static_cast<double>(0.2F) * 1.0) * 0.5;
    engine::subtract_scaled(probe, update, static_cast<float>(scale));
    const double loss = run_.engine.loss(probe, heldout_).value();
    EXPECT_EQ(score(update, 0.5).value()[1], (base_[1] - loss) / base_[1]);
    EXPECT_EQ(score(update, 0.0).value()[1], 0.0);
}

TEST_F(LossScore, AProbeThatIsNoNumberScoresMinusOne) {
    const double infinite = std::numeric_limits<double>::infinity();
    EXPECT_EQ(score(played(1).result.artifact.update, infinite).value(),
              (std::vector<double>{-1.0, -1.0}));
}

TEST_F(LossScore, RefusesBadInput) {
    const SparseUpdate& update = played(1).result.artifact.update;
    EXPECT_EQ(loss_scores(run_.engine, run_.spec, run_.genesis, update, 1.0, sets_,
                          std::span(base_).first(1))
                  .error()
                  .code,
              Errc::kInvalidArgument);
    EXPECT_EQ(score(SparseUpdate(), 1.0).error().code, Errc::kMalformed);
    const auto elements = run_.engine.layout().chunk_elements();
    const SparseUpdate fewer(update.sparsity(), elements.first(elements.size() - 1));
    EXPECT_EQ(score(fewer, 1.0).error().code, Errc::kMalformed);
    SparseUpdate outside = update;
    outside.chunk(0).codes[0] = 2;
    EXPECT_EQ(score(outside, 1.0).error().code, Errc::kMalformed);
}

TEST(SpecConversion, KeepsEveryValue) {
    const protocol::RunSpec& spec = shared_run().spec;
    const engine::InnerHyper inner = inner_hyper(spec);
    EXPECT_EQ(inner.beta1, 0.9F);
    EXPECT_EQ(inner.beta2, 0.95F);
    EXPECT_EQ(inner.eps, 1e-8F);
    EXPECT_EQ(inner.weight_decay, 0.1F);
    EXPECT_EQ(inner.clip_norm, 1.0F);
    ASSERT_EQ(inner.schedule.size(), 2U);
    EXPECT_EQ(inner.schedule[1], (engine::LrPoint{100, static_cast<double>(1e-2F)}));
    EXPECT_TRUE(inner.validate());
    EXPECT_EQ(outer_hyper(spec).full_segments, 3U);
    EXPECT_EQ(outer_hyper(spec).support, engine::SupportExponent::kHalf);
    EXPECT_EQ(compress_hyper(spec, protocol::Round(0)).beta, 0.95F);
    EXPECT_EQ(compress_hyper(spec, protocol::Round(5)).sparsity,
              (Sparsity{.keep = 1024, .code_bits = 2}));
    protocol::RunSpec other = spec;
    other.outer.density = {{0, 1024}, {5, 64}};
    other.outer.code_bits = 3;
    EXPECT_EQ(compress_hyper(other, protocol::Round(4)).sparsity,
              (Sparsity{.keep = 1024, .code_bits = 3}));
    EXPECT_EQ(compress_hyper(other, protocol::Round(5)).sparsity,
              (Sparsity{.keep = 64, .code_bits = 3}));
    EXPECT_TRUE(std::ranges::equal(shared_run().engine.layout().chunk_elements(),
                                   protocol::chunk_elements(spec.model)));
}

}  // namespace
}  // namespace covenant::execution::testing
