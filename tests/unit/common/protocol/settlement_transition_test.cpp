// When a round is settled, and what that pays (R9).
#include "tests/support/protocol_fixture.hpp"

namespace covenant::protocol {
namespace {

ChainTime before(ChainTime time) {
    return ChainTime(time.value - 1);
}

// Round 0 with both miners, revealed by the first `count` of three validators of equal stake.
void reveal_round(Network& net, std::size_t count) {
    const RoundTimes t = net.times(0);
    const RevealScores reveal = net.scores(0, {10, 20}, {pass_of(Uid(0)), fail_of(Uid(1))});
    net.at(t.beacon);
    for (std::size_t v = 0; v < count; ++v) {
        EXPECT_EQ(net.commit_scores(net.validator(v), reveal), Verdict::kAccept);
    }
    net.at(t.score_commit);
    for (std::size_t v = 0; v < count; ++v)
        EXPECT_EQ(net.run_as(net.validator(v), reveal), Verdict::kAccept);
}

TEST(Transition, SettlementPaysOnceAndClaimsPayTheRest) {
    Network net;
    net.play(0, {0, 1});
    reveal_round(net, 3);
    const RoundTimes t = net.times(0);
    const SettleRound intent{.run = net.state().run, .round = Round(0)};
    net.at(before(t.score_reveal));
    EXPECT_EQ(net.run(intent), Verdict::kWrongPhase);
    EXPECT_EQ(net.run(ClaimEmission{.uid = Uid(0)}), Verdict::kNotReady) << "nothing credited yet";
    net.at(t.score_reveal);
    EXPECT_EQ(net.run(SettleRound{.run = filled_hash(1), .round = Round(0)}), Verdict::kUnknownRun);
    EXPECT_EQ(net.run(intent), Verdict::kAccept);
    EXPECT_EQ(net.run(intent), Verdict::kDuplicate);

    const RoundRecord& record = net.state().rounds.at(Round(0));
    ASSERT_TRUE(record.settled.has_value());
    // A third of the weights is uid 0's; the failed miner's two thirds are not minted.
    const Amount third{Uint128{(std::uint64_t{10} << 32) / 30} * 60 * kOneToken >> 32};
    EXPECT_EQ(record.settled->miners, third);
    EXPECT_GT(record.settled->validators, Amount{29 * kOneToken});
    EXPECT_EQ(record.settled->treasury, Amount{10 * kOneToken});
    EXPECT_EQ(record.failed.at(Uid(1)), t.score_reveal);
    EXPECT_FALSE(record.credits.contains(Uid(1)));
    EXPECT_EQ(claimable(net.state(), Uid(0)), third);
    EXPECT_EQ(net.run(ClaimEmission{.uid = Uid(0)}), Verdict::kAccept);
    EXPECT_EQ(claimable(net.state(), Uid(0)), Amount{});
    EXPECT_EQ(net.run(ClaimEmission{.uid = Uid(0)}), Verdict::kNotReady);
    EXPECT_EQ(net.run(ClaimEmission{.uid = Uid(1)}), Verdict::kNotReady);
    EXPECT_EQ(net.run(ClaimEmission{.uid = Uid(77)}), Verdict::kUnknownUid);
}

TEST(Transition, ANullRoundIsNotSettled) {
    Network net;
    net.play(0, {0, 1}, false);
    reveal_round(net, 3);
    net.at(net.times(0).score_reveal);
    EXPECT_EQ(net.run(SettleRound{.run = net.state().run, .round = Round(0)}), Verdict::kNotReady);
    EXPECT_EQ(net.run(SettleRound{.run = net.state().run, .round = Round(1)}),
              Verdict::kWrongPhase);
}

TEST(Transition, SettlementNeedsMoreThanHalfOfTheElectoratesStake) {
    for (const std::size_t count : {0U, 1U, 2U}) {
        Network net(2, {100, 100, 100});
        net.play(0, {0, 1});
        reveal_round(net, count);
        net.at(net.times(0).score_reveal);
        EXPECT_EQ(net.run(SettleRound{.run = net.state().run, .round = Round(0)}),
                  count == 2 ? Verdict::kAccept : Verdict::kNotReady)
            << count;
    }
    Network half(2, {100, 100});
    half.play(0, {0, 1});
    reveal_round(half, 1);
    half.at(half.times(0).score_reveal);
    EXPECT_EQ(half.run(SettleRound{.run = half.state().run, .round = Round(0)}),
              Verdict::kNotReady);
}

TEST(Transition, SettlementExpiresAfterEightRounds) {
    for (const bool late : {false, true}) {
        Network net;
        net.play(0, {0, 1});
        reveal_round(net, 3);
        net.at(net.times(0).score_reveal.value + 8 * 100 - (late ? 0 : 1));
        EXPECT_EQ(net.run(SettleRound{.run = net.state().run, .round = Round(0)}),
                  late ? Verdict::kWrongPhase : Verdict::kAccept);
    }
}

// A jailed validator may still commit and reveal; outside the electorate it counts nothing.
TEST(Transition, RowsFromOutsideTheElectorateCountNothing) {
    const auto settled = [](bool stranger) {
        Network net(2, {100, 100, 100});
        net.mutable_state().jail[net.validator(2)].changes = {
            {.since = net.times(0).snapshot, .jailed = true}};
        net.at(net.times(0).t0);
        EXPECT_EQ(net.commit(0, Uid(0)), Verdict::kAccept);
        EXPECT_EQ(net.commit(0, Uid(1)), Verdict::kAccept);
        net.at(net.times(0).t1);
        EXPECT_EQ(net.show_keys(0, {0, 1}), Verdict::kAccept);
        EXPECT_EQ(net.prove(1), Verdict::kAccept);
        for (const std::size_t v : {0U, 1U}) {
            EXPECT_EQ(net.vote(0, net.validator(v), Network::set({0, 1})), Verdict::kAccept);
        }
        net.at(net.times(0).t2);
        for (const std::size_t v : {0U, 1U}) {
            EXPECT_EQ(net.vote_parameters(0, net.validator(v), Network::root_after(0)),
                      Verdict::kAccept);
        }
        const auto row = [&](std::size_t v) {
            return net.scores(0, {1, static_cast<std::uint16_t>(v == 2 ? 9 : 1)});
        };
        for (std::size_t v = 0; v < (stranger ? 3U : 2U); ++v) {
            EXPECT_EQ(net.commit_scores(net.validator(v), row(v)), Verdict::kAccept);
        }
        net.at(net.times(0).score_commit);
        for (std::size_t v = 0; v < (stranger ? 3U : 2U); ++v) {
            EXPECT_EQ(net.run_as(net.validator(v), row(v)), Verdict::kAccept);
        }
        net.at(net.times(0).score_reveal);
        net.do_ok(SettleRound{.run = net.state().run, .round = Round(0)});
        return net.state().rounds.at(Round(0)).credits;
    };
    const auto credits = settled(false);
    EXPECT_EQ(credits.at(Uid(0)), Amount{30 * kOneToken});
    EXPECT_EQ(credits.at(Uid(2)), (Amount{10 * kOneToken})) << "of all that is seated";
    EXPECT_EQ(settled(true), credits);
}

}  // namespace
}  // namespace covenant::protocol
