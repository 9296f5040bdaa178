// A state of bounded history says the same about its rounds as one that keeps all, and stays small.
#include "common/protocol/round_view.hpp"
#include "tests/support/protocol_fixture.hpp"

namespace covenant::protocol {
namespace {

constexpr std::uint64_t kKept = 8;

// Forty rounds: some with all miners, some with few, some null, and failures that are settled late.
Network played() {
    RunSpec spec = sample_spec();
    spec.timing.opening_seconds = 75;
    spec.timing.score_commit_seconds = 80;  // a round's scores end with the round
    spec.timing.score_reveal_seconds = 95;
    Network net(3, {100, 100, 100}, spec);
    for (std::uint64_t r = 0; r < 40; ++r) {
        if (r % 7 == 3) {
            net.play(r, {0, 2}, false);
        } else if (r % 5 == 1) {
            net.play(r, {1});
        } else if (r % 11 == 6) {
            net.at(net.times(r).t0);
            EXPECT_EQ(net.prove(r + 1), Verdict::kAccept);
        } else {
            net.play(r, {0, 1, 2});
        }
        net.score(r, {1, 1, 1}, {fail_of(Uid(0))});
        // Settled six rounds later, when it had a result.
        if (r >= 6 && r % 6 == 0 && net.state().rounds.at(Round(r - 6)).accepted) {
            net.do_ok(SettleRound{net.state().run, Round(r - 6)});
        }
    }
    return net;
}

void expect_same(const RunState& bounded, const RunState& whole, Round round) {
    const auto a = round_view(bounded, round);
    const auto b = round_view(whole, round);
    ASSERT_EQ(a.has_value(), b.has_value()) << round.value;
    if (!a) return;
    EXPECT_EQ(a->rho, b->rho) << round.value;
    EXPECT_EQ(a->base_root, b->base_root) << round.value;
    EXPECT_EQ(a->step_base, b->step_base) << round.value;
    EXPECT_EQ(a->assignment_base, b->assignment_base) << round.value;
    EXPECT_EQ(a->included, b->included) << round.value;
    EXPECT_EQ(a->aggregated, b->aggregated) << round.value;
    EXPECT_EQ(a->accepted, b->accepted) << round.value;
    EXPECT_EQ(a->sigma, b->sigma) << round.value;
    EXPECT_EQ(base_loss(bounded, round), base_loss(whole, round)) << round.value;
    ASSERT_EQ(a->miners.size(), b->miners.size());
    for (std::size_t i = 0; i < a->miners.size(); ++i) {
        EXPECT_EQ(a->miners[i].continuity, b->miners[i].continuity) << round.value;
        EXPECT_EQ(a->miners[i].commitment.has_value(), b->miners[i].commitment.has_value());
    }
}

TEST(BoundedState, SaysTheSameAboutRecentRounds) {
    const Network net = played();
    RunState bounded;
    bounded.run = net.state().run;
    bounded.kept_rounds = kKept;
    RunState whole;
    whole.run = net.state().run;
    for (const Event& event : net.events()) {
        apply(bounded, event);
        apply(whole, event);
        if (!whole.spec) continue;
        const auto now = round_at(whole.spec->timing, event.time);
        if (!now) continue;
        for (Round round = bounded.first; round <= *now; round = round.next()) {
            expect_same(bounded, whole, round);
        }
    }
    for (const auto& [uid, neuron] : whole.roster.neurons) {
        EXPECT_EQ(claimable(bounded, uid), claimable(whole, uid));
        EXPECT_EQ(bounded.tallies[uid].rounds, whole.tallies[uid].rounds);
        EXPECT_EQ(bounded.tallies[uid].fails, whole.tallies[uid].fails);
        EXPECT_EQ(bounded.tallies[uid].last_active, whole.tallies[uid].last_active);
    }
    EXPECT_GT(whole.rounds.size(), 30U) << "a round in which nothing was said has no record";
    EXPECT_GT(bounded.first, Round(30));
    EXPECT_LE(bounded.rounds.size(), kKept + kFactReach + 1);
    EXPECT_LE(bounded.beacons.size(), kKept + kFactReach + 2);
}

TEST(BoundedState, ALateFailureStillBreaksContinuity) {
    const Network net = played();
    RunState bounded;
    bounded.run = net.state().run;
    bounded.kept_rounds = kKept;
    RunState whole = bounded;
    whole.kept_rounds = 0;
    for (const Event& event : net.events()) {
        apply(bounded, event);
        apply(whole, event);
    }
    // Round 2 left long ago; its failure is settled while round 38 runs.
    Event late = net.events().back();
    late.time = ChainTime(net.times(38).snapshot.value + 1);
    late.body = MinerFailed{whole.run, Round(2), Uid(0), Amount{2}, Amount{1}};
    apply(bounded, late);
    apply(whole, late);
    EXPECT_TRUE(continuity(whole, Round(39), Uid(0)).fresh);
    EXPECT_TRUE(continuity(bounded, Round(39), Uid(0)).fresh);
    EXPECT_EQ(bounded.tallies[Uid(0)].fails, whole.tallies[Uid(0)].fails);
    // When the rounds that it could matter for are gone, so is it.
    Event much_later = late;
    much_later.time = net.times(60).t0;
    much_later.body = Claimed{Uid(0), {}, Amount{}};
    apply(bounded, much_later);
    EXPECT_TRUE(bounded.late_failures.empty());
}

TEST(BoundedState, ACopySharesTheRecordsUntilOneIsEdited) {
    Network net = played();
    const RunState copy = net.state();
    EXPECT_EQ(&copy.rounds.at(Round(3)), &net.state().rounds.at(Round(3)));
    net.mutable_state().rounds[Round(3)].accepted = Accepted{filled_hash(1), 7};
    EXPECT_NE(&copy.rounds.at(Round(3)), &net.state().rounds.at(Round(3)));
    EXPECT_FALSE(copy.rounds.at(Round(3)).accepted.has_value());
    EXPECT_EQ(net.state().rounds.at(Round(3)).accepted->loss_bits, 7U);
    EXPECT_EQ(&copy.rounds.at(Round(4)), &net.state().rounds.at(Round(4)));
}

}  // namespace
}  // namespace covenant::protocol
