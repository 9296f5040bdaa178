// The client against a real node and the compiled contracts.
#include "chain/abi/revert.hpp"
#include "chain/admin_client.hpp"
#include "chain/deployer.hpp"
#include "chain/evm_ledger.hpp"
#include "chain/indexer/queries.hpp"
#include "common/crypto/sha256.hpp"
#include "common/protocol/round_view.hpp"
#include "common/protocol/schedule.hpp"
#include "tests/support/fake_node.hpp"
#include "tests/support/temp_folder.hpp"
#include "tests/unit/chain/anvil_process.hpp"
#include "tools/vectors/samples.hpp"

#include <algorithm>
#include <fstream>
#include <set>

#include <gtest/gtest.h>

namespace covenant::chain {
namespace {

using namespace protocol;
using codec::Json;

constexpr const char* kArtifacts = COVENANT_SOURCE_DIR "/contracts/out";

// The first account of the well-known development mnemonic.
crypto::SecretKey dev_key() {
    return crypto::SecretKey::from_bytes(
               from_hex("ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80").value())
        .value();
}

class AnvilTest : public ::testing::Test {
  protected:
    void SetUp() override {
        start();
        Account account(*rpc, owner, 31337);
        DeployOptions options;
        options.artifacts = kArtifacts;
        options.rpc_url = anvil->url();
        options.faucet = true;
        auto deployed = deploy(account, options);
        ASSERT_TRUE(deployed) << deployed.error().context;
        network = *deployed;
        ASSERT_TRUE(check_network(network, *rpc));
        AdminClient admin(account, network);
        for (std::uint8_t i = 0; i < 3; ++i) {
            hotkeys.push_back(crypto::SecretKey::from_seed(hash_of(i)));
            must(admin.transfer_ether(hotkeys[i].address(), 100 * kOneToken));
        }
        must(admin.mint(owner.address(), Amount{1'000 * kOneToken}));
        for (std::uint8_t i = 0; i < 3; ++i) {
            const auto uid = admin.register_hotkey(
                hotkeys[i], i == 0 ? Role::kMiner : Role::kValidator, PublicKey{{i}});
            ASSERT_TRUE(uid) << uid.error().context;
            ASSERT_EQ(*uid, Uid(i));
            must(admin.add_stake(*uid, Amount{Uint128{100} * kOneToken}));
        }
        const auto again = admin.register_hotkey(hotkeys[0], Role::kMiner, {});
        ASSERT_FALSE(again);
        EXPECT_EQ(again.error().code, Errc::kAlreadyExists);

        spec = vectors::sample_spec();
        spec.timing.start_time = latest_block(*rpc).value().timestamp + 1'000;
        const auto run = admin.create_run(spec);
        ASSERT_TRUE(run) << run.error().context;
        network.run = *run;
        for (std::size_t i = 0; i < 3; ++i) {
            ledgers.push_back(open_ledger(i));
            sync(i);
        }
    }

    void start(std::uint64_t genesis_time = 0) {
        auto started = AnvilProcess::start((folder / "state.json").string(),
                                           anvil ? anvil->port() : 0, genesis_time);
        ASSERT_TRUE(started) << started.error().context;
        anvil.emplace(std::move(*started));
        rpc.emplace(make_http_transport(anvil->url()).value(), clock);
    }
    static void must(const Status& status) { ASSERT_TRUE(status) << status.error().context; }

    std::unique_ptr<EvmLedger> open_ledger(std::size_t who) {
        EvmLedgerOptions options;
        options.network = network;
        options.index_path = (folder / ("index" + std::to_string(who) + ".db")).string();
        options.outbox_path = (folder / ("outbox" + std::to_string(who) + ".db")).string();
        auto ledger = EvmLedger::open(options, hotkeys[who].clone(), clock);
        EXPECT_TRUE(ledger) << ledger.error().context;
        return ledger ? std::move(*ledger) : nullptr;
    }
    Head sync(std::size_t who) {
        const auto head = ledgers[who]->sync();
        EXPECT_TRUE(head) << head.error().context;
        return head.value_or(Head{});
    }
    [[nodiscard]] RunState state(std::size_t who) const { return *ledgers[who]->state(); }

    Json call(const std::string& method, const Json& params) {
        auto out = rpc->call(method, params);
        EXPECT_TRUE(out) << out.error().context;
        return out.value_or(Json());
    }
    // A block with exactly this timestamp; the node's clock goes on from there.
    void mine_at(ChainTime time) {
        Json params = Json::array();
        call("evm_setNextBlockTimestamp", params.push(time.value));
        call("evm_mine", Json::array());
    }
    // Follows the chain until the intent is decided.
    IntentStatus settled_status(std::size_t who, const std::string& key) {
        for (int i = 0; i < 200; ++i) {
            sync(who);
            const auto status = ledgers[who]->status(key);
            EXPECT_TRUE(status);
            if (status->phase != IntentPhase::kPending) return *status;
            call("evm_mine", Json::array());  // returns when the block is there
        }
        return {};
    }
    void accept(std::size_t who, const std::string& key, const Intent& intent) {
        const Status submitted = ledgers[who]->submit(key, intent);
        ASSERT_TRUE(submitted) << key << ": " << submitted.error().context;
        const IntentStatus status = settled_status(who, key);
        ASSERT_EQ(status.phase, IntentPhase::kConfirmed) << key << ": " << status.reason;
    }
    std::string refusal(std::size_t who, const std::string& key, const Intent& intent) {
        const Status submitted = ledgers[who]->submit(key, intent);
        EXPECT_TRUE(submitted) << key << ": " << submitted.error().context;
        const IntentStatus status = settled_status(who, key);
        EXPECT_EQ(status.phase, IntentPhase::kRefused) << key;
        return status.reason;
    }
    PostCommitment commitment(Round round, std::uint16_t uid = 0) {
        const RunState now = state(0);
        Commitment c;
        c.run = network.run;
        c.round = round;
        c.rho = rho(now, round).value_or(Hash256{});
        c.base_root = base_root(now, round);
        c.uid = Uid(uid);
        c.root = hash_of(0x31);
        c.ciphertext_hash = hash_of(0x32);
        c.key_hash = crypto::sha256(key().view());
        c.size = 1000;
        c.segments = static_cast<std::uint16_t>(spec.segments());
        PostCommitment out;
        out.commitment.commitment = c;
        out.commitment.signature =
            hotkeys[uid].sign(commitment_digest(c, ledgers[0]->domain())).encode();
        return out;
    }
    static crypto::StreamKey key() { return crypto::StreamKey::from(hash_of(0x33).view()); }
    [[nodiscard]] ShowKeys keys(Round round) const {
        return {network.run, round, {{Uid(0), key()}}};
    }
    [[nodiscard]] RoundTimes times(std::uint64_t round) const {
        return round_times(spec.timing, Round(round));
    }
    void prove_genesis() {
        mine_at(beacon_target(spec.timing, BeaconSlot(0)));
        accept(1, "beacon/0", ProveBeacon{network.run, BeaconSlot(0)});
        sync(0);
    }

    testing::TempFolder folder;
    SystemClock clock;
    std::optional<AnvilProcess> anvil;
    std::optional<RpcClient> rpc;
    crypto::SecretKey owner = dev_key();
    std::vector<crypto::SecretKey> hotkeys;
    NetworkFile network;
    RunSpec spec;
    std::vector<std::unique_ptr<EvmLedger>> ledgers;
};

TEST_F(AnvilTest, ARoundFromCommitToClaim) {
    const RunId run = network.run;
    ASSERT_TRUE(state(0).spec);
    EXPECT_EQ(*state(0).spec, spec);
    EXPECT_EQ(state(0).roster.neurons.size(), 3U);
    EXPECT_EQ(ledgers[1]->submit("beacon/1", ProveBeacon{run, BeaconSlot(1)}).error().code,
              Errc::kPrecondition);
    prove_genesis();
    // The header proof showed the chain's own randomness: the fold computes the same sigma.
    const BeaconProven beacon = state(1).beacons.at(BeaconSlot(0));
    EXPECT_EQ(beacon.sigma, beacon_sigma(beacon.prevrandao, BeaconSlot(0)));
    EXPECT_NE(
        refusal(2, "beacon/0", ProveBeacon{run, BeaconSlot(0)}).find("RoundManagerAlreadyProven"),
        std::string::npos);

    EXPECT_NE(refusal(0, "early", commitment(Round(0))).find("RoundManagerOutsideWindow"),
              std::string::npos);
    mine_at(times(0).t0);
    EXPECT_NE(refusal(1, "no miner", commitment(Round(0), 1)).find("RoundManagerNotMiner(1)"),
              std::string::npos);
    PostCommitment forged = commitment(Round(0));
    forged.commitment.commitment.size += 1;
    EXPECT_EQ(refusal(0, "forged", forged), "RoundManagerBadSignature(0)");
    accept(0, "commit", commitment(Round(0)));
    mine_at(times(0).t1);
    accept(0, "key", keys(Round(0)));
    EXPECT_NE(refusal(1, "key", keys(Round(0))).find("RoundManagerNoNewKey"), std::string::npos);

    mine_at(times(0).beacon);
    accept(1, "beacon/1", ProveBeacon{run, BeaconSlot(1)});
    UidSet uids;
    uids.set(0);
    for (const std::size_t v : {1U, 2U}) {
        accept(v, "inclusion", VoteInclusion{run, Round(0), uids, {}});
    }
    sync(1);
    EXPECT_EQ(included(state(1), Round(0)), uids);
    mine_at(times(0).t2);
    for (const std::size_t v : {1U, 2U}) {
        accept(v, "parameters", VoteParameters{run, Round(0), hash_of(0x41), 0x40800000});
    }
    std::vector<RevealScores> reveals;
    for (const std::uint16_t v : {std::uint16_t{1}, std::uint16_t{2}}) {
        RevealScores reveal{
            run, Round(0), {65535}, {{Uid(0), kFindingPass, Segment(0), {}}}, hash_of(9)};
        accept(v, "scores",
               CommitScores{
                   run, Round(0),
                   score_commitment(ledgers[v]->domain(), ledgers[v]->score_ledger(), run, Round(0),
                                    Uid(v), reveal.weights, reveal.findings, reveal.salt)});
        reveals.push_back(reveal);
    }
    mine_at(times(0).score_commit);
    RevealScores wrong = reveals[0];
    wrong.weights[0] = 1;
    EXPECT_NE(refusal(1, "wrong reveal", wrong).find("ScoreLedgerWrongReveal"), std::string::npos);
    accept(1, "reveal", reveals[0]);
    accept(2, "reveal", reveals[1]);
    mine_at(times(0).score_reveal);
    accept(2, "settle", SettleRound{run, Round(0)});
    accept(2, "claim", ClaimEmission{Uid(0)});

    // The contracts' settlement, our own one and the balance agree.
    sync(0);
    const RunState now = state(0);
    const RoundRecord& record = now.rounds.at(Round(0));
    ASSERT_TRUE(record.accepted);
    EXPECT_EQ(base_root(now, Round(1)), hash_of(0x41));
    const Settlement expected = settle(settlement_input(now, Round(0)));
    EXPECT_EQ(record.credits, expected.credits);
    Account account(*rpc, owner, 31337);
    AdminClient admin(account, network);
    EXPECT_EQ(now.tallies.at(Uid(0)).claimed, expected.credits.at(Uid(0)));
    EXPECT_EQ(admin.balance(owner.address()).value(),
              (Amount{700 * kOneToken} + expected.credits.at(Uid(0))));

    auto reader = IndexReader::open((folder / "index0.db").string());
    ASSERT_TRUE(reader) << reader.error().context;
    EXPECT_EQ(reader->runs().value(), std::vector<RunId>{run});
    const auto read = reader->state(run);
    ASSERT_TRUE(read) << read.error().context;
    const auto played = round_view(*read, Round(0));
    ASSERT_TRUE(played);
    EXPECT_EQ(played->commitments.size(), 1U);
    EXPECT_TRUE(played->commitments.contains(Uid(0)));
    EXPECT_EQ(played->credits, expected.credits);
    const auto neurons = neuron_rows(*read, times(1).t0);
    ASSERT_EQ(neurons.size(), 3U);
    EXPECT_EQ(neurons[0].credited, expected.credits.at(Uid(0)));
    EXPECT_EQ(neurons[0].last_weight, 65535);
    EXPECT_EQ(neurons[1].rounds, 1U);
}

// Of three validators with stakes of 100, 200 and 200, the second and the third estimate their vote
// on parameters while neither would decide; the one that is mined last decides, and stores what was
// decided.
TEST_F(AnvilTest, AVoteHasGasForItsDearestPath) {
    const RunId run = network.run;
    Account account(*rpc, owner, 31337);
    AdminClient admin(account, network);
    hotkeys.push_back(crypto::SecretKey::from_seed(hash_of(3)));
    must(admin.transfer_ether(hotkeys[3].address(), 100 * kOneToken));
    ASSERT_EQ(admin.register_hotkey(hotkeys[3], Role::kValidator, PublicKey{{3}}).value(), Uid(3));
    must(admin.add_stake(Uid(3), Amount{200 * kOneToken}));
    must(admin.add_stake(Uid(2), Amount{100 * kOneToken}));
    ledgers.push_back(open_ledger(3));
    prove_genesis();
    mine_at(times(0).t0);
    accept(0, "commit", commitment(Round(0)));
    mine_at(times(0).t1);
    accept(0, "key", keys(Round(0)));
    mine_at(times(0).beacon);
    accept(1, "beacon/1", ProveBeacon{run, BeaconSlot(1)});
    UidSet uids;
    uids.set(0);
    for (const std::size_t v : {1U, 2U, 3U}) {
        accept(v, "inclusion", VoteInclusion{run, Round(0), uids, {}});
    }
    mine_at(times(0).t2);
    const VoteParameters vote{run, Round(0), hash_of(0x41), 0x40800000};
    accept(1, "parameters", vote);
    Json off = Json::array();
    call("evm_setAutomine", off.push(false));
    sync(2);
    must(ledgers[2]->submit("parameters", vote));
    call("anvil_dropAllTransactions", Json::array());
    sync(3);
    must(ledgers[3]->submit("parameters", vote));
    const IntentStatus first = settled_status(3, "parameters");
    ASSERT_EQ(first.phase, IntentPhase::kConfirmed) << first.reason;
    EXPECT_FALSE(state(3).rounds.at(Round(0)).accepted);
    const IntentStatus last = settled_status(2, "parameters");  // the same bytes again
    ASSERT_EQ(last.phase, IntentPhase::kConfirmed) << last.reason;
    EXPECT_TRUE(state(2).rounds.at(Round(0)).accepted);
    const auto gas = [&](const IntentStatus& status) {
        Json params = Json::array();
        const auto receipt = parse_receipt(
            call("eth_getTransactionReceipt", params.push(to_0x(status.transaction))));
        EXPECT_EQ(receipt.value()->block.value, status.block);
        return receipt.value()->gas_used;
    };
    EXPECT_GT(gas(last), gas_limit_for(gas(first)));  // an estimate alone is too little
    EXPECT_LT(gas(last) + gas(last) / 5, vote_gas_bound(3));
}

TEST_F(AnvilTest, AReorgIsSeenAndTheTransactionSentAgain) {
    prove_genesis();
    mine_at(times(0).t0);
    sync(0);
    const PostCommitment post = commitment(Round(0));
    accept(0, "commit", post);
    const Hash256 transaction = ledgers[0]->status("commit")->transaction;
    ASSERT_EQ(state(0).rounds.at(Round(0)).commitments.size(), 1U);
    Json params = Json::array();
    call("anvil_reorg", params.push(1).push(Json::array()));
    ASSERT_TRUE(ledgers[0]->sync());
    EXPECT_EQ(ledgers[0]->reorgs(), 1U);
    EXPECT_EQ(settled_status(0, "commit").phase, IntentPhase::kConfirmed);
    EXPECT_EQ(ledgers[0]->status("commit")->transaction, transaction);  // the same bytes
    EXPECT_EQ(state(0).rounds.at(Round(0)).commitments.size(), 1U);
    sync(1);
    EXPECT_EQ(state(1).rounds.at(Round(0)).commitments.size(), 1U);
}

TEST_F(AnvilTest, ARestartedNodeAndARestartedLedgerGoOn) {
    prove_genesis();
    anvil->stop();
    const auto down = ledgers[0]->sync();
    ASSERT_FALSE(down);
    EXPECT_TRUE(down.error().retryable);
    EXPECT_TRUE(ledgers[0]->state()->spec);  // what was known stays
    start();
    mine_at(times(0).t0);
    sync(0);
    accept(0, "commit", commitment(Round(0)));
    ledgers[0].reset();
    ledgers[0] = open_ledger(0);
    EXPECT_EQ(ledgers[0]->state()->rounds.at(Round(0)).commitments.size(), 1U);  // before any sync
    EXPECT_EQ(ledgers[0]->status("commit")->phase, IntentPhase::kConfirmed);
    sync(0);
    EXPECT_EQ(ledgers[0]->reorgs(), 0U);
}

TEST_F(AnvilTest, AChainThatStartsAnewIsRefused) {
    anvil->kill();
    std::filesystem::remove(folder / "state.json");
    start(1'000'000'000);  // another block 0
    const auto head = ledgers[0]->sync();
    ASSERT_FALSE(head);
    EXPECT_EQ(head.error().code, Errc::kMismatch);
    EvmLedgerOptions options;
    options.network = network;
    options.index_path = (folder / "other.db").string();
    options.outbox_path = (folder / "other-outbox.db").string();
    EXPECT_EQ(EvmLedger::open(options, hotkeys[0].clone(), clock).error().code, Errc::kMismatch);
}

TEST_F(AnvilTest, OtherCodeAtAnAddressIsRefused) {
    NetworkFile other = network;
    other.code_hashes["Emissions"] = hash_of(1);
    Status status = check_network(other, *rpc);
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code, Errc::kMismatch);
    EXPECT_NE(status.error().context.find("Emissions"), std::string::npos);
    other = network;
    other.contracts.token = Address{{0x77}};
    status = check_network(other, *rpc);
    ASSERT_FALSE(status);
    EXPECT_NE(status.error().context.find("no contract Token"), std::string::npos);
}

TEST_F(AnvilTest, AColdkeysLedgerRegistersAndStakes) {
    EvmLedgerOptions options;
    options.network = network;
    options.index_path = (folder / "cold.db").string();
    options.outbox_path = (folder / "cold-outbox.db").string();
    auto ledger = EvmLedger::open(options, dev_key(), clock);
    ASSERT_TRUE(ledger) << ledger.error().context;
    ledgers.push_back(std::move(*ledger));
    const crypto::SecretKey fresh = crypto::SecretKey::from_seed(hash_of(0x50));
    must(ledgers[3]->register_hotkey("register", fresh, Role::kMiner, PublicKey{{9}}));
    ASSERT_EQ(settled_status(3, "register").phase, IntentPhase::kConfirmed);
    must(ledgers[3]->register_hotkey("register", fresh, Role::kMiner,
                                     PublicKey{{9}}));  // no second one
    accept(3, "stake", AddStake{Uid(3), Amount{5 * kOneToken}});
    const RunState now = state(3);
    const Neuron* neuron = now.roster.find(fresh.address());
    ASSERT_NE(neuron, nullptr);
    EXPECT_EQ(neuron->stake.back().total, (Amount{5 * kOneToken}));
    EXPECT_EQ(ledgers[3]->submit("x", RegisterHotkey{}).error().code, Errc::kInvalidArgument);
}

// The committed list of errors is the contracts' own.
TEST(KnownErrors, CoverTheCompiledContracts) {
    const std::set<std::string_view> known(known_errors().begin(), known_errors().end());
    for (const auto& [name, address] : ContractAddresses{}.list()) {
        const std::string path = std::string(kArtifacts) + "/" + std::string(name) + ".sol/" +
                                 std::string(name) + ".json";
        std::ifstream file(path);
        ASSERT_TRUE(file) << path << " is missing: run contracts/build first";
        const std::string text((std::istreambuf_iterator<char>(file)), {});
        const Json artifact = Json::parse(text).value();
        const std::vector<Json> entries = artifact.items("abi").value();
        for (const Json& entry : entries) {
            if (entry.string_or("type", "").value() != "error") continue;
            std::string signature = entry.string("name").value() + "(";
            bool first = true;
            const std::vector<Json> inputs = entry.items("inputs").value();
            for (const Json& input : inputs) {
                signature += (first ? "" : ",") + input.string("type").value();
                first = false;
            }
            signature += ")";
            EXPECT_TRUE(known.contains(signature)) << signature << " of " << name;
        }
    }
}

}  // namespace
}  // namespace covenant::chain
