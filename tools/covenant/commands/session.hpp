// Where a command's facts come from, and where its signatures go.
//
//   --network FILE     the chain of that network.json, read now; its events are kept in
//                      <datadir>/cli-index.sqlite, so that the next command reads only what is new
//   --datadir DIR      a folder with index.sqlite, which covenant-explorer writes (a devnet has
//                      one); without it, the chain of DIR/network.json
#pragma once

#include "chain/admin_client.hpp"
#include "chain/rpc/client.hpp"
#include "common/base/clock.hpp"
#include "common/node/command.hpp"
#include "tools/view/tables.hpp"

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

namespace covenant::commands {

// --datadir, or the network's default folder; absolute. The folder need not exist.
Result<std::filesystem::path> data_folder(const node::GlobalOptions& global);
// The file that --network names, else <datadir>/network.json. kPrecondition when there is none.
Result<std::filesystem::path> network_path(const node::GlobalOptions& global);

// kPrecondition: no such data, and how to get some. kUnavailable, kMismatch: the chain's answers.
Result<view::Scene> load_scene(const node::GlobalOptions& global, Clock& clock);
// As load_scene; kPrecondition when the run is not on the chain or its RunSpec breaks the rules.
Result<view::Scene> load_run(const node::GlobalOptions& global, Clock& clock);

// A checked connection to the network's chain.
class Connection {
  public:
    // kMismatch when genesis or contracts are not what the network file says: nothing is sent then.
    static Result<std::unique_ptr<Connection>> open(const node::GlobalOptions& global,
                                                    Clock& clock);
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    [[nodiscard]] chain::RpcClient& rpc() { return *rpc_; }
    [[nodiscard]] const chain::NetworkFile& network() const { return network_; }
    // For reads only: its account has no money.
    [[nodiscard]] chain::AdminClient& reader() { return *reader_; }
    // The uid of a hotkey given as address, uid or devnet name, as the registry has it.
    Result<protocol::Uid> uid_of(const node::GlobalOptions& global, std::string_view hotkey);

  private:
    explicit Connection(chain::NetworkFile network) : network_(std::move(network)) {}
    chain::NetworkFile network_;
    std::unique_ptr<chain::RpcClient> rpc_;
    crypto::SecretKey throwaway_ = crypto::SecretKey::generate();
    std::unique_ptr<chain::Account> account_;
    std::unique_ptr<chain::AdminClient> reader_;
};

// A client that gives up soon: a person is waiting.
Result<std::unique_ptr<chain::RpcClient>> make_rpc(const std::string& url, Clock& clock);

}  // namespace covenant::commands
