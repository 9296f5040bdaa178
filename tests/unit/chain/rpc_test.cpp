#include "chain/rpc/client.hpp"
#include "chain/rpc/types.hpp"
#include "tests/support/fake_node.hpp"

#include <gtest/gtest.h>

namespace covenant::chain {
namespace {

using codec::Json;

class Scripted final : public JsonRpcTransport {
  public:
    explicit Scripted(std::deque<Result<TransportReply>>& replies) : replies_(&replies) {}
    Result<TransportReply> post(std::string_view) override {
        if (replies_->empty()) return fail(Errc::kUnavailable, "connection refused");
        auto out = std::move(replies_->front());
        replies_->pop_front();
        return out;
    }
    [[nodiscard]] std::string endpoint() const override { return "http://scripted"; }

  private:
    std::deque<Result<TransportReply>>* replies_;
};

class RpcTest : public ::testing::Test {
  protected:
    std::deque<Result<TransportReply>> replies;
    VirtualClock clock{0};
    RpcClient rpc{std::make_unique<Scripted>(replies), clock};
    void reply(int status, std::string body) {
        replies.emplace_back(TransportReply{status, std::move(body)});
    }
};

TEST_F(RpcTest, RetriesWhatIsTransient) {
    reply(503, "<html>busy</html>");
    reply(429, "");
    reply(200, R"({"jsonrpc":"2.0","id":1,"error":{"code":-32005,"message":"limit exceeded"}})");
    reply(200, R"({"jsonrpc":"2.0","id":1,"result":"0x7a69"})");
    const auto id = chain_id(rpc);
    ASSERT_TRUE(id) << id.error().context;
    EXPECT_EQ(*id, 31337U);
    EXPECT_TRUE(replies.empty());
}

TEST_F(RpcTest, GivesUpAfterTheAttemptsAndNamesTheEndpoint) {
    const auto id = chain_id(rpc);
    ASSERT_FALSE(id);
    EXPECT_EQ(id.error().code, Errc::kUnavailable);
    EXPECT_TRUE(id.error().retryable);
    EXPECT_NE(id.error().context.find("http://scripted"), std::string::npos);
    EXPECT_NE(id.error().context.find("after 5 attempts"), std::string::npos);
}

TEST_F(RpcTest, DoesNotRetryRefusals) {
    reply(200, R"({"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"no such method"}})");
    reply(200, R"({"jsonrpc":"2.0","id":2,"result":"0x1"})");
    const auto id = chain_id(rpc);
    ASSERT_FALSE(id);
    EXPECT_EQ(id.error().code, Errc::kRejected);
    EXPECT_EQ(replies.size(), 1U);
}

TEST_F(RpcTest, AWebPageIsNoNode) {
    reply(404, "<html>not found</html>");
    const auto id = chain_id(rpc);
    ASSERT_FALSE(id);
    EXPECT_EQ(id.error().code, Errc::kMalformed);
    EXPECT_NE(id.error().context.find("404"), std::string::npos);
}

TEST_F(RpcTest, RevertsAreNamedInCalls) {
    const std::string data = to_0x(encode_call("RegistryUnknownUid(uint16)", AbiWriter().uint(3)));
    reply(200,
          R"({"jsonrpc":"2.0","id":1,"error":{"code":3,"message":"execution reverted","data":")" +
              data + "\"}}");
    const auto out = eth_call(rpc, Address{}, {});
    ASSERT_FALSE(out);
    EXPECT_EQ(out.error().code, Errc::kRejected);
    EXPECT_EQ(out.error().context, "eth_call: RegistryUnknownUid(3)");
}

TEST_F(RpcTest, BatchesComeInTheOrderOfTheCalls) {
    reply(200, R"([{"jsonrpc":"2.0","id":2,"result":"b"},{"jsonrpc":"2.0","id":1,"result":"a"}])");
    const std::vector<RpcCall> calls{{"x", Json::array()}, {"y", Json::array()}};
    const auto out = rpc.batch(calls);
    ASSERT_TRUE(out) << out.error().context;
    EXPECT_EQ(out->at(0).result.as_string().value(), "a");
    EXPECT_EQ(out->at(1).result.as_string().value(), "b");
}

