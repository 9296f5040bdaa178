// What the contracts accept and refuse, at each boundary of a round's phases (R3, R4, R10).
#include "tests/support/protocol_fixture.hpp"

#include <bit>

namespace covenant::protocol {
namespace {

ChainTime before(ChainTime time) {
    return ChainTime(time.value - 1);
}

TEST(Transition, CommitmentsAreTakenFromT0UntilT1) {
    for (const auto& [offset, expected] :
         std::vector<std::pair<std::int64_t, Verdict>>{{-1, Verdict::kWrongPhase},
                                                       {0, Verdict::kAccept},
                                                       {39, Verdict::kAccept},
                                                       {40, Verdict::kWrongPhase},
                                                       {99, Verdict::kWrongPhase},
                                                       {100, Verdict::kWrongPhase}}) {
        Network net;
        const auto t0 = static_cast<std::int64_t>(net.times(0).t0.value);
        net.at(static_cast<std::uint64_t>(t0 + offset));
        EXPECT_EQ(net.commit(0, Uid(0)), expected) << offset;
        EXPECT_EQ(net.state().rounds.size(), expected == Verdict::kAccept ? 1U : 0U);
    }
}

TEST(Transition, CommitmentIsBoundToRunBeaconBaseAndSigner) {
    Network net;
    net.at(net.times(0).t0);
    const Commitment good = net.commitment(0, Uid(0));
    const auto verdict = [&](auto change) {
        Commitment changed = good;
        change(changed);
        return net.run(net.signed_by(Uid(0), changed));
    };
    EXPECT_EQ(verdict([](Commitment& c) { c.run.bytes[0] ^= 1; }), Verdict::kUnknownRun);
    EXPECT_EQ(verdict([](Commitment& c) { c.round = Round(1); }), Verdict::kWrongPhase);
    EXPECT_EQ(verdict([](Commitment& c) { c.round = Round(~std::uint64_t{0}); }),
              Verdict::kWrongPhase);
    for (const int segments : {0, 5, 7, 65535}) {
        EXPECT_EQ(
            verdict([&](Commitment& c) { c.segments = static_cast<std::uint16_t>(segments); }),
            Verdict::kMalformed)
            << segments;
    }
    EXPECT_EQ(verdict([](Commitment& c) { c.rho.bytes[31] ^= 1; }), Verdict::kWrongBeacon);
    EXPECT_EQ(verdict([](Commitment& c) { c.base_root.bytes[0] ^= 1; }), Verdict::kWrongBase);
    EXPECT_EQ(verdict([](Commitment& c) { c.uid = Uid(4); }), Verdict::kNotMiner) << "a validator";
    EXPECT_EQ(verdict([](Commitment& c) { c.uid = Uid(99); }), Verdict::kNotMiner) << "nobody";
    EXPECT_EQ(verdict([](Commitment& c) { c.uid = Uid(60000); }), Verdict::kNotMiner);
    EXPECT_EQ(verdict([](Commitment& c) { c.uid = Uid(1); }), Verdict::kBadSignature) << "by uid 0";
    EXPECT_EQ(net.run(net.signed_by(Uid(1), good)), Verdict::kBadSignature);
    EXPECT_EQ(verdict([](Commitment&) {}), Verdict::kAccept);
    EXPECT_EQ(verdict([](Commitment&) {}), Verdict::kDuplicate);
    EXPECT_EQ(verdict([](Commitment& c) { c.size = 1; }), Verdict::kDuplicate) << "equivocation";
}

TEST(Transition, SignatureCoversEveryFieldAndTheDomain) {
    Network net;
    net.at(net.times(0).t0);
    PostCommitment good = net.signed_by(Uid(0), net.commitment(0, Uid(0)));
    PostCommitment changed = good;
    changed.commitment.commitment.size += 1;
    EXPECT_EQ(net.run(changed), Verdict::kBadSignature);
    changed = good;
    changed.commitment.signature[64] = 29;
    EXPECT_EQ(net.run(changed), Verdict::kBadSignature);
    TransitionContext other = net.context();
    other.domain.chain_id = 1;
    EXPECT_EQ(net.run(good, other), Verdict::kBadSignature);
    other = net.context();
    other.domain.round_manager = filled_address(1);
    EXPECT_EQ(net.run(good, other), Verdict::kBadSignature);
}

TEST(Transition, NoCommitmentBeforeTheFirstBeacon) {
    Network net;
    net.mutable_state().beacons.clear();
    net.at(net.times(0).t0);
    EXPECT_EQ(net.commit(0, Uid(0)), Verdict::kNotReady);
}

TEST(Transition, WhoRegistersAfterTheSnapshotWaitsForTheNextRound) {
    Network net(1);
    net.at(net.times(0).snapshot.value + 1);
    const crypto::SecretKey late = Network::make_key(40);
    net.do_ok(RegisterHotkey{
        .coldkey = {}, .hotkey = late.address(), .role = Role::kMiner, .network_key = {}});
    const auto post = [&](std::uint64_t round) {
        net.at(net.times(round).t0);
        const Commitment c = net.commitment(round, Uid(4));
        return net.run(PostCommitment{
            .commitment = {
                .commitment = c,
                .signature = late.sign(commitment_digest(c, Network::domain())).encode()}});
    };
    EXPECT_EQ(post(0), Verdict::kNotMiner) << "the beacon's block could be known by then";
    EXPECT_EQ(net.prove(1), Verdict::kAccept);
    EXPECT_EQ(post(1), Verdict::kAccept);
}

TEST(Transition, BeaconNeedsTheFirstBlockAtOrAfterItsTarget) {
    Network net;
    const ProveBeacon intent{.run = net.state().run, .slot = BeaconSlot(1)};
    const ChainTime target = net.times(0).beacon;
    const auto verdict = [&](ChainTime now, ChainTime time, ChainTime parent) {
        net.at(now);
        TransitionContext with = net.context();
        with.beacon_block = BlockInfo{.number = BlockNumber(5),
                                      .time = time,
                                      .parent_time = parent,
                                      .prevrandao = filled_hash(9)};
        return transition(net.state(), intent, with).verdict;
    };
    EXPECT_EQ(verdict(before(target), before(target), ChainTime(0)), Verdict::kWrongPhase);
    EXPECT_EQ(verdict(target, before(target), ChainTime(0)), Verdict::kBadBeaconProof);
    EXPECT_EQ(verdict(net.times(0).t2, target, before(target)), Verdict::kWrongPhase);
    EXPECT_EQ(verdict(before(net.times(0).t2), target, before(target)), Verdict::kAccept);
    EXPECT_EQ(verdict(before(net.times(0).t2), target, target), Verdict::kBadBeaconProof)
        << "not the first";
    EXPECT_EQ(net.run(intent), Verdict::kBadBeaconProof) << "no block shown";
    EXPECT_EQ(net.prove(1), Verdict::kAccept);
    EXPECT_EQ(net.prove(1), Verdict::kDuplicate);
    EXPECT_EQ(net.run(ProveBeacon{.run = filled_hash(1), .slot = BeaconSlot(2)}),
              Verdict::kUnknownRun);
}

TEST(Transition, GenesisBeaconIsProvenUntilT1OfRoundZero) {
    Network net;
    net.mutable_state().beacons.clear();
    net.at(before(net.times(0).t1));
    TransitionContext with = net.context();
    with.beacon_block = BlockInfo{.number = BlockNumber(1),
                                  .time = ChainTime(99980),
                                  .parent_time = ChainTime(99979),
                                  .prevrandao = filled_hash(9)};
    const ProveBeacon intent{.run = net.state().run, .slot = BeaconSlot(0)};
    EXPECT_EQ(transition(net.state(), intent, with).verdict, Verdict::kAccept);
    with.now = net.times(0).t1;
    EXPECT_EQ(transition(net.state(), intent, with).verdict, Verdict::kWrongPhase);
}

TEST(Transition, ARoundNeedsItsOwnSlot) {
    Network net;
    const Hash256 genesis = net.state().beacons.at(BeaconSlot(0)).sigma;
    EXPECT_EQ(rho(net.state(), Round(0)), beacon_rho(genesis, Round(0)));
    EXPECT_EQ(rho(net.state(), Round(1)), std::nullopt)
        << "an older slot would give a rho that is known early";
    net.at(net.times(1).t0);
    EXPECT_EQ(net.commit(1, Uid(0)), Verdict::kNotReady);
    EXPECT_EQ(net.prove(2), Verdict::kAccept);
    const Hash256 second = net.state().beacons.at(BeaconSlot(2)).sigma;
    EXPECT_EQ(rho(net.state(), Round(1)), std::nullopt) << "slot 2 closes round 1";
    EXPECT_EQ(rho(net.state(), Round(2)), beacon_rho(second, Round(2)));
    net.at(net.times(2).t0);
    EXPECT_EQ(net.commit(2, Uid(0)), Verdict::kAccept);
}

TEST(Transition, NobodyCommitsAfterTheRunsLastRound) {
    RunSpec spec = sample_spec();
    spec.timing.last_round = 0;
    Network net(1, {100}, spec);
    net.at(net.times(0).t0);
    EXPECT_EQ(net.commit(0, Uid(0)), Verdict::kAccept);
    EXPECT_EQ(net.prove(1), Verdict::kAccept);
    net.at(net.times(1).t0);
    EXPECT_EQ(net.commit(1, Uid(0)), Verdict::kWrongPhase);
}

TEST(Transition, KeysAreShownBetweenT1AndTk) {
    Network net;
    net.at(net.times(0).t0);
    for (std::uint16_t m = 0; m < 3; ++m)
        EXPECT_EQ(net.commit(0, Uid(m)), Verdict::kAccept);
    net.at(before(net.times(0).t1));
    EXPECT_EQ(net.show_keys(0, {0}), Verdict::kWrongPhase) << "others could copy until T1";
    net.at(net.times(0).t1);
    EXPECT_EQ(net.show_keys(0, {0}), Verdict::kAccept);
    EXPECT_EQ(net.show_keys(0, {0}), Verdict::kDuplicate) << "nothing new in it";
    // A wrong key, a repeated one and one of nobody: the good one of the batch lands.
    ShownKeys batch{{Uid(2), Network::key_of(0, Uid(1))},
                    {Uid(0), Network::key_of(0, Uid(0))},
                    {Uid(77), Network::key_of(0, Uid(0))},
                    {Uid(1), Network::key_of(0, Uid(1))},
                    {Uid(1), Network::key_of(0, Uid(1))}};
    const ShowKeys intent{.run = net.state().run, .round = Round(0), .keys = batch};
    const TransitionResult result = transition(net.state(), intent, net.context());
    ASSERT_EQ(result.events.size(), 1U);
    EXPECT_EQ(std::get<KeysShown>(result.events[0]).keys, (ShownKeys{batch[3]}));
    EXPECT_EQ(net.run(intent), Verdict::kAccept);
    EXPECT_EQ(net.state().rounds.at(Round(0)).keys.size(), 2U);
    EXPECT_EQ(*shown_key(net.state(), Round(0), Uid(1)), Network::key_of(0, Uid(1)));
    EXPECT_EQ(shown_key(net.state(), Round(0), Uid(2)), nullptr);
    net.at(before(net.times(0).keys));
    EXPECT_EQ(net.run(ShowKeys{net.state().run, Round(0), ShownKeys(257)}), Verdict::kMalformed);
    EXPECT_EQ(net.run(ShowKeys{filled_hash(1), Round(0), batch}), Verdict::kUnknownRun);
    net.at(net.times(0).keys);
    EXPECT_EQ(net.show_keys(0, {2}), Verdict::kWrongPhase);
}

TEST(Transition, InclusionVotesFromTheBeaconUntilT2) {
    Network net;
    net.at(net.times(0).t0);
    EXPECT_EQ(net.commit(0, Uid(0)), Verdict::kAccept);
    EXPECT_EQ(net.commit(0, Uid(1)), Verdict::kAccept);
    net.at(net.times(0).t1);
    EXPECT_EQ(net.show_keys(0, {0}), Verdict::kAccept);
    const UidSet uids = Network::set({0});
    net.at(before(net.times(0).beacon));
    EXPECT_EQ(net.vote(0, net.validator(0), uids), Verdict::kWrongPhase);
    net.at(net.times(0).beacon);
    EXPECT_EQ(net.vote(0, Uid(0), uids), Verdict::kNotValidator) << "a miner";
    EXPECT_EQ(net.run(VoteInclusion{net.state().run, Round(0), uids, {}}), Verdict::kNotValidator)
        << "a stranger";
    EXPECT_EQ(net.vote(0, net.validator(0), Network::set({0, 1})), Verdict::kNotMiner)
        << "no key of uid 1 was shown";
    EXPECT_EQ(net.vote(0, net.validator(0), uids, Network::set({1})), Verdict::kNotMiner);
    EXPECT_EQ(net.vote(0, net.validator(0), uids), Verdict::kAccept);
    EXPECT_EQ(net.vote(0, net.validator(0), UidSet{}), Verdict::kDuplicate);
    net.at(before(net.times(0).t2));
    EXPECT_EQ(net.vote(0, net.validator(1), uids), Verdict::kAccept);
    net.at(net.times(0).t2);
    EXPECT_EQ(net.vote(0, net.validator(2), uids), Verdict::kWrongPhase);
    EXPECT_EQ(net.run_as(net.validator(2), VoteInclusion{filled_hash(1), Round(0), uids, {}}),
              Verdict::kUnknownRun);
}

TEST(Transition, ParametersVotesFromT2UntilT3) {
    Network net;
    EXPECT_EQ(net.prove(1), Verdict::kAccept);
    const Hash256 root = Network::root_after(0);
    net.at(before(net.times(0).t2));
    EXPECT_EQ(net.vote_parameters(0, net.validator(0), root), Verdict::kWrongPhase);
    net.at(net.times(0).t2);
    EXPECT_EQ(net.vote_parameters(0, net.validator(0), Hash256{}), Verdict::kMalformed);
    EXPECT_EQ(net.vote_parameters(0, Uid(0), root), Verdict::kNotValidator);
    EXPECT_EQ(net.vote_parameters(0, net.validator(0), root), Verdict::kAccept);
    EXPECT_EQ(net.vote_parameters(0, net.validator(0), root), Verdict::kDuplicate);
    EXPECT_FALSE(net.state().rounds.at(Round(0)).accepted.has_value());
    net.at(before(net.times(0).t3));
    EXPECT_EQ(net.vote_parameters(0, net.validator(1), root), Verdict::kAccept);
    ASSERT_TRUE(net.state().rounds.at(Round(0)).accepted.has_value());
    EXPECT_EQ(net.state().rounds.at(Round(0)).accepted->root, root);
    net.at(net.times(0).t3);
    EXPECT_EQ(net.vote_parameters(0, net.validator(2), root), Verdict::kWrongPhase);
    EXPECT_EQ(net.run(VoteParameters{.run = filled_hash(1), .round = Round(0), .root = root}),
              Verdict::kUnknownRun);
}

TEST(Transition, WithoutItsBeaconARoundStaysNull) {
    Network net;
    net.at(net.times(0).t2);
    EXPECT_EQ(net.vote_parameters(0, net.validator(0), Network::root_after(0)), Verdict::kNotReady);
    EXPECT_EQ(base_root(net.state(), Round(1)), net.spec().genesis_root);
}

TEST(Transition, QuorumIsTwoThirdsAgreeingOnRootAndLoss) {
    Network net(1, {34, 33, 33});
    EXPECT_EQ(net.prove(1), Verdict::kAccept);
    const Hash256 root = Network::root_after(0);
    net.at(net.times(0).t2);
    EXPECT_EQ(net.vote_parameters(0, net.validator(1), root, 1), Verdict::kAccept);
    EXPECT_EQ(net.vote_parameters(0, net.validator(2), root, 2), Verdict::kAccept)
        << "another loss";
    EXPECT_FALSE(net.state().rounds.at(Round(0)).accepted.has_value());
    EXPECT_EQ(net.vote_parameters(0, net.validator(0), root, 1), Verdict::kAccept);
    EXPECT_TRUE(net.state().rounds.at(Round(0)).accepted.has_value()) << "67 of 100";
    EXPECT_EQ(base_root(net.state(), Round(0)), net.spec().genesis_root);
    EXPECT_EQ(base_root(net.state(), Round(1)), root);
    EXPECT_EQ(base_loss(net.state(), Round(0)), std::nullopt);
    EXPECT_EQ(base_loss(net.state(), Round(1)), std::bit_cast<float>(1U));
}

TEST(Transition, ExactlyTwoThirdsIsEnoughAndLessIsNot) {
    for (const std::uint64_t stake : {199U, 200U}) {
        Network net(1, {stake, 100});
        EXPECT_EQ(net.prove(1), Verdict::kAccept);
        net.at(net.times(0).t2);
        EXPECT_EQ(net.vote_parameters(0, net.validator(0), Network::root_after(0)),
                  Verdict::kAccept);
        EXPECT_EQ(net.state().rounds.at(Round(0)).accepted.has_value(), stake == 200) << stake;
    }
}

TEST(Transition, ScoresAreCommittedThenRevealedInTheirWindows) {
    Network net;
    net.play(0, {0, 1});
    const RoundTimes t = net.times(0);
    const RevealScores reveal = net.scores(0, {10, 20}, {pass_of(Uid(0)), fail_of(Uid(1))});
    const Uid sender = net.validator(0);
    net.at(before(t.beacon));
    EXPECT_EQ(net.commit_scores(sender, reveal), Verdict::kWrongPhase);
    net.at(t.beacon);
    EXPECT_EQ(net.commit_scores(Uid(0), reveal), Verdict::kNotValidator);
    EXPECT_EQ(
        net.run_as(sender, CommitScores{.run = net.state().run, .round = Round(0), .hash = {}}),
        Verdict::kMalformed);
    EXPECT_EQ(
        net.run(CommitScores{.run = filled_hash(1), .round = Round(0), .hash = filled_hash(2)}),
        Verdict::kUnknownRun);
    net.at(before(t.score_commit));
    EXPECT_EQ(net.run_as(sender, reveal), Verdict::kWrongPhase) << "too early to reveal";
    EXPECT_EQ(net.commit_scores(sender, reveal), Verdict::kAccept);
    EXPECT_EQ(net.commit_scores(sender, reveal), Verdict::kDuplicate);
    net.at(t.score_commit);
    EXPECT_EQ(net.commit_scores(net.validator(1), reveal), Verdict::kWrongPhase);
    EXPECT_EQ(net.run_as(net.validator(1), reveal), Verdict::kNotReady) << "nothing committed";
    EXPECT_EQ(net.run(reveal), Verdict::kUnknownUid) << "a stranger";
    RevealScores other = reveal;
    other.weights[0] = 11;
    EXPECT_EQ(net.run_as(sender, other), Verdict::kRevealMismatch);
    other = reveal;
    other.findings[1].segment = Segment(3);
    EXPECT_EQ(net.run_as(sender, other), Verdict::kRevealMismatch);
    other = reveal;
    other.run = filled_hash(1);
    EXPECT_EQ(net.run_as(sender, other), Verdict::kUnknownRun);
    net.at(before(t.score_reveal));
    EXPECT_EQ(net.run_as(sender, reveal), Verdict::kAccept);
    EXPECT_EQ(net.run_as(sender, reveal), Verdict::kDuplicate);
    const RevealedScores& recorded = net.state().rounds.at(Round(0)).reveals.at(sender);
    EXPECT_EQ(recorded.weights, reveal.weights);
    EXPECT_EQ(recorded.findings, reveal.findings);
    EXPECT_EQ(recorded.stake, Amount{100 * kOneToken});
    net.at(t.score_reveal);
    EXPECT_EQ(net.run_as(sender, reveal), Verdict::kWrongPhase);
}

TEST(Transition, RevealsAreBounded) {
    Network net;
    const auto reveal_verdict = [&](std::size_t who, const RevealScores& reveal) {
        net.at(net.times(0).beacon);
        EXPECT_EQ(net.commit_scores(net.validator(who), reveal), Verdict::kAccept);
        net.at(net.times(0).score_commit);
        return net.run_as(net.validator(who), reveal);
    };
    EXPECT_EQ(reveal_verdict(0, net.scores(0, std::vector<std::uint16_t>(257))),
              Verdict::kMalformed);
    EXPECT_EQ(reveal_verdict(1, net.scores(0, {}, std::vector<Finding>(513, pass_of(Uid(0))))),
              Verdict::kMalformed);
    Finding odd = pass_of(Uid(0));
    odd.verdict = 3;
    EXPECT_EQ(reveal_verdict(2, net.scores(0, {}, {odd})), Verdict::kMalformed);

    Network second;
    second.at(second.times(0).beacon);
    const RevealScores beyond = second.scores(0, {}, {pass_of(Uid(256))});
    EXPECT_EQ(second.commit_scores(second.validator(0), beyond), Verdict::kAccept);
    second.at(second.times(0).score_commit);
    EXPECT_EQ(second.run_as(second.validator(0), beyond), Verdict::kMalformed);
}

TEST(Transition, RegistrationIsUniqueAndBounded) {
    Network net(1, {});
    const auto enrol = [&](std::size_t index, Role role) {
        Address hotkey;
        hotkey.bytes[0] = static_cast<std::uint8_t>(index);
        hotkey.bytes[1] = 1;
        return net.run(
            RegisterHotkey{.coldkey = {}, .hotkey = hotkey, .role = role, .network_key = {}});
    };
    EXPECT_EQ(enrol(1, Role::kNone), Verdict::kMalformed);
    EXPECT_EQ(net.run(RegisterHotkey{
                  .coldkey = {}, .hotkey = {}, .role = Role::kMiner, .network_key = {}}),
              Verdict::kBadSignature);
    EXPECT_EQ(enrol(1, Role::kValidator), Verdict::kAccept);
    EXPECT_EQ(enrol(1, Role::kMiner), Verdict::kDuplicate);
    for (std::size_t i = 2; i <= kMaxValidators; ++i)
        EXPECT_EQ(enrol(i, Role::kValidator), Verdict::kAccept);
    EXPECT_EQ(enrol(65, Role::kValidator), Verdict::kRosterFull);
    for (std::size_t i = 65; i < 256; ++i)
        EXPECT_EQ(enrol(i, Role::kMiner), Verdict::kAccept);
    EXPECT_EQ(net.state().roster.neurons.size(), kMaxUids);
    EXPECT_EQ(enrol(0, Role::kMiner), Verdict::kRosterFull);
}

TEST(Transition, StakeAddsUpAndIsBounded) {
    Network net(1, {});
    EXPECT_EQ(net.run(AddStake{.uid = Uid(9), .amount = Amount{1}}), Verdict::kUnknownUid);
    EXPECT_EQ(net.run(AddStake{.uid = Uid(0), .amount = Amount{}}), Verdict::kMalformed);
    EXPECT_EQ(net.run(AddStake{.uid = Uid(0), .amount = Amount{Uint128{1} << 96}}),
              Verdict::kMalformed);
    EXPECT_EQ(net.run(AddStake{.uid = Uid(0), .amount = Amount{~Uint128{0}}}), Verdict::kMalformed);
    EXPECT_EQ(net.run(AddStake{.uid = Uid(0), .amount = Amount{5}}), Verdict::kAccept);
    EXPECT_EQ(net.state().roster.find(Uid(0))->stake.back().total, Amount{10 * kOneToken + 5});
}

TEST(Transition, RunsAreCreatedOnceWithSoundTerms) {
    const RunSpec spec = sample_spec();
    const Bytes bytes = encode_run_spec(spec);
    RunState fresh;
    TransitionContext with{
        .sender = {}, .now = ChainTime(1000), .domain = {}, .score_ledger = {}, .beacon_block = {}};
    const auto verdict = [&](const Bytes& given, const RunTerms& terms) {
        return transition(fresh, CreateRun{.spec = given, .terms = terms}, with).verdict;
    };
    EXPECT_EQ(verdict({}, terms_of(spec)), Verdict::kMalformed);
    EXPECT_EQ(verdict(Bytes(kMaxRunSpecBytes + 1), terms_of(spec)), Verdict::kMalformed);
    RunTerms terms = terms_of(spec);
    terms.timing.inclusion_seconds = 51;
    EXPECT_EQ(verdict(bytes, terms), Verdict::kSpecInvalid) << "one block after the beacon";
    terms = terms_of(spec);
    terms.minimum_stake = Amount{};
    EXPECT_EQ(verdict(bytes, terms), Verdict::kSpecInvalid) << "a seat for nothing";
    terms = terms_of(spec);
    terms.miner_share_bps = 7001;
    EXPECT_EQ(verdict(bytes, terms), Verdict::kSpecInvalid);
    with.now = ChainTime(99979);
    EXPECT_EQ(verdict(bytes, terms_of(spec)), Verdict::kAccept);
    with.now = ChainTime(99980);
    EXPECT_EQ(verdict(bytes, terms_of(spec)), Verdict::kWrongPhase) << "the genesis beacon is due";
    Network net;
    net.at(1000);
    EXPECT_EQ(net.run(CreateRun{.spec = bytes, .terms = terms_of(spec)}), Verdict::kDuplicate);
}

TEST(Transition, NodesRefuseARunWhoseTermsDiffer) {
    const RunSpec spec = sample_spec();
    const Bytes bytes = encode_run_spec(spec);
    const auto folded = [&](const RunId& run, const Bytes& given, const RunTerms& terms) {
        RunState state;
        apply(state, Event{.block = {},
                           .time = {},
                           .index = 0,
                           .transaction = {},
                           .body = RunCreated{.run = run, .terms = terms, .spec = given}});
        return state;
    };
    const RunState good = folded(run_id(bytes), bytes, terms_of(spec));
    EXPECT_EQ(good.spec_verdict, Verdict::kAccept);
    EXPECT_EQ(good.spec, spec);
    EXPECT_EQ(good.run, run_id(bytes)) << "a state without a run adopts the first";
    RunTerms terms = terms_of(spec);
    terms.dataset_root.bytes[0] ^= 1;
    EXPECT_EQ(folded(run_id(bytes), bytes, terms).spec_verdict, Verdict::kTermsMismatch);
    EXPECT_EQ(folded(filled_hash(1), bytes, terms_of(spec)).spec_verdict, Verdict::kTermsMismatch);
    const RunState garbage = folded(filled_hash(1), {1, 2, 3}, terms_of(spec));
    EXPECT_EQ(garbage.spec_verdict, Verdict::kMalformed);
    EXPECT_FALSE(garbage.spec.has_value());
    EXPECT_EQ(RunState{}.spec_verdict, Verdict::kUnknownRun);
}

TEST(Transition, NamesAreSnakeCaseAndDistinct) {
    EXPECT_EQ(intent_name(Intent(PostCommitment{})), "post_commitment");
    EXPECT_EQ(intent_name(Intent(ClaimEmission{})), "claim_emission");
    EXPECT_EQ(event_name(EventBody(ArtifactCommitted{})), "artifact_committed");
    EXPECT_EQ(event_name(EventBody(RoundSettled{})), "round_settled");
}

}  // namespace
}  // namespace covenant::protocol
