#include "chain/tx/account.hpp"

#include "tests/support/fake_node.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace covenant::chain {
namespace {

using codec::Json;
using ::testing::HasSubstr;

// A node that mines each transaction as soon as somebody asks for its receipt.
class AccountTest : public ::testing::Test {
  protected:
    AccountTest() {
        node.before = [this](const std::string& method) {
            if (method == "eth_getTransactionReceipt" && !node.pool.empty()) node.mine();
        };
    }
    // Answers of one method become this error, `times` times.
    void spoil(const std::string& wanted, int times, const std::string& message) {
        node.spoil = [=, left = times](const std::string& method, const Json&,
                                       Json& answer) mutable {
            if (method == wanted && left-- > 0) FakeNode::set_error(answer, -32000, message);
        };
    }
    Result<Receipt> send() { return account.send("add stake", Address{{9}}, {1, 2, 3}); }
    [[nodiscard]] std::string sent_hash() const {
        return to_0x(read_transaction(node.sent.at(0)).hash);
    }
    static RpcOptions quick() {
        RpcOptions out;
        out.retry.attempts = 2;
        return out;
    }
    // Nobody may send it again unseen.
    static void expect_doubt(const Error& error, const std::string& hash, const std::string& fate) {
        EXPECT_FALSE(error.retryable);
        EXPECT_THAT(error.context,
                    HasSubstr("transaction " + hash + " " + fate +
                              " and may still be mined: look before you send again"));
    }

