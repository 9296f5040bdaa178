// Settlement and its 256-bit arithmetic (R9). Bit equality with the contract:
// tests/vectors/settle.json.
#include "common/protocol/emission.hpp"

#include "common/base/counter_rng.hpp"
#include "common/protocol/wide.hpp"
#include "tests/support/protocol_fixture.hpp"

namespace covenant::protocol {
namespace {

RunTerms terms() {
    return terms_of(sample_spec());
}

RevealedScores row(std::uint16_t uid, Uint128 stake, std::vector<std::uint16_t> weights,
                   std::vector<Finding> findings = {}) {
    return {.validator = Uid(uid),
            .stake = Amount{stake},
            .weights = std::move(weights),
            .findings = std::move(findings)};
}

Settlement settle_two(const std::vector<RevealedScores>& revealed) {
    const UidSet both = Network::set({0, 1});
    return settle(terms(), revealed, both, both);
}

TEST(Wide, MultipliesAndDividesExactly) {
    const Uint128 top = ~Uint128{0};
    EXPECT_EQ(wide_mul(top, top), (Wide{.high = top - 1, .low = 1}));
    EXPECT_EQ(wide_mul(0, top), Wide{});
    EXPECT_EQ(mul_div(top, wide_mul(1, 1), wide_mul(1, 1)), top);
    EXPECT_EQ(mul_div(7, wide_mul(1, 3), wide_mul(1, 2)), Uint128{10});
    CounterRng rng(1);
    const auto random = [&](unsigned bits) {
        return ((Uint128{rng.next_u64()} << 64) | rng.next_u64()) >> (128 - bits);
    };
    for (int i = 0; i < 2000; ++i) {
        // q d + r with r < d and the quotient known: floor((q d + r) / d) = q.
        const Uint128 q = random(96);
        const Uint128 d = random(100) + 1;
        Wide value = wide_mul(q, d);
        value += Wide{.high = 0, .low = random(100) % d};
        EXPECT_TRUE(mul_div(1, value, Wide{.high = 0, .low = d}) == q);
        // A common factor of 2^30 changes nothing and lifts both beyond 128 bits.
        const Uint128 factor = Uint128{1} << 30;
        Wide lifted = wide_mul(value.low, factor);
        lifted += Wide{.high = value.high << 30, .low = 0};
        EXPECT_TRUE(mul_div(1, lifted, wide_mul(d, factor)) == q);
    }
}

TEST(WideDeath, OverflowIsABug) {
    const Uint128 top = ~Uint128{0};
    EXPECT_DEATH(mul_div(1, Wide{.high = 0, .low = 1}, Wide{}), "positive sum");
    EXPECT_DEATH(mul_div(top, Wide{.high = top, .low = 0}, Wide{.high = 0, .low = 1}), "2\\^256");
}

// The worked example of the design: incentive .6404 / .3596, validator trust 1, .9, .6.
TEST(Settle, ReproducesTheWorkedExample) {
    const Settlement s =
        settle_two({row(2, 500, {39321, 26214}), row(3, 300, {1, 1}), row(4, 200, {1, 0})});
    const auto share = [&](std::uint16_t uid, Uint128 of) {
        return static_cast<double>(s.credits.at(Uid(uid)).units) / static_cast<double>(of);
    };
    EXPECT_NEAR(share(0, 60 * kOneToken), 0.6404, 1e-4);
    EXPECT_NEAR(share(1, 60 * kOneToken), 0.3596, 1e-4);
    const double whole = 0.5 * 1.0 + 0.3 * 0.9 + 0.2 * 0.6;
    EXPECT_NEAR(share(2, 30 * kOneToken), 0.5 * 1.0 / whole, 1e-8);
    EXPECT_NEAR(share(3, 30 * kOneToken), 0.3 * 0.9 / whole, 1e-8);
    EXPECT_NEAR(share(4, 30 * kOneToken), 0.2 * 0.6 / whole, 1e-8);
}

TEST(Settle, ClipsAGenerousMinority) {
    const Settlement fair = settle_two({row(2, 600, {1, 1}), row(3, 400, {1, 1})});
    const Settlement greedy = settle_two({row(2, 600, {1, 1}), row(3, 400, {65535, 0})});
    // The friend keeps its half; the minority's own zero only costs the other miner and itself.
    EXPECT_EQ(fair.credits.at(Uid(0)), fair.credits.at(Uid(1)));
    EXPECT_GT(greedy.credits.at(Uid(0)), greedy.credits.at(Uid(1)));
    EXPECT_LT(greedy.credits.at(Uid(3)), fair.credits.at(Uid(3)));
}

TEST(Settle, WithoutAgreementOnlyTheTreasuryIsPaid) {
    for (const auto& revealed : std::vector<std::vector<RevealedScores>>{
             {},
             {row(2, 5, {0, 0})},
             {row(2, 0, {1, 1})},
             {row(2, 5, {1, 0}), row(3, 5, {0, 1}), row(4, 5, {0, 0, 9})}}) {
        const Settlement s = settle_two(revealed);
        const bool halves = revealed.size() == 3;  // a zero row leaves two equal halves
        EXPECT_EQ(s.credits.empty(), !halves);
        if (!halves) {
            EXPECT_EQ(s.treasury, Amount{10 * kOneToken});
        }
    }
}

TEST(Settle, OnlyCommittedMinersEarnAndFail) {
    const std::vector<RevealedScores> revealed = {
        row(2, 10, {1, 1, 9}, {fail_of(Uid(0)), fail_of(Uid(1)), fail_of(Uid(300))})};
    const Settlement s = settle(terms(), revealed, Network::set({1}), Network::set({0, 1}));
    EXPECT_EQ(s.failed, Network::set({1}));
    EXPECT_TRUE(s.credits.empty());
    EXPECT_EQ(finding_stake(revealed, Uid(1)).fail, Amount{10});
    EXPECT_EQ(finding_stake(revealed, Uid(1)).pass, Amount{});
}

TEST(Settle, FailNeedsMoreStakeThanPass) {
    const auto failed = [](std::uint64_t against, std::uint64_t in_favour) {
        return settle_two({row(2, against, {1, 1}, {fail_of(Uid(0))}),
                           row(3, in_favour, {1, 1}, {pass_of(Uid(0))})})
            .failed[0];
    };
    EXPECT_TRUE(failed(6, 5));
    EXPECT_FALSE(failed(5, 5));
    EXPECT_FALSE(failed(5, 6));
}

TEST(Settle, OrderOfValidatorsDoesNotMatter) {
    CounterRng rng(3);
    std::vector<RevealedScores> revealed;
    for (std::uint16_t v = 0; v < 9; ++v) {
        revealed.push_back(row(
            static_cast<std::uint16_t>(10 + v), 1 + rng.below(5),
            {static_cast<std::uint16_t>(rng.below(4)), static_cast<std::uint16_t>(rng.below(4))}));
    }
    const Settlement expected = settle_two(revealed);
    for (int i = 0; i < 50; ++i) {
        std::swap(revealed[rng.below(9)], revealed[rng.below(9)]);
        EXPECT_EQ(settle_two(revealed), expected);
    }
}

}  // namespace
}  // namespace covenant::protocol
