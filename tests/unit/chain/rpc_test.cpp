#include "chain/rpc/client.hpp"
#include "chain/rpc/types.hpp"
#include "tests/support/fake_node.hpp"

#include <gtest/gtest.h>

namespace covenant::chain {
namespace {

using codec::Json;

class Scripted final : public JsonRpcTransport {
  public:
    Scripted(std::deque<Result<TransportReply>>& replies, std::deque<std::string>& answers)
        : replies_(&replies), answers_(&answers) {}
    Result<TransportReply> post(std::string_view body) override {
        if (replies_->empty() && !answers_->empty()) {
            Json out = Json::object();
            out.set("id", Json::parse(body)->at("id").value()).set("result", answers_->front());
            answers_->pop_front();
            return TransportReply{200, out.dump()};
        }
        if (replies_->empty()) return fail(Errc::kUnavailable, "connection refused");
        auto out = std::move(replies_->front());
        replies_->pop_front();
        return out;
    }
    [[nodiscard]] std::string endpoint() const override { return "http://scripted"; }

  private:
    std::deque<Result<TransportReply>>* replies_;
    std::deque<std::string>* answers_;  // when the replies are used up
};

class RpcTest : public ::testing::Test {
  protected:
    std::deque<Result<TransportReply>> replies;
    std::deque<std::string> answers;
    VirtualClock clock{0};
    RpcClient rpc{std::make_unique<Scripted>(replies, answers), clock};
    void reply(int status, std::string body) {
        replies.emplace_back(TransportReply{status, std::move(body)});
    }
    // The right answer to the next request, whatever its id will be.
    void next_answer(const std::string& result) { answers.push_back(result); }
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
    const std::vector<std::pair<int, std::string>> pages{
        {404, "404"}, {401, "401"}, {302, "302"}, {200, "a web page"}};
    for (const auto& [status, word] : pages) {
        for (int i = 0; i < 5; ++i) {
            reply(status, "<html>Just a moment...</html>");
        }
        const auto id = chain_id(rpc);
        ASSERT_FALSE(id);
        EXPECT_EQ(id.error().code, Errc::kUnavailable);
        EXPECT_TRUE(id.error().retryable);
        EXPECT_NE(id.error().context.find(word), std::string::npos) << id.error().context;
        EXPECT_NE(id.error().context.find("is this address a node's?"), std::string::npos);
        EXPECT_TRUE(replies.empty());  // each was asked for
    }
    reply(200, "<html>Just a moment...</html>");
    reply(200, "");
    reply(200, "busy");
    reply(200, R"({"jsonrpc":"2.0","id":99,"result":"0x1"})");
    next_answer("0x7a69");
    EXPECT_EQ(chain_id(rpc).value_or(0), 31337U);
}

TEST_F(RpcTest, AnErrorInWordsThatNobodyKnowsIsTriedAgain) {
    reply(200, R"({"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"header not found"}})");
    next_answer("0x7a69");
    const auto id = chain_id(rpc);
    ASSERT_TRUE(id) << id.error().context;
    EXPECT_GT(clock.unix_ms(), 0);  // after a pause
}