    VirtualClock clock{1'000'000};
    FakeNode node;
    RpcClient rpc{std::make_unique<FakeTransport>(node), clock, quick()};
    crypto::SecretKey key = crypto::SecretKey::from_seed(hash_of(7));
    Account account{rpc, key, 31337};
};

TEST_F(AccountTest, AReceiptIsWaitedForWhateverTheNodeSaysMeanwhile) {
    spoil("eth_getTransactionReceipt", 20, "transaction indexing is in progress");
    const auto receipt = send();
    ASSERT_TRUE(receipt) << receipt.error().context;
    EXPECT_EQ(node.sent.size(), 1U);
}

TEST_F(AccountTest, WithoutAReceiptTheTransactionIsNamedAndNotToBeSentAgain) {
    const std::int64_t start = clock.unix_ms();
    node.before = [this](const std::string&) { node.mine(); };
    spoil("eth_getTransactionReceipt", 1'000'000, "transaction indexing is in progress");
    const auto receipt = send();
    ASSERT_FALSE(receipt);
    EXPECT_EQ(receipt.error().code, Errc::kTimeout);
    expect_doubt(receipt.error(), sent_hash(), "was sent");
    EXPECT_THAT(receipt.error().context, HasSubstr("indexing is in progress"));
    EXPECT_GE(clock.unix_ms() - start, Account::kTimeoutMs);
}

TEST_F(AccountTest, ATransactionThatStaysInThePoolIsNamed) {
    node.before = [this](const std::string&) {  // whose blocks leave it out
        const auto pool = std::exchange(node.pool, {});
        node.mine();
        node.pool = pool;
    };
    const auto receipt = send();
    ASSERT_FALSE(receipt);
    EXPECT_EQ(receipt.error().code, Errc::kTimeout);
    expect_doubt(receipt.error(), sent_hash(), "was sent");
    EXPECT_THAT(receipt.error().context, HasSubstr("no receipt within 180 s"));
}

TEST_F(AccountTest, AChainThatStandsStillIsNotWaitedFor) {
    node.before = nullptr;
    const std::int64_t start = clock.unix_ms();
    const auto receipt = send();
    ASSERT_FALSE(receipt);
    EXPECT_EQ(receipt.error().code, Errc::kUnavailable);
    expect_doubt(receipt.error(), sent_hash(), "was sent");
    EXPECT_THAT(receipt.error().context, HasSubstr("the chain stands still at block 0 for 60 s"));
    EXPECT_LT(clock.unix_ms() - start, Account::kStillMs + 5'000);

    node.estimate_revert = Bytes{0xfb, 0x8f, 0x41, 0xb2};  // on top of what waits, and only there
    spoil("eth_call", 1'000'000, "header not found");
    const auto next = send();
    ASSERT_FALSE(next);
    EXPECT_EQ(next.error().code, Errc::kUnavailable);
    EXPECT_THAT(next.error().context, HasSubstr("nothing was sent: the contract refused: "));
    EXPECT_LT(clock.unix_ms() - start, 2 * (Account::kStillMs + 5'000));
    EXPECT_EQ(node.sent.size(), 1U);
}

TEST_F(AccountTest, ANodeThatFallsSilentIsNotWaitedFor) {
    const std::int64_t start = clock.unix_ms();
    node.before = [this](const std::string& method) {
        node.offline = node.offline || method == "eth_sendRawTransaction";
    };
    node.spoil = [](const std::string&, const Json&, Json&) {};
    const auto receipt = send();
    ASSERT_FALSE(receipt);
    EXPECT_EQ(receipt.error().code, Errc::kUnavailable);
    expect_doubt(receipt.error(), sent_hash(), "was sent");
    EXPECT_THAT(receipt.error().context, HasSubstr("the node does not answer any more"));
    EXPECT_LT(clock.unix_ms() - start, Account::kSilenceMs + 10'000);
}

TEST_F(AccountTest, ASendingWhoseAnswerIsLostIsNoFailureToTryAgain) {
    node.lose_send_reply = true;
    const auto lost = send();
    ASSERT_FALSE(lost);
    ASSERT_EQ(node.sent.size(), 1U);
    expect_doubt(lost.error(), sent_hash(), "may have been sent");
    node.offline = false;
    node.send_errors = {"nonce too low"};
    const auto used = send();
    ASSERT_FALSE(used);
    expect_doubt(used.error(), to_0x(read_transaction(node.sent.at(1)).hash), "may have been sent");
}

TEST_F(AccountTest, ARefusalByAMemberThatIsBehindIsLookedAtAgain) {
    ASSERT_TRUE(send());
    node.estimate_revert = Bytes{0xfb, 0x8f, 0x41, 0xb2};
    int looks = 0;
    node.spoil = [&](const std::string& method, const Json& params, Json& answer) {
        if (method == "eth_getTransactionCount") answer.set("result", "0x0");
        if (method != "eth_call") return;
        EXPECT_EQ(parse_quantity(*params.at_index(1)).value(), 1U) << "the block that was seen";
        FakeNode::set_error(answer, -32000, "header not found");
        if (++looks == 3) node.estimate_revert.reset();
    };
    const auto receipt = send();
    ASSERT_TRUE(receipt) << receipt.error().context;
    EXPECT_EQ(looks, 3);
    EXPECT_EQ(read_transaction(node.sent.at(1)).nonce, 1U);
}

TEST_F(AccountTest, ARefusalThatStaysIsOne) {
    node.estimate_revert = Bytes{0xfb, 0x8f, 0x41, 0xb2};
    const std::int64_t start = clock.unix_ms();
    const auto refused = send();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::kRejected);
    EXPECT_THAT(refused.error().context, HasSubstr("add stake: the contract refused: "));
    EXPECT_EQ(clock.unix_ms(), start) << "the newest block refuses, too";
    node.before = [this](const std::string&) { node.mine(); };
    spoil("eth_call", 1'000'000, "header not found");
    const auto doubted = send();
    ASSERT_FALSE(doubted);
    EXPECT_EQ(doubted.error().code, Errc::kRejected);
    EXPECT_GE(clock.unix_ms() - start, Account::kTimeoutMs);
    EXPECT_TRUE(node.sent.empty());
}

}  // namespace
}  // namespace covenant::chain
