// Properties of the protocol over many random inputs: one fixed seed, and a fresh one that a
// failure prints (COVENANT_SEED=n repeats it).
#include "common/base/counter_rng.hpp"
#include "common/protocol/artifact_format.hpp"
#include "common/protocol/assignment.hpp"
#include "common/protocol/emission.hpp"
#include "tools/vectors/samples.hpp"
#include "tools/vectors/vectors.hpp"

#include <cstdlib>
#include <random>
#include <set>
#include <string>

#include <gtest/gtest.h>

namespace covenant::protocol {
namespace {

class ProtocolProperty : public testing::TestWithParam<std::uint64_t> {
  protected:
    ProtocolProperty() : rng_(GetParam()) {}
    void SetUp() override { RecordProperty("seed", std::to_string(GetParam())); }
    CounterRng rng_;
};

std::uint64_t fresh_seed() {
    // NOLINTNEXTLINE(concurrency-mt-unsafe): nobody writes the environment
    if (const char* given = std::getenv("COVENANT_SEED")) return std::strtoull(given, nullptr, 10);
    return std::random_device{}();
}

Uid uid(std::size_t value) {
    return Uid(static_cast<std::uint16_t>(value));
}

struct Vote {
    RunTerms terms;
    std::vector<RevealedScores> revealed;
    UidSet committed;
    UidSet miners;
};

Vote random_vote(CounterRng& rng) {
    Vote vote;
    vote.terms = terms_of(vectors::sample_spec());
    vote.terms.emission_per_round =
        Amount{(Uint128{rng.below(std::uint64_t{1} << 32)} << 64) | rng.next_u64()};
    vote.terms.miner_share_bps = static_cast<std::uint16_t>(rng.below(10001));
    vote.terms.validator_share_bps =
        static_cast<std::uint16_t>(rng.below(10001U - vote.terms.miner_share_bps));
    const std::size_t miners = rng.below(20);
    for (std::size_t m = 0; m < miners; ++m) {
        vote.miners.set(m);
        vote.committed.set(m, rng.below(5) != 0);
    }
    for (std::size_t v = rng.below(10); v > 0; --v) {
        RevealedScores scores{.validator = uid(100 + v),
                              .stake = Amount{rng.next_u64() >> rng.below(64)},
                              .weights = std::vector<std::uint16_t>(rng.below(25)),
                              .findings = {}};
        for (auto& weight : scores.weights) {
            weight = static_cast<std::uint16_t>(rng.below(65536) >> rng.below(17));
        }
        for (std::size_t f = rng.below(4); f > 0; --f) {
            scores.findings.push_back({.uid = uid(rng.below(25)),
                                       .verdict = static_cast<std::uint8_t>(1 + rng.below(2)),
                                       .segment = Segment(0),
                                       .evidence = {}});
        }
        vote.revealed.push_back(std::move(scores));
    }
    return vote;
}

TEST_P(ProtocolProperty, SettlementConservesTheEmission) {
    for (int i = 0; i < 400; ++i) {
        const Vote vote = random_vote(rng_);
        const Settlement s = settle(vote.terms, vote.revealed, vote.committed, vote.miners);
        Amount sum;
        for (const auto& [to, amount] : s.credits) {
            EXPECT_GT(amount, Amount{});
            EXPECT_FALSE(s.failed[to.value] && vote.miners[to.value])
                << "a failed miner earns nothing";
            EXPECT_TRUE(vote.committed[to.value] || to.value >= 100) << "nor does an absent one";
            sum += amount;
        }
        ASSERT_EQ(sum, s.miners + s.validators);
        ASSERT_LE(sum + s.treasury, vote.terms.emission_per_round);
        if (!s.credits.empty()) {
            ASSERT_EQ(sum + s.treasury, vote.terms.emission_per_round);
        }
        ASSERT_TRUE((s.failed & ~vote.committed).none());
    }
}

TEST_P(ProtocolProperty, ScalingEveryStakeChangesNothingButDust) {
    for (int i = 0; i < 100; ++i) {
        Vote vote = random_vote(rng_);
        const Settlement before = settle(vote.terms, vote.revealed, vote.committed, vote.miners);
        for (auto& scores : vote.revealed)
            scores.stake = Amount{scores.stake.units * 1024};
        EXPECT_EQ(settle(vote.terms, vote.revealed, vote.committed, vote.miners), before);
    }
}

TEST_P(ProtocolProperty, PermutationsAreBijections) {
    for (int i = 0; i < 20; ++i) {
        Hash256 key;
        store_le(rng_.next_u64(), key.bytes.data());
        const std::uint64_t size = 1 + rng_.below(3000);
        const FeistelPermutation permutation(key, size);
        std::set<std::uint64_t> images;
        for (std::uint64_t x = 0; x < size; ++x)
            images.insert(permutation(x));
        ASSERT_EQ(images.size(), size);
        ASSERT_LT(*images.rbegin(), size);
    }
}

TEST_P(ProtocolProperty, MinersOfARoundNeverShareAWindow) {
    RunSpec spec = vectors::sample_spec();
    for (int i = 0; i < 10; ++i) {
        const auto active = static_cast<std::uint32_t>(1 + rng_.below(30));
        spec.data.window_count = active * spec.windows_per_round() + rng_.below(5000);
        AssignmentInput input{.run = vectors::filled_hash(1),
                              .round = Round(rng_.next_u64()),
                              .rho = vectors::filled_hash(static_cast<std::uint8_t>(i)),
                              .base = spec.data.window_count * rng_.below(1000),
                              .active_miners = active,
                              .rank = 0};
        std::set<WindowIndex> seen;
        for (; input.rank < active; ++input.rank) {
            for (const WindowIndex w :
                 assigned_windows(spec, input, 0, spec.inner.steps_per_round)) {
                ASSERT_TRUE(seen.insert(w).second);
            }
        }
    }
}

TEST_P(ProtocolProperty, DamagedArtifactsAreRefusedOrDiffer) {
    const std::vector<std::uint16_t> layout = {4096, 17, 2048};
    const RunSpec spec = vectors::sample_spec();
    const Artifact artifact = vectors::sample_artifact(layout);
    const Bytes bytes = encode_artifact(artifact);
    for (int i = 0; i < 2000; ++i) {
        Bytes damaged = bytes;
        for (std::uint64_t n = 1 + rng_.below(4); n > 0; --n) {
            damaged[rng_.below(damaged.size())] = static_cast<std::uint8_t>(rng_.below(256));
        }
        const auto decoded = decode_artifact(damaged, spec, layout);
        if (!decoded) continue;
        ASSERT_EQ(encode_artifact(*decoded), damaged);
        ASSERT_EQ(*decoded == artifact, damaged == bytes);
    }
}

INSTANTIATE_TEST_SUITE_P(Seeds, ProtocolProperty, testing::Values(20240101, fresh_seed()),
                         [](const auto& seed) {
                             return seed.index == 0 ? std::string("fixed") : std::string("fresh");
                         });

}  // namespace
}  // namespace covenant::protocol
