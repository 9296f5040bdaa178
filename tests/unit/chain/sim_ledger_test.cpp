#include "chain/sim_ledger.hpp"

#include "chain/fingerprint.hpp"
#include "common/crypto/secp256k1.hpp"
#include "common/crypto/sha256.hpp"
#include "common/protocol/schedule.hpp"
#include "tests/support/fake_node.hpp"
#include "tools/vectors/samples.hpp"

#include <gtest/gtest.h>

namespace covenant::chain {
namespace {

using namespace protocol;

// One miner (uid 0) and two validators (uids 1, 2) on the sample run: T0 = 100000, rounds of 100 s.
class SimLedgerTest : public ::testing::Test {
  protected:
    SimLedgerTest() {
        for (std::uint8_t i = 0; i < 3; ++i) {
            keys.push_back(crypto::SecretKey::from_seed(hash_of(i)));
        }
        SimChainOptions options;
        options.seed = 7;
        chain.emplace(clock, run, options);
        for (const crypto::SecretKey& key : keys) {
            ledgers.emplace_back(*chain, key.address());
        }
    }

    void to_time(std::uint64_t seconds) {
        clock.advance(Millis(static_cast<std::int64_t>(seconds) * 1000 - clock.unix_ms()));
        for (SimLedger& ledger : ledgers) {
            ASSERT_TRUE(ledger.sync());
        }
    }
    void next_block() { to_time(chain->head().time.value + 1); }
    // Submits, mines a block and gives what became of it.
    IntentStatus send(std::size_t who, const std::string& key, const Intent& intent) {
        const Status status = ledgers[who].submit(key, intent);
        EXPECT_TRUE(status) << key << ": " << status.error().context;
        next_block();
        return ledgers[who].status(key).value();
    }
    void accept(std::size_t who, const std::string& key, const Intent& intent) {
        const IntentStatus status = send(who, key, intent);
        EXPECT_EQ(status.phase, IntentPhase::kConfirmed) << key << ": " << status.reason;
    }
    PostCommitment commitment(Round round) {
        const RunState& state = *ledgers[0].state();
        Commitment c;
        c.run = run;
        c.round = round;
        c.rho = rho(state, round).value_or(Hash256{});
        c.base_root = base_root(state, round);
        c.uid = Uid(0);
        c.root = hash_of(0x31);
        c.ciphertext_hash = hash_of(0x32);
        c.key_hash = crypto::sha256(artifact_key.view());
        c.size = 1000;
        c.segments = static_cast<std::uint16_t>(spec.segments());
        PostCommitment out;
        out.commitment.commitment = c;
        out.commitment.signature = keys[0].sign(commitment_digest(c, chain->domain())).encode();
        return out;
    }
    void set_up() {
        accept(0, "register", RegisterHotkey{Address{{1}}, keys[0].address(), Role::kMiner, {}});
        accept(1, "register",
               RegisterHotkey{Address{{2}}, keys[1].address(), Role::kValidator, {}});
        accept(2, "register",
               RegisterHotkey{Address{{3}}, keys[2].address(), Role::kValidator, {}});
        for (std::uint16_t uid = 0; uid < 3; ++uid) {
            accept(uid, "stake", AddStake{Uid(uid), Amount{100 * kOneToken}});
        }
        accept(0, "run", CreateRun{encode_run_spec(spec), terms_of(spec)});
        to_time(spec.timing.start_time - spec.timing.genesis_lead_seconds + 1);
        accept(1, "beacon/0", ProveBeacon{run, BeaconSlot(0)});
    }
    void play_round(std::uint64_t r) {
        const Round round(r);
        const RoundTimes times = round_times(spec.timing, round);
        const std::string name = std::to_string(r) + "/";
        to_time(times.t0.value + 1);
        accept(0, name + "commit", commitment(round));
        to_time(times.t1.value + 1);
        accept(2, name + "key", ShowKeys{run, round, {{Uid(0), artifact_key}}});
        to_time(times.beacon.value + 1);
        accept(1, name + "beacon", ProveBeacon{run, beacon_slot_of(round)});
        UidSet uids;
        uids.set(0);
        for (const std::size_t v : {1U, 2U}) {
            accept(v, name + "inclusion", VoteInclusion{run, round, uids, {}});
        }
        const Hash256 hash = hash_of(static_cast<std::uint8_t>(0x40 + r));
        to_time(times.t2.value + 1);
        for (const std::size_t v : {1U, 2U}) {
            accept(v, name + "parameters", VoteParameters{run, round, hash, 0x40800000});
        }
        std::vector<RevealScores> reveals;
        for (const std::uint16_t v : {std::uint16_t{1}, std::uint16_t{2}}) {
            RevealScores reveal{
                run, round, {65535}, {{Uid(0), kFindingPass, Segment(0), {}}}, hash_of(9)};
            const Hash256 promise =
                score_commitment(chain->domain(), chain->options().score_ledger, run, round, Uid(v),
                                 reveal.weights, reveal.findings, reveal.salt);
            accept(v, name + "scores", CommitScores{run, round, promise});
            reveals.push_back(reveal);
        }
        to_time(times.score_commit.value + 1);
        accept(1, name + "reveal", reveals[0]);
        accept(2, name + "reveal", reveals[1]);
        to_time(times.score_reveal.value + 1);
        accept(2, name + "settle", SettleRound{run, round});
    }