TEST(RpcReply, RefusesForeignMissingAndDoubledIds) {
    const auto refused = [](std::string_view body, std::size_t count) {
        return !parse_rpc_reply(body, 5, count).has_value();
    };
    EXPECT_TRUE(refused(R"({"id":4,"result":1})", 1));
    EXPECT_TRUE(refused(R"({"result":1})", 1));
    EXPECT_TRUE(refused(R"([{"id":5,"result":1}])", 2));
    EXPECT_TRUE(refused(R"([{"id":5,"result":1},{"id":5,"result":1}])", 2));
    EXPECT_TRUE(refused("[1,2]", 2));
    EXPECT_TRUE(refused("", 1));
    EXPECT_TRUE(refused(R"({"id":5})", 1));
    EXPECT_TRUE(refused(R"({"id":5,"error":7})", 1));
}

TEST(RpcReply, ARefusedBatchSaysWhy) {
    const auto out =
        parse_rpc_reply(R"({"id":null,"error":{"code":-32600,"message":"batch too large"}})", 1, 3);
    ASSERT_FALSE(out);
    EXPECT_NE(out.error().context.find("batch too large"), std::string::npos);
}

TEST(Classify, KnowsTheTextsOfNodes) {
    using enum RpcFailure;
    EXPECT_EQ(classify(-32003, "transaction already imported", false), kAlreadyKnown);
    EXPECT_EQ(classify(-32000, "already known", false), kAlreadyKnown);
    EXPECT_EQ(classify(-32003, "nonce too low", false), kNonceTooLow);
    EXPECT_EQ(classify(-32003, "replacement transaction underpriced", false), kUnderpriced);
    EXPECT_EQ(classify(-32003, "max fee per gas less than block base fee", false), kFeeBelowBase);
    EXPECT_EQ(classify(-32003, "Insufficient funds for gas * price + value", false),
              kInsufficientFunds);
    EXPECT_EQ(classify(-32003, "intrinsic gas too high -- tx.gas_limit > env.cfg.tx_gas_limit_cap",
                       false),
              kGasLimitTooHigh);
    EXPECT_EQ(classify(3, "execution reverted", true), kReverted);
    EXPECT_EQ(classify(-32005, "query returned more than 10000 results", false), kTooManyResults);
    EXPECT_EQ(classify(-32005, "rate limit: block range", false), kTransient);
    EXPECT_EQ(classify(-32603, "internal error", false), kTransient);
    EXPECT_EQ(classify(429, "slow down", false), kTransient);
    EXPECT_EQ(classify(-32601, "not there", false), kUnknownMethod);
    EXPECT_EQ(classify(-32000, "something else", false), kOther);
}

TEST(Quantity, IsStrict) {
    const auto read = [](const char* text) { return parse_quantity(Json(text)); };
    EXPECT_EQ(read("0x0").value(), 0U);
    EXPECT_EQ(read("0xffffffffffffffff").value(), ~std::uint64_t{0});
    EXPECT_FALSE(read("0x"));
    EXPECT_FALSE(read("12"));
    EXPECT_FALSE(read("0x10000000000000000"));
    EXPECT_FALSE(read("0xg"));
    EXPECT_FALSE(parse_quantity(Json(12U)));
    EXPECT_EQ(to_quantity(0), "0x0");
    EXPECT_EQ(to_quantity(0x1234), "0x1234");
}

TEST(FirstBlockAt, FindsTheBoundaryAndSaysWhenThereIsNone) {
    FakeNode node;
    VirtualClock clock{0};
    RpcClient rpc(std::make_unique<FakeTransport>(node), clock);
    for (int i = 0; i < 20; ++i) {
        node.mine();
    }
    for (const std::uint64_t number : {1U, 7U, 20U}) {
        const std::uint64_t time = node.blocks[number].time;
        EXPECT_EQ(first_block_at(rpc, protocol::ChainTime(time)).value().block.number, number);
        EXPECT_EQ(first_block_at(rpc, protocol::ChainTime(time - 1)).value().block.number, number);
    }
    const auto later = first_block_at(rpc, protocol::ChainTime(node.blocks.back().time + 1));
    ASSERT_FALSE(later);
    EXPECT_EQ(later.error().code, Errc::kPrecondition);
    EXPECT_TRUE(later.error().retryable);
    EXPECT_FALSE(
        first_block_at(rpc, protocol::ChainTime(0)));  // nothing is before the genesis block
}

}  // namespace
}  // namespace covenant::chain
