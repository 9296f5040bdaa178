#include "common/execution/parameter_follower.hpp"

#include "common/execution/outer_step.hpp"
#include "common/execution/state_digest.hpp"
#include "tests/support/execution_fixture.hpp"

#include <set>

#include <gtest/gtest.h>

namespace covenant::execution::testing {
namespace {

using protocol::Round;
using protocol::Uid;

constexpr std::uint16_t kSegments = 3;

// Round 0 with two included artifacts, agreed on as this process computes it.
class ParameterFollowerTest : public ::testing::Test {
  protected:
    ParameterFollowerTest() {
        state.run = run.run;
        state.spec = run.spec;
        state.spec->timing = {.start_time = 100,
                              .round_seconds = 20,
                              .commit_seconds = 5,
                              .key_seconds = 7,
                              .beacon_seconds = 9,
                              .inclusion_seconds = 14,
                              .opening_seconds = 15,
                              .score_commit_seconds = 18,
                              .score_reveal_seconds = 22,
                              .genesis_lead_seconds = 5,
                              .block_seconds = 1,
                              .jail_rounds = 8,
                              .last_round = 1000};
        state.spec->emission.validator_stake = Amount{1};
        add(Uid(0), protocol::Role::kMiner);
        add(Uid(1), protocol::Role::kMiner);
        add(Uid(2), protocol::Role::kValidator);
        state.beacons[protocol::BeaconSlot(0)] = {};
        protocol::RoundRecord& record = state.rounds[Round(0)];
        protocol::UidSet yes;
        for (std::uint16_t uid = 0; uid < 2; ++uid) {
            record.commitments[Uid(uid)].signed_commitment.commitment.segments = kSegments;
            record.keys[Uid(uid)] = {};
            yes.set(uid);
        }
        record.inclusion_votes[Uid(2)] = {run.run, Round(0), Uid(2), yes, {}, Amount{1}};
        const std::vector<AggregatedArtifact> inputs{
            {Uid(0), kSegments, played(0).result.artifact.update},
            {Uid(1), kSegments, played(1).result.artifact.update}};
        EXPECT_TRUE(outer_step(run.engine.layout(), run.spec, Round(0), inputs, agreed));
        agreed_root = state_root(agreed);
        record.accepted = protocol::Accepted{agreed_root, 0};
        known.insert(run.genesis_root);
    }
    void add(Uid uid, protocol::Role role) {
        protocol::Neuron neuron;
        neuron.uid = uid;
        neuron.hotkey = hotkey_of(uid.value);
        neuron.role = role;
        neuron.stake = {{protocol::ChainTime(1), Amount{1}}};
        state.roster.neurons[uid] = neuron;
    }
    ParameterFollower follower() {
        return ParameterFollower(
            run.engine.layout(), run.spec,
            {.load = [this](const Hash256& root, engine::ParameterBuffer& out) -> Status {
                 ++loads;
                 if (!known.contains(root)) return fail(Errc::kNotFound, "not here");
                 out = damaged || root == rotten ? engine::ParameterBuffer(run.engine.layout())
                       : root == agreed_root     ? agreed.clone()
                                                 : run.genesis.clone();
                 return {};
             },
             .save = [this](const Hash256& root, const engine::ParameterBuffer&) -> Status {
                 saved.insert(root);
                 return disk;
             },
             .artifact = [this](const protocol::RunState&, Round,
                                Uid uid) -> Result<protocol::Artifact> {
                 ++fetches;
                 if (missing) return fail(Errc::kUnavailable, "not yet");
                 return played(uid.value).result.artifact;
             }});
    }

