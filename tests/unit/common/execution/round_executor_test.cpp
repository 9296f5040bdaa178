#include "common/base/hex.hpp"
#include "common/execution/spec_conversion.hpp"
#include "common/execution/state_digest.hpp"
#include "common/protocol/model_shape.hpp"
#include "tests/adversary/kinds.hpp"
#include "tests/support/execution_fixture.hpp"

#include <array>
#include <bit>
#include <cmath>
#include <cstdio>
#include <limits>
#include <stop_token>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace covenant::execution::testing {
namespace {

TEST(RoundExecutor, RecordsFollowFromTheStatesAndTheAssignment) {
    TestRun& run = shared_run();
    const PlayedRound& round = played(1);
    const protocol::Artifact& artifact = round.result.artifact;
    ASSERT_EQ(artifact.trace.size(), 4U);
    ASSERT_EQ(round.boundaries.size(), 4U);
    EXPECT_EQ(artifact.trace[0].theta_root, run.genesis_root);
    EXPECT_TRUE(artifact.trace[0].window_root.is_zero());
    EXPECT_EQ(artifact.trace[0].loss_bits, 0U);
    for (std::uint16_t s = 0; s < 4; ++s) {
        EXPECT_EQ(artifact.trace[s].adam_t, 2U * s);
        EXPECT_EQ(artifact.trace[s].cursor,
                  protocol::segment_cursor(run.spec, 1, protocol::Segment(s)));
    }
    for (std::uint32_t s = 1; s < 4; ++s) {
        const auto windows =
            protocol::assigned_windows(run.spec, assignment_of(run, 1), 2 * (s - 1), 2);
        EXPECT_EQ(artifact.trace[s].window_root, run.windows.window_root(windows).value());
        const float loss = std::bit_cast<float>(artifact.trace[s].loss_bits);
        EXPECT_GT(loss, 0.0F);
        EXPECT_LT(loss, 7.0F);
    }
    EXPECT_EQ(artifact.trace[3].theta_root, state_root(round.result.end.theta));
    EXPECT_EQ(artifact.feedback.sum_root, state_root(round.result.sum));
    EXPECT_GT(round.result.mean_loss, 0.0F);
}

TEST(RoundExecutor, ArtifactSurvivesItsEncodingAndFitsItsCommitment) {
    TestRun& run = shared_run();
    const PlayedRound& round = played(1);
    const auto elements = protocol::chunk_elements(run.spec.model);
    const Bytes bytes = protocol::encode_artifact(round.result.artifact);
    const auto decoded = protocol::decode_artifact(bytes, run.spec, elements);
    ASSERT_TRUE(decoded) << protocol::to_string(decoded.error());
    EXPECT_EQ(*decoded, round.result.artifact);
    EXPECT_EQ(protocol::commitment_root({run.run, protocol::Uid(1), protocol::Round(0)},
                                        decoded->trace, decoded->feedback, decoded->profile_id),
              round.result.commitment_root);
    EXPECT_EQ(protocol::payload_root(decoded->update), decoded->feedback.payload_root);
}

TEST(RoundExecutor, TwiceTheSameAndAnotherMinerDiffers) {
    EXPECT_EQ(play(shared_run(), 1).result.commitment_root, played(1).result.commitment_root);
    EXPECT_NE(played(2).result.commitment_root, played(1).result.commitment_root);
}

TEST(RoundExecutor, AnotherProcessAgrees) {
    struct Close {
        void operator()(std::FILE* file) const { ::pclose(file); }
    };
    const std::string expected = to_0x(played(1).result.commitment_root) + "\n";
    std::array<char, 4096> path{};
    ASSERT_GT(::readlink("/proc/self/exe", path.data(), path.size() - 1), 0);
    const std::string command =
        fmt::format("'{}' --print-commitment '{}'", path.data(), shared_folder().string());
    const std::unique_ptr<std::FILE, Close> pipe(::popen(command.c_str(), "r"));
    ASSERT_NE(pipe, nullptr);
    std::array<char, 128> line{};
    ASSERT_NE(std::fgets(line.data(), static_cast<int>(line.size()), pipe.get()), nullptr);
    EXPECT_EQ(std::string(line.data()), expected);
}

TEST(RoundExecutor, ErrorFeedbackCarriesOver) {
    TestRun& run = shared_run();
    const RoundResult& first = played(1).result;
    const auto norm = [](const RoundResult& round) {
        return std::bit_cast<double>(round.artifact.feedback.norm_bits);
    };
    const RoundResult lost = play_on(run, 1, false).result;
    const RoundResult arrived = play_on(run, 1, true).result;
    for (const RoundResult* second : {&lost, &arrived}) {
        const protocol::Artifact& artifact = second->artifact;
        EXPECT_EQ(artifact.feedback.previous_commitment, first.commitment_root);
        EXPECT_EQ(artifact.trace[0].m_root, first.artifact.trace[3].m_root);
        EXPECT_EQ(artifact.trace[3].adam_t, 12U);
        EXPECT_EQ(artifact.feedback.sum_root, state_root(second->sum));
    }
    EXPECT_GT(norm(lost), norm(first));
    EXPECT_GT(norm(lost), norm(arrived)) << "what did not arrive is sent again";
}

TEST(RoundExecutor, EveryCheatLeavesAnotherCommitmentButAWellFormedArtifact) {
    TestRun& run = shared_run();
    const auto elements = protocol::chunk_elements(run.spec.model);
    for (const adversary::Kind& kind : adversary::kinds()) {
        if (&kind.conduct == &honest()) continue;
        const PlayedRound& round = played(1, kind.conduct);
        EXPECT_NE(round.result.commitment_root, played(1).result.commitment_root);
        const auto& trace = round.result.artifact.trace;
        for (std::size_t s = 0; s < trace.size(); ++s) {
            EXPECT_EQ(trace[s].cursor, played(1).result.artifact.trace[s].cursor);
            EXPECT_EQ(trace[s].window_root, played(1).result.artifact.trace[s].window_root);
            EXPECT_EQ(trace[s].adam_t, played(1).result.artifact.trace[s].adam_t);
        }
        const auto decoded = protocol::decode_artifact(
            protocol::encode_artifact(round.result.artifact), run.spec, elements);
        EXPECT_TRUE(decoded) << kind.name;
    }
}

TEST(RoundExecutor, CheatsHaveNames) {
    for (const adversary::Kind& kind : adversary::kinds()) {
        EXPECT_EQ(adversary::conduct_of(kind.name).value(), &kind.conduct);
    }
    EXPECT_EQ(adversary::conduct_of("none").value(), &honest());
    const auto unknown = adversary::conduct_of("honesty");
    ASSERT_FALSE(unknown);
    EXPECT_EQ(unknown.error().code, Errc::kInvalidArgument);
    EXPECT_NE(unknown.error().context.find("half-batch"), std::string::npos);
}

class RoundExecutorErrors : public ::testing::Test {
  protected:
    Result<RoundResult> run_with(const RoundJob& job, engine::TrainState start) {
        return execute_round(run_.engine, run_.genesis, std::move(start),
                             engine::ParameterBuffer(run_.engine.layout()), job);
    }
    engine::TrainState fresh() { return engine::TrainState::fresh(run_.genesis.clone()); }
    TestRun& run_ = shared_run();
};

TEST_F(RoundExecutorErrors, ForeignStartIsRefused) {
    engine::TrainState moved = fresh();
    moved.theta.floats()[0] += 1.0F;
    EXPECT_EQ(run_with(round_job(run_, 1), std::move(moved)).error().code, Errc::kInvalidArgument);
    engine::TrainState short_moments = fresh();
    short_moments.m = engine::ParameterBuffer();
    EXPECT_EQ(run_with(round_job(run_, 1), std::move(short_moments)).error().code,
              Errc::kInvalidArgument);
    RoundJob other_base = round_job(run_, 1);
    other_base.base_root.bytes[3] ^= 1;
    EXPECT_EQ(run_with(other_base, fresh()).error().code, Errc::kInvalidArgument);
}

TEST_F(RoundExecutorErrors, StopsBetweenSteps) {
    std::stop_source source;
    RoundJob job = round_job(run_, 1);
    job.stop = source.get_token();
    std::uint32_t last = 0;
    job.on_step = [&](std::uint32_t step, float loss) {
        EXPECT_EQ(step, last + 1);
        EXPECT_TRUE(std::isfinite(loss));
        last = step;
        if (step == 3) source.request_stop();
    };
    EXPECT_EQ(run_with(job, fresh()).error().code, Errc::kInterrupted);
    EXPECT_EQ(last, 3U);
}

TEST_F(RoundExecutorErrors, ABoundaryThatCannotBeKeptEndsTheRound) {
    RoundJob job = round_job(run_, 1);
    int calls = 0;
    job.on_boundary = [&](protocol::Segment, const engine::TrainState&,
                          const protocol::SegmentRecord&) -> Status {
        return ++calls == 2 ? Status(fail(Errc::kIo, "disk full")) : Status{};
    };
    EXPECT_EQ(run_with(job, fresh()).error().code, Errc::kIo);
    EXPECT_EQ(calls, 2);
}

TEST_F(RoundExecutorErrors, NonFiniteTrainingInvalidatesTheRound) {
    engine::TrainState state = fresh();
    state.v.floats()[0] = std::numeric_limits<float>::infinity();
    const auto result = run_with(round_job(run_, 1), std::move(state));
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, Errc::kRejected);
}

TEST_F(RoundExecutorErrors, SegmentsOutsideTheRoundAndForeignModelsAreRefused) {
    engine::TrainState state = fresh();
    EXPECT_EQ(execute_segment(run_.engine, state, segment_job(run_, 1, 3)).error().code,
              Errc::kInvalidArgument);
    protocol::RunSpec other = run_.spec;
    other.model.d_ff += 8;
    const SegmentJob good = segment_job(run_, 1, 0);
    const SegmentJob job{.spec = other,
                         .windows = run_.windows,
                         .assignment = good.assignment,
                         .segment = good.segment,
                         .stop = {},
                         .on_step = {}};
    EXPECT_EQ(execute_segment(run_.engine, state, job).error().code, Errc::kInvalidArgument);
}

}  // namespace
}  // namespace covenant::execution::testing
