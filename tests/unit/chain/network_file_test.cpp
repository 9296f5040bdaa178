#include "chain/network_file.hpp"

#include "chain/deployer.hpp"
#include "tests/support/fake_node.hpp"
#include "tests/support/temp_folder.hpp"

#include <fstream>

#include <gtest/gtest.h>

namespace covenant::chain {
namespace {

NetworkFile sample() {
    NetworkFile out;
    out.chain_id = 31337;
    out.genesis_hash = hash_of(1);
    out.rpc_url = "http://127.0.0.1:8545";
    out.contracts = fake_contracts();
    out.deployed_at = 3;
    for (const auto& [name, address] : out.contracts.list()) {
        out.code_hashes.emplace(name, hash_of(address.bytes[19]));
    }
    out.run = hash_of(2);
    return out;
}

TEST(NetworkFile, SurvivesTheDisk) {
    const testing::TempFolder folder;
    const std::string path = (folder / "network.json").string();
    ASSERT_TRUE(save_network(sample(), path));
    EXPECT_EQ(load_network(path).value(), sample());
    NetworkFile without_run = sample();
    without_run.run = {};
    ASSERT_TRUE(save_network(without_run, path));
    EXPECT_EQ(load_network(path).value(), without_run);
}

TEST(NetworkFile, SaysWhatIsWrong) {
    const testing::TempFolder folder;
    const std::string path = (folder / "network.json").string();
    EXPECT_EQ(load_network(path).error().code, Errc::kNotFound);
    const auto loading = [&](const codec::Json& json) {
        std::ofstream(path) << json.dump();
        const auto out = load_network(path);
        EXPECT_FALSE(out);
        return out ? std::string() : out.error().context;
    };
    EXPECT_NE(loading(to_json(sample()).set("chain_id", "x")).find("chain_id"), std::string::npos);
    EXPECT_NE(loading(to_json(sample()).set("surprise", 1)).find("surprise"), std::string::npos);
    EXPECT_NE(loading(to_json(sample()).set("version", 9)).find("version 9"), std::string::npos);
    EXPECT_NE(loading(to_json(sample()).set("contracts", codec::Json::object())).find("Token"),
              std::string::npos);
    std::ofstream(path) << "{";
    EXPECT_EQ(load_network(path).error().code, Errc::kMalformed);
    std::ofstream(path) << std::string(100'000, ' ');
    EXPECT_EQ(load_network(path).error().code, Errc::kMalformed);
    EXPECT_EQ(save_network(sample(), (folder / "no/such/folder.json").string()).error().code,
              Errc::kNotFound);
}

TEST(NetworkFile, AnotherChainIsAMismatchThatNamesBoth) {
    FakeNode node;
    VirtualClock clock{0};
    RpcClient rpc(std::make_unique<FakeTransport>(node), clock);
    NetworkFile network = sample();
    network.chain_id = 5;
    Status status = check_network(network, rpc);
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code, Errc::kMismatch);
    EXPECT_NE(status.error().context.find("31337"), std::string::npos);
    EXPECT_NE(status.error().context.find("chain 5"), std::string::npos);
    status = check_network(sample(), rpc);
    ASSERT_FALSE(status);
    EXPECT_NE(status.error().context.find(to_0x(node.blocks[0].hash)), std::string::npos);
    EXPECT_NE(status.error().context.find(to_0x(hash_of(1))), std::string::npos);
}

TEST(Deployer, NamesTheMissingArtifactAndTheCommand) {
    const testing::TempFolder folder;
    const auto code = load_creation_code(folder.path().string(), "Token");
    ASSERT_FALSE(code);
    EXPECT_EQ(code.error().code, Errc::kNotFound);
    EXPECT_NE(code.error().context.find("contracts/build"), std::string::npos);
}

}  // namespace
}  // namespace covenant::chain
