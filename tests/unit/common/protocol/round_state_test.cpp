// Facts derived from the folded state: electorate, inclusion, slots, continuity, the data walk (R3,
// R4.12, R5.1).
#include "common/base/counter_rng.hpp"
#include "common/protocol/model_shape.hpp"
#include "common/protocol/round_view.hpp"
#include "tests/support/protocol_fixture.hpp"

#include <algorithm>
#include <set>

namespace covenant::protocol {
namespace {

std::vector<Uid> uids_of(const std::vector<ValidatorStake>& list) {
    std::vector<Uid> out;
    for (const ValidatorStake& entry : list)
        out.push_back(entry.uid);
    return out;
}

void stake_at(Network& net, Uid uid, std::uint64_t time, std::uint64_t tokens) {
    apply(net.mutable_state(),
          Event{.block = {},
                .time = ChainTime(time),
                .index = 0,
                .transaction = {},
                .body = StakeChanged{.uid = uid, .total = Amount{tokens * kOneToken}}});
}

TEST(Electorate, IsWhoHasASeatAtTheSnapshot) {
    Network net(1, {100, 100, 9});
    const Uid a = net.validator(0);
    const Uid b = net.validator(1);
    EXPECT_EQ(uids_of(electorate(net.state(), Round(0))), (std::vector{a, b}))
        << "the third has less than the least stake";
    stake_at(net, a, net.times(1).snapshot.value, 300);
    stake_at(net, b, net.times(1).snapshot.value + 1, 9);
    const auto first = electorate(net.state(), Round(1));
    ASSERT_EQ(uids_of(first), (std::vector{a, b}));
    EXPECT_EQ(first[0].stake, Amount{300 * kOneToken});
    EXPECT_EQ(first[1].stake, Amount{100 * kOneToken}) << "what comes after the snapshot is late";
    EXPECT_EQ(uids_of(electorate(net.state(), Round(2))), (std::vector{a}));
    EXPECT_EQ(net.times(1).snapshot, net.times(0).t1);
    EXPECT_LT(net.times(1).snapshot, beacon_target(net.spec().timing, BeaconSlot(1)));
    EXPECT_LT(net.times(0).snapshot, beacon_target(net.spec().timing, BeaconSlot(0)));
}

TEST(Electorate, DustHasNoSay) {
    Network net(1, {100, 0});
    net.do_ok(AddStake{.uid = net.validator(1), .amount = Amount{1}});
    net.at(net.times(0).beacon);
    EXPECT_EQ(net.vote(0, net.validator(1), {}), Verdict::kNotValidator);
    EXPECT_EQ(net.vote(0, net.validator(0), {}), Verdict::kAccept);
}

TEST(Quorum, IsMeasuredAgainstAllSeatedStake) {
    // Of 100 seated, nobody jailed: 67.
    EXPECT_FALSE(is_quorum(66, 100, 100));
    EXPECT_TRUE(is_quorum(67, 100, 100));
    // However many are jailed, half of the seated stake has to agree.
    EXPECT_TRUE(is_quorum(50, 75, 100));
    EXPECT_FALSE(is_quorum(49, 60, 100));
    EXPECT_TRUE(is_quorum(50, 50, 100));
    EXPECT_FALSE(is_quorum(0, 0, 0));
    EXPECT_FALSE(is_quorum(49, 1, 100));
}

// Rounds in which only the first of four validators does all its duties.
void play_alone(Network& net, std::uint64_t from, std::uint64_t until) {
    for (std::uint64_t r = from; r < until; ++r) {
        net.at(net.times(r).t0);
        EXPECT_EQ(net.commit(r, Uid(0)), Verdict::kAccept) << r;
        net.at(net.times(r).t1);
        EXPECT_EQ(net.show_keys(r, {0}), Verdict::kAccept);
        EXPECT_EQ(net.prove(r + 1), Verdict::kAccept);
        for (std::size_t v = 0; v < 2; ++v) {
            EXPECT_EQ(net.vote(r, net.validator(v), Network::set({0})), Verdict::kAccept);
            EXPECT_EQ(net.commit_scores(net.validator(v), net.scores(r, {1})), Verdict::kAccept);
        }
        net.at(net.times(r).t2);
        EXPECT_EQ(net.vote_parameters(r, net.validator(0), Network::root_after(r)),
                  Verdict::kAccept);
        net.at(net.times(r).score_commit);
        for (std::size_t v = 0; v < 2; ++v) {
            EXPECT_EQ(net.run_as(net.validator(v), net.scores(r, {1})), Verdict::kAccept);
        }
    }
}

TEST(Jail, SilenceCostsTheVoteAndNothingElse) {
    // 60 of 100 stand for everything, 20 vote on inclusion and scores only, 20 are silent.
    Network net(1, {60, 20, 20});
    const Uid works = net.validator(0);
    const Uid half = net.validator(1);
    const Uid silent = net.validator(2);
    const JailValidator jail_silent{.run = net.state().run, .uid = silent};
    play_alone(net, 0, 6);
    EXPECT_EQ(missed_rounds(net.state(), silent, net.now()), 5U)
        << "the reveals of the last are open";
    EXPECT_EQ(net.run(jail_silent), Verdict::kNotReady);
    net.at(net.times(5).score_reveal);
    EXPECT_EQ(missed_rounds(net.state(), works, net.now()), 0U);
    EXPECT_EQ(missed_rounds(net.state(), half, net.now()), 6U) << "it never voted on parameters";
    EXPECT_EQ(net.run(jail_silent), Verdict::kAccept) << "by anybody";
    EXPECT_EQ(net.run(jail_silent), Verdict::kDuplicate);
    EXPECT_EQ(net.run(JailValidator{.run = net.state().run, .uid = works}), Verdict::kNotReady);
    // From the next snapshot on.
    EXPECT_EQ(electorate(net.state(), Round(7)).size(), 3U);
    EXPECT_EQ(uids_of(electorate(net.state(), Round(8))), (std::vector{works, half}));
    EXPECT_EQ(seated(net.state(), Round(8)).size(), 3U);
}

TEST(Jail, ARoundWithNothingToVoteOnMissesNoVoteOnIt) {
    Network net(1, {60, 40});
    for (std::uint64_t r = 0; r < 8; ++r) {
        net.at(net.times(r).t0);
        EXPECT_EQ(net.commit(r, Uid(0)), Verdict::kAccept);
        net.at(net.times(r).t1);
        EXPECT_EQ(net.show_keys(r, {0}), Verdict::kAccept);
        EXPECT_EQ(net.prove(r + 1), Verdict::kAccept);
        for (std::size_t v = 0; v < 2; ++v) {
            EXPECT_EQ(net.vote(r, net.validator(v), {}), Verdict::kAccept);
            EXPECT_EQ(net.commit_scores(net.validator(v), net.scores(r, {1})), Verdict::kAccept);
        }
        net.at(net.times(r).score_commit);
        for (std::size_t v = 0; v < 2; ++v) {
            EXPECT_EQ(net.run_as(net.validator(v), net.scores(r, {1})), Verdict::kAccept);
        }
    }
    net.at(net.times(7).score_reveal);
    EXPECT_TRUE(is_countable(net.state(), Round(7)));
    EXPECT_EQ(missed_rounds(net.state(), net.validator(1), net.now()), 0U);
}

TEST(Jail, WhoComesBackWaitsTwiceAsLongEachTime) {
    Network net(1, {60, 20, 20});
    const Uid silent = net.validator(2);
    const JailValidator jail{.run = net.state().run, .uid = silent};
    const ReturnFromJail back{.run = net.state().run};
    EXPECT_EQ(net.run_as(silent, back), Verdict::kNotReady);
    std::uint64_t round = 0;
    for (const std::uint64_t wait : {2U, 4U, 8U, 8U}) {
        play_alone(net, round, round + 7);
        round += 7;
        net.at(net.times(round - 1).score_reveal);
        ASSERT_EQ(net.run(jail), Verdict::kAccept) << wait;
        EXPECT_EQ(net.run(back), Verdict::kNotValidator) << "only itself";
        const std::uint64_t asked = net.now().value;
        ASSERT_EQ(net.run_as(silent, back), Verdict::kAccept);
        EXPECT_EQ(net.run_as(silent, back), Verdict::kDuplicate);
        EXPECT_EQ(net.run(jail), Verdict::kDuplicate) << "it is still inside";
        const ChainTime free(asked + wait * net.spec().timing.round_seconds);
        const JailRecord& record = net.state().jail.at(silent);
        EXPECT_EQ(record.changes.back(), (JailChange{.since = free, .jailed = false}));
        EXPECT_TRUE(record.jailed_at(ChainTime(free.value - 1)));
        EXPECT_FALSE(record.jailed_at(free));
        // Rounds in jail are nobody's fault; two blocks of rounds are played before the next try.
        round += wait + 1;
        while (net.times(round).t0 <= net.now())
            ++round;
        EXPECT_EQ(net.prove(round), Verdict::kAccept);
    }
}

TEST(Suspected, MoreThanHalfAndFewAtOnce) {
    Network net(9, {40, 30, 30});
    net.at(net.times(0).t0);
    for (std::uint16_t m = 0; m < 9; ++m)
        EXPECT_EQ(net.commit(0, Uid(m)), Verdict::kAccept);
    net.at(net.times(0).t1);
    EXPECT_EQ(net.show_keys(0, {0, 1, 2, 3, 4, 5, 6, 7, 8}), Verdict::kAccept);
    net.at(net.times(0).beacon);
    EXPECT_EQ(net.vote(0, net.validator(0), {}, Network::set({4, 5, 6})), Verdict::kAccept);
    EXPECT_TRUE(suspected(net.state(), Round(0)).none()) << "40 of 100";
    EXPECT_EQ(net.vote(0, net.validator(1), {}, Network::set({5, 6})), Verdict::kAccept);
    EXPECT_EQ(suspected(net.state(), Round(0)), Network::set({5}))
        << "one of nine, the smaller uid";
    EXPECT_EQ(net.vote(0, net.validator(2), {}, Network::set({6})), Verdict::kAccept);
    EXPECT_EQ(suspected(net.state(), Round(0)), Network::set({6})) << "most suspected first";
}

TEST(Included, NeedsTwoThirdsOfTheElectorate) {
    Network net(3, {100, 100, 100});
    net.at(net.times(0).t0);
    for (std::uint16_t m = 0; m < 3; ++m)
        EXPECT_EQ(net.commit(0, Uid(m)), Verdict::kAccept);
    net.at(net.times(0).t1);
    EXPECT_EQ(net.show_keys(0, {0, 1}), Verdict::kAccept);
    net.at(net.times(0).beacon);
    EXPECT_EQ(net.vote(0, net.validator(0), Network::set({0, 1})), Verdict::kAccept);
    EXPECT_TRUE(included(net.state(), Round(0)).none());
    EXPECT_EQ(net.vote(0, net.validator(1), Network::set({0})), Verdict::kAccept);
    EXPECT_EQ(included(net.state(), Round(0)), Network::set({0}));
    EXPECT_TRUE(included(net.state(), Round(1)).none());
}

TEST(Included, NobodyWithoutStakedValidators) {
    Network net(1, {0});
    net.at(net.times(0).t0);
    EXPECT_EQ(net.commit(0, Uid(0)), Verdict::kAccept);
    EXPECT_TRUE(electorate(net.state(), Round(0)).empty());
    EXPECT_TRUE(included(net.state(), Round(0)).none());
}

TEST(Aggregated, DrawsSlotsWhenThereAreTooFew) {
    Network net(6);
    net.play(0, {0, 1, 2, 3});
    EXPECT_EQ(aggregated(net.state(), Round(0)), (std::vector{Uid(0), Uid(1), Uid(2), Uid(3)}))
        << "four slots for four";
    net.play(1, {0, 1, 2, 3, 4, 5});
    const std::vector<Uid> drawn = aggregated(net.state(), Round(1));
    EXPECT_EQ(drawn.size(), 4U);
    EXPECT_TRUE(std::is_sorted(drawn.begin(), drawn.end()));
    std::set<std::vector<Uid>> seen;
    for (std::uint8_t i = 0; i < 30; ++i) {
        net.mutable_state().beacons.at(BeaconSlot(1)).sigma = filled_hash(i);
        seen.insert(aggregated(net.state(), Round(1)));
    }
    EXPECT_GT(seen.size(), 8U) << "of fifteen possible, the beacon decides";
}

TEST(Continuity, FollowsTheLastCommitment) {
    Network net;
    EXPECT_EQ(continuity(net.state(), Round(0), Uid(0)), Continuity{});
    net.play(0, {0, 1});
    const Continuity expected{.fresh = false,
                              .previous_round = Round(0),
                              .previous_root = net.commitment(0, Uid(0)).root,
                              .previous_included = true};
    for (std::uint64_t r = 1; r <= 4; ++r) {
        EXPECT_EQ(continuity(net.state(), Round(r), Uid(0)), expected) << r;
    }
    EXPECT_TRUE(continuity(net.state(), Round(5), Uid(0)).fresh)
        << "a gap of more than four rounds";
    EXPECT_TRUE(continuity(net.state(), Round(1), Uid(2)).fresh) << "never committed";
    EXPECT_TRUE(continuity(net.state(), Round(0), Uid(0)).fresh)
        << "the round itself is not earlier";
    net.play(1, {0});
    EXPECT_EQ(continuity(net.state(), Round(2), Uid(0)).previous_round, Round(1));
    EXPECT_EQ(continuity(net.state(), Round(2), Uid(1)).previous_round, Round(0));
}

TEST(Continuity, NothingContinuesWhatWasNotOpened) {
    Network net;
    net.play(0, {0});
    net.at(net.times(1).t0);
    EXPECT_EQ(net.commit(1, Uid(0)), Verdict::kAccept);
    EXPECT_EQ(continuity(net.state(), Round(2), Uid(0)).previous_round, Round(0))
        << "its key was never shown, so nobody can check against it";
}

TEST(Steps, CountAcceptedRoundsOnly) {
    Network net;
    net.play(0, {0});
    net.play(1, {0}, false);
    net.play(2, {0});
    EXPECT_EQ(accepted_rounds(net.state(), Round(1)), 1U);
    EXPECT_EQ(accepted_rounds(net.state(), Round(2)), 1U);
    EXPECT_EQ(accepted_rounds(net.state(), Round(3)), 2U);
    EXPECT_EQ(round_view(net.state(), Round(3))->step_base, 2 * net.spec().inner.steps_per_round);
}

TEST(Continuity, ANullRoundIncludesNobody) {
    Network net;
    net.play(0, {0}, false);
    EXPECT_TRUE(included(net.state(), Round(0))[0]);
    const Continuity c = continuity(net.state(), Round(1), Uid(0));
    EXPECT_FALSE(c.fresh);
    EXPECT_FALSE(c.previous_included);
    EXPECT_EQ(base_root(net.state(), Round(1)), net.spec().genesis_root);
}

TEST(Continuity, WithoutASlotTheUpdateWasNotIncluded) {
    Network net(6);
    net.play(0, {0, 1, 2, 3, 4, 5});
    const std::vector<Uid> slots = aggregated(net.state(), Round(0));
    for (std::uint16_t m = 0; m < 6; ++m) {
        const bool slot = std::find(slots.begin(), slots.end(), Uid(m)) != slots.end();
        EXPECT_EQ(continuity(net.state(), Round(1), Uid(m)).previous_included, slot) << m;
    }
}

TEST(Continuity, AFailTakesEffectAtTheNextSnapshot) {
    Network net;
    net.play(0, {0});
    net.play(1, {0});
    const auto fail_at = [&](std::uint64_t time) {
        net.mutable_state().rounds[Round(0)].failed = {{Uid(0), ChainTime(time)}};
    };
    const std::uint64_t snapshot_1 = net.times(1).snapshot.value;
    const std::uint64_t snapshot_2 = net.times(2).snapshot.value;
    fail_at(snapshot_1);
    EXPECT_FALSE(continuity(net.state(), Round(2), Uid(0)).fresh) << "round 1 began fresh already";
    EXPECT_TRUE(continuity(net.state(), Round(1), Uid(0)).fresh);
    fail_at(snapshot_1 + 1);
    EXPECT_TRUE(continuity(net.state(), Round(2), Uid(0)).fresh);
    EXPECT_FALSE(continuity(net.state(), Round(1), Uid(0)).fresh)
        << "not yet at the snapshot of round 1";
    fail_at(snapshot_2);
    EXPECT_TRUE(continuity(net.state(), Round(2), Uid(0)).fresh);
    fail_at(snapshot_2 + 1);
    EXPECT_FALSE(continuity(net.state(), Round(2), Uid(0)).fresh);
    EXPECT_FALSE(continuity(net.state(), Round(2), Uid(1)).previous_included);
}

TEST(AssignmentBase, SumsTheActiveMinersOfEarlierRounds) {
    Network net(3);
    const std::uint64_t per_miner = net.spec().windows_per_round();
    EXPECT_EQ(assignment_base(net.state(), Round(0)), 0U);
    EXPECT_EQ(assignment_base(net.state(), Round(7)), 7 * 3 * per_miner);
    // One miner loses its bond during round 1 and has it back at the snapshot of round 4.
    stake_at(net, Uid(0), net.times(1).snapshot.value + 1, 1);
    stake_at(net, Uid(0), net.times(4).snapshot.value, 10);
    EXPECT_EQ(assignment_base(net.state(), Round(7)), (7 * 3 - 2) * per_miner);
    // Closed form = the sum, whatever happens to stakes and when.
    CounterRng rng(7);
    for (int i = 0; i < 20; ++i) {
        stake_at(net, Uid(1),
                 net.times(8).snapshot.value + 60 * static_cast<std::uint64_t>(i) + rng.below(60),
                 rng.below(2) * 10);
    }
    for (std::uint64_t r = 0; r < 30; ++r) {
        std::uint64_t sum = 0;
        for (std::uint64_t q = 0; q < r; ++q) {
            sum += net.state()
                       .roster.active_miners(net.times(q).snapshot, net.spec().emission.miner_bond)
                       .size();
        }
        EXPECT_EQ(assignment_base(net.state(), Round(r)), sum * per_miner) << r;
    }
}

TEST(AssignmentBase, CountsWhoRegistersLateFromThenOn) {
    RunSpec spec = sample_spec();
    spec.emission.miner_bond = Amount{};
    Network net(2, {1}, spec);
    net.at(net.times(3).snapshot.value + 1);
    net.do_ok(RegisterHotkey{
        .coldkey = {}, .hotkey = filled_address(9), .role = Role::kMiner, .network_key = {}});
    EXPECT_EQ(assignment_base(net.state(), Round(6)), (6 * 2 + 2) * spec.windows_per_round());
}

TEST(RoundViewTest, ShowsTheRoundAsItStands) {
    Network net;
    EXPECT_EQ(round_view(RunState{}, Round(0)), std::nullopt);
    net.play(0, {0, 2});
    net.at(net.times(1).t0);
    EXPECT_EQ(net.commit(1, Uid(2)), Verdict::kAccept);
    const auto view = round_view(net.state(), Round(1));
    ASSERT_TRUE(view.has_value());
    EXPECT_EQ(view->base_root, Network::root_after(0));
    EXPECT_EQ(view->rho, rho(net.state(), Round(1)));
    EXPECT_EQ(view->sigma, std::nullopt);
    EXPECT_EQ(view->assignment_base, 3 * net.spec().windows_per_round());
    ASSERT_EQ(view->miners.size(), 3U);
    EXPECT_EQ(view->miner(Uid(2))->rank, 2U);
    EXPECT_TRUE(view->miner(Uid(2))->commitment.has_value());
    EXPECT_FALSE(view->miner(Uid(0))->commitment.has_value());
    EXPECT_EQ(view->miner(Uid(0))->continuity.previous_round, Round(0));
    EXPECT_EQ(view->miner(Uid(3)), nullptr);
    const AssignmentInput input = view->assignment(*view->miner(Uid(2)));
    EXPECT_EQ(input.active_miners, 3U);
    EXPECT_EQ(input.rank, 2U);
    const auto past = round_view(net.state(), Round(0));
    EXPECT_TRUE(past->sigma.has_value());
    EXPECT_EQ(past->aggregated, (std::vector{Uid(0), Uid(2)}));
    EXPECT_TRUE(past->accepted.has_value());
    EXPECT_EQ(past->commitments.size(), 2U);
    EXPECT_TRUE(past->agreed(net.validator(0)));
    EXPECT_FALSE(past->agreed(Uid(0))) << "a miner votes on nothing";
}

TEST(RoundViewTest, DrawsTheAuditsThatTheBeaconGives) {
    RunSpec spec = sample_spec();
    spec.audit.probability_ppm = 1'000'000;
    Network net(3, {100}, spec);
    net.at(net.times(0).t0);
    EXPECT_EQ(net.commit(0, Uid(1)), Verdict::kAccept);
    EXPECT_TRUE(round_view(net.state(), Round(0))->duties.empty()) << "nobody knows them yet";
    EXPECT_EQ(net.prove(1), Verdict::kAccept);
    EXPECT_TRUE(round_view(net.state(), Round(0))->duties.empty()) << "its key was not shown";
    net.play(1, {0, 2});
    const auto view = round_view(net.state(), Round(1));
    ASSERT_EQ(view->duties.size(), 2U);
    EXPECT_EQ(view->drawn(Uid(2)), view->duties.at(Uid(2)).segments);
    EXPECT_TRUE(view->drawn(Uid(1)).empty()) << "it committed nothing";
    EXPECT_EQ(chunk_count(spec.model), chunk_elements(spec.model).size()) << "what it draws from";
}

TEST(RoundViewTest, SumsUpWhatWasFoundOfEachMiner) {
    RoundView view;
    view.reveals[Uid(8)].findings = {{Uid(0), kFindingPass, Segment(0), {}},
                                     {Uid(1), kFindingFail, Segment(3), filled_hash(1)}};
    view.reveals[Uid(9)].findings = {{Uid(1), kFindingFail, Segment(2), filled_hash(2)}};
    EXPECT_EQ(view.findings().size(), 3U);
    auto audited = view.audited();
    ASSERT_EQ(audited.size(), 2U);
    EXPECT_EQ(audited[Uid(0)].passes, 1U);
    EXPECT_EQ(audited[Uid(0)].failed_segment, std::nullopt);
    EXPECT_EQ(audited[Uid(1)].fails, 2U);
    EXPECT_EQ(audited[Uid(1)].failed_segment, Segment(2));
    EXPECT_EQ(audited[Uid(1)].evidence, filled_hash(2));
}

TEST(Fold, IgnoresOtherRunsAndRepeats) {
    Network net;
    const std::size_t beacons = net.state().beacons.size();
    const auto fold = [&](EventBody body) {
        apply(net.mutable_state(), Event{.block = {},
                                         .time = ChainTime(5),
                                         .index = 0,
                                         .transaction = {},
                                         .body = std::move(body)});
    };
    fold(BeaconProven{
        .run = filled_hash(1), .slot = BeaconSlot(9), .block = {}, .prevrandao = {}, .sigma = {}});
    fold(ParametersAccepted{.run = filled_hash(1), .round = Round(0), .root = filled_hash(2)});
    fold(StakeChanged{.uid = Uid(200), .total = Amount{1}});
    fold(HotkeyRegistered{
        .uid = Uid(999), .coldkey = {}, .hotkey = {}, .role = Role::kMiner, .network_key = {}});
    EXPECT_EQ(net.state().beacons.size(), beacons);
    EXPECT_TRUE(net.state().rounds.empty());
    EXPECT_EQ(net.state().roster.neurons.size(), 6U);
}

}  // namespace
}  // namespace covenant::protocol