    TestRun& run = shared_run();
    protocol::RunState state;
    engine::ParameterBuffer agreed = run.genesis.clone();
    Hash256 agreed_root;
    std::set<Hash256> known;
    std::set<Hash256> saved;
    Status disk;
    bool damaged = false;
    Hash256 rotten;  // the root under which other parameters lie
    bool missing = false;
    int loads = 0;
    int fetches = 0;
};

TEST_F(ParameterFollowerTest, LoadsWhatIsThereOnce) {
    auto one = follower();
    const auto theta = one.parameters(state, Round(0));
    ASSERT_TRUE(theta) << theta.error().context;
    EXPECT_TRUE(engine::same_bits(**theta, run.genesis));
    ASSERT_TRUE(one.parameters(state, Round(0)));
    EXPECT_EQ(loads, 1);
    EXPECT_EQ(fetches, 0);
}

TEST_F(ParameterFollowerTest, ComputesForwardToTheAgreedRoot) {
    auto one = follower();
    const auto theta = one.parameters(state, Round(1));
    ASSERT_TRUE(theta) << theta.error().context;
    EXPECT_TRUE(engine::same_bits(**theta, agreed));
    EXPECT_EQ(fetches, 2);
    EXPECT_TRUE(saved.contains(agreed_root));
    ASSERT_TRUE(one.parameters(state, Round(5))) << "null rounds change nothing";
    EXPECT_EQ(fetches, 2);
}

TEST_F(ParameterFollowerTest, PrefersACheckpointToComputing) {
    known.insert(agreed_root);
    auto one = follower();
    ASSERT_TRUE(one.parameters(state, Round(1)));
    EXPECT_EQ(fetches, 0);
}

TEST_F(ParameterFollowerTest, TheCandidateIsKeptUntilTheVoteIsCounted) {
    state.rounds[Round(0)].accepted.reset();
    auto one = follower();
    const auto candidate = one.next(state, Round(0));
    ASSERT_TRUE(candidate) << candidate.error().context;
    EXPECT_EQ(candidate->root, agreed_root);
    ASSERT_TRUE(one.next(state, Round(0)));
    EXPECT_EQ(fetches, 2) << "computed once";
    state.rounds[Round(0)].accepted = protocol::Accepted{agreed_root, 0};
    ASSERT_TRUE(one.parameters(state, Round(1)));
    EXPECT_EQ(fetches, 2);
}

TEST_F(ParameterFollowerTest, AnotherSetOfArtifactsIsAnotherCandidate) {
    auto one = follower();
    ASSERT_TRUE(one.next(state, Round(0)));
    state.rounds[Round(0)].inclusion_votes[Uid(2)].uids.reset(1);
    const auto candidate = one.next(state, Round(0));
    ASSERT_TRUE(candidate);
    EXPECT_NE(candidate->root, agreed_root);
    EXPECT_EQ(fetches, 3);
}

TEST_F(ParameterFollowerTest, NoArtifactsLeaveTheParametersAndTheirRoot) {
    state.rounds[Round(0)].inclusion_votes.clear();
    auto one = follower();
    const auto candidate = one.next(state, Round(0));
    ASSERT_TRUE(candidate) << candidate.error().context;
    EXPECT_EQ(candidate->root, run.genesis_root);
    EXPECT_EQ(state_root(*candidate->parameters), run.genesis_root);
    EXPECT_EQ(fetches, 0);
}

TEST_F(ParameterFollowerTest, ADifferentAgreementIsAMismatch) {
    state.rounds[Round(0)].accepted->root.bytes[0] ^= 1;
    auto one = follower();
    const auto theta = one.parameters(state, Round(1));
    ASSERT_FALSE(theta);
    EXPECT_EQ(theta.error().code, Errc::kMismatch);
    EXPECT_FALSE(theta.error().retryable);
}

TEST_F(ParameterFollowerTest, NothingToStartFromIsUnavailable) {
    known.clear();
    auto one = follower();
    for (const std::uint64_t round : {0U, 1U}) {
        const auto theta = one.parameters(state, Round(round));
        ASSERT_FALSE(theta);
        EXPECT_EQ(theta.error().code, Errc::kUnavailable);
        EXPECT_TRUE(theta.error().retryable);
    }
    known.insert(run.genesis_root);
    EXPECT_TRUE(one.parameters(state, Round(1))) << "and it tries again";
}

TEST_F(ParameterFollowerTest, AMissingArtifactNamesItsMiner) {
    missing = true;
    auto one = follower();
    const auto theta = one.parameters(state, Round(1));
    ASSERT_FALSE(theta);
    EXPECT_EQ(theta.error().code, Errc::kUnavailable);
    EXPECT_NE(theta.error().context.find("uid 0 in round 0"), std::string::npos);
    missing = false;
    EXPECT_TRUE(one.parameters(state, Round(1)));
}

TEST_F(ParameterFollowerTest, ForeignBytesUnderTheRootAreCorrupt) {
    damaged = true;
    auto one = follower();
    EXPECT_EQ(one.parameters(state, Round(0)).error().code, Errc::kCorrupt);
}

TEST_F(ParameterFollowerTest, ForeignBytesOfALaterRoundAreComputedAnew) {
    known.insert(agreed_root);
    rotten = agreed_root;
    auto one = follower();
    const auto theta = one.parameters(state, Round(1));
    ASSERT_TRUE(theta) << theta.error().context;
    EXPECT_TRUE(engine::same_bits(**theta, agreed));
    EXPECT_EQ(fetches, 2);
    EXPECT_TRUE(saved.contains(agreed_root));
}

TEST_F(ParameterFollowerTest, AFullDiskIsReported) {
    disk = fail(Errc::kIo, "disk full");
    auto one = follower();
    EXPECT_EQ(one.next(state, Round(0)).error().code, Errc::kIo);
}

}  // namespace
}  // namespace covenant::execution::testing
