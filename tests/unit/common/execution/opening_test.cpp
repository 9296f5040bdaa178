#include "common/execution/opening.hpp"

#include "common/engine/compressor.hpp"
#include "common/execution/state_digest.hpp"
#include "tests/support/execution_fixture.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>

#include <gtest/gtest.h>

namespace covenant::execution::testing {
namespace {

using protocol::Verdict;

TEST(StateOpening, RoundTrips) {
    TestRun& run = shared_run();
    const PlayedRound& round = played(1);
    const auto& record = round.result.artifact.trace[3];
    EXPECT_EQ(round.boundaries[3].size(), state_opening_bytes(run.engine.layout()));
    const auto state = decode_state_opening(round.boundaries[3], run.engine.layout(), record);
    ASSERT_TRUE(state);
    EXPECT_TRUE(engine::same_bits(state->theta, round.result.end.theta));
    EXPECT_TRUE(engine::same_bits(state->m, round.result.end.m));
    EXPECT_TRUE(engine::same_bits(state->v, round.result.end.v));
    EXPECT_EQ(state->adam_t, 6U);
    EXPECT_EQ(encode_state_opening(*state), round.boundaries[3]);
}

TEST(StateOpening, AnythingElseIsAMismatch) {
    TestRun& run = shared_run();
    const PlayedRound& round = played(1);
    const auto& record = round.result.artifact.trace[1];
    const Bytes good = round.boundaries[1];
    const auto verdict = [&](const Bytes& bytes) {
        const auto state = decode_state_opening(bytes, run.engine.layout(), record);
        return state ? Verdict::kAccept : state.error();
    };
    EXPECT_EQ(verdict(good), Verdict::kAccept);
    EXPECT_EQ(verdict({}), Verdict::kOpeningMismatch);
    Bytes longer = good;
    longer.push_back(0);
    EXPECT_EQ(verdict(longer), Verdict::kOpeningMismatch);
    EXPECT_EQ(verdict(Bytes(good.begin(), good.end() - 1)), Verdict::kOpeningMismatch);
    // Magic, version, adam_t, the first and the last byte of each buffer.
    const std::size_t part = (good.size() - 14) / 3;
    for (const std::size_t at : {std::size_t{0}, std::size_t{4}, std::size_t{6}, std::size_t{14},
                                 13 + part, 14 + part, 13 + 2 * part, good.size() - 1}) {
        Bytes flipped = good;
        flipped[at] ^= 1;
        EXPECT_EQ(verdict(flipped), Verdict::kOpeningMismatch) << at;
    }
    EXPECT_EQ(verdict(round.boundaries[2]), Verdict::kOpeningMismatch);
}

TEST(StateOpening, ACommittedNanIsRefusedAllTheSame) {
    TestRun& run = shared_run();
    engine::TrainState state = engine::TrainState::fresh(run.genesis.clone());
    state.m.floats()[5] = std::numeric_limits<float>::quiet_NaN();
    const auto record = record_of(state, 0, {}, 0);
    EXPECT_FALSE(decode_state_opening(encode_state_opening(state), run.engine.layout(), record));
    engine::TrainState dirty = engine::TrainState::fresh(run.genesis.clone());
    dirty.theta.floats()[dirty.theta.size() - 1] = 1.0F;  // padding
    const auto dirty_record = record_of(dirty, 0, {}, 0);
    EXPECT_FALSE(
        decode_state_opening(encode_state_opening(dirty), run.engine.layout(), dirty_record));
}

// A fresh start, a commitment that was not included, one that was.
enum class Past : std::uint8_t { kFresh, kLost, kArrived };

class ChunkOpeningTest : public ::testing::TestWithParam<Past> {
  protected:
    ChunkOpeningTest() {
        if (GetParam() == Past::kFresh) return;
        const bool included = GetParam() == Past::kArrived;
        round_ = play_on(run_, 1, included).result;
        committed_ = committed_feedback(played(1), included);
    }
    [[nodiscard]] const CommittedFeedback* committed() const {
        return committed_ ? &*committed_ : nullptr;
    }
    [[nodiscard]] Bytes encode(const std::vector<std::uint32_t>& drawn) const {
        return encode_chunk_opening(drawn, round_.end.theta, round_.sum,
                                    committed_ ? &played(1).result.sum : nullptr);
    }
    [[nodiscard]] Verdict verdict(const Bytes& bytes, const std::vector<std::uint32_t>& wanted,
                                  const CommittedFeedback* committed) const {
        const auto openings = decode_chunk_opening(bytes, wanted, layout_, committed);
        return openings ? Verdict::kAccept : openings.error();
    }

