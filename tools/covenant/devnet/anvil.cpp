#include "tools/covenant/devnet/anvil.hpp"

#include "chain/rpc/transport.hpp"
#include "chain/rpc/types.hpp"
#include "common/base/durable_file.hpp"
#include "common/base/hex.hpp"
#include "common/node/lifecycle.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <vector>

#include <zlib.h>

namespace covenant::devnet {
namespace {

constexpr std::size_t kMaxStateBytes = std::size_t{1} << 30;
constexpr std::size_t kSnapshotsKept = 3;
constexpr int kStartPolls = 200;

// anvil_dumpState gives gzip; --load-state wants the JSON inside.
Result<Bytes> gunzip(ByteView data) {
    z_stream stream{};
    if (inflateInit2(&stream, 16 + MAX_WBITS) != Z_OK) {
        return fail(Errc::kIo, "zlib does not start");
    }
    Bytes out;
    std::array<std::uint8_t, 1U << 16> buffer{};
    stream.next_in = const_cast<Bytef*>(data.data());
    stream.avail_in = static_cast<uInt>(data.size());
    int code = Z_OK;
    while (code == Z_OK && out.size() < kMaxStateBytes) {
        stream.next_out = buffer.data();
        stream.avail_out = static_cast<uInt>(buffer.size());
        code = inflate(&stream, Z_NO_FLUSH);
        append(out, ByteView(buffer).first(buffer.size() - stream.avail_out));
    }
    inflateEnd(&stream);
    if (code != Z_STREAM_END) {
        return fail(Errc::kMalformed, "anvil's state dump is no complete gzip stream");
    }
    return out;
}

// Snapshots by number, newest first.
std::vector<std::pair<std::uint64_t, std::filesystem::path>> snapshots(
    const std::filesystem::path& folder) {
    std::vector<std::pair<std::uint64_t, std::filesystem::path>> found;
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
        const std::string name = entry.path().filename().string();
        if (name.starts_with("state-") && name.ends_with(".json")) {
            const std::string digits = name.substr(6, name.size() - 11);
            if (const auto number = from_decimal(digits)) {
                found.emplace_back(static_cast<std::uint64_t>(*number), entry.path());
            }
        }
    }
    std::sort(found.rbegin(), found.rend());
    return found;
}

}  // namespace

Result<std::string> find_anvil(const std::filesystem::path& repository) {
    // NOLINTNEXTLINE(concurrency-mt-unsafe): nobody writes the environment
    if (const char* given = std::getenv("COVENANT_ANVIL"); given != nullptr) {
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
    std::error_code made;
    std::filesystem::create_directories(options.folder, made);
    if (made) {
        return fail(Errc::kIo, "cannot make " + options.folder.string() + ": " + made.message());
    }
    auto anvil = std::unique_ptr<Anvil>(
        new Anvil(options, "http://127.0.0.1:" + std::to_string(options.port)));
    std::vector<std::string> argv = {options.binary,
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
    const auto existing = snapshots(options.folder);
    if (!existing.empty()) {
        argv.insert(argv.end(), {"--load-state", existing.front().second.string()});
        anvil->resumed_ = true;
        anvil->next_snapshot_ = existing.front().first + 1;
    }
    COVENANT_TRY(anvil->process_,
                 Process::start("anvil", std::move(argv), options.folder / "anvil.log"));
    COVENANT_TRY(auto transport, chain::make_http_transport(anvil->url_));
    anvil->rpc_ = std::make_unique<chain::RpcClient>(std::move(transport), clock);
    for (int poll = 0; poll < kStartPolls; ++poll) {
        if (const auto status = anvil->process_->poll()) {
            return fail(Errc::kPrecondition, "anvil ended with code " + std::to_string(*status) +
                                                 ": " + tail(anvil->process_->log(), 3));
        }
        COVENANT_TRY(auto probe_transport, chain::make_http_transport(anvil->url_, 500));
        chain::RpcClient probe(std::move(probe_transport), clock, {.retry = {.attempts = 1}});
        if (chain::chain_id(probe)) {
            COVENANT_CHECK(anvil->continue_time());
            return anvil;
        }
        clock.sleep_for(Millis(50), {});
    }
    return fail(Errc::kTimeout, "anvil does not answer on " + anvil->url_ + "; see " +
                                    anvil->process_->log().string());
}

// A restarted anvil would jump to the wall clock: every round that passed meanwhile would be a null
// round.
Status Anvil::continue_time() {
    if (!resumed_) {
        return {};
    }
    COVENANT_TRY(const chain::BlockHeader last, chain::latest_block(*rpc_));
    codec::Json params = codec::Json::array();
    COVENANT_TRY(const auto done, rpc_->call("evm_setTime", params.push(last.timestamp)));
    static_cast<void>(done);
    return {};
}

Status Anvil::set_instant_blocks(bool on) {
    codec::Json params = codec::Json::array();
    if (on) {
        COVENANT_TRY(const auto done, rpc_->call("evm_setAutomine", params.push(true)));
        static_cast<void>(done);
    } else {
        COVENANT_TRY(const auto done,
                     rpc_->call("evm_setIntervalMining", params.push(options_.block_seconds)));
        static_cast<void>(done);
    }
    return {};
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
    COVENANT_TRY(const Bytes packed, from_hex(text, kMaxStateBytes));
    COVENANT_TRY(const Bytes state, gunzip(packed));
    const auto path = options_.folder / ("state-" + std::to_string(next_snapshot_) + ".json");
    COVENANT_CHECK(write_file_durably(path, state, {.overwrite = Overwrite::kYes}));
    ++next_snapshot_;
    const auto existing = snapshots(options_.folder);
    for (std::size_t i = kSnapshotsKept; i < existing.size(); ++i) {
        std::error_code ignored;
        std::filesystem::remove(existing[i].second, ignored);
    }
    return {};
}

}  // namespace covenant::devnet
