// Properties of the protocol over many random inputs: one fixed seed, and a fresh one that a
// failure prints (COVENANT_SEED=n repeats it).
#include "common/base/counter_rng.hpp"
#include "common/protocol/artifact_format.hpp"
#include "common/protocol/assignment.hpp"
#include "common/protocol/emission.hpp"
#include "tools/vectors/samples.hpp"
#include "tools/vectors/vectors.hpp"

#include <cstdlib>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

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

std::vector<std::uint16_t> random_row(CounterRng& rng) {
    std::vector<std::uint16_t> row(rng.below(25));
    for (auto& weight : row)
        weight = static_cast<std::uint16_t>(rng.below(65536) >> rng.below(17));
    return row;
}

SettlementInput random_terms(CounterRng& rng) {
    SettlementInput out;
    out.terms = terms_of(vectors::sample_spec());
    out.terms.emission_per_round =
        Amount{(Uint128{rng.below(std::uint64_t{1} << 32)} << 64) | rng.next_u64()};
    out.terms.miner_share_bps = static_cast<std::uint16_t>(rng.below(10001));
    out.terms.validator_share_bps =
        static_cast<std::uint16_t>(rng.below(10001U - out.terms.miner_share_bps));
    const std::size_t miners = 1 + rng.below(20);
    for (std::size_t m = 0; m < miners; ++m) {
        out.committed.set(m, rng.below(5) != 0);
        out.included.set(m, out.committed[m] && rng.below(5) != 0);
        out.failed.set(m, out.committed[m] && rng.below(5) == 0);
    }
    return out;
}

Elector random_elector(CounterRng& rng, std::size_t index) {
    Elector out{.uid = uid(100 + index), .stake = Amount{1 + (rng.next_u64() >> rng.below(64))}};
    out.row = random_row(rng);
    out.voted = rng.below(3) != 0;
    out.drawn = static_cast<std::uint32_t>(rng.below(4));
    out.done = static_cast<std::uint32_t>(rng.below(out.drawn + 1));
    return out;
}

// Rows as anybody likes them; always with a quorum.
SettlementInput random_vote(CounterRng& rng) {
    SettlementInput out = random_terms(rng);
    for (std::size_t v = 1 + rng.below(10); v > 0; --v) {
        out.electorate.push_back(random_elector(rng, v));
        out.seated += out.electorate.back().stake;
    }
    for (Elector& elector : out.electorate) {
        if (rng.below(3) != 0) continue;
        auto row = std::exchange(elector.row, std::nullopt);
        if (!revealed_quorum(out.electorate)) elector.row = std::move(row);
    }
    if (rng.below(2) == 0) out.seated += Amount{rng.next_u64()};
    return out;
}

TEST_P(ProtocolProperty, SettlementStaysWithinItsBudgets) {
    for (int i = 0; i < 400; ++i) {
        const SettlementInput input = random_vote(rng_);
        const Settlement s = settle(input);
        Amount sum;
        for (const auto& [to, amount] : s.credits) {
            EXPECT_GT(amount, Amount{});
            EXPECT_FALSE(input.failed[to.value]) << "a failed miner earns nothing";
            EXPECT_TRUE(input.included[to.value] || to.value >= 100) << "nor does one left out";
            sum += amount;
        }
        const Uint128 emission = input.terms.emission_per_round.units;
        ASSERT_EQ(sum, s.miners + s.validators);
        ASSERT_LE(s.miners.units, emission * input.terms.miner_share_bps / 10000);
        ASSERT_LE(s.validators.units, emission * input.terms.validator_share_bps / 10000);
        ASSERT_LE(sum + s.treasury, input.terms.emission_per_round);
    }
}

TEST_P(ProtocolProperty, ScalingEveryStakeChangesNothing) {
    for (int i = 0; i < 100; ++i) {
        SettlementInput input = random_vote(rng_);
        const Settlement before = settle(input);
        for (Elector& elector : input.electorate)
            elector.stake = Amount{elector.stake.units * 1024};
        input.seated = Amount{input.seated.units * 1024};
        EXPECT_EQ(settle(input), before);
    }
}

// What a coalition below half of the stake can do: any row, silence, no votes, no findings.
void corrupt(CounterRng& rng, SettlementInput& input, Uint128 stake) {
    Uint128 corrupted = 0;
    for (Elector& elector : input.electorate) {
        if (2 * (corrupted + elector.stake.units) >= stake || rng.below(4) == 0) continue;
        corrupted += elector.stake.units;
        elector.voted = rng.below(2) != 0;
        elector.done = static_cast<std::uint32_t>(rng.below(elector.drawn + 1));
        elector.row.reset();
        if (rng.below(3) != 0) elector.row = random_row(rng);
    }
    // A veto of rivals: what its votes take away.
    for (std::size_t m = 0; m < kMaxUids; ++m) {
        if (input.included[m] && rng.below(3) == 0) input.included.reset(m);
    }
}

TEST_P(ProtocolProperty, NoMinorityLiftsAnybodyAboveTheAllHonestPay) {
    for (int i = 0; i < 10000; ++i) {
        SettlementInput honest = random_terms(rng_);
        const std::vector<std::uint16_t> row = random_row(rng_);
        Uint128 stake = 0;
        for (std::size_t v = 2 + rng_.below(9); v > 0; --v) {
            Elector elector = random_elector(rng_, v);
            elector.row = row;
            elector.voted = true;
            elector.done = elector.drawn;
            stake += elector.stake.units;
            honest.seated += elector.stake;
            honest.electorate.push_back(std::move(elector));
        }
        const Settlement all = settle(honest);
        SettlementInput attacked = honest;
        corrupt(rng_, attacked, stake);
        for (const auto& [to, amount] : settle(attacked).credits) {
            const auto before = all.credits.find(to);
            ASSERT_TRUE(before != all.credits.end()) << to.value;
            ASSERT_LE(amount, before->second) << to.value;
        }
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
