#include "common/execution/opening.hpp"

#include "tests/unit/common/execution/execution_fixture.hpp"

#include <limits>

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

TEST(ChunkOpening, ExactlyTheDrawnChunksInOrder) {
    TestRun& run = shared_run();
    const auto& result = played(1).result;
    const engine::ParameterBuffer feedback(run.engine.layout());
    const auto count = static_cast<std::uint32_t>(run.engine.layout().chunk_count());
    const std::vector<std::uint32_t> drawn{0, 3, count - 1};
    const Bytes good =
        encode_chunk_opening(drawn, result.end.theta, feedback, result.sum, result.residual);
    EXPECT_LE(good.size(), max_chunk_opening_bytes(drawn.size()));
    const auto verdict = [&](const Bytes& bytes, std::vector<std::uint32_t> wanted) {
        const auto openings = decode_chunk_opening(bytes, wanted, count);
        return openings ? Verdict::kAccept : openings.error();
    };
    EXPECT_EQ(verdict(good, drawn), Verdict::kAccept);
    EXPECT_EQ(verdict(good, {0, 3}), Verdict::kOpeningMismatch);
    EXPECT_EQ(verdict(good, {0, 2, count - 1}), Verdict::kOpeningMismatch);
    EXPECT_EQ(verdict(good, {0, 3, count - 1, count}), Verdict::kOpeningMismatch);
    EXPECT_EQ(verdict({}, drawn), Verdict::kOpeningMismatch);
    Bytes longer = good;
    longer.push_back(0);
    EXPECT_EQ(verdict(longer, drawn), Verdict::kOpeningMismatch);
    for (std::size_t cut = 0; cut < good.size(); cut += 997) {
        EXPECT_EQ(
            verdict(Bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(cut)), drawn),
            Verdict::kOpeningMismatch);
    }
    Bytes magic = good;
    magic[0] ^= 1;
    EXPECT_EQ(verdict(magic, drawn), Verdict::kOpeningMismatch);
    Bytes proof_length = good;
    proof_length[10 + 4 + 2 * engine::kChunkBytes] += 1;
    EXPECT_EQ(verdict(proof_length, drawn), Verdict::kOpeningMismatch);
}

}  // namespace
}  // namespace covenant::execution::testing
