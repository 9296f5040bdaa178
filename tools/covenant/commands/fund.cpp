// `covenant wallet fund`: ether and tokens on a devnet, where both are made at will.
#include "common/base/hex.hpp"
#include "tools/covenant/commands/commands.hpp"
#include "tools/covenant/commands/transaction.hpp"
#include "tools/covenant/devnet/record/record.hpp"

#include <memory>

#include <fmt/format.h>

namespace covenant::commands {
namespace {

using node::CommandContext;
using node::ExitCode;

struct FundOptions {
    std::string account;
    std::string keys;
    std::uint64_t ether = 10;
    std::uint64_t tokens = 1000;
};

// The devnet whose network.json is used.
Result<devnet::Record> devnet_of(const node::GlobalOptions& global) {
    COVENANT_TRY(const auto network, network_path(global));
    std::error_code ignored;
    const devnet::Layout layout{std::filesystem::absolute(network, ignored).parent_path()};
    if (!std::filesystem::exists(layout.record(), ignored)) {
        return fail(Errc::kPrecondition,
                    "no devnet.json beside " + network.string() +
                        ": only a devnet gives money away, and by the network.json in its own "
                        "folder, not by a copy; elsewhere ether and tokens come from those who "
                        "have some");
    }
    return devnet::load_record(layout);
}

Result<Address> account_of(const CommandContext& context, const FundOptions& options) {
    if (options.account.starts_with("0x")) {
        return crypto::parse_address(options.account);
    }
    COVENANT_TRY(const node::Keystore keys, open_keystore(context.global, options.keys));
    COVENANT_TRY(const node::KeyFile key, keys.describe(options.account));
    return key.address;
}

Status add_ether(chain::RpcClient& rpc, const Address& account, Uint128 wei) {
    codec::Json params = codec::Json::array();
    params.push(to_0x(account)).push(chain::to_quantity(wei));
    COVENANT_TRY(const auto done, rpc.call("anvil_setBalance", params));
    static_cast<void>(done);
    return {};
}

Result<ExitCode> fund(const CommandContext& context, const FundOptions& options, Clock& clock) {
    COVENANT_TRY(const devnet::Record record, devnet_of(context.global));
    COVENANT_TRY(const Address address, account_of(context, options));
    COVENANT_TRY(const auto connection, Connection::open(context.global, clock));
    COVENANT_TRY(const Uint128 before, connection->reader().ether(address));
    COVENANT_CHECK(add_ether(connection->rpc(), address, before + kOneToken * options.ether));
    // The operator of a devnet may mint, and its key follows from the seed.
    const crypto::SecretKey operator_key = devnet::operator_of(record.seed);
    chain::Account account(connection->rpc(), operator_key, connection->network().chain_id);
    chain::AdminClient admin(account, connection->network());
    if (options.tokens > 0) {
        COVENANT_CHECK(admin.mint(address, Amount{kOneToken * options.tokens}));
    }
    COVENANT_TRY(const Amount tokens, connection->reader().balance(address));
    COVENANT_TRY(const Uint128 ether, connection->reader().ether(address));
    codec::Json json = codec::Json::object();
    json.set("address", crypto::to_checksum_address(address))
        .set("balance", to_tokens(tokens))
        .set("ether", to_tokens(Amount{ether}))
        .set("sent", true);
    context.output.data(std::move(json));
    context.output.text(fmt::format("{} has {} COV and {} ether now",
                                    crypto::to_checksum_address(address), to_tokens(tokens),
                                    to_tokens(Amount{ether})));
    return ExitCode::kOk;
}

}  // namespace

void add_fund(node::Command& wallet, Clock& clock) {
    const auto options = std::make_shared<FundOptions>();
    node::Command& command = wallet.add("fund", "on a devnet: ether and tokens for an account");
    command.positional("ACCOUNT", options->account, "address or key name");
    command.options()
        .add("keys", options->keys, "folder of the key's keystore; <datadir>/keys if empty")
        .value_name("DIR")
        .section("wallet");
    command.options()
        .add("ether", options->ether, "ether to add")
        .value_name("N")
        .range(0, 1'000'000)
        .flag_only();
    command.options()
        .add("tokens", options->tokens, "COV to add")
        .value_name("N")
        .range(0, 1'000'000)
        .flag_only();
    command.example("covenant wallet fund hotkey --network devnet-7/network.json")
        .handler([options, &clock](const CommandContext& context) {
            return fund(context, *options, clock);
        });
}

}  // namespace covenant::commands
