#include "chain/participant/readiness.hpp"

#include "chain/admin_client.hpp"
#include "chain/rpc/transport.hpp"
#include "common/base/hex.hpp"
#include "common/data/corpus_manifest.hpp"
#include "common/node/keystore.hpp"
#include "common/store/open.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace covenant::participant {
namespace {

constexpr std::uint32_t kRpcTimeoutMs = 5'000;
// Of a round's messages, generously; paid at twice the base fee and with a tip.
constexpr std::uint64_t kGasOfARound = 1'000'000;
constexpr std::uint64_t kTipWei = 1'000'000'000;

class Readiness {
  public:
    Readiness(const ParticipantOptions& options, protocol::Role role, Clock& clock)
        : options_(options),
          role_(role),
          clock_(clock),
          keys_(std::filesystem::path(options.datadir) / "keys") {}

    void check() {
        check_options();
        check_keys();
        check_password();
        if (check_network()) {
            check_hotkey_on_chain();
        }
        check_store();
        check_data();
    }

    void check_open() {
        auto opened = Participant::open(options_, role_, clock_, {});
        if (!opened) {
            missing("node", opened.error(), "");
            return;
        }
        const protocol::RunSpec& spec = (*opened)->node().seat().spec;
        well("node", "key, chain, run, profile and data agree");
        const Amount bond = spec.emission.miner_bond;
        if (role_ == protocol::Role::kMiner && stake_ < bond) {
            std::erase_if(findings_, [](const Finding& one) { return one.name == "stake"; });
            missing("stake",
                    {Errc::kPrecondition,
                     fmt::format("{} COV are at stake, the run asks {} COV of a miner",
                                 to_tokens(stake_), to_tokens(bond))},
                    stake_command(Amount{bond.units - stake_.units}));
        }
    }

    [[nodiscard]] bool ready() const {
        return std::none_of(findings_.begin(), findings_.end(),
                            [](const Finding& one) { return one.missing.has_value(); });
    }
    [[nodiscard]] std::vector<Finding> take() { return std::move(findings_); }

  private:
    void well(std::string name, std::string found) {
        findings_.push_back({std::move(name), std::move(found), "", std::nullopt});
    }
    void missing(std::string name, const Error& error, std::string mend) {
        findings_.push_back({std::move(name), error.context, std::move(mend), error.code});
    }

    void check_options() {
        const auto require = [&](const std::string& value, const std::string& option,
                                 std::string_view what) {
            if (value.empty()) {
                missing(option, {Errc::kPrecondition, "--" + option + " is not given"},
                        fmt::format("name {} with --{}", what, option));
            }
        };
        require(options_.store, "store", "the folder of the run's artifacts");
        require(options_.data, "data", "the folder of the run's data set");
    }

    // A store that this node would make is one that nobody else reads.
    void check_store() {
        const auto folder = store::folder_of(options_.store);
        if (!folder) {
            if (!options_.store.empty()) {
                missing("store", folder.error(), "");
            }
            return;
        }
        std::error_code ignored;
        if (!std::filesystem::is_directory(*folder, ignored)) {
            missing(
                "store", {Errc::kPrecondition, "no folder " + folder->string()},
                "--store DIR: the folder that the run's nodes share; a devnet's is the store in "
                "its folder; for the first node of a run: mkdir " +
                    folder->string());
        }
    }

    void check_data() {
        std::error_code ignored;
        const auto manifest = data::manifest_path(options_.data);
        if (!options_.data.empty() && !std::filesystem::exists(manifest, ignored)) {
            missing("data",
                    {Errc::kPrecondition, "no data set: " + manifest.string() + " is missing"},
                    "--data DIR: the folder of the run's data set; a devnet's is the data in its "
                    "folder");
        }
    }

