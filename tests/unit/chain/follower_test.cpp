#include "chain/indexer/follower.hpp"

#include "chain/indexer/queries.hpp"
#include "chain/indexer/schema.hpp"
#include "chain/network_file.hpp"
#include "common/protocol/event.hpp"
#include "common/sqlite/writer_lock.hpp"
#include "tests/support/fake_node.hpp"
#include "tests/support/temp_folder.hpp"

#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

namespace covenant::chain {
namespace {

using namespace protocol;

class FollowerTest : public ::testing::Test {
  protected:
    FollowerTest() {
        auto opened = sqlite::Database::open(path(), kIndexFile);
        EXPECT_TRUE(opened);
        database.emplace(std::move(*opened));
        auto made = Index::open(*database, 31337, node.blocks[0].hash, contracts);
        EXPECT_TRUE(made);
        index.emplace(std::move(*made));
    }

    [[nodiscard]] std::string path() const { return (folder / "index.db").string(); }
    Follower follower(std::uint64_t near = 8, std::uint64_t range = 1'000) {
        FollowerOptions options;
        options.genesis = node.blocks[0].hash;
        options.start = BlockNumber(1);
        options.near_head_blocks = near;
        options.max_range = range;
        return {*index, rpc, options};
    }
    [[nodiscard]] Log stake(std::uint16_t uid, std::uint64_t total) const {
        return encode_log(contracts, StakeChanged{Uid(uid), Amount{total}});
    }
    // The totals of all stake events, in order: who sees the same sees the same chain.
    std::vector<std::uint64_t> totals() {
        const auto events = index->events_from({});
        EXPECT_TRUE(events);
        std::vector<std::uint64_t> out;
        for (const Event& event : *events) {
            out.push_back(
                static_cast<std::uint64_t>(std::get<StakeChanged>(event.body).total.units));
        }
        return out;
    }
    static RpcOptions quick() {
        RpcOptions out;
        out.retry.attempts = 1;
        return out;
    }

