// Assignment and audits: disjoint, drawn evenly, unknown before the beacon (R5, R7).
#include "common/protocol/draw.hpp"

#include "common/protocol/assignment.hpp"
#include "common/protocol/audit.hpp"
#include "tests/support/protocol_fixture.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>
#include <tuple>

namespace covenant::protocol {
namespace {

AssignmentInput input_of(std::uint64_t base, std::uint32_t active, std::uint32_t rank,
                         std::uint8_t rho_byte = 1) {
    return {.run = filled_hash(7),
            .round = Round(3),
            .rho = filled_hash(rho_byte),
            .base = base,
            .active_miners = active,
            .rank = rank};
}

std::vector<WindowIndex> windows_of(const RunSpec& spec, const AssignmentInput& input) {
    return assigned_windows(spec, input, 0, spec.inner.steps_per_round);
}

// A uniform sample of `cells` with `draws` draws lies within six standard deviations everywhere.
void expect_even(const std::vector<std::size_t>& counts, double draws) {
    const double mean = draws / static_cast<double>(counts.size());
    for (const std::size_t count : counts) {
        EXPECT_NEAR(static_cast<double>(count), mean, 6 * std::sqrt(mean) + 1);
    }
}

TEST(Feistel, IsABijectionOfEverySmallDomain) {
    for (std::uint64_t size = 1; size <= 300; ++size) {
        const FeistelPermutation permutation(filled_hash(static_cast<std::uint8_t>(size)), size);
        std::vector<bool> seen(size, false);
        for (std::uint64_t i = 0; i < size; ++i) {
            const std::uint64_t image = permutation(i);
            ASSERT_LT(image, size);
            ASSERT_FALSE(seen[image]);
            seen[image] = true;
        }
    }
}

TEST(Feistel, KeysGiveDifferentOrders) {
    std::set<std::vector<std::uint64_t>> orders;
    for (std::uint8_t key = 0; key < 50; ++key) {
        const FeistelPermutation permutation(filled_hash(key), 1000);
        std::vector<std::uint64_t> first(5);
        for (std::uint64_t i = 0; i < 5; ++i)
            first[i] = permutation(i);
        orders.insert(first);
    }
    EXPECT_EQ(orders.size(), 50U);
}

TEST(Feistel, WorksAtTheTopOfItsRange) {
    const std::uint64_t size = std::uint64_t{1} << 48;
    const FeistelPermutation permutation(filled_hash(1), size - 1);
    EXPECT_LT(permutation(size - 2), size - 1);
    EXPECT_NE(permutation(0), permutation(1));
}

TEST(Assignment, MinersAndRoundsOfAnEpochAreDisjoint) {
    const RunSpec spec = sample_spec();  // 5000 windows, 36 for a miner's round
    std::set<WindowIndex> seen;
    std::uint64_t base = 0;
    std::size_t total = 0;
    for (const std::uint32_t active : {3U, 1U, 7U, 20U, 100U}) {
        for (std::uint32_t rank = 0; rank < active; ++rank) {
            AssignmentInput input = input_of(base, active, rank, static_cast<std::uint8_t>(active));
            for (const WindowIndex window : windows_of(spec, input)) {
                EXPECT_LT(window.value, spec.data.window_count);
                seen.insert(window);
                ++total;
            }
        }
        base += active * spec.windows_per_round();
    }
    EXPECT_EQ(total, 131U * 36);
    EXPECT_EQ(seen.size(), total);
}

TEST(Assignment, AnEpochCoversEveryWindowOnce) {
    RunSpec spec = sample_spec();
    spec.data.window_count = 360;  // ten miner rounds
    std::set<WindowIndex> seen;
    for (std::uint64_t round = 0; round < 5; ++round) {
        for (std::uint32_t rank = 0; rank < 2; ++rank) {
            for (const WindowIndex w : windows_of(spec, input_of(round * 72, 2, rank)))
                seen.insert(w);
        }
    }
    EXPECT_EQ(seen.size(), 360U);
    // The next epoch has another order.
    EXPECT_NE(windows_of(spec, input_of(0, 2, 0)), windows_of(spec, input_of(360, 2, 0)));
}

TEST(Assignment, StepsAreSlicesOfTheRound) {
    const RunSpec spec = sample_spec();
    const AssignmentInput input = input_of(0, 3, 1);
    const auto all = windows_of(spec, input);
    for (std::uint32_t step = 0; step < 12; step += 2) {
        const auto part = assigned_windows(spec, input, step, 2);
        EXPECT_TRUE(std::equal(part.begin(), part.end(), all.begin() + step * 3));
        EXPECT_EQ(part.size(), 6U);
    }
    EXPECT_TRUE(assigned_windows(spec, input, 12, 0).empty());
    EXPECT_EQ(segment_cursor(spec, 1, Segment(0)), 36U);
    EXPECT_EQ(segment_cursor(spec, 1, Segment(2)), 36U + 2 * 6);
    EXPECT_EQ(segment_cursor(spec, 0, Segment(6)), segment_cursor(spec, 1, Segment(0)));
}

TEST(Assignment, TheBeaconDecidesWhoGetsWhat) {
    const RunSpec spec = sample_spec();
    const auto mine = windows_of(spec, input_of(0, 3, 0, 1));
    const auto other = windows_of(spec, input_of(0, 3, 0, 2));
    EXPECT_NE(mine, other);
    // A known set, an unknown owner: the three miners' sets together do not depend on rho.
    const auto everybody = [&](std::uint8_t rho_byte) {
        std::set<WindowIndex> all;
        for (std::uint32_t rank = 0; rank < 3; ++rank) {
            for (const WindowIndex w : windows_of(spec, input_of(0, 3, rank, rho_byte)))
                all.insert(w);
        }
        return all;
    };
    EXPECT_EQ(everybody(1), everybody(2));
    std::size_t kept = 0;
    for (const WindowIndex w : mine)
        kept += std::count(other.begin(), other.end(), w) > 0 ? 1U : 0U;
    EXPECT_LT(kept, 30U) << "about a third stays by chance";
}

TEST(Assignment, SamplesAreTheMinersOwn) {
    const RunSpec spec = sample_spec();
    const AssignmentInput input = input_of(50, 3, 2);
    const auto own = windows_of(spec, input);
    const auto sample = sample_assigned(spec, input, filled_hash(9), 8);
    EXPECT_EQ(sample.size(), 8U);
    std::size_t last = 0;
    for (const WindowIndex w : sample) {
        const auto at = std::find(own.begin(), own.end(), w);
        ASSERT_NE(at, own.end());
        EXPECT_GE(static_cast<std::size_t>(at - own.begin()) + 1, last + 1) << "ascending slots";
        last = static_cast<std::size_t>(at - own.begin());
    }
    EXPECT_NE(sample, sample_assigned(spec, input, filled_hash(10), 8));
    EXPECT_EQ(sample_assigned(spec, input, filled_hash(9), 36), own);
}

TEST(Assignment, HeldOutWindowsAreDistinctAndSeeded) {
    const RunSpec spec = sample_spec();
    const auto all = heldout_windows(spec, "score", filled_hash(1), 100);
    EXPECT_EQ(std::set<WindowIndex>(all.begin(), all.end()).size(), 100U);
    const auto few = heldout_windows(spec, "score", filled_hash(1), 8);
    EXPECT_TRUE(std::equal(few.begin(), few.end(), all.begin()));
    EXPECT_NE(few, heldout_windows(spec, "score", filled_hash(2), 8));
    EXPECT_NE(few, heldout_windows(spec, "monitor", filled_hash(1), 8));
}

TEST(Draw, SubsetsAreUniform) {
    std::vector<std::size_t> pairs(10, 0);  // of the ten pairs out of five
    for (std::uint64_t i = 0; i < 5000; ++i) {
        Hash256 key;
        store_le(i, key.bytes.data());
        const auto chosen = DrawStream("test", key).subset(5, 2);
        ASSERT_EQ(chosen.size(), 2U);
        ASSERT_LT(chosen[0], chosen[1]);
        const std::size_t a = chosen[0];
        const std::size_t b = chosen[1];
        ++pairs[a * (9 - a) / 2 + (b - a - 1)];
    }
    expect_even(pairs, 5000);
    EXPECT_TRUE(DrawStream("test", {}).subset(5, 0).empty());
    EXPECT_EQ(DrawStream("test", {}).subset(3, 3), (std::vector<std::uint64_t>{0, 1, 2}));
}

TEST(Draw, StaysBelowAnyBound) {
    DrawStream stream("test", filled_hash(1));
    for (const std::uint64_t bound :
         {std::uint64_t{1}, std::uint64_t{3}, (std::uint64_t{1} << 63) + 1}) {
        for (int i = 0; i < 50; ++i)
            EXPECT_LT(stream.below(bound), bound);
    }
    const Uint128 wide = (Uint128{1} << 127) + 1;
    for (int i = 0; i < 50; ++i)
        EXPECT_TRUE(stream.below_wide(wide) < wide);
    EXPECT_NE(DrawStream("a", {}).next(), DrawStream("b", {}).next());
}

std::vector<ValidatorStake> stakes(std::initializer_list<std::uint64_t> tokens) {
    std::vector<ValidatorStake> out;
    std::uint16_t uid = 10;
    for (const std::uint64_t t : tokens) {
        out.push_back({.uid = Uid(uid++), .stake = Amount{t * kOneToken}});
    }
    return out;
}

std::optional<AuditDuty> duty_of(const RunSpec& spec, std::uint64_t draw,
                                 const std::vector<ValidatorStake>& validators,
                                 std::uint32_t chunks = 217) {
    Hash256 sigma;
    store_le(draw, sigma.bytes.data());
    return audit_duty(spec, sigma, filled_hash(0xc0), Uid(1), validators, chunks);
}

TEST(Audit, DrawsTheShareThatTheSpecSays) {
    RunSpec spec = sample_spec();
    for (const auto& [ppm, low, high] : std::vector<std::tuple<std::uint32_t, int, int>>{
             {500000, 900, 1100}, {100000, 140, 260}}) {
        spec.audit.probability_ppm = ppm;
        int drawn = 0;
        for (std::uint64_t i = 0; i < 2000; ++i)
            drawn += duty_of(spec, i, stakes({1})) ? 1 : 0;
        EXPECT_GT(drawn, low);
        EXPECT_LT(drawn, high);
    }
    spec.audit.probability_ppm = 1000000;
    for (std::uint64_t i = 0; i < 500; ++i)
        EXPECT_TRUE(duty_of(spec, i, stakes({1})).has_value());
}

TEST(Audit, SegmentsAreNeverNeighboursAndEvenlyDrawn) {
    RunSpec spec = sample_spec();
    spec.audit.probability_ppm = 1000000;
    std::map<std::vector<Segment>, std::size_t> seen;
    for (std::uint64_t i = 0; i < 5000; ++i) {
        const auto duty = duty_of(spec, i, stakes({1}));
        ASSERT_EQ(duty->segments.size(), 2U);
        ASSERT_GE(duty->segments[1].value, duty->segments[0].value + 2);
        ASSERT_LT(duty->segments[1].value, spec.segments());
        ++seen[duty->segments];
    }
    EXPECT_EQ(seen.size(), 10U) << "C(5, 2) non-adjacent pairs of six";
    std::vector<std::size_t> counts;
    for (const auto& [pair, count] : seen)
        counts.push_back(count);
    expect_even(counts, 5000);

    spec.audit.segments = 3;
    std::set<std::vector<Segment>> triples;
    for (std::uint64_t i = 0; i < 500; ++i)
        triples.insert(duty_of(spec, i, stakes({1}))->segments);
    EXPECT_EQ(triples.size(), 4U) << "C(4, 3)";
}

TEST(Audit, AuditorsAreDrawnByStakeWithoutReplacement) {
    RunSpec spec = sample_spec();
    spec.audit.probability_ppm = 1000000;
    spec.audit.auditors = 1;
    const auto validators = stakes({1, 6, 0, 3});
    std::map<Uid, int> first;
    for (std::uint64_t i = 0; i < 4000; ++i)
        ++first[duty_of(spec, i, validators)->auditors.at(0)];
    EXPECT_FALSE(first.contains(Uid(12))) << "no stake, no duty";
    EXPECT_NEAR(first[Uid(10)], 400, 120);
    EXPECT_NEAR(first[Uid(11)], 2400, 190);
    EXPECT_NEAR(first[Uid(13)], 1200, 180);

    spec.audit.auditors = 2;
    auto reversed = validators;
    std::reverse(reversed.begin(), reversed.end());
    for (std::uint64_t i = 0; i < 100; ++i) {
        const auto auditors = duty_of(spec, i, validators)->auditors;
        ASSERT_EQ(auditors.size(), 2U);
        ASSERT_LT(auditors[0], auditors[1]);
        ASSERT_EQ(duty_of(spec, i, reversed)->auditors, auditors) << "whatever the order given";
    }
    spec.audit.auditors = 64;
    EXPECT_EQ(duty_of(spec, 1, validators)->auditors.size(), 3U);
    EXPECT_TRUE(duty_of(spec, 1, {})->auditors.empty());
}

TEST(Audit, ChunksAreDistinctAndInside) {
    RunSpec spec = sample_spec();
    spec.audit.probability_ppm = 1000000;
    spec.audit.chunks = 256;
    const auto some = duty_of(spec, 1, {}, 1000)->chunks;
    EXPECT_EQ(some.size(), 256U);
    EXPECT_TRUE(std::is_sorted(some.begin(), some.end()));
    EXPECT_EQ(std::set<std::uint32_t>(some.begin(), some.end()).size(), 256U);
    EXPECT_LT(some.back(), 1000U);
    EXPECT_EQ(duty_of(spec, 1, {}, 217)->chunks.size(), 217U) << "all of a small model";
    spec.audit.chunks = 0;
    EXPECT_TRUE(duty_of(spec, 1, {})->chunks.empty());
}

TEST(Audit, DependsOnBeaconCommitmentAndMiner) {
    RunSpec spec = sample_spec();
    spec.audit.probability_ppm = 1000000;
    spec.audit.chunks = 64;
    const auto draw = [&](const Hash256& sigma, const Hash256& root, Uid miner) {
        return audit_duty(spec, sigma, root, miner, {}, 100000)->chunks;
    };
    const auto base = draw(filled_hash(1), filled_hash(2), Uid(3));
    EXPECT_EQ(base, draw(filled_hash(1), filled_hash(2), Uid(3)));
    EXPECT_NE(base, draw(filled_hash(9), filled_hash(2), Uid(3)));
    EXPECT_NE(base, draw(filled_hash(1), filled_hash(9), Uid(3)));
    EXPECT_NE(base, draw(filled_hash(1), filled_hash(2), Uid(9)));
    EXPECT_NE(replay_receipt(filled_address(1), filled_hash(1), filled_hash(2)),
              replay_receipt(filled_address(2), filled_hash(1), filled_hash(2)));
}

}  // namespace
}  // namespace covenant::protocol
