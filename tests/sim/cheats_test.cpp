// One of three miners lies: what its audit says, what it earns, what is left as proof.
#include "tests/adversary/kinds.hpp"
#include "tests/sim/scene.hpp"

#include <algorithm>

#include <gtest/gtest.h>

namespace covenant::simulation::testing {
namespace {

using protocol::Segment;
using protocol::Verdict;

constexpr std::uint64_t kLastRound = 2;
constexpr const char* kLiar = "miner-1";

struct Lie {
    const char* name;
    const char* kind;
    Verdict verdict;
    std::set<std::uint16_t> segments;  // that are false; empty: the compression is
};

const execution::Conduct* conduct_of(const char* kind) {
    return adversary::conduct_of(kind).value();
}

class CheatTest : public ::testing::TestWithParam<Lie> {
  protected:
    // The first drawn segment that is false, if one was drawn.
    static std::optional<Segment> caught_in(const protocol::AuditDuty& duty) {
        for (const Segment segment : duty.segments) {
            if (GetParam().segments.contains(segment.value)) return segment;
        }
        return std::nullopt;
    }
};

void expect_caught(Scene& scene, std::uint64_t round, const Lie& lie,
                   std::optional<Segment> segment) {
    EXPECT_TRUE(scene.failed(round, kLiar));
    EXPECT_EQ(scene.credit(round, kLiar), Amount{});
    const auto findings = scene.findings(round, kLiar);
    EXPECT_EQ(findings.size(), scene.spec().audit.auditors);
    std::set<Hash256> proofs;
    for (const auto& [validator, finding] : findings) {
        EXPECT_EQ(finding.verdict, protocol::kFindingFail);
        EXPECT_EQ(finding.segment, segment.value_or(Segment{}));
        const protocol::Evidence evidence = scene.evidence(finding);
        EXPECT_EQ(evidence.round.value, round);
        EXPECT_EQ(protocol::to_string(evidence.verdict), protocol::to_string(lie.verdict));
        EXPECT_EQ(evidence.segment, finding.segment);
        EXPECT_NE(evidence.claimed, evidence.recomputed);
        EXPECT_TRUE(scene.store().has(evidence.opening).value());
        proofs.insert(finding.evidence);
    }
    EXPECT_EQ(proofs.size(), 1U) << "auditors of one lie prove the same";
}

TEST_P(CheatTest, IsCaughtWhereItWasDrawnAndEarnsNothing) {
    const Lie& lie = GetParam();
    std::uint64_t caught = 0;
    // A lie in one segment of four may escape all draws of a short run: then there is another.
    for (std::uint64_t seed = 9; seed < 15 && caught == 0; ++seed) {
        Scene scene({.seed = seed, .cheats = {{kLiar, conduct_of(lie.kind)}}});
        scene.run_until_settled(kLastRound);
        for (std::uint64_t r = 0; r <= kLastRound; ++r) {
            SCOPED_TRACE(r);
            ASSERT_TRUE(scene.record(r).accepted);
            const auto duty = scene.duty(r, kLiar);
            ASSERT_TRUE(duty);
            const auto segment = caught_in(*duty);
            if (segment || lie.segments.empty()) {
                expect_caught(scene, r, lie, segment);
                ++caught;
            } else {
                EXPECT_FALSE(scene.failed(r, kLiar)) << "nothing false was drawn";
            }
            for (const char* const honest : {"miner-0", "miner-2"}) {
                EXPECT_FALSE(scene.failed(r, honest)) << honest;
                EXPECT_GT(scene.credit(r, honest).units, 0U) << honest;
            }
        }
    }
    EXPECT_GT(caught, 0U);
}

// A fail takes effect: the miner's next commitment starts from nothing.
TEST_P(CheatTest, AFailResetsTheLocalState) {
    const Lie& lie = GetParam();
    Scene scene({.seed = 3, .cheats = {{kLiar, conduct_of(lie.kind)}}});
    scene.run_until_settled(1);
    scene.run_to(3, 1);
    for (std::uint64_t r = 1; r <= 3; ++r) {
        const auto continuity =
            protocol::continuity(scene.state(), protocol::Round(r), scene.uid(kLiar));
        bool failed = false;
        for (std::uint64_t before = 0; before < r; ++before) {
            // Round b settles at T0 + 25, in round b + 1: felt from b + 2 on, by a commitment that
            // continues a round from before the settlement.
            failed = failed || (scene.failed(before, kLiar) && before + 2 == r);
        }
        EXPECT_EQ(continuity.fresh, failed) << r;
    }
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, CheatTest,
    ::testing::Values(Lie{"HalfBatch", "half-batch", Verdict::kSegmentMismatch, {0, 1, 2, 3}},
                      Lie{"SkipSegment", "skip-segment", Verdict::kSegmentMismatch, {2}},
                      Lie{"StaleData", "stale-data", Verdict::kSegmentMismatch, {0, 1, 2, 3}},
                      Lie{"Amplify", "amplify", Verdict::kChunkMismatch, {}},
                      Lie{"Noise", "noise", Verdict::kSegmentMismatch, {0, 1, 2, 3}}),
    [](const auto& test) { return std::string(test.param.name); });

// One auditor of two, or a majority of liars among miners, changes nothing for the others.
TEST(Cheats, TwoOfThreeLie) {
    Scene scene(
        {.seed = 4,
         .cheats = {{"miner-0", conduct_of("half-batch")}, {"miner-2", conduct_of("noise")}}});
    scene.run_until_settled(1);
    for (std::uint64_t r = 0; r <= 1; ++r) {
        EXPECT_TRUE(scene.failed(r, "miner-0"));
        EXPECT_TRUE(scene.failed(r, "miner-2"));
        EXPECT_FALSE(scene.failed(r, "miner-1"));
        EXPECT_EQ(scene.credit(r, "miner-0"), Amount{});
        EXPECT_EQ(scene.credit(r, "miner-2"), Amount{});
        EXPECT_GT(scene.credit(r, "miner-1").units, 0U);
    }
}

}  // namespace
}  // namespace covenant::simulation::testing