    testing::TempFolder folder;
    ContractAddresses contracts = fake_contracts();
    VirtualClock clock{0};
    FakeNode node;
    RpcClient rpc{std::make_unique<FakeTransport>(node), clock, quick()};
    std::optional<sqlite::Database> database;
    std::optional<Index> index;
};

TEST_F(FollowerTest, FollowsBlockByBlock) {
    node.mine({stake(1, 10)});
    auto report = follower().follow();
    ASSERT_TRUE(report) << report.error().context;
    EXPECT_EQ(report->head.number, BlockNumber(1));
    EXPECT_EQ(report->events, 1U);
    node.mine({stake(1, 20), stake(2, 5)});
    ASSERT_TRUE(follower().follow());
    EXPECT_EQ(totals(), (std::vector<std::uint64_t>{10, 20, 5}));
    node.calls.clear();
    ASSERT_TRUE(follower().follow());  // nothing new: one question
    EXPECT_EQ(node.calls.size(), 1U);
}

TEST_F(FollowerTest, CatchesUpByRangesAndHalvesThem) {
    for (std::uint64_t i = 1; i <= 100; ++i) {
        node.mine(i % 10 == 0 ? std::vector<Log>{stake(1, i)} : std::vector<Log>{});
    }
    node.max_log_range = 7;
    const auto report = follower(8, 64).follow();
    ASSERT_TRUE(report) << report.error().context;
    EXPECT_EQ(totals(), (std::vector<std::uint64_t>{10, 20, 30, 40, 50, 60, 70, 80, 90, 100}));
    EXPECT_EQ(report->head.number, BlockNumber(100));
}

TEST_F(FollowerTest, UndoesAReorg) {
    node.mine({stake(1, 10)});
    node.mine({stake(1, 20)});
    node.mine({stake(1, 30)});
    ASSERT_TRUE(follower().follow());
    node.reorg(2, 0);
    node.mine({stake(1, 21)});
    node.mine();
    node.mine({stake(1, 41)});
    const auto report = follower().follow();
    ASSERT_TRUE(report) << report.error().context;
    EXPECT_EQ(report->fork, BlockNumber(1));
    EXPECT_EQ(totals(), (std::vector<std::uint64_t>{10, 21, 41}));
    EXPECT_EQ(index->reorgs().value(), 1U);
}

TEST_F(FollowerTest, UndoesAReorgToAShorterChain) {
    node.mine({stake(1, 10)});
    node.mine({stake(1, 20)});
    node.mine({stake(1, 30)});
    ASSERT_TRUE(follower().follow());
    node.reorg(2, 0);
    // So far this may be a member of a pool that is behind.
    auto report = follower().follow();
    ASSERT_TRUE(report) << report.error().context;
    EXPECT_EQ(report->fork, std::nullopt);
    EXPECT_EQ(report->head.number, BlockNumber(3));
    EXPECT_EQ(totals(), (std::vector<std::uint64_t>{10, 20, 30}));
    node.mine({stake(1, 21)});  // another block 2
    report = follower().follow();
    ASSERT_TRUE(report) << report.error().context;
    EXPECT_EQ(report->fork, BlockNumber(1));
    EXPECT_EQ(report->head.number, BlockNumber(2));
    EXPECT_EQ(totals(), (std::vector<std::uint64_t>{10, 21}));
}

// A pool: every second request is answered by a member whose head is three blocks behind.
TEST_F(FollowerTest, MembersOfAPoolThatAreBehindAreNoReorg) {
    node.mine();
    Follower following = follower();
    ASSERT_TRUE(following.follow());
    int requests = 0;
    std::uint64_t hidden = 0;
    node.gateway = [&](const codec::Json&) -> std::optional<TransportReply> {
        hidden = ++requests % 2 == 0 ? 3 : 0;
        return std::nullopt;
    };
    node.spoil = [&](const std::string& method, const codec::Json& params, codec::Json& answer) {
        if (method != "eth_getBlockByNumber" || hidden == 0) return;
        const std::uint64_t head =
            node.blocks.size() - 1 - std::min<std::uint64_t>(hidden, node.blocks.size() - 1);
        const std::string tag = params.at_index(0)->as_string().value();
        if (tag == "latest") answer.set("result", FakeNode::block_json(node.blocks[head]));
        if (tag != "latest" && parse_quantity(params.at_index(0).value()).value() > head) {
            answer.set("result", codec::Json());
        }
    };
    std::uint64_t newest = 1;
    for (std::uint64_t i = 2; i <= 60; ++i) {
        node.mine({stake(1, i)});
        for (int look = 0; look < 2; ++look) {
            const auto report = following.follow();
            ASSERT_TRUE(report) << report.error().context;
            ASSERT_EQ(report->fork, std::nullopt);
            ASSERT_GE(report->head.number.value, newest);  // never back
            newest = report->head.number.value;
        }
        ASSERT_GE(newest + 4, i);  // and never far behind
    }
    EXPECT_EQ(index->reorgs().value(), 0U);
    const auto pool = std::exchange(node.gateway, nullptr);
    hidden = 0;
    ASSERT_EQ(following.follow()->head.number, BlockNumber(60));
    node.gateway = pool;
    node.reorg(2, 4);
    bool seen = false;
    for (int look = 0; look < 4; ++look) {
        const auto report = following.follow();
        seen = seen || (report && report->fork == BlockNumber(58));
    }
    EXPECT_TRUE(seen);  // a real one
}

TEST_F(FollowerTest, ACappedRangeIsHalvedInWhateverWordsAndGrowsAgain) {
    for (std::uint64_t i = 1; i <= 300; ++i) {
        node.mine(i % 10 == 0 ? std::vector<Log>{stake(1, i)} : std::vector<Log>{});
    }
    const auto wide = [](const codec::Json& params) {
        const codec::Json query = params.at_index(0).value();
        return query.has("fromBlock") &&
               parse_quantity(query.at("toBlock").value()).value() + 1 >
                   parse_quantity(query.at("fromBlock").value()).value() + 5;
    };
    for (const bool by_status : {false, true}) {
        ASSERT_TRUE(database->execute("DELETE FROM blocks"));
        node.calls.clear();
        bool capped = true;
        node.gateway = [&](const codec::Json& request) -> std::optional<TransportReply> {
            if (request.is_array() || !wide(request.at("params").value()) || !capped) return {};
            if (by_status) return TransportReply{413, "too wide"};
            return TransportReply{
                200,
                R"({"id":null,"error":{"code":-32000,"message":"eth_getLogs is limited to 5"}})"};
        };
        std::uint64_t widest = 0;
        node.before = [&](const std::string& method) {
            if (method == "eth_getLogs" && node.calls[method] > 30) capped = false;
        };
        node.spoil = [&](const std::string& method, const codec::Json& params, codec::Json&) {
            if (method != "eth_getLogs" || !params.at_index(0)->has("fromBlock")) return;
            const codec::Json query = params.at_index(0).value();
            widest =
                std::max(widest, parse_quantity(query.at("toBlock").value()).value() -
                                     parse_quantity(query.at("fromBlock").value()).value() + 1);
        };
        const auto report = follower(8, 64).follow();
        ASSERT_TRUE(report) << report.error().context;
        EXPECT_EQ(totals().size(), 30U);
        EXPECT_GT(widest, 5U);  // once the cap is gone
        EXPECT_LE(clock.unix_ms(), 60'000);
    }
}

TEST_F(FollowerTest, AnEmptyBloomThatTheHashDoesNotCoverIsNotBelieved) {
    node.mine({stake(1, 10)});
    node.mine({stake(1, 20)});
    node.spoil = [](const std::string& method, const codec::Json&, codec::Json& answer) {
        if (method != "eth_getBlockByNumber" || answer.at("result")->is_null()) return;
        codec::Json block = answer.at("result").value();
        answer.set("result", block.set("logsBloom", to_0x(Bytes(256, 0))));
    };
    ASSERT_TRUE(follower().follow());
    EXPECT_EQ(totals(), (std::vector<std::uint64_t>{10, 20}));
}

TEST_F(FollowerTest, AnEmptyBloomThatTheHashCoversSavesAQuestion) {
    node.mine();
    BlockHeader header =
        parse_block(FakeNode::block_json(node.blocks[1])).value().value_or(BlockHeader{});
    const std::string text = encode_header(header).error().context;
    const std::size_t at = text.find("hashes to ") + 10;
    node.blocks[1].hash = fixed_from_hex<Hash256>(text.substr(at, 66)).value();
    ASSERT_TRUE(follower().follow());
    EXPECT_EQ(node.calls["eth_getLogs"], 0);
}

TEST_F(FollowerTest, ANodeWithoutTheOldBlocksIsNamed) {
    for (int i = 0; i < 30; ++i) {
        node.mine({stake(1, 1)});
    }
    node.spoil = [](const std::string& method, const codec::Json& params, codec::Json& answer) {
        if (method != "eth_getBlockByNumber") return;
        const auto number = parse_quantity(params.at_index(0).value());
        if (number && *number < 10) FakeNode::set_error(answer, 4444, "pruned history unavailable");
    };
    const auto report = follower().follow();
    ASSERT_FALSE(report);
    EXPECT_EQ(report.error().code, Errc::kUnavailable);
    EXPECT_NE(report.error().context.find("use one that keeps the blocks from 1 on"),
              std::string::npos)
        << report.error().context;
}

TEST_F(FollowerTest, UndoesAReorgDeeperThanTheNearBlocks) {
    for (std::uint64_t i = 1; i <= 40; ++i) {
        node.mine({stake(1, i)});
    }
    ASSERT_TRUE(follower(4).follow());
    node.reorg(30, 31);
    const auto report = follower(4).follow();
    ASSERT_TRUE(report) << report.error().context;
    EXPECT_EQ(report->fork, BlockNumber(10));
    EXPECT_EQ(totals().size(), 10U);
}

TEST_F(FollowerTest, AChainMovingUnderneathIsReadAgainLater) {
    node.mine({stake(1, 10)});
    ASSERT_TRUE(follower().follow());
    node.mine({stake(1, 20)});
    node.mine({stake(1, 30)});
    node.before = [&](const std::string& method) {
        if (method != "eth_getLogs") return;
        node.before = nullptr;
        node.reorg(2, 3);
    };
    const auto moved = follower().follow();
    ASSERT_FALSE(moved);
    EXPECT_EQ(moved.error().code, Errc::kUnavailable);
    EXPECT_EQ(totals(), (std::vector<std::uint64_t>{10}));
    ASSERT_TRUE(follower().follow());
    EXPECT_EQ(totals(), (std::vector<std::uint64_t>{10}));
}

TEST_F(FollowerTest, AnotherGenesisIsAnotherChain) {
    node.mine({stake(1, 10)});
    ASSERT_TRUE(follower().follow());
    const Hash256 genesis = node.blocks[0].hash;
    FakeNode other;
    other.reorg(0, 0);  // another branch number: other hashes from here on
    other.mine();
    other.blocks[0].hash = hash_of(9);
    node.blocks = other.blocks;
    FollowerOptions options;
    options.genesis = genesis;
    options.start = BlockNumber(1);
    const auto report = Follower(*index, rpc, options).follow();
    ASSERT_FALSE(report);
    EXPECT_EQ(report.error().code, Errc::kMismatch);
    EXPECT_EQ(totals(), (std::vector<std::uint64_t>{10}));  // what was known is kept
}

TEST_F(FollowerTest, ABrokenLogOfOursStopsWithoutATrace) {
    Log broken = stake(1, 10);
    broken.data.resize(5);
    node.mine({stake(1, 1), broken});
    const auto report = follower().follow();
    ASSERT_FALSE(report);
    EXPECT_EQ(report.error().code, Errc::kMalformed);
    EXPECT_EQ(index->cursor().value().has_value(), false);
}

TEST_F(FollowerTest, DeadNodeIsUnavailable) {
    node.offline = true;
    EXPECT_EQ(follower().follow().error().code, Errc::kUnavailable);
}

TEST_F(FollowerTest, TheIndexBelongsToOneChainAndItsContracts) {
    EXPECT_EQ(Index::open(*database, 1, node.blocks[0].hash, contracts).error().code,
              Errc::kMismatch);
    EXPECT_EQ(Index::open(*database, 31337, hash_of(1), contracts).error().code, Errc::kMismatch);
    ContractAddresses other = contracts;
    other.emissions.bytes[0] = 1;
    EXPECT_EQ(Index::open(*database, 31337, node.blocks[0].hash, other).error().code,
              Errc::kMismatch);
}

TEST_F(FollowerTest, QueriesFilterAndCount) {
    const RunId run = hash_of(1);
    node.mine({stake(1, 10), encode_log(contracts, Credited{run, Round(0), Uid(1), Amount{7}}),
               encode_log(contracts, Credited{run, Round(1), Uid(2), Amount{8}})});
    node.mine({encode_log(contracts, ParametersAccepted{run, Round(0), hash_of(5), 0x40800000})});
    ASSERT_TRUE(follower().follow());
    auto reader = IndexReader::open(path());
    ASSERT_TRUE(reader) << reader.error().context;
    EventFilter credits;
    credits.kind = "credited";
    const auto rows = reader->events(credits);
    ASSERT_TRUE(rows) << rows.error().context;
    ASSERT_EQ(rows->size(), 2U);
    EXPECT_EQ(rows->at(0).body.string("amount").value(), "7");
    EXPECT_EQ(rows->at(0).confirmations, 2U);
    credits.round = Round(1);
    EXPECT_EQ(reader->count(credits).value(), 1U);
    EventFilter newest;
    newest.newest_first = true;
    newest.limit = 1;
    EXPECT_EQ(reader->events(newest)->at(0).kind, "parameters_accepted");
    EXPECT_EQ(reader->events(newest)->at(0).body.number("loss").value(), 4.0);
    EXPECT_EQ(reader->info()->events, 4U);
    EXPECT_EQ(reader->info()->contracts, contracts);
    // The views are for people; they must at least compile and count.
    for (const char* view :
         {"rounds", "commitments", "votes", "scores", "findings", "credits", "claims"}) {
        auto select = database->prepare("SELECT COUNT(*) FROM " + std::string(view));
        ASSERT_TRUE(select) << view;
        EXPECT_TRUE(select->step().value()) << view;
    }
    EXPECT_EQ(IndexReader::open((folder / "none.db").string()).error().code, Errc::kNotFound);
}

TEST_F(FollowerTest, ADamagedPageIsNoFactToAnyReader) {
    const RunId run = hash_of(1);
    for (std::uint64_t i = 0; i < 30; ++i) {
        node.mine({encode_log(contracts, Credited{run, Round(i), Uid(1), Amount{i}})});
    }
    ASSERT_TRUE(follower().follow());
    database.reset();
    const auto events = [&]() -> Result<std::size_t> {
        COVENANT_TRY(IndexReader reader, IndexReader::open(path()));
        COVENANT_TRY(const RunState state, reader.state(run));
        COVENANT_TRY(const auto rows, reader.events({}));
        COVENANT_TRY(const IndexInfo info, reader.info());
        return state.rounds.size() + rows.size() + info.events;
    };
    const auto whole = events();
    ASSERT_TRUE(whole) << whole.error().context;
    std::ifstream in(path(), std::ios::binary);
    const std::string good{std::istreambuf_iterator<char>(in), {}};
    std::size_t noticed = 0;
    for (std::size_t at = 1'000; at < good.size(); at += 4'096) {  // one bit of each page
        std::string bad = good;
        bad[at] = static_cast<char>(bad[at] ^ 4);
        std::ofstream(path(), std::ios::binary | std::ios::trunc) << bad;
        const auto found = events();
        if (found) {
            EXPECT_EQ(*found, *whole) << at;
            continue;
        }
        EXPECT_EQ(found.error().code, Errc::kCorrupt) << at;
        EXPECT_NE(found.error().context.find("rebuilt from the chain"), std::string::npos);
        ++noticed;
    }
    EXPECT_GE(noticed, 4U);
}

TEST_F(FollowerTest, TheIndexOfAnotherNetworkIsNotShownAsThisOne) {
    const RunId run = hash_of(1);
    node.mine({encode_log(contracts, RunCreated{run, {}, {}})});
    ASSERT_TRUE(follower().follow());
    NetworkFile own;
    own.chain_id = 31337;
    own.genesis_hash = node.blocks[0].hash;
    own.contracts = contracts;
    own.run = run;
    EXPECT_TRUE(IndexReader::open(path(), own));
    own.run = {};
    EXPECT_TRUE(IndexReader::open(path(), own));
    std::vector<NetworkFile> others(4, own);
    others[0].chain_id = 1;
    others[1].genesis_hash = hash_of(9);
    others[2].contracts.token.bytes[0] ^= 1;
    others[3].run = hash_of(2);
    for (const NetworkFile& other : others) {
        const auto reader = IndexReader::open(path(), other);
        ASSERT_FALSE(reader);
        EXPECT_EQ(reader.error().code, Errc::kMismatch);
        EXPECT_NE(reader.error().context.find("another network"), std::string::npos);
    }
}

TEST_F(FollowerTest, SeveralProcessesBuildOneIndex) {
    for (std::uint64_t i = 0; i < 60; ++i) {
        node.mine({stake(1, i)});
    }
    const std::string shared = (folder / "shared.db").string();
    std::vector<pid_t> children;
    for (int i = 0; i < 6; ++i) {
        children.push_back(::fork());
        if (children.back() != 0) continue;
        SystemClock real;
        const auto lock = sqlite::WriterLock::acquire(shared, real);
        auto file = sqlite::Database::open(shared, kIndexFile);
        if (!lock || !file) ::_exit(1);
        auto own = Index::open(*file, 31337, node.blocks[0].hash, contracts);
        if (!own) ::_exit(2);
        FollowerOptions options;
        options.genesis = node.blocks[0].hash;
        options.start = BlockNumber(1);
        options.near_head_blocks = 8;
        ::_exit(Follower(*own, rpc, options).follow() ? 0 : 3);
    }
    for (const pid_t child : children) {
        int status = 0;
        ASSERT_EQ(::waitpid(child, &status, 0), child);
        EXPECT_EQ(WEXITSTATUS(status), 0);
    }
    EXPECT_EQ(IndexReader::open(shared)->info()->events, 60U);
}

}  // namespace
}  // namespace covenant::chain
