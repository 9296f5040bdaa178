// Foundry's anvil as the devnet's chain, with what it lacks: durable, atomic snapshots.
#pragma once

#include "chain/rpc/client.hpp"
#include "common/base/bytes.hpp"
#include "common/base/safe_math.hpp"
#include "tools/covenant/devnet/process.hpp"

#include <filesystem>
#include <memory>

namespace covenant::devnet {

struct AnvilOptions {
    std::string binary;
    std::filesystem::path folder;  // snapshots and the log
    std::uint16_t port = 0;
    std::uint64_t chain_id = 31337;
    std::uint64_t block_seconds = 1;
};

class Anvil {
  public:
    // Starts from the newest readable snapshot in the folder, if there is one; chain time then goes
    // on from its last block. Waits until the chain answers.
    static Result<std::unique_ptr<Anvil>> start(const AnvilOptions& options, Clock& clock);

    [[nodiscard]] chain::RpcClient& rpc() { return *rpc_; }
    [[nodiscard]] const std::string& url() const { return url_; }
    [[nodiscard]] Process& process() { return *process_; }
    [[nodiscard]] bool resumed() const { return resumed_; }

    // While on, every transaction gets its own block at once: for set-up, which sends dozens one
    // after another.
    Status set_instant_blocks(bool on);
    Status set_ether(const Address& account, Uint128 wei);
    // Writes the chain's state: temporary file, fsync, rename; the newest three stay. kIo when the
    // disk is full.
    Status snapshot();

  private:
    Anvil(AnvilOptions options, std::string url)
        : options_(std::move(options)), url_(std::move(url)) {}
    Status continue_time();
    AnvilOptions options_;
    std::string url_;
    std::unique_ptr<Process> process_;
    std::unique_ptr<chain::RpcClient> rpc_;
    bool resumed_ = false;
    std::uint64_t next_snapshot_ = 1;
};

// contracts/node_modules/... beside the source tree that this binary was built from, or
// $COVENANT_ANVIL.
Result<std::string> find_anvil(const std::filesystem::path& repository);

}  // namespace covenant::devnet
