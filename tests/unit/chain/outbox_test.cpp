#include "tests/unit/chain/outbox_fixture.hpp"

#include <stdexcept>
#include <utility>

namespace covenant::chain {
namespace {

using protocol::BlockNumber;

TEST_F(OutboxTest, GoesFromQueuedToConfirmed) {
    ASSERT_TRUE(enqueue("a"));
    EXPECT_EQ(entry("a").state, OutboxState::kQueued);
    ASSERT_TRUE(advance());
    EXPECT_EQ(entry("a").state, OutboxState::kSent);
    EXPECT_EQ(entry("a").nonce, 0U);
    node.mine();
    ASSERT_TRUE(advance());
    EXPECT_EQ(entry("a").state, OutboxState::kIncluded);
    node.mine();
    ASSERT_TRUE(advance());
    EXPECT_EQ(entry("a").state, OutboxState::kConfirmed);
    EXPECT_EQ(entry("a").included_block, 1U);
    EXPECT_EQ(node.sent.size(), 1U);
    const int receipts = node.calls["eth_getTransactionReceipt"];
    ASSERT_TRUE(advance());  // nothing open: nothing asked
    EXPECT_EQ(node.calls["eth_getTransactionReceipt"], receipts);
}

TEST_F(OutboxTest, SameKeyIsSentOnceAndNeverReplaced) {
    ASSERT_TRUE(enqueue("a"));
    ASSERT_TRUE(advance());
    EXPECT_TRUE(enqueue("a"));
    ASSERT_TRUE(advance());
    EXPECT_EQ(node.sent.size(), 1U);
    const Status other = enqueue("a", 2);
    ASSERT_FALSE(other);
    EXPECT_EQ(other.error().code, Errc::kAlreadyExists);
}

TEST_F(OutboxTest, RefusesKeysOutOfRange) {
    EXPECT_EQ(enqueue("").error().code, Errc::kInvalidArgument);
    EXPECT_EQ(enqueue("gap/1").error().code, Errc::kInvalidArgument);
    EXPECT_EQ(enqueue(std::string(300, 'x')).error().code, Errc::kInvalidArgument);
}

TEST_F(OutboxTest, NumbersNoncesInOrder) {
    for (const char* name : {"a", "b", "c"}) {
        ASSERT_TRUE(enqueue(name));
    }
    ASSERT_TRUE(advance());
    EXPECT_EQ(entry("a").nonce, 0U);
    EXPECT_EQ(entry("b").nonce, 1U);
    EXPECT_EQ(entry("c").nonce, 2U);
}

TEST_F(OutboxTest, EstimateRevertIsARefusalWithTheErrorsName) {
    node.estimate_revert = encode_call("RoundManagerNotMiner(uint32)", AbiWriter().uint(5));
    ASSERT_TRUE(enqueue("a"));
    ASSERT_TRUE(advance());
    EXPECT_EQ(entry("a").state, OutboxState::kRefused);
    EXPECT_EQ(entry("a").reason, "RoundManagerNotMiner(5)");
    node.estimate_revert.reset();
    ASSERT_TRUE(advance());
    EXPECT_TRUE(node.sent.empty());  // not tried again
}

TEST_F(OutboxTest, RevertInItsBlockIsARefusal) {
    ASSERT_TRUE(enqueue("a"));
    ASSERT_TRUE(advance());
    node.failing.insert(entry("a").transaction);
    node.estimate_revert = encode_call("ScoreLedgerZeroHash()", AbiWriter());
    node.mine();
    node.mine();
    ASSERT_TRUE(advance());
    EXPECT_EQ(entry("a").state, OutboxState::kRefused);
    EXPECT_EQ(entry("a").reason, "ScoreLedgerZeroHash()");
}

TEST_F(OutboxTest, DeadNodeKeepsTheRow) {
    node.offline = true;
    ASSERT_TRUE(enqueue("a"));
    const Status status = advance();
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code, Errc::kUnavailable);
    EXPECT_EQ(entry("a").state, OutboxState::kQueued);
    node.offline = false;
    ASSERT_TRUE(advance());
    EXPECT_EQ(entry("a").state, OutboxState::kSent);
}

TEST_F(OutboxTest, LostReplySendsTheSameBytesAgain) {
    node.lose_send_reply = true;
    ASSERT_TRUE(enqueue("a"));
    EXPECT_FALSE(advance());
    node.offline = false;
    node.pool.clear();  // the node dropped it as well
    ASSERT_TRUE(advance());
    ASSERT_EQ(node.sent.size(), 2U);
    EXPECT_EQ(node.sent[0], node.sent[1]);
}

TEST_F(OutboxTest, CrashBetweenRecordAndSendSendsTheRecordedBytes) {
    // The node dies after the nonce was asked for: the row is signed and on disk, nothing left.
    node.before = [&](const std::string& method) {
        if (method == "eth_sendRawTransaction") throw std::runtime_error("power cut");
    };
    ASSERT_TRUE(enqueue("a"));
    EXPECT_THROW((void)advance(), std::runtime_error);
    node.before = nullptr;
    EXPECT_TRUE(node.sent.empty());
    const Hash256 recorded = entry("a").transaction;
    EXPECT_FALSE(recorded.is_zero());
    reopen();
    ASSERT_TRUE(advance());
    ASSERT_EQ(node.pool.size(), 1U);
    EXPECT_EQ(node.pool[0].hash, recorded);
}

TEST_F(OutboxTest, CrashAfterSendSendsNothingNew) {
    ASSERT_TRUE(enqueue("a"));
    ASSERT_TRUE(advance());
    reopen();
    node.mine();
    ASSERT_TRUE(advance());
    EXPECT_EQ(entry("a").state, OutboxState::kIncluded);
    EXPECT_EQ(node.sent.size(), 1U);
}

TEST_F(OutboxTest, AlreadyKnownIsSuccess) {
    node.send_errors = {"already known"};
    ASSERT_TRUE(enqueue("a"));
    EXPECT_TRUE(advance());
    EXPECT_EQ(entry("a").state, OutboxState::kSent);
}

TEST_F(OutboxTest, UnderpricedAndBaseFeeRaiseTheFeeOfTheSameNonce) {
    node.send_errors = {"replacement transaction underpriced",
                        "max fee per gas less than block base fee"};
    ASSERT_TRUE(enqueue("a"));
    ASSERT_TRUE(advance());
    ASSERT_EQ(node.sent.size(), 3U);
    const FakeTransaction first = read_transaction(node.sent[0]);
    const FakeTransaction last = read_transaction(node.sent[2]);
    EXPECT_EQ(first.nonce, last.nonce);
    EXPECT_GE(last.max_fee * 100, first.max_fee * 126);  // twice an eighth
    EXPECT_EQ(entry("a").transaction, last.hash);
}

TEST_F(OutboxTest, WaitingTooLongRaisesTheFee) {
    ASSERT_TRUE(enqueue("a"));
    ASSERT_TRUE(advance());
    const std::vector<FakeTransaction> stuck = std::exchange(node.pool, {});
    for (int i = 0; i < 3; ++i) {
        node.mine();
    }
    node.pool = stuck;
    ASSERT_TRUE(advance());
    ASSERT_EQ(node.sent.size(), 2U);
    EXPECT_GT(read_transaction(node.sent[1]).max_fee, read_transaction(node.sent[0]).max_fee);
    EXPECT_EQ(read_transaction(node.sent[1]).nonce, 0U);
}

TEST_F(OutboxTest, AnEarlierFormThatWasMinedCounts) {
    ASSERT_TRUE(enqueue("a"));
    ASSERT_TRUE(advance());
    const Hash256 first = entry("a").transaction;
    const std::vector<FakeTransaction> stuck = std::exchange(node.pool, {});
    for (int i = 0; i < 3; ++i) {
        node.mine();
    }
    node.pool = stuck;
    ASSERT_TRUE(advance());
    node.pool = stuck;  // a builder had the first form
    node.mine();
    node.mine();
    ASSERT_TRUE(advance());
    EXPECT_EQ(entry("a").state, OutboxState::kConfirmed);
    EXPECT_EQ(entry("a").transaction, first);
}

TEST_F(OutboxTest, NonceTakenBySomeoneElseGetsAFreshOneAfterTwoLooks) {
    ASSERT_TRUE(enqueue("a"));
    ASSERT_TRUE(advance());
    node.pool.clear();
    node.foreign_nonces = 1;
    ASSERT_TRUE(advance());
    EXPECT_EQ(entry("a").nonce, 0U);  // the receipt may be late
    ASSERT_TRUE(advance());
    EXPECT_EQ(entry("a").state, OutboxState::kSent);
    EXPECT_EQ(entry("a").nonce, 1U);
    node.mine();
    node.mine();
    ASSERT_TRUE(advance());
    EXPECT_EQ(entry("a").state, OutboxState::kConfirmed);
}

TEST_F(OutboxTest, FillsANonceGap) {
    ASSERT_TRUE(enqueue("a"));
    ASSERT_TRUE(enqueue("b"));
    ASSERT_TRUE(advance());
    // "a" is refused at the gate and gives its nonce back while "b" holds the next one.
    ASSERT_TRUE(database->execute("UPDATE outbox SET state = 4, nonce = NULL WHERE key = 'a'"));
    std::erase_if(node.pool, [](const FakeTransaction& tx) { return tx.nonce == 0; });
    ASSERT_TRUE(advance());
    ASSERT_EQ(node.pool.size(), 2U);
    node.mine();
    node.mine();
    ASSERT_TRUE(advance());
    EXPECT_EQ(entry("b").state, OutboxState::kConfirmed);
}

TEST_F(OutboxTest, ReorgSendsTheSameBytesAgain) {
    ASSERT_TRUE(enqueue("a"));
    ASSERT_TRUE(advance());
    node.mine();
    node.mine();
    ASSERT_TRUE(advance());
    ASSERT_EQ(entry("a").state, OutboxState::kConfirmed);
    node.reorg(2, 3);  // the transaction vanishes
    ASSERT_TRUE(outbox->rewind(BlockNumber(0)));
    EXPECT_EQ(entry("a").state, OutboxState::kSent);
    ASSERT_TRUE(advance());
    ASSERT_EQ(node.sent.size(), 2U);
    EXPECT_EQ(node.sent[0], node.sent[1]);
    node.mine();
    node.mine();
    ASSERT_TRUE(advance());
    EXPECT_EQ(entry("a").state, OutboxState::kConfirmed);
}

TEST_F(OutboxTest, IncludedRowWhoseReceiptVanishesIsSentAgain) {
    ASSERT_TRUE(enqueue("a"));
    ASSERT_TRUE(advance());
    node.mine();
    ASSERT_TRUE(advance());
    ASSERT_EQ(entry("a").state, OutboxState::kIncluded);
    node.reorg(1, 1);
    ASSERT_TRUE(advance());
    EXPECT_EQ(entry("a").state, OutboxState::kSent);
    EXPECT_EQ(node.pool.size(), 1U);
}

TEST_F(OutboxTest, AStepWaitsForTheOneBefore) {
    ASSERT_TRUE(enqueue("approve"));
    ASSERT_TRUE(enqueue("stake", 2, "approve"));
    ASSERT_TRUE(advance());
    EXPECT_EQ(entry("stake").state, OutboxState::kQueued);
    node.mine();
    ASSERT_TRUE(advance());
    EXPECT_EQ(entry("stake").state, OutboxState::kSent);
}

TEST_F(OutboxTest, AStepAfterARefusedOneIsRefused) {
    node.estimate_revert = encode_call("RegistryZeroAmount()", AbiWriter());
    ASSERT_TRUE(enqueue("approve"));
    ASSERT_TRUE(enqueue("stake", 2, "approve"));
    ASSERT_TRUE(advance());
    EXPECT_EQ(entry("stake").state, OutboxState::kRefused);
    EXPECT_EQ(entry("stake").reason, "the step before it was refused: RegistryZeroAmount()");
}

TEST_F(OutboxTest, AnotherAccountOrChainMayNotUseTheFile) {
    const crypto::SecretKey other = crypto::SecretKey::from_seed(hash_of(8));
    OutboxOptions options;
    options.chain_id = 31337;
    EXPECT_EQ(Outbox::open(*database, rpc, other, options).error().code, Errc::kMismatch);
    options.chain_id = 1;
    EXPECT_EQ(Outbox::open(*database, rpc, key, options).error().code, Errc::kMismatch);
}

TEST(Gas, LimitHasMarginAndStaysBelowTheCap) {
    EXPECT_EQ(gas_limit_for(100'000), 140'000U);
    EXPECT_EQ(gas_limit_for(16'000'000), kTransactionGasCap);
    EXPECT_EQ(gas_limit_for(~std::uint64_t{0}), kTransactionGasCap);
}

TEST(Gas, AVoteHasRoomForItsDearestPath) {
    // contracts/snapshots/rounds.json has 198,000 for the first of 64 validators, and 127,000 for a
    // vote that decides, with warm storage.
    EXPECT_GT(vote_gas_bound(3), 2 * 127'213U);
    EXPECT_GT(vote_gas_bound(64), 2 * (197'981U + 127'213U));
    EXPECT_LE(vote_gas_bound(100'000), kTransactionGasCap);
}

TEST(Gas, BumpStopsAtTheLimit) {
    FeePolicy policy;
    policy.maximum_fee = 1'000;
    const Fees bumped = bump_fees({800, 900}, {0, 0}, policy);
    EXPECT_EQ(bumped.max_priority_fee, 901U);
    EXPECT_EQ(bumped.max_fee, 1'000U);
}

TEST_F(OutboxTest, ADamagedRowStopsTheStartAndTheFileIsKept) {
    ASSERT_TRUE(enqueue("a"));
    ASSERT_TRUE(advance());
    outbox.reset();
    for (const char* damage :
         {"UPDATE outbox SET nonce = nonce + 1", "UPDATE outbox_signed SET raw = x'02'"}) {
        database.reset();
        const auto file = folder / "outbox.db";
        std::filesystem::copy_file(file, folder / "good");
        auto opened = sqlite::Database::open(file.string(), kOutboxFile);
        ASSERT_TRUE(opened);
        ASSERT_TRUE(opened->execute(damage));
        OutboxOptions options;
        options.chain_id = 31337;
        const auto box = Outbox::open(*opened, rpc, key, options);
        ASSERT_FALSE(box) << damage;
        EXPECT_EQ(box.error().code, Errc::kCorrupt);
        EXPECT_NE(box.error().context.find("outbox"), std::string::npos);
        EXPECT_NE(box.error().context.find("keep it"), std::string::npos) << box.error().context;
        EXPECT_EQ(box.error().context.find("rebuilt"), std::string::npos);
        std::filesystem::rename(folder / "good", file);
    }
}

TEST_F(OutboxTest, AnOutboxWithoutDigestsGetsThem) {
    ASSERT_TRUE(enqueue("a"));
    ASSERT_TRUE(advance());
    outbox.reset();
    ASSERT_TRUE(
        database->execute("DROP TRIGGER outbox_inserted; DROP TRIGGER outbox_updated; "
                          "ALTER TABLE outbox DROP COLUMN digest"));
    reopen();
    EXPECT_EQ(entry("a").state, OutboxState::kSent);
    node.mine();
    ASSERT_TRUE(advance());
    reopen();
    EXPECT_EQ(entry("a").state, OutboxState::kIncluded);
}

}  // namespace
}  // namespace covenant::chain