    void check_keys() {
        const auto files = keys_.list();
        if (!files) {
            return missing("keys", files.error(), "");
        }
        std::vector<std::string> hotkeys;
        for (const node::KeyFile& file : *files) {
            if (file.kind == node::KeyKind::kColdkey) {
                missing("keys",
                        {Errc::kPrecondition, "coldkey '" + file.name + "' lies in " +
                                                  keys_.directory().string() +
                                                  ", on a machine that is online"},
                        "move " + keys_.path_of(file.name).string() +
                            " to the owner's machine; a node needs its hotkey only");
            } else {
                hotkeys.push_back(file.name);
            }
            if (file.kind == node::KeyKind::kHotkey && file.name == options_.hotkey) {
                hotkey_ = file;
            }
        }
        if (hotkey_) {
            return well("key", "hotkey '" + hotkey_->name + "' is " + to_0x(hotkey_->address));
        }
        const std::string make = fmt::format("covenant wallet new-hotkey {} --datadir {}",
                                             options_.hotkey, options_.datadir);
        missing("key",
                {Errc::kPrecondition,
                 "no hotkey '" + options_.hotkey + "' in " + keys_.directory().string()},
                hotkeys.empty() ? make
                                : fmt::format("--hotkey NAME, which is there: {}; or {}",
                                              fmt::join(hotkeys, ", "), make));
    }

    void check_password() {
        if (!hotkey_) {
            return;
        }
        const auto password = node::read_password({.file = options_.password_file},
                                                  "hotkey '" + options_.hotkey + "'");
        if (!password) {
            return missing("password", password.error(), "--password-file FILE, of mode 0600");
        }
        if (const auto key = keys_.open(options_.hotkey, *password); !key) {
            return missing("password", key.error(), "");
        }
        well("password", "opens the key");
    }

    bool check_network() {
        if (options_.network_file.empty()) {
            missing("network", {Errc::kPrecondition, "--network is not given"},
                    "--network FILE: the network.json that the network's operator publishes; a "
                    "devnet's lies in its folder");
            return false;
        }
        auto network = chain::load_network(options_.network_file);
        if (!network) {
            missing("network", network.error(), "--network FILE: the network's network.json");
            return false;
        }
        network_ = std::move(*network);
        if (Status reached = reach_chain(); !reached) {
            missing("chain", reached.error(), "");
            return false;
        }
        const auto exists = chain::eth_call(*rpc_, network_.contracts.run_registry,
                                            chain::calls::run_exists(network_.run));
        if (!exists) {
            missing("run", exists.error(), "");
            return false;
        }
        chain::AbiReader reader(*exists);
        if (!reader.boolean()) {
            missing(
                "run",
                {Errc::kPrecondition, "run " + to_0x(network_.run) + " is not on this chain yet"},
                "wait for its creation, or ask for a newer network.json");
            return false;
        }
        well("network",
             fmt::format("chain {}, run {}", network_.chain_id, to_short_hex(network_.run.view())));
        return true;
    }

    Status reach_chain() {
        COVENANT_TRY(auto transport, chain::make_http_transport(network_.rpc_url, kRpcTimeoutMs));
        rpc_ = std::make_unique<chain::RpcClient>(std::move(transport), clock_,
                                                  chain::RpcOptions{.retry = {.attempts = 2}});
        COVENANT_CHECK(chain::check_network(network_, *rpc_));
        account_ = std::make_unique<chain::Account>(*rpc_, nobody_, network_.chain_id);
        client_ = std::make_unique<chain::AdminClient>(*account_, network_);
        return {};
    }

    void check_hotkey_on_chain() {
        if (!hotkey_) {
            return;
        }
        check_ether();
        const std::string address = to_0x(hotkey_->address);
        const auto answer = chain::eth_call(*rpc_, network_.contracts.registry,
                                            chain::calls::uid_of(hotkey_->address));
        if (!answer) {
            const bool unknown = answer.error().code == Errc::kRejected;
            return missing(
                "registration",
                unknown ? Error{Errc::kPrecondition, "hotkey " + address + " is not registered"}
                        : answer.error(),
                unknown ? fmt::format("covenant register --role {} --hotkey {} --hotkey-keys {} "
                                      "--network {} --coldkey NAME, and --keys DIR of the coldkey",
                                      protocol::to_string(role_), options_.hotkey,
                                      keys_.directory().string(), options_.network_file)
                        : "");
        }
        chain::AbiReader reader(*answer);
        uid_ = protocol::Uid(reader.uint16());
        well("registration", fmt::format("uid {}", uid_.value));
        check_stake();
    }

