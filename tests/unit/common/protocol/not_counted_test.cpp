// Why a round's work was not counted, from the folded state and from a sender's refusal.
#include "common/protocol/not_counted.hpp"

#include "tests/support/protocol_fixture.hpp"

namespace covenant::protocol {
namespace {

std::optional<NotCounted> why(const Network& net, std::uint64_t round, Uid miner, ChainTime now) {
    const auto view = round_view(net.state(), Round(round));
    if (!view) return std::nullopt;
    const auto found = miner_not_counted(*view, miner, now);
    return found ? std::optional(found->reason) : std::nullopt;
}

std::vector<std::string> ballots(const Network& net, std::uint64_t round, Uid validator,
                                 ChainTime now) {
    std::vector<std::string> out;
    for (const Uncounted& one :
         ballots_not_counted(*round_view(net.state(), Round(round)), validator, now)) {
        out.push_back(std::string(to_string(*one.ballot)) + ": " + describe(one.why));
    }
    return out;
}

using Texts = std::vector<std::string>;

TEST(NotCounted, AMinerWithoutACommitmentWasLate) {
    Network net(3);
    net.play(0, {0, 1});
    const RoundTimes t = net.times(0);
    EXPECT_EQ(why(net, 0, Uid(2), ChainTime(t.t1.value - 1)), std::nullopt) << "it still can";
    EXPECT_EQ(why(net, 0, Uid(2), t.t1), NotCounted::kLateCommit);
    EXPECT_EQ(why(net, 0, Uid(0), t.t3), std::nullopt) << "counted";
    EXPECT_EQ(why(net, 0, Uid(99), t.t3), std::nullopt) << "nobody";
    EXPECT_EQ(why(net, 0, net.validator(0), t.t3), std::nullopt) << "no miner";
}

TEST(NotCounted, WithoutTwoThirdsThereIsNoQuorum) {
    Network net(2, {100, 100, 100});
    net.at(net.times(0).t0);
    EXPECT_EQ(net.commit(0, Uid(0)), Verdict::kAccept);
    EXPECT_EQ(net.commit(0, Uid(1)), Verdict::kAccept);
    net.at(net.times(0).t1);
    EXPECT_EQ(net.show_keys(0, {0, 1}), Verdict::kAccept);
    EXPECT_EQ(net.prove(1), Verdict::kAccept);
    EXPECT_EQ(net.vote(0, net.validator(0), Network::set({0, 1})), Verdict::kAccept);
    EXPECT_EQ(net.vote(0, net.validator(1), Network::set({0})), Verdict::kAccept);
    const RoundTimes t = net.times(0);
    EXPECT_EQ(why(net, 0, Uid(1), ChainTime(t.t2.value - 1)), std::nullopt) << "votes may come";
    EXPECT_EQ(why(net, 0, Uid(1), t.t2), NotCounted::kQuorum);
    EXPECT_EQ(why(net, 0, Uid(0), t.t2), std::nullopt);
    EXPECT_EQ(why(net, 0, Uid(0), t.t3), NotCounted::kNullRound) << "no parameters were voted";
}

TEST(NotCounted, AKeyThatWasNotShownInTime) {
    Network net(2);
    const RoundTimes t = net.times(0);
    net.at(t.t0);
    EXPECT_EQ(net.commit(0, Uid(0)), Verdict::kAccept);
    EXPECT_EQ(why(net, 0, Uid(0), ChainTime(t.keys.value - 1)), std::nullopt) << "it may come";
    EXPECT_EQ(why(net, 0, Uid(0), t.keys), NotCounted::kLateKey);
    const auto late = refused_because(ShowKeys{}, Verdict::kWrongPhase, 0.4);
    ASSERT_TRUE(late);
    EXPECT_EQ(describe(*late), "late_key (late by 0.4 s)");
    EXPECT_FALSE(refused_because(ShowKeys{}, Verdict::kDuplicate, 0.4)) << "somebody carried it";
}

TEST(NotCounted, TheDrawGaveTheSlotToOthers) {
    Network net(6);
    net.play(0, {0, 1, 2, 3, 4, 5});
    const std::vector<Uid> drawn = aggregated(net.state(), Round(0));
    ASSERT_EQ(drawn.size(), 4U);
    for (std::uint16_t uid = 0; uid < 6; ++uid) {
        const bool has_slot = std::binary_search(drawn.begin(), drawn.end(), Uid(uid));
        EXPECT_EQ(why(net, 0, Uid(uid), net.times(0).t3),
                  has_slot ? std::nullopt : std::optional(NotCounted::kSlot));
    }
}

TEST(NotCounted, AFailedAuditComesFirst) {
    Network net;
    net.play(0, {0, 1});
    net.mutable_state().rounds[Round(0)].failed = {{Uid(0), net.times(0).score_reveal}};
    EXPECT_EQ(why(net, 0, Uid(0), net.times(0).score_reveal), NotCounted::kFailed);
    EXPECT_EQ(why(net, 0, Uid(1), net.times(0).score_reveal), std::nullopt);
}

TEST(NotCounted, ABallotThatDidNotComeWasLate) {
    Network net(1, {100, 100, 100});
    const RoundTimes t = net.times(0);
    net.at(t.t0);
    EXPECT_EQ(net.commit(0, Uid(0)), Verdict::kAccept);
    net.at(t.t1);
    EXPECT_EQ(net.show_keys(0, {0}), Verdict::kAccept);
    EXPECT_EQ(net.prove(1), Verdict::kAccept);
    EXPECT_EQ(net.vote(0, net.validator(0), Network::set({0})), Verdict::kAccept);
    EXPECT_EQ(net.vote(0, net.validator(1), Network::set({0})), Verdict::kAccept);
    net.at(t.t2);
    EXPECT_EQ(net.vote_parameters(0, net.validator(0), filled_hash(1)), Verdict::kAccept);
    EXPECT_EQ(net.vote_parameters(0, net.validator(1), filled_hash(1)), Verdict::kAccept);
    EXPECT_EQ(ballots(net, 0, net.validator(2), ChainTime(t.t2.value - 1)), Texts{});
    EXPECT_EQ(ballots(net, 0, net.validator(2), t.t3),
              (Texts{"inclusion: late_ballot", "parameters: late_ballot"}));
    EXPECT_EQ(ballots(net, 0, net.validator(0), t.t3), Texts{});
    EXPECT_EQ(ballots(net, 0, net.validator(0), t.score_reveal), Texts{"scores: late_ballot"});
    EXPECT_EQ(ballots(net, 0, Uid(0), t.score_reveal), Texts{}) << "a miner";
}

TEST(NotCounted, EverybodysListIsThatOfEach) {
    Network net(2, {100, 100, 100});
    net.play(0, {1});
    const ChainTime end = net.times(0).score_reveal;
    const auto view = round_view(net.state(), Round(0));
    std::vector<Uncounted> each;
    for (std::uint16_t uid = 0; uid < 5; ++uid) {
        const auto own = not_counted(*view, Uid(uid), end);
        each.insert(each.end(), own.begin(), own.end());
    }
    EXPECT_EQ(not_counted(*view, end), each);
    ASSERT_FALSE(each.empty());
    EXPECT_EQ(each.front().uid, Uid(0));
    EXPECT_EQ(each.front().ballot, std::nullopt);
    RoundView before = *view;
    before.rho = {};
    EXPECT_TRUE(not_counted(before, end).empty()) << "nobody could take part";
}

TEST(NotCounted, VotesForOtherParametersAreOutvoted) {
    Network net(1, {100, 100, 100});
    const RoundTimes t = net.times(0);
    EXPECT_EQ(net.prove(1), Verdict::kAccept);
    for (std::size_t v = 0; v < 3; ++v) {
        EXPECT_EQ(net.vote(0, net.validator(v), {}), Verdict::kAccept);
    }
    net.at(t.t2);
    EXPECT_EQ(net.vote_parameters(0, net.validator(0), filled_hash(2)), Verdict::kAccept);
    EXPECT_EQ(ballots(net, 0, net.validator(0), t.t3), Texts{"parameters: null_round"});
    EXPECT_EQ(net.vote_parameters(0, net.validator(1), filled_hash(1)), Verdict::kAccept);
    EXPECT_EQ(net.vote_parameters(0, net.validator(2), filled_hash(1)), Verdict::kAccept);
    EXPECT_EQ(ballots(net, 0, net.validator(0), t.t3), Texts{"parameters: outvoted"});
    EXPECT_EQ(ballots(net, 0, net.validator(1), t.t3), Texts{});
}

TEST(NotCounted, AJailedValidatorHasASeatAndNoVote) {
    Network net(1, {100, 100});
    EXPECT_EQ(net.prove(1), Verdict::kAccept);
    net.mutable_state().jail[net.validator(1)].changes = {
        {.since = net.times(1).snapshot, .jailed = true}};
    EXPECT_EQ(ballots(net, 1, net.validator(1), net.times(1).t3),
              (Texts{"inclusion: electorate", "parameters: electorate"}));
    EXPECT_EQ(ballots(net, 0, net.validator(1), net.times(0).t2), Texts{"inclusion: late_ballot"});
}

TEST(NotCounted, EveryScreeningVerdictHasAReason) {
    for (int code = 40; code <= 49; ++code) {
        EXPECT_TRUE(reason_of(static_cast<Verdict>(code))) << code;
    }
    EXPECT_EQ(reason_of(Verdict::kUnavailable), NotCounted::kLateUpload);
    EXPECT_EQ(reason_of(Verdict::kDecryptFailed), NotCounted::kNoKey);
    EXPECT_EQ(reason_of(Verdict::kNormOutOfBounds), NotCounted::kNorm);
    EXPECT_EQ(reason_of(Verdict::kLossGate), NotCounted::kGate);
    EXPECT_EQ(reason_of(Verdict::kBrokenContinuity), NotCounted::kBase);
    EXPECT_EQ(reason_of(Verdict::kSegmentMismatch), NotCounted::kFailed);
    EXPECT_EQ(reason_of(Verdict::kAccept), std::nullopt);
    EXPECT_EQ(reason_of(Verdict::kRosterFull), std::nullopt);
}

TEST(NotCounted, ASenderSaysByHowMuchItWasLate) {
    const auto late = refused_because(PostCommitment{}, Verdict::kWrongPhase, 0.4);
    ASSERT_TRUE(late);
    EXPECT_EQ(late->reason, NotCounted::kLateCommit);
    EXPECT_EQ(describe(*late), "late_commit (late by 0.4 s)");
    EXPECT_EQ(describe(*refused_because(PostCommitment{}, Verdict::kWrongBase, 0.4)),
              "base (wrong_base)");
    EXPECT_FALSE(refused_because(PostCommitment{}, Verdict::kDuplicate, 0.4))
        << "the first one counts";
}

TEST(NotCounted, ARefusalIsWordedByWhatWasSent) {
    const std::vector<Intent> ballots{VoteInclusion{}, VoteParameters{}, CommitScores{},
                                      RevealScores{}};
    for (const Intent& ballot : ballots) {
        SCOPED_TRACE(intent_name(ballot));
        EXPECT_EQ(describe(*refused_because(ballot, Verdict::kWrongPhase, 12.06)),
                  "late_ballot (late by 12.1 s)");
        EXPECT_EQ(refused_because(ballot, Verdict::kNotValidator, std::nullopt)->reason,
                  NotCounted::kElectorate);
        EXPECT_FALSE(refused_because(ballot, Verdict::kDuplicate, std::nullopt));
    }
    EXPECT_FALSE(refused_because(SettleRound{}, Verdict::kWrongPhase, 1.0)) << "counts for nobody";
    EXPECT_FALSE(refused_because(ProveBeacon{}, Verdict::kWrongPhase, 1.0));
}

}  // namespace
}  // namespace covenant::protocol
