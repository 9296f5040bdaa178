// An outbox before nodes as they are in the field: behind, busy, odd in what they answer.
#include "common/base/log.hpp"
#include "tests/unit/chain/outbox_fixture.hpp"

#include <utility>

namespace covenant::chain {
namespace {

using protocol::BlockNumber;

TEST_F(OutboxTest, NoEtherIsSaidAndKept) {
    node.estimate_error = "Insufficient funds for gas * price + value";
    ASSERT_TRUE(enqueue("a"));
    const Status status = advance();
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code, Errc::kPrecondition);
    EXPECT_EQ(entry("a").state, OutboxState::kQueued);
}

TEST_F(OutboxTest, GasAboveTheCapIsRefused) {
    node.send_errors = {"intrinsic gas too high -- tx.gas_limit > env.cfg.tx_gas_limit_cap"};
    ASSERT_TRUE(enqueue("a"));
    ASSERT_TRUE(advance());
    EXPECT_EQ(entry("a").state, OutboxState::kRefused);
    EXPECT_EQ(entry("a").nonce, std::nullopt);
}

TEST_F(OutboxTest, ATransactionThatTheNodeWillNeverTakeIsRefusedAtOnce) {
    node.send_errors = {"transaction type not supported: unknown transaction type"};
    ASSERT_TRUE(enqueue("a"));
    ASSERT_TRUE(advance());
    EXPECT_EQ(entry("a").state, OutboxState::kRefused);
    EXPECT_NE(entry("a").reason.find("unknown transaction type"), std::string::npos);
}

TEST_F(OutboxTest, ARefusalThatNobodyKnowsIsTriedAgain) {
    node.send_errors = {"gremlins"};
    ASSERT_TRUE(enqueue("a"));
    const Status status = advance();
    ASSERT_FALSE(status);
    EXPECT_TRUE(status.error().retryable);
    ASSERT_TRUE(advance());
    node.mine();
    node.mine();
    ASSERT_TRUE(advance());
    EXPECT_EQ(entry("a").state, OutboxState::kConfirmed);
}

TEST_F(OutboxTest, TheGasLimitIsNotBelowWhatWasAskedFor) {
    ASSERT_TRUE(enqueue_vote(400'000));
    ASSERT_TRUE(advance());
    EXPECT_EQ(read_transaction(node.sent.at(0)).gas_limit, 400'000U);
    ASSERT_TRUE(enqueue("a"));
    ASSERT_TRUE(advance());
    EXPECT_EQ(read_transaction(node.sent.at(1)).gas_limit, gas_limit_for(50'000));
    // With a fresh nonce the limit is the same.
    node.pool.clear();
    node.foreign_nonces = 2;
    ASSERT_TRUE(advance());
    ASSERT_TRUE(advance());
    EXPECT_EQ(read_transaction(node.sent.at(node.sent.size() - 2)).gas_limit, 400'000U);
}

TEST_F(OutboxTest, AnEstimateOfANodeThatIsBehindIsNotBelieved) {
    node.estimate_revert = encode_call("ScoreLedgerZeroHash()", AbiWriter());
    node.spoil = [](const std::string& method, const codec::Json&, codec::Json& answer) {
        if (method != "eth_call") return;  // at the head that the caller knows nothing reverts
        codec::Json fine = codec::Json::object();
        fine.set("id", answer.at("id").value()).set("result", "0x");
        answer = fine;
    };
    ASSERT_TRUE(enqueue("a"));
    const Status waits = advance();
    ASSERT_FALSE(waits);
    EXPECT_TRUE(waits.error().retryable);
    EXPECT_NE(waits.error().context.find("ScoreLedgerZeroHash()"), std::string::npos);
    EXPECT_EQ(entry("a").state, OutboxState::kQueued);
    node.estimate_revert.reset();
    ASSERT_TRUE(advance());
    EXPECT_EQ(entry("a").state, OutboxState::kSent);
    node.estimate_revert = encode_call("ScoreLedgerZeroHash()", AbiWriter());
    ASSERT_TRUE(enqueue("b"));
    for (int i = 0; i < 4; ++i) {
        EXPECT_FALSE(advance());
    }
    ASSERT_TRUE(advance());  // in the end it is
    EXPECT_EQ(entry("b").state, OutboxState::kRefused);
}

TEST_F(OutboxTest, ATransactionMinedLateIsFoundBeforeItsSecondGoesOut) {
    ASSERT_TRUE(enqueue("a"));
    ASSERT_TRUE(advance());
    const Hash256 first = entry("a").transaction;
    node.mine();
    // The member that answers knows the count, not the receipt.
    node.spoil = [](const std::string& method, const codec::Json&, codec::Json& answer) {
        if (method == "eth_getTransactionReceipt") answer.set("result", codec::Json());
    };
    ASSERT_TRUE(advance());
    node.before = [&](const std::string& method) {
        if (method == "eth_getTransactionByHash") node.spoil = nullptr;
    };
    ASSERT_TRUE(advance());
    EXPECT_EQ(node.sent.size(), 1U);
    EXPECT_EQ(entry("a").transaction, first);
    EXPECT_EQ(entry("a").included_block, 1U);
}

TEST_F(OutboxTest, AMinedNonceIsNoGapForANodeThatIsBehind) {
    ASSERT_TRUE(enqueue("a"));
    ASSERT_TRUE(advance());
    node.mine();
    node.mine();
    ASSERT_TRUE(advance());
    ASSERT_EQ(entry("a").state, OutboxState::kConfirmed);
    ASSERT_TRUE(enqueue("b"));
    ASSERT_TRUE(advance());
    node.spoil = [](const std::string& method, const codec::Json&, codec::Json& answer) {
        if (method == "eth_getTransactionCount") answer.set("result", "0x0");
    };
    ASSERT_TRUE(advance());
    EXPECT_EQ(node.sent.size(), 2U);
    EXPECT_EQ(outbox->entries().value().size(), 2U);
}

TEST_F(OutboxTest, FeeHistoryWithEmptyRowsOrNoneIsATipOfTheMinimum) {
    const FeePolicy policy;
    for (const char* history :
         {R"({"reward":[["0x77359400"],[]]})", R"({"reward":[[],[]]})", R"({"reward":[]})",
          R"({"reward":null})", R"({"reward":[["?"]]})", R"({})", "7"}) {
        node.spoil = [&](const std::string& method, const codec::Json&, codec::Json& answer) {
            if (method != "eth_feeHistory") return;
            codec::Json out = codec::Json::object();
            out.set("id", answer.at("id").value())
                .set("result", codec::Json::parse(history).value());
            answer = out;
        };
        const auto fees = suggest_fees(rpc, policy);
        ASSERT_TRUE(fees) << history << ": " << fees.error().context;
        const bool paid = std::string_view(history).find("77359400") != std::string_view::npos;
        EXPECT_EQ(fees->max_priority_fee, paid ? Uint128{2'000'000'000} : policy.minimum_tip);
    }
}

TEST_F(OutboxTest, SaysOnceThatItWasSentAndWhereItWasMined) {
    std::vector<std::string> lines;
    log::set_sink([&](log::Level, std::string_view, std::string_view message,
                      std::span<const log::Field> fields) {
        lines.push_back(std::string(message) + " " + std::get<std::string>(fields.front().value));
    });
    ASSERT_TRUE(enqueue("a"));
    node.offline = true;
    EXPECT_FALSE(advance());
    EXPECT_TRUE(lines.empty());
    node.offline = false;
    ASSERT_TRUE(advance());
    ASSERT_TRUE(advance());
    node.mine();
    ASSERT_TRUE(advance());
    node.mine();
    ASSERT_TRUE(advance());
    node.estimate_revert = encode_call("RegistryZeroAmount()", AbiWriter());
    ASSERT_TRUE(enqueue("b"));
    ASSERT_TRUE(advance());
    log::set_sink({});
    EXPECT_EQ(lines, (std::vector<std::string>{"sent a", "mined in block 1 a",
                                               "refused: RegistryZeroAmount() b"}));
}

}  // namespace
}  // namespace covenant::chain
