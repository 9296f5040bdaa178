#include "tools/explorer/service.hpp"

#include "chain/indexer/queries.hpp"
#include "common/base/durable_file.hpp"
#include "common/crypto/keccak256.hpp"
#include "tests/support/fake_node.hpp"
#include "tests/support/sample_run.hpp"
#include "tests/support/temp_folder.hpp"

#include <thread>

namespace covenant::explorer {
namespace {

// The fake node with contracts: every account has one byte of code.
class NodeWithCode final : public chain::JsonRpcTransport {
  public:
    explicit NodeWithCode(chain::FakeNode& node) : node_(&node), inner_(node) {}
    Result<chain::TransportReply> post(std::string_view body) override {
        const codec::Json request = codec::Json::parse(body).value();
        if (!node_->offline && request.is_object() &&
            request.string("method").value() == "eth_getCode") {
            codec::Json out = codec::Json::object();
            out.set("jsonrpc", "2.0").set("id", request.at("id").value()).set("result", "0x00");
            return chain::TransportReply{200, out.dump()};
        }
        return inner_.post(body);
    }
    [[nodiscard]] std::string endpoint() const override { return "http://fake"; }

  private:
    chain::FakeNode* node_;
    chain::FakeTransport inner_;
};

class ServiceTest : public ::testing::Test {
  protected:
    ServiceTest() {
        network.chain_id = 31337;
        network.genesis_hash = node.blocks[0].hash;
        network.rpc_url = "http://127.0.0.1:1";
        network.contracts = sample::contracts();
        const Bytes code{0};
        for (const auto& [name, address] : network.contracts.list()) {
            network.code_hashes[std::string(name)] = crypto::keccak256(code);
        }
        network.deployed_at = 1;
        network.run = sample::run();
    }
    void write_network() { ASSERT_TRUE(chain::save_network(network, network_path().string())); }
    [[nodiscard]] std::filesystem::path network_path() const { return folder / "network.json"; }
    Result<std::unique_ptr<Service>> open() {
        return Service::open(
            {.datadir = folder.path(), .network = network_path()}, clock,
            [this](const std::string&) -> Result<std::unique_ptr<chain::JsonRpcTransport>> {
                return std::make_unique<NodeWithCode>(node);
            });
    }
    [[nodiscard]] chain::Log log(const protocol::EventBody& body) const {
        return chain::encode_log(network.contracts, body);
    }
    // The whole sample run, a block each.
    void mine_sample() {
        for (const sample::Block& block : sample::blocks()) {
            std::vector<chain::Log> logs;
            for (const protocol::EventBody& body : block.events) {
                logs.push_back(log(body));
            }
            node.mine(std::move(logs));
        }
    }