    TestRun& run_ = shared_run();
    const engine::ParameterLayout& layout_ = run_.engine.layout();
    std::uint32_t count_ = static_cast<std::uint32_t>(layout_.chunk_count());
    std::vector<std::uint32_t> drawn_{0, 3, count_ - 1};
    RoundResult round_ = play(run_, 1).result;
    std::optional<CommittedFeedback> committed_;
};

TEST_P(ChunkOpeningTest, GivesTheFeedbackThatFollowsFromTheLastCommitment) {
    const auto openings = decode_chunk_opening(encode(drawn_), drawn_, layout_, committed());
    ASSERT_TRUE(openings);
    engine::ParameterBuffer e(layout_);
    if (GetParam() != Past::kFresh) e = played(1).result.sum.clone();
    if (GetParam() == Past::kArrived) engine::subtract_sent(played(1).result.artifact.update, e);
    for (std::size_t i = 0; i < drawn_.size(); ++i) {
        const ChunkOpening& opening = openings->at(i);
        EXPECT_EQ(opening.index, drawn_[i]);
        EXPECT_TRUE(std::ranges::equal(opening.theta, round_.end.theta.chunk(drawn_[i])));
        EXPECT_TRUE(std::ranges::equal(opening.feedback, e.chunk(drawn_[i])));
    }
}

TEST_P(ChunkOpeningTest, ExactlyTheDrawnChunksInOrder) {
    const Bytes good = encode(drawn_);
    EXPECT_LE(good.size(), max_chunk_opening_bytes(drawn_.size()));
    EXPECT_EQ(verdict(good, drawn_, committed()), Verdict::kAccept);
    for (const std::vector<std::uint32_t>& other :
         {std::vector<std::uint32_t>{0, 3}, {0, 2, count_ - 1}, {0, 3, count_ - 1, count_}}) {
        EXPECT_EQ(verdict(good, other, committed()), Verdict::kOpeningMismatch);
    }
    EXPECT_EQ(verdict({}, drawn_, committed()), Verdict::kOpeningMismatch);
    Bytes longer = good;
    longer.push_back(0);
    EXPECT_EQ(verdict(longer, drawn_, committed()), Verdict::kOpeningMismatch);
    for (std::size_t cut = 0; cut < good.size(); cut += 997) {
        const Bytes prefix(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(cut));
        EXPECT_EQ(verdict(prefix, drawn_, committed()), Verdict::kOpeningMismatch) << cut;
    }
    Bytes magic = good;
    magic[0] ^= 1;
    EXPECT_EQ(verdict(magic, drawn_, committed()), Verdict::kOpeningMismatch);
    Bytes proof_length = good;
    proof_length[10 + 4 + engine::kChunkBytes] += 1;
    EXPECT_EQ(verdict(proof_length, drawn_, committed()), Verdict::kOpeningMismatch);
}

// What is not theta or a proof of this round (audit_chunk's to check) is bound to the past.
TEST_P(ChunkOpeningTest, EveryByteOfThePastIsProven) {
    const Bytes good = encode({0});
    const auto accepted = decode_chunk_opening(good, std::array{0U}, layout_, committed());
    ASSERT_TRUE(accepted);
    for (std::size_t at = 0; at < good.size(); at += at < 2048 ? 1 : 61) {
        Bytes flipped = good;
        flipped[at] ^= 4;
        const auto opening = decode_chunk_opening(flipped, std::array{0U}, layout_, committed());
        if (!opening) {
            EXPECT_EQ(opening.error(), Verdict::kOpeningMismatch) << at;
            continue;
        }
        EXPECT_TRUE(std::ranges::equal(opening->front().feedback, accepted->front().feedback))
            << at;
        EXPECT_FALSE(std::ranges::equal(opening->front().theta, accepted->front().theta) &&
                     opening->front().theta_proof == accepted->front().theta_proof &&
                     opening->front().sum_proof == accepted->front().sum_proof)
            << at;
    }
}

TEST_P(ChunkOpeningTest, AnotherPastIsRefused) {
    const Bytes good = encode(drawn_);
    const CommittedFeedback lost = committed_feedback(played(1), false);
    const CommittedFeedback arrived = committed_feedback(played(1), true);
    CommittedFeedback sum = arrived;
    sum.sum_root.bytes[0] ^= 1;
    EXPECT_EQ(verdict(good, drawn_, &sum), Verdict::kOpeningMismatch);
    EXPECT_EQ(verdict(good, drawn_, nullptr) == Verdict::kAccept, GetParam() == Past::kFresh);
    // Whether it arrived is the chain's to say: the same bytes, another feedback.
    const bool continues = GetParam() != Past::kFresh;
    EXPECT_EQ(verdict(good, drawn_, &lost) == Verdict::kAccept, continues);
    EXPECT_EQ(verdict(good, drawn_, &arrived) == Verdict::kAccept, continues);
}

// A stranger may commit to whatever it likes.
TEST_P(ChunkOpeningTest, ACommittedNanIsRefusedOrLeftToTheAudit) {
    if (GetParam() == Past::kFresh) return;
    engine::ParameterBuffer sum = played(1).result.sum.clone();
    sum.floats()[7] = std::numeric_limits<float>::quiet_NaN();
    const Bytes bytes = encode_chunk_opening(drawn_, round_.end.theta, round_.sum, &sum);
    CommittedFeedback committed = *committed_;
    committed.sum_root = state_root(sum);
    EXPECT_EQ(verdict(bytes, drawn_, &committed) == Verdict::kAccept, GetParam() == Past::kLost);
}

INSTANTIATE_TEST_SUITE_P(Pasts, ChunkOpeningTest,
                         ::testing::Values(Past::kFresh, Past::kLost, Past::kArrived));

}  // namespace
}  // namespace covenant::execution::testing
