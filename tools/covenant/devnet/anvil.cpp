#include "tools/covenant/devnet/anvil.hpp"

#include "chain/rpc/transport.hpp"
#include "chain/rpc/types.hpp"
#include "common/base/durable_file.hpp"
#include "common/base/hex.hpp"

#include <cstdlib>
#include <vector>

namespace covenant::devnet {
namespace {

constexpr std::size_t kMaxDumpBytes = std::size_t{1} << 30;
constexpr int kStartPolls = 200;

std::vector<std::string> command_line(const AnvilOptions& options) {
    return {options.binary,
            "--host",
            "127.0.0.1",
            "--port",
            std::to_string(options.port),
            "--chain-id",
            std::to_string(options.chain_id),
            "--no-mining",  // until the caller chooses how blocks come
            "--hardfork",
            "osaka",
            "--gas-limit",
            "60000000",
            "--enable-tx-gas-limit",
            "--slots-in-an-epoch",
            "1",
            "--prune-history",
            "256",
            "--transaction-block-keeper",
            "100000",
            "--no-request-size-limit",
            "--accounts",
            "1",
            "--quiet"};
}

Status call(chain::RpcClient& rpc, const std::string& method, codec::Json value) {
    codec::Json params = codec::Json::array();
    COVENANT_TRY(const auto done, rpc.call(method, params.push(std::move(value))));
    static_cast<void>(done);
    return {};
}

}  // namespace

Result<std::string> find_anvil(const std::filesystem::path& repository) {
    // NOLINTNEXTLINE(concurrency-mt-unsafe): nobody writes the environment
    if (const char* given = std::getenv("COVENANT_ANVIL"); given != nullptr && *given != '\0') {
        return std::string(given);
    }
    const auto path = repository / "contracts/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil";
    if (!std::filesystem::exists(path)) {
        return fail(Errc::kPrecondition,
                    "anvil is not at " + path.string() +
                        ": run contracts/build (npm brings it), or set COVENANT_ANVIL");
    }
    return path.string();
}

Result<std::unique_ptr<Anvil>> Anvil::start(const AnvilOptions& options, Clock& clock) {
    COVENANT_TRY(Snapshots snapshots, Snapshots::open(options.folder));
    COVENANT_TRY(const auto saved, snapshots.newest());
    auto anvil = std::unique_ptr<Anvil>(new Anvil(options, std::move(snapshots)));
    std::vector<std::string> argv = command_line(options);
    if (saved) {
        argv.insert(argv.end(), {"--load-state", saved->string()});
        anvil->resumed_ = true;
    }
    COVENANT_TRY(anvil->process_,
                 Process::start("anvil", std::move(argv), options.folder / "anvil.log"));
    COVENANT_TRY(auto transport, chain::make_http_transport(anvil->url_));
    anvil->rpc_ = std::make_unique<chain::RpcClient>(std::move(transport), clock);
    COVENANT_CHECK(anvil->await_answer(clock));
    if (anvil->resumed_) {
        COVENANT_CHECK(anvil->check_genesis(*saved));
        COVENANT_CHECK(anvil->continue_time());
    }
    return anvil;
}

Status Anvil::await_answer(Clock& clock) {
    for (int poll = 0; poll < kStartPolls; ++poll) {
        if (const auto status = process_->poll()) {
            return fail(Errc::kPrecondition, "anvil ended with code " + std::to_string(*status) +
                                                 ": " + tail(process_->log(), 3));
        }
        COVENANT_TRY(auto transport, chain::make_http_transport(url_, 500));
        chain::RpcClient probe(std::move(transport), clock, {.retry = {.attempts = 1}});
        if (chain::chain_id(probe)) {
            return {};
        }
        clock.sleep_for(Millis(50), {});
    }
    return fail(Errc::kTimeout,
                "anvil does not answer on " + url_ + "; see " + process_->log().string());
}

Status Anvil::check_genesis(const std::filesystem::path& snapshot) {
    COVENANT_TRY(const auto genesis, chain::block_by_number(*rpc_, 0));
    COVENANT_TRY(const auto next, chain::block_by_number(*rpc_, 1));
    if (!genesis || !next || next->parent_hash != genesis->hash) {
        return fail(Errc::kCorrupt, snapshot.string() +
                                        " does not hold the chain's first block: remove it to go "
                                        "on from the snapshot before it");
    }
    return {};
}

// A restarted anvil would jump to the wall clock: every round that passed meanwhile would be a null
// round.
Status Anvil::continue_time() {
    COVENANT_TRY(const chain::BlockHeader last, chain::latest_block(*rpc_));
    return call(*rpc_, "evm_setTime", last.timestamp);
}

Status Anvil::set_instant_blocks(bool on) {
    if (on) {
        return call(*rpc_, "evm_setAutomine", true);
    }
    // A block is one second of chain time, however long the wall takes for it.
    COVENANT_CHECK(call(*rpc_, "anvil_setBlockTimestampInterval", 1U));
    return call(*rpc_, "evm_setIntervalMining", options_.block_seconds);
}

Status Anvil::set_ether(const Address& account, Uint128 wei) {
    codec::Json params = codec::Json::array();
    params.push(to_0x(account)).push(chain::to_quantity(wei));
    COVENANT_TRY(const auto done, rpc_->call("anvil_setBalance", params));
    static_cast<void>(done);
    return {};
}

Status Anvil::snapshot() {
    COVENANT_TRY(const codec::Json dump, rpc_->call("anvil_dumpState", codec::Json::array()));
    COVENANT_TRY(const std::string text, dump.as_string());
    COVENANT_TRY(const Bytes packed, from_hex(text, kMaxDumpBytes));
    return snapshots_.add(packed);
}

}  // namespace covenant::devnet