    testing::TempFolder folder;
    VirtualClock clock{0};
    chain::FakeNode node;
    chain::NetworkFile network;
};

TEST_F(ServiceTest, follows_the_chain_into_the_index) {
    write_network();
    mine_sample();
    const auto service = open();
    ASSERT_TRUE(service) << service.error().context;
    EXPECT_TRUE((*service)->writes());
    EXPECT_EQ((*service)->board().get()->events, 0U);
    ASSERT_TRUE((*service)->look());
    const auto snapshot = (*service)->board().get();
    EXPECT_TRUE(snapshot->following);
    EXPECT_EQ(snapshot->scene.head->number.value, 10U);
    EXPECT_EQ(snapshot->scene.state.rounds.at(protocol::Round(0)).commitments.size(), 2U);
    ASSERT_TRUE((*service)->look());
    EXPECT_EQ((*service)->board().get(), snapshot) << "nothing new, nothing published";
}

TEST_F(ServiceTest, undoes_what_a_reorg_took_back) {
    write_network();
    mine_sample();
    const auto service = open();
    ASSERT_TRUE(service);
    ASSERT_TRUE((*service)->look());
    EXPECT_EQ((*service)->board().get()->scene.state.tallies.at(sample::kAlice).claimed,
              sample::tokens(60));
    node.reorg(1, 2);
    ASSERT_TRUE((*service)->look());
    const auto snapshot = (*service)->board().get();
    EXPECT_EQ(snapshot->scene.state.tallies.at(sample::kAlice).claimed, Amount{});
    EXPECT_EQ(snapshot->reorgs, 1U);
    EXPECT_EQ(snapshot->scene.head->number.value, 11U);
}

TEST_F(ServiceTest, serves_what_it_has_while_the_chain_is_silent_and_goes_on_after) {
    write_network();
    mine_sample();
    const auto service = open();
    ASSERT_TRUE(service);
    ASSERT_TRUE((*service)->look());
    const std::uint64_t events = (*service)->board().get()->events;
    node.offline = true;
    ASSERT_TRUE((*service)->look());
    EXPECT_FALSE((*service)->board().get()->following);
    EXPECT_EQ((*service)->board().get()->events, events);
    node.offline = false;
    node.mine({log(protocol::StakeChanged{sample::kAlice, sample::tokens(11)})});
    ASSERT_TRUE((*service)->look());
    EXPECT_TRUE((*service)->board().get()->following);
    EXPECT_EQ((*service)->board().get()->events, events + 1);
}

TEST_F(ServiceTest, never_mixes_another_chain_in) {
    write_network();
    mine_sample();
    {
        const auto service = open();
        ASSERT_TRUE(service);
        ASSERT_TRUE((*service)->look());
    }
    network.code_hashes["Token"] = vectors::filled_hash(9);
    write_network();
    const auto service = open();
    ASSERT_TRUE(service);
    node.mine({log(protocol::StakeChanged{sample::kAlice, sample::tokens(11)})});
    const std::uint64_t events = (*service)->board().get()->events;
    EXPECT_GT(events, 0U) << "the stored index is served at once";
    ASSERT_TRUE((*service)->look());
    EXPECT_FALSE((*service)->board().get()->following);
    EXPECT_EQ((*service)->board().get()->events, events);
    network.genesis_hash = vectors::filled_hash(8);
    write_network();
}

TEST_F(ServiceTest, refuses_an_index_of_another_chain) {
    write_network();
    ASSERT_TRUE(open());
    network.genesis_hash = vectors::filled_hash(8);
    write_network();
    const auto service = open();
    ASSERT_FALSE(service);
    EXPECT_EQ(service.error().code, Errc::kMismatch);
}

TEST_F(ServiceTest, a_second_explorer_of_the_folder_only_reads) {
    write_network();
    mine_sample();
    const auto first = open();
    ASSERT_TRUE(first);
    const auto second = open();
    ASSERT_TRUE(second) << second.error().context;
    EXPECT_FALSE((*second)->writes());
    ASSERT_TRUE((*first)->look());
    ASSERT_TRUE((*second)->look());
    EXPECT_EQ((*second)->board().get()->events, (*first)->board().get()->events);
}

TEST_F(ServiceTest, a_finished_folder_is_served_without_network_or_chain) {
    sample::write_index((folder / "index.sqlite").string());
    ASSERT_TRUE(write_file_durably(folder / "devnet.json", as_bytes(sample::devnet_json())));
    const auto service = open();
    ASSERT_TRUE(service) << service.error().context;
    EXPECT_FALSE((*service)->writes());
    const auto snapshot = (*service)->board().get();
    EXPECT_EQ(snapshot->scene.state.run, sample::run());
    EXPECT_EQ(snapshot->scene.folder.names.size(), 3U);
    ASSERT_TRUE((*service)->look());
}

TEST_F(ServiceTest, an_empty_folder_is_refused_with_what_to_name) {
    const auto service = open();
    ASSERT_FALSE(service);
    EXPECT_EQ(service.error().code, Errc::kPrecondition);
    EXPECT_NE(service.error().context.find("--network"), std::string::npos);
}

TEST_F(ServiceTest, run_ends_when_asked) {
    write_network();
    const auto service = open();
    ASSERT_TRUE(service);
    std::stop_source stop;
    Status ended = fail(Errc::kInterrupted, "still running");
    {
        const std::jthread runner([&] { ended = (*service)->run(stop.get_token()); });
        stop.request_stop();
    }
    EXPECT_TRUE(ended) << ended.error().context;
}

}  // namespace
}  // namespace covenant::explorer
