// The devnet's chain: a child process of Foundry's anvil. anvil itself saves its state only when it
// ends in order; this class saves it at any moment, durably, and starts anvil from what was saved.
#pragma once

#include "chain/rpc/client.hpp"
#include "common/base/bytes.hpp"
#include "common/base/safe_math.hpp"
#include "tools/covenant/devnet/process.hpp"
#include "tools/covenant/devnet/snapshots.hpp"

#include <filesystem>
#include <memory>

namespace covenant::devnet {

struct AnvilOptions {
    std::string binary;
    std::filesystem::path folder;  // snapshots and the log
    std::uint16_t port = 0;
    std::uint64_t chain_id = 31337;
    // Wall seconds from block to block. Each block adds one second of chain time: with more than 1,
    // the chain's clock, and with it every deadline of the run, goes slower than the wall's.
    std::uint64_t block_seconds = 1;
};

class Anvil {
  public:
    // Starts from the newest readable snapshot in the folder, if there is one; chain time then goes
    // on from its last block. Waits until the chain answers. kPrecondition: anvil ended; kTimeout;
    // kCorrupt: the snapshot is of no whole chain.
    static Result<std::unique_ptr<Anvil>> start(const AnvilOptions& options, Clock& clock);

    [[nodiscard]] chain::RpcClient& rpc() { return *rpc_; }
    [[nodiscard]] const std::string& url() const { return url_; }
    [[nodiscard]] Process& process() { return *process_; }
    [[nodiscard]] bool resumed() const { return resumed_; }

    // While on, every transaction gets its own block at once: for set-up, which sends dozens one
    // after another.
    Status set_instant_blocks(bool on);
    Status set_ether(const Address& account, Uint128 wei);
    // Writes the chain's state, as Snapshots does.
    Status snapshot();

  private:
    Anvil(AnvilOptions options, Snapshots snapshots)
        : options_(std::move(options)),
          url_("http://127.0.0.1:" + std::to_string(options_.port)),
          snapshots_(std::move(snapshots)) {}
    Status await_answer(Clock& clock);
    Status check_genesis(const std::filesystem::path& snapshot);
    Status continue_time();
    AnvilOptions options_;
    std::string url_;
    Snapshots snapshots_;
    std::unique_ptr<Process> process_;
    std::unique_ptr<chain::RpcClient> rpc_;
    bool resumed_ = false;
};

// contracts/node_modules/... beside the source tree that this binary was built from, or
// $COVENANT_ANVIL.
Result<std::string> find_anvil(const std::filesystem::path& repository);

}  // namespace covenant::devnet