    void check_ether() {
        const auto wei = client_->ether(hotkey_->address);
        const auto head = chain::latest_block(*rpc_);
        if (!wei || !head) {
            return missing("ether", wei ? head.error() : wei.error(), "");
        }
        const Uint128 price = Uint128{2} * head->base_fee.value_or(0) + kTipWei;
        const Uint128 round = price * kGasOfARound;
        const std::string has = to_tokens(Amount{*wei}) + " ether";
        if (*wei < round) {
            return missing("ether",
                           {Errc::kPrecondition,
                            fmt::format("hotkey {} has {}, a round's transactions take up to {}",
                                        to_0x(hotkey_->address), has, to_tokens(Amount{round}))},
                           fmt::format("send it ether; on a devnet: covenant wallet fund {} "
                                       "--network {}",
                                       to_0x(hotkey_->address), options_.network_file));
        }
        well("ether", has + ", for " + to_decimal(*wei / round) + " rounds and more");
    }

    void check_stake() {
        const auto stake = client_->stake(uid_);
        if (!stake) {
            return missing("stake", stake.error(), "");
        }
        stake_ = *stake;
        if (stake_.units == 0) {
            return missing(
                "stake",
                {Errc::kPrecondition, fmt::format("nothing is at stake behind uid {}", uid_.value)},
                stake_command(std::nullopt));
        }
        well("stake", to_tokens(stake_) + " COV");
    }

    [[nodiscard]] std::string stake_command(std::optional<Amount> amount) const {
        return fmt::format(
            "covenant stake add {} {} --network {} --coldkey NAME; on a devnet "
            "`covenant wallet fund COLDKEY` gives tokens",
            uid_.value, amount ? to_tokens(*amount) : "AMOUNT", options_.network_file);
    }

    const ParticipantOptions& options_;
    protocol::Role role_;
    Clock& clock_;
    node::Keystore keys_;
    std::optional<node::KeyFile> hotkey_;
    chain::NetworkFile network_;
    std::unique_ptr<chain::RpcClient> rpc_;
    crypto::SecretKey nobody_ = crypto::SecretKey::generate();  // reads only
    std::unique_ptr<chain::Account> account_;
    std::unique_ptr<chain::AdminClient> client_;
    protocol::Uid uid_;
    Amount stake_;
    std::vector<Finding> findings_;
};

}  // namespace

std::vector<Finding> check_readiness(const ParticipantOptions& options, protocol::Role role,
                                     Clock& clock) {
    Readiness readiness(options, role, clock);
    readiness.check();
    if (readiness.ready()) {
        readiness.check_open();
    }
    return readiness.take();
}

node::ExitCode report_readiness(node::Output& output, const std::vector<Finding>& findings) {
    codec::Json rows = codec::Json::array();
    node::ExitCode code = node::ExitCode::kOk;
    for (const Finding& one : findings) {
        const bool well = !one.missing;
        output.text(fmt::format("{:<8} {:<13} {}", well ? "ok" : "MISSING", one.name, one.found));
        if (!one.mend.empty()) {
            output.text(fmt::format("{:<8} {:<13} {}", "", "mend:", one.mend));
        }
        codec::Json row = codec::Json::object();
        row.set("name", one.name).set("ok", well).set("found", one.found).set("mend", one.mend);
        rows.push(std::move(row));
        if (!well && code == node::ExitCode::kOk) {
            code = node::exit_code_for(Error{*one.missing, {}});
            output.error({*one.missing, one.name + ": " + one.found}, "not ready", one.mend);
        }
    }
    output.data(std::move(rows));
    return code;
}

}  // namespace covenant::participant
