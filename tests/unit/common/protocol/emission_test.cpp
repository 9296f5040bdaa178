// Settlement and its 256-bit arithmetic (R9). Bit equality with the contract:
// tests/vectors/settle.json.
#include "common/protocol/emission.hpp"

#include "common/base/counter_rng.hpp"
#include "common/protocol/wide.hpp"
#include "tests/support/protocol_fixture.hpp"

namespace covenant::protocol {
namespace {

Elector elector(std::uint16_t uid, Uint128 stake,
                std::optional<std::vector<std::uint16_t>> row = std::nullopt) {
    return {.uid = Uid(uid), .stake = Amount{stake}, .row = std::move(row), .voted = true};
}

// Miners 0 .. n-1, all included.
SettlementInput round_of(std::size_t miners, std::vector<Elector> electorate) {
    SettlementInput out;
    out.terms = terms_of(sample_spec());
    for (std::size_t m = 0; m < miners; ++m) {
        out.committed.set(m);
        out.included.set(m);
    }
    for (const Elector& one : electorate)
        out.seated += one.stake;
    out.electorate = std::move(electorate);
    return out;
}

Amount credit(const Settlement& s, std::uint16_t uid) {
    const auto found = s.credits.find(Uid(uid));
    return found == s.credits.end() ? Amount{} : found->second;
}

double share(const Settlement& s, std::uint16_t uid, Uint128 of) {
    return static_cast<double>(credit(s, uid).units) / static_cast<double>(of);
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

// By hand: n = (.6, .4), (.5, .5), (1, 0) with stakes of 500, 300 and 200. More than half of the
// stake gives miner 0 at least .6 and miner 1 at least .4.
TEST(Settle, ReproducesTheWorkedExample) {
    const Settlement s =
        settle(round_of(2, {elector(2, 500, {{39321, 26214}}), elector(3, 300, {{1, 1}}),
                            elector(4, 200, {{1, 0}})}));
    EXPECT_NEAR(share(s, 0, 60 * kOneToken), .7 * .6 + .3 * .5, 1e-8);
    EXPECT_NEAR(share(s, 1, 60 * kOneToken), .8 * .4, 1e-8);
    EXPECT_NEAR(share(s, 2, 30 * kOneToken), .5 * 1.0, 1e-8);
    EXPECT_NEAR(share(s, 3, 30 * kOneToken), .3 * .9, 1e-8);
    EXPECT_NEAR(share(s, 4, 30 * kOneToken), .2 * .6, 1e-8);
    EXPECT_EQ(s.treasury, Amount{10 * kOneToken});
}

TEST(Settle, ClipsAGenerousMinority) {
    const Settlement fair =
        settle(round_of(2, {elector(2, 600, {{1, 1}}), elector(3, 400, {{1, 1}})}));
    const Settlement greedy =
        settle(round_of(2, {elector(2, 600, {{1, 1}}), elector(3, 400, {{65535, 0}})}));
    // The friend keeps its half; what the other miner loses goes to nobody.
    EXPECT_EQ(credit(fair, 0), credit(greedy, 0));
    EXPECT_LT(credit(greedy, 1), credit(fair, 1));
    EXPECT_LT(credit(greedy, 3), credit(fair, 3));
    EXPECT_EQ(credit(greedy, 2), credit(fair, 2));
}

TEST(Settle, TwoInAHundredGetTheirHonestShareWhile49AreAbsent) {
    const Settlement honest = settle(
        round_of(2, {elector(2, 49, {{1, 1}}), elector(3, 49, {{1, 1}}), elector(4, 2, {{1, 1}})}));
    const Settlement alone = settle(
        round_of(2, {elector(2, 49, {{1, 1}}), elector(3, 49), elector(4, 2, {{65535, 0}})}));
    EXPECT_EQ(credit(alone, 0), credit(honest, 0)) << "its friend";
    EXPECT_LE(credit(alone, 4), credit(honest, 4));
    EXPECT_EQ(credit(alone, 1), Amount{}) << "49 are no majority";
    EXPECT_EQ(credit(alone, 3), Amount{});
}

TEST(Settle, AQuorumIsMoreThanHalfOfTheElectorate) {
    EXPECT_FALSE(revealed_quorum({}));
    EXPECT_FALSE(revealed_quorum(std::vector{elector(2, 5), elector(3, 5, {{1}})}));
    EXPECT_TRUE(revealed_quorum(std::vector{elector(2, 5), elector(3, 6, {{1}})}));
}

TEST(SettleDeath, WithoutAQuorumItIsABug) {
    EXPECT_DEATH(settle(round_of(1, {elector(2, 5), elector(3, 5, {{1}})})), "speaks for half");
}

TEST(Settle, WithoutAgreementOnlyTheTreasuryIsPaid) {
    for (const auto& electorate : std::vector<std::vector<Elector>>{
             {elector(2, 5, {{0, 0}})},
             {elector(2, 5, {{1, 0}}), elector(3, 5, {{0, 1}})},
             {elector(2, 5, {{1, 0}}), elector(3, 5, {{0, 1}}), elector(4, 5, {{0, 0, 9}})}}) {
        const Settlement s = settle(round_of(2, electorate));
        EXPECT_TRUE(s.credits.empty());
        EXPECT_EQ(s.treasury, Amount{10 * kOneToken});
    }
}

// What a veto or a verdict takes from a miner is not given to the others.
TEST(Settle, OnlyIncludedMinersThatDidNotFailEarn) {
    const std::vector<Elector> electorate = {elector(3, 10, {{1, 1, 2}})};
    const Settlement all = settle(round_of(3, electorate));
    SettlementInput input = round_of(3, electorate);
    input.included.reset(0);
    input.failed.set(1);
    const Settlement s = settle(input);
    EXPECT_EQ(credit(s, 0), Amount{});
    EXPECT_EQ(credit(s, 1), Amount{});
    EXPECT_EQ(credit(s, 2), credit(all, 2));
    EXPECT_EQ(credit(s, 3), credit(all, 3)) << "an auditor of cheats earns no less";
    EXPECT_EQ(s.treasury, all.treasury);
}

TEST(Settle, ValidatorsEarnByTheirDuties) {
    const auto earned = [](bool voted, std::uint32_t drawn, std::uint32_t done) {
        Elector one = elector(1, 10, {{1}});
        one.voted = voted;
        one.drawn = drawn;
        one.done = done;
        return credit(settle(round_of(1, {one})), 1);
    };
    EXPECT_EQ(earned(true, 0, 0), Amount{30 * kOneToken});
    EXPECT_EQ(earned(false, 0, 0), Amount{15 * kOneToken});
    EXPECT_EQ(earned(true, 2, 2), Amount{30 * kOneToken});
    EXPECT_EQ(earned(true, 2, 1), (Amount{30 * kOneToken / 4 * 3}));
    EXPECT_EQ(earned(true, 2, 0), Amount{15 * kOneToken});
    EXPECT_EQ(earned(false, 2, 0), Amount{});
}

TEST(Settle, WhoIsSeatedOutsideTheElectorateLeavesItsPartUnpaid) {
    SettlementInput input = round_of(1, {elector(1, 10, {{1}})});
    input.seated = Amount{30};
    EXPECT_EQ(credit(settle(input), 1), Amount{10 * kOneToken});
}

TEST(FindingStake, AFailOutweighsTheSameValidatorsPass) {
    const std::vector<RevealedScores> revealed = {
        {.validator = Uid(2),
         .stake = Amount{10},
         .weights = {},
         .findings = {pass_of(Uid(1)), fail_of(Uid(1)), fail_of(Uid(300))}},
        {.validator = Uid(3), .stake = Amount{7}, .weights = {}, .findings = {pass_of(Uid(1))}}};
    EXPECT_EQ(finding_stake(revealed, Uid(1)).fail, Amount{10});
    EXPECT_EQ(finding_stake(revealed, Uid(1)).pass, Amount{7});
}

TEST(Settle, OrderOfValidatorsDoesNotMatter) {
    CounterRng rng(3);
    std::vector<Elector> electorate;
    for (std::uint16_t v = 0; v < 9; ++v) {
        electorate.push_back(elector(static_cast<std::uint16_t>(10 + v), 1 + rng.below(5),
                                     {{static_cast<std::uint16_t>(rng.below(4)),
                                       static_cast<std::uint16_t>(rng.below(4))}}));
    }
    const Settlement expected = settle(round_of(2, electorate));
    for (int i = 0; i < 50; ++i) {
        std::swap(electorate[rng.below(9)], electorate[rng.below(9)]);
        EXPECT_EQ(settle(round_of(2, electorate)), expected);
    }
}

}  // namespace
}  // namespace covenant::protocol
