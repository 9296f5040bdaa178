#include "common/execution/audit.hpp"

#include "common/execution/spec_conversion.hpp"
#include "common/execution/state_digest.hpp"
#include "tests/adversary/kinds.hpp"
#include "tests/support/execution_fixture.hpp"

#include <bit>
#include <limits>
#include <numeric>

#include <gtest/gtest.h>

namespace covenant::execution::testing {
namespace {

using protocol::Verdict;

SegmentAudit audit(const PlayedRound& round, std::uint16_t segment, std::uint32_t rank = 1) {
    TestRun& run = shared_run();
    const protocol::Artifact& artifact = round.result.artifact;
    auto state = decode_state_opening(round.boundaries[segment], run.engine.layout(),
                                      artifact.trace[segment]);
    EXPECT_TRUE(state);
    auto result =
        audit_segment(run.engine, artifact, std::move(*state), segment_job(run, rank, segment));
    EXPECT_TRUE(result) << result.error().context;
    return *result;
}

TEST(AuditSegment, ReplayOfEverySegmentGivesTheCommittedRecord) {
    for (std::uint16_t s = 0; s < 3; ++s) {
        const SegmentAudit result = audit(played(1), s);
        EXPECT_EQ(result.verdict, Verdict::kAccept) << s;
        EXPECT_EQ(result.recomputed, played(1).result.artifact.trace[s + 1U]);
        EXPECT_EQ(result.claimed_hash, result.recomputed_hash);
    }
    EXPECT_EQ(audit(played(1), 2).state_digest, state_digest(played(1).result.end));
}

TEST(AuditSegment, EachCheatIsSeenWhereItHappened) {
    const auto verdicts = [](const char* kind) {
        std::vector<Verdict> out;
        for (std::uint16_t s = 0; s < 3; ++s) {
            const SegmentAudit result = audit(played(1, *adversary::conduct_of(kind).value()), s);
            out.push_back(result.verdict);
            EXPECT_EQ(result.verdict == Verdict::kAccept,
                      result.claimed_hash == result.recomputed_hash);
        }
        return out;
    };
    const Verdict ok = Verdict::kAccept;
    const Verdict bad = Verdict::kSegmentMismatch;
    EXPECT_EQ(verdicts("half-batch"), (std::vector{bad, bad, bad}));
    EXPECT_EQ(verdicts("skip-segment"), (std::vector{ok, bad, ok}));
    EXPECT_EQ(verdicts("stale-data"), (std::vector{bad, bad, bad}));
    EXPECT_EQ(verdicts("noise"), (std::vector{bad, bad, bad}));
    EXPECT_EQ(verdicts("amplify"), (std::vector{ok, ok, ok}));  // the chunks tell
}

TEST(AuditSegment, OtherWindowsThanAssignedAreNamed) {
    PlayedRound round = play(shared_run(), 1);
    round.result.artifact.trace[2].window_root.bytes[0] ^= 1;
    EXPECT_EQ(audit(round, 1).verdict, Verdict::kWindowMismatch);
    PlayedRound moved = play(shared_run(), 1);
    moved.result.artifact.trace[2].cursor += 1;
    EXPECT_EQ(audit(moved, 1).verdict, Verdict::kWindowMismatch);
    PlayedRound loss = play(shared_run(), 1);
    loss.result.artifact.trace[2].loss_bits ^= 1;
    EXPECT_EQ(audit(loss, 1).verdict, Verdict::kSegmentMismatch);
    // Another miner's windows, trained honestly.
    EXPECT_EQ(audit(played(2), 0, 1).verdict, Verdict::kWindowMismatch);
}

TEST(AuditSegment, AStateThatTrainsToNoNumberIsAMismatch) {
    TestRun& run = shared_run();
    engine::TrainState state = engine::TrainState::fresh(run.genesis.clone());
    state.theta.floats()[run.engine.layout().tensors()[2].offset] =
        std::numeric_limits<float>::max();
    state.theta.floats()[run.engine.layout().tensors()[2].offset + 1] =
        std::numeric_limits<float>::max();
    state.v.floats()[0] = std::numeric_limits<float>::infinity();
    const auto result = audit_segment(run.engine, played(1).result.artifact, std::move(state),
                                      segment_job(run, 1, 0));
    ASSERT_TRUE(result);
    EXPECT_EQ(result->verdict, Verdict::kSegmentMismatch);
}

TEST(AuditSegment, ASegmentOutsideTheTraceIsTheCallersFault) {
    TestRun& run = shared_run();
    const auto result =
        audit_segment(run.engine, played(1).result.artifact,
                      engine::TrainState::fresh(run.genesis.clone()), segment_job(run, 1, 3));
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, Errc::kInvalidArgument);
}

class AuditChunk : public ::testing::Test {
  protected:
    // All chunks. committed: null after a fresh start, else of played(1).
    std::vector<ChunkOpening> open(const PlayedRound& round,
                                   const CommittedFeedback* committed = nullptr) {
        std::vector<std::uint32_t> drawn(run_.engine.layout().chunk_count());
        std::iota(drawn.begin(), drawn.end(), 0U);
        const Bytes bytes =
            encode_chunk_opening(drawn, round.result.end.theta, round.result.sum,
                                 committed == nullptr ? nullptr : &played(1).result.sum);
        auto decoded = decode_chunk_opening(bytes, drawn, run_.engine.layout(), committed);
        EXPECT_TRUE(decoded);
        return std::move(*decoded);
    }
    Verdict check(const protocol::Artifact& artifact, const ChunkOpening& opening) {
        return audit_chunk(run_.spec, run_.engine.layout(), run_.genesis, artifact, opening);
    }
    TestRun& run_ = shared_run();
};

TEST_F(AuditChunk, EveryHonestChunkIsRecomputedExactly) {
    for (const ChunkOpening& opening : open(played(1))) {
        EXPECT_EQ(check(played(1).result.artifact, opening), Verdict::kAccept) << opening.index;
    }
}

TEST_F(AuditChunk, ARoundThatContinuesIsRecomputedFromItsPast) {
    for (const bool included : {false, true}) {
        const PlayedRound round = play_on(run_, 1, included);
        const CommittedFeedback committed = committed_feedback(played(1), included);
        for (const ChunkOpening& opening : open(round, &committed))
            EXPECT_EQ(check(round.result.artifact, opening), Verdict::kAccept) << opening.index;
        // Trained on, but with the feedback of the other case: what was sent counted twice, or
        // never.
        const CommittedFeedback other = committed_feedback(played(1), !included);
        for (const ChunkOpening& opening : open(round, &other))
            EXPECT_NE(check(round.result.artifact, opening), Verdict::kAccept) << opening.index;
    }
}

TEST_F(AuditChunk, AnAmplifiedUpdateFailsInEveryChunk) {
    const PlayedRound& round = played(1, *adversary::conduct_of("amplify").value());
    for (const ChunkOpening& opening : open(round)) {
        EXPECT_EQ(check(round.result.artifact, opening), Verdict::kChunkMismatch) << opening.index;
    }
}

TEST_F(AuditChunk, AnyFlippedBitIsSeen) {
    const protocol::Artifact& honest = played(1).result.artifact;
    const ChunkOpening good = open(played(1))[2];
    const auto flip = [](float& value) {
        value = std::bit_cast<float>(std::bit_cast<std::uint32_t>(value) ^ 1U);
    };
    ChunkOpening theta = good;
    flip(theta.theta[0]);
    EXPECT_EQ(check(honest, theta), Verdict::kOpeningMismatch);
    ChunkOpening feedback = good;
    flip(feedback.feedback[4095]);
    EXPECT_EQ(check(honest, feedback), Verdict::kOpeningMismatch);
    ChunkOpening sum = good;
    sum.sum_proof[0].bytes[5] ^= 1;
    EXPECT_EQ(check(honest, sum), Verdict::kOpeningMismatch);
    ChunkOpening moved = good;
    moved.index = 1;
    EXPECT_EQ(check(honest, moved), Verdict::kOpeningMismatch);
    ChunkOpening outside = good;
    outside.index = 10'000;
    EXPECT_EQ(check(honest, outside), Verdict::kOpeningMismatch);
    ChunkOpening cut = good;
    cut.theta.pop_back();
    EXPECT_EQ(check(honest, cut), Verdict::kOpeningMismatch);

    protocol::Artifact code = honest;
    code.update.chunk(2).codes[0] ^= kCodeNegative;
    EXPECT_EQ(check(code, good), Verdict::kChunkMismatch);
    protocol::Artifact level = honest;
    level.update.chunk(2).levels.back() += 1;
    EXPECT_EQ(check(level, good), Verdict::kChunkMismatch);
    protocol::Artifact sum_root = honest;
    sum_root.feedback.sum_root.bytes[0] ^= 1;
    EXPECT_EQ(check(sum_root, good), Verdict::kOpeningMismatch);

    engine::ParameterBuffer other_base = run_.genesis.clone();
    for (float& value : other_base.chunk(2).first(16))
        value += 0.5F;
    EXPECT_EQ(audit_chunk(run_.spec, run_.engine.layout(), other_base, honest, good),
              Verdict::kChunkMismatch);
}

}  // namespace
}  // namespace covenant::execution::testing