    crypto::StreamKey artifact_key = crypto::StreamKey::from(hash_of(0x33).view());
    RunSpec spec = vectors::sample_spec();
    RunId run = run_id(encode_run_spec(spec));
    VirtualClock clock{99'000'000};
    std::vector<crypto::SecretKey> keys;
    std::optional<SimChain> chain;
    std::vector<SimLedger> ledgers;
};

TEST_F(SimLedgerTest, ARoundByHandPaysTheMiner) {
    set_up();
    play_round(0);
    const RunState& state = *ledgers[0].state();
    EXPECT_EQ(base_root(state, Round(1)), hash_of(0x40));
    const RoundRecord& record = state.rounds.at(Round(0));
    ASSERT_TRUE(record.settled);
    EXPECT_EQ(record.credits.at(Uid(0)), (Amount{60 * kOneToken}));
    accept(0, "claim", ClaimEmission{Uid(0)});
    EXPECT_EQ(ledgers[0].state()->tallies.at(Uid(0)).claimed, (Amount{60 * kOneToken}));
}

TEST_F(SimLedgerTest, TwoRoundsFollowEachOther) {
    set_up();
    play_round(0);
    accept(1, "beacon/2", ProveBeacon{run, BeaconSlot(2)});
    play_round(2);  // scores of round 0 are settled in round 1, which stays empty
    const RunState& state = *ledgers[1].state();
    EXPECT_EQ(base_root(state, Round(2)), hash_of(0x40));
    EXPECT_EQ(base_root(state, Round(3)), hash_of(0x42));
    EXPECT_TRUE(state.rounds.at(Round(2)).settled);
}

TEST_F(SimLedgerTest, TheSameSeedGivesTheSameChain) {
    set_up();
    SimChainOptions options;
    options.seed = 7;
    VirtualClock again{99'000'000};
    SimChain twin(again, run, options);
    again.advance(Millis(clock.unix_ms() - 99'000'000));
    twin.catch_up();
    EXPECT_EQ(twin.head().hash, chain->head().hash);
    options.seed = 8;
    SimChain other(again, run, options);
    EXPECT_NE(other.head().prevrandao, twin.blocks()[0].prevrandao);
}

TEST_F(SimLedgerTest, RefusalsNameTheRule) {
    set_up();
    const IntentStatus early = send(0, "early", commitment(Round(0)));
    EXPECT_EQ(early.phase, IntentPhase::kRefused);
    EXPECT_EQ(early.reason, to_string(Verdict::kWrongPhase));
    to_time(spec.timing.start_time + 1);
    PostCommitment forged = commitment(Round(0));
    forged.commitment.signature[5] ^= 1U;
    EXPECT_EQ(send(0, "forged", forged).phase, IntentPhase::kRefused);
    EXPECT_EQ(ledgers[0].status("never").value().phase, IntentPhase::kUnknown);
}

TEST_F(SimLedgerTest, AKeyKeepsItsContent) {
    set_up();
    EXPECT_TRUE(ledgers[0].submit("stake", AddStake{Uid(0), Amount{100 * kOneToken}}));
    EXPECT_EQ(ledgers[0].submit("stake", AddStake{Uid(0), Amount{1}}).error().code,
              Errc::kAlreadyExists);
    EXPECT_TRUE(
        ledgers[1].submit("stake", AddStake{Uid(1), Amount{100 * kOneToken}}));  // its own keys
}

TEST_F(SimLedgerTest, BeaconsWaitForTheirBlock) {
    set_up();
    const Status early = ledgers[1].submit("beacon/1", ProveBeacon{run, BeaconSlot(1)});
    ASSERT_FALSE(early);
    EXPECT_EQ(early.error().code, Errc::kPrecondition);
    EXPECT_TRUE(early.error().retryable);
}

TEST_F(SimLedgerTest, RecordedRandomnessComesBack) {
    SimChainOptions options;
    options.prevrandao[0] = hash_of(0x77);
    chain.emplace(clock, run, options);
    set_up();
    EXPECT_EQ(ledgers[0].state()->beacons.at(BeaconSlot(0)).prevrandao, hash_of(0x77));
    EXPECT_EQ(ledgers[0].state()->beacons.at(BeaconSlot(0)).sigma,
              beacon_sigma(hash_of(0x77), BeaconSlot(0)));
}

TEST_F(SimLedgerTest, AReorgBringsIntentsBackInTheNextBlock) {
    set_up();
    to_time(spec.timing.start_time + 1);
    accept(0, "commit", commitment(Round(0)));
    const Hash256 before = chain->head().hash;
    const auto seen = ledgers[0].state();
    chain->reorg(1);
    ASSERT_TRUE(ledgers[0].sync());
    EXPECT_EQ(ledgers[0].reorgs(), 1U);
    EXPECT_NE(chain->head().hash, before);
    EXPECT_EQ(seen->rounds.at(Round(0)).commitments.size(), 1U);  // a snapshot does not change
    EXPECT_EQ(ledgers[0].state()->rounds.contains(Round(0)), false);
    EXPECT_EQ(ledgers[0].status("commit").value().phase, IntentPhase::kPending);
    next_block();
    EXPECT_EQ(ledgers[0].status("commit").value().phase, IntentPhase::kConfirmed);
    EXPECT_EQ(ledgers[0].state()->rounds.at(Round(0)).commitments.size(), 1U);
    EXPECT_EQ(ledgers[0].reorgs(), 1U);
}

TEST_F(SimLedgerTest, AReorgCanTakeABeaconWithIt) {
    set_up();
    const Hash256 sigma = ledgers[0].state()->beacons.at(BeaconSlot(0)).sigma;
    chain->reorg(5);  // the beacon's block and its proof
    next_block();
    EXPECT_NE(ledgers[0].state()->beacons.at(BeaconSlot(0)).sigma, sigma);
}

TEST_F(SimLedgerTest, OfflineLedgersFailAndKeepTheirState) {
    set_up();
    const auto seen = ledgers[0].state();
    ledgers[0].set_online(false);
    EXPECT_EQ(ledgers[0].sync().error().code, Errc::kUnavailable);
    EXPECT_EQ(ledgers[0].submit("x", ClaimEmission{Uid(0)}).error().code, Errc::kUnavailable);
    EXPECT_EQ(ledgers[0].state(), seen);
}

TEST(IntentFingerprint, TellsIntentsApart) {
    const RunId run = hash_of(1);
    EXPECT_EQ(intent_fingerprint(SettleRound{run, Round(1)}),
              intent_fingerprint(SettleRound{run, Round(1)}));
    EXPECT_NE(intent_fingerprint(SettleRound{run, Round(1)}),
              intent_fingerprint(SettleRound{run, Round(2)}));
    EXPECT_NE(intent_fingerprint(SettleRound{run, Round(1)}),
              intent_fingerprint(ProveBeacon{run, BeaconSlot(1)}));
    EXPECT_NE(intent_fingerprint(AddStake{Uid(1), Amount{Uint128{1} << 64}}),
              intent_fingerprint(AddStake{Uid(1), Amount{0}}));
}

}  // namespace
}  // namespace covenant::chain