TEST_F(RpcTest, ARateLimitIsWaitedForHoweverItIsSaid) {
    const auto limited = [&](int status, const std::string& body, std::uint32_t retry_after = 0) {
        replies.emplace_back(TransportReply{status, body, retry_after});
    };
    limited(200, R"({"id":null,"error":{"code":-32005,"message":"rate limit exceeded"}})");
    limited(200, R"({"error":{"code":429,"message":"slow down"}})");
    limited(200, R"([{"id":null,"error":{"code":-32000,"message":"Too Many Requests"}}])");
    next_answer("0x7a69");
    auto id = chain_id(rpc);
    ASSERT_TRUE(id) << id.error().context;
    EXPECT_GE(clock.unix_ms(), 3'500);  // at least half of 1, 2 and 4 seconds
    std::int64_t before = clock.unix_ms();
    limited(429, "slow down", 30);
    next_answer("0x1");
    id = chain_id(rpc);
    ASSERT_TRUE(id) << id.error().context;
    EXPECT_GE(clock.unix_ms() - before, 30'000);
    // The pause of a call that gave up is kept by the next one.
    for (int i = 0; i < 5; ++i) {
        limited(429, "slow down");
    }
    EXPECT_FALSE(chain_id(rpc));
    before = clock.unix_ms();
    next_answer("0x1");
    ASSERT_TRUE(chain_id(rpc));
    EXPECT_GE(clock.unix_ms() - before, 7'000);
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

TEST_F(RpcTest, AStoppedCallEndsAtOnce) {
    std::stop_source stop;
    rpc.set_stop(stop.get_token());
    stop.request_stop();
    reply(503, "");
    const auto id = chain_id(rpc);
    ASSERT_FALSE(id);
    EXPECT_EQ(id.error().code, Errc::kInterrupted);
}

// A node behind a gateway that takes no more than `limit` calls in one request.
class BatchTest : public ::testing::Test {
  protected:
    BatchTest() {
        for (int i = 0; i < 40; ++i) {
            node.mine();
        }
    }
    // Refuses larger batches with this reply, and counts.
    void refuse_above(std::size_t limit, TransportReply refusal) {
        node.gateway = [this, limit,
                        refusal](const Json& request) -> std::optional<TransportReply> {
            const std::size_t size = request.is_array() ? request.size() : 1;
            largest = std::max(largest, size);
            if (size <= limit) return std::nullopt;
            ++refused;
            return refusal;
        };
    }
    void expect_headers(std::size_t count) {
        std::vector<RpcCall> calls;
        for (std::size_t i = 0; i < count; ++i) {
            calls.push_back(
                {"eth_getBlockByNumber", Json::array().push(to_quantity(i % 40)).push(false)});
        }
        const auto replies = client->batch(calls);
        ASSERT_TRUE(replies) << replies.error().context;
        for (std::size_t i = 0; i < count; ++i) {
            ASSERT_EQ(parse_block(replies->at(i).result).value()->number, i % 40);
        }
    }

    FakeNode node;
    VirtualClock clock{0};
    std::optional<RpcClient> client{std::in_place, std::make_unique<FakeTransport>(node), clock};
    std::size_t refused = 0;
    std::size_t largest = 0;
};

TEST_F(BatchTest, ShrinksToWhatTheNodeTakes) {
    const char* said =
        R"({"id":null,"error":{"code":-32000,"message":"maximum 3 calls in 1 batch"}})";
    for (const TransportReply& refusal :
         {TransportReply{200, said},
          {200, R"([{"id":null,"error":{"code":1,"message":"no"}}])"},
          {413, "<html>too large</html>"},
          {400, "Bad Request"},
          {200, R"([{"id":1,"result":1}])"}}) {
        refuse_above(3, refusal);
        refused = 0;
        expect_headers(40);
        EXPECT_LE(refused, 4U);  // 40, 20, 10, 5
        refused = 0;
        expect_headers(40);
        EXPECT_EQ(refused, 0U);  // it is remembered
        client.emplace(std::make_unique<FakeTransport>(node), clock);
    }
}

TEST_F(BatchTest, ANodeWithoutBatchesIsAskedOneByOne) {
    refuse_above(
        1, {400, R"({"id":null,"error":{"code":-32600,"message":"batches are not supported"}})"});
    expect_headers(40);
    EXPECT_LE(refused, 6U);
}

TEST_F(BatchTest, GrowsAgain) {
    refuse_above(1, {413, ""});
    expect_headers(40);
    largest = 0;
    refuse_above(1'000, {});
    for (int i = 0; i < 80; ++i) {
        expect_headers(40);
    }
    EXPECT_GT(largest, 30U);
}

TEST_F(BatchTest, ARateLimitIsNoReasonToShrink) {
    int left = 2;
    node.gateway = [&](const Json& request) -> std::optional<TransportReply> {
        largest = std::max(largest, request.size());
        if (left-- <= 0) return std::nullopt;
        return TransportReply{200, R"({"id":null,"error":{"code":-32005,"message":"rate limit"}})"};
    };
    expect_headers(40);
    EXPECT_EQ(largest, 40U);
    EXPECT_EQ(left, -1);
    EXPECT_GE(clock.unix_ms(), 1'500);
}

TEST_F(BatchTest, OnlyTheCallsWithoutAnAnswerAreAskedAgain) {
    int count = 0;
    node.spoil = [&](const std::string&, const Json&, Json& answer) {
        if (++count % 20 == 0) FakeNode::set_error(answer, -32000, "header not found");
    };
    expect_headers(40);
    EXPECT_EQ(count, 42);
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
    EXPECT_EQ(classify(-32005, "rate limit: block range", false), kRateLimited);
    EXPECT_EQ(classify(-32603, "internal error", false), kTransient);
    EXPECT_EQ(classify(429, "slow down", false), kRateLimited);
    EXPECT_EQ(classify(-32601, "not there", false), kUnknownMethod);
    EXPECT_EQ(classify(-32000, "something else", false), kTransient);
    EXPECT_EQ(classify(-32000, "known transaction: 0x12", false), kAlreadyKnown);
    EXPECT_EQ(classify(-32000, "unknown transaction", false), kTransient);
    EXPECT_EQ(classify(-32000, "transaction type not supported: unknown transaction type", false),
              kInvalid);
    EXPECT_EQ(classify(4444, "gone", false), kPruned);
    EXPECT_EQ(classify(-32000, "missing trie node 12 (path )", false), kPruned);
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

TEST(FirstBlockAt, NeedsNoOldHistory) {
    FakeNode node;
    VirtualClock clock{0};
    RpcClient rpc(std::make_unique<FakeTransport>(node), clock);
    for (int i = 0; i < 200; ++i) {
        node.mine();
    }
    for (const bool says_so : {true, false}) {
        node.spoil = [says_so](const std::string& method, const Json& params, Json& answer) {
            if (method != "eth_getBlockByNumber") return;
            const auto number = parse_quantity(params.at_index(0).value());
            if (!number || *number == 0 || *number > 150) return;
            if (says_so) {
                FakeNode::set_error(answer, 4444, "pruned history unavailable");
            } else {
                answer.set("result", Json());
            }
        };
        for (const std::uint64_t number : {152U, 170U, 199U, 200U}) {
            node.calls.clear();
            const auto found =
                first_block_at(rpc, protocol::ChainTime(node.blocks[number].time - 1), 40);
            ASSERT_TRUE(found) << found.error().context;
            EXPECT_EQ(found->block.number, number);
            EXPECT_LE(node.calls["eth_getBlockByNumber"], 16);
        }
        const auto gone = first_block_at(rpc, protocol::ChainTime(node.blocks[100].time), 40);
        ASSERT_FALSE(gone);
        EXPECT_EQ(gone.error().code, Errc::kUnavailable);
        EXPECT_NE(gone.error().context.find("does not have block 150"), std::string::npos)
            << gone.error().context;
    }
}

TEST(Endpoint, ShowsNothingButSchemeHostAndPort) {
    const auto transport = make_http_transport("http://u:SECRET@127.0.0.1:1/v3/SECRET?key=SECRET");
    ASSERT_TRUE(transport);
    EXPECT_EQ((*transport)->endpoint(), "http://127.0.0.1:1");
    const auto reply = (*transport)->post("{}");
    ASSERT_FALSE(reply);
    EXPECT_EQ(reply.error().context.find("SECRET"), std::string::npos) << reply.error().context;
    const auto bad = make_http_transport("http//u:SECRET@127.0.0.1:1/v3/SECRET");
    ASSERT_FALSE(bad);
    EXPECT_EQ(bad.error().context.find("SECRET"), std::string::npos) << bad.error().context;
}

}  // namespace
}  // namespace covenant::chain
