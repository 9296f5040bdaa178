#include "common/base/durable_file.hpp"
#include "common/base/file.hpp"
#include "common/base/hex.hpp"
#include "common/node/lifecycle.hpp"
#include "tools/covenant/commands/commands.hpp"
#include "tools/covenant/commands/transaction.hpp"

#include <memory>

#include <fmt/format.h>

namespace covenant::commands {
namespace {

using codec::Json;
using node::CommandContext;
using node::ExitCode;
using node::KeyKind;

struct WalletOptions {
    TransactionOptions transaction;
    std::string name;
    std::string kind = "hotkey";
    std::string keys;
    std::string password_file;
    std::string web3_password_file;
    std::string file;
    std::string account;
};

Json key_json(const node::Keystore& keys, const node::KeyFile& key) {
    Json json = Json::object();
    json.set("name", key.name)
        .set("kind", node::to_string(key.kind))
        .set("address", crypto::to_checksum_address(key.address))
        .set("file", keys.path_of(key.name).string());
    return json;
}

Result<crypto::SecretBytes> password_of(const CommandContext& context, const std::string& file,
                                        const std::string& what, bool confirm) {
    return node::read_password({.file = file, .confirm = confirm, .json = context.global.json},
                               what);
}

// Of the file that geth and cast shall open.
Result<crypto::SecretBytes> web3_password(const CommandContext& context,
                                          const WalletOptions& options) {
    return node::read_password({.file = options.web3_password_file,
                                .confirm = true,
                                .json = context.global.json,
                                .option = "web3-password-file"},
                               options.file);
}

// Of a file that geth or cast made, which may have none.
Result<crypto::SecretBytes> foreign_password(const CommandContext& context,
                                             const WalletOptions& options) {
    return node::read_password({.file = options.web3_password_file,
                                .json = context.global.json,
                                .allow_empty = true,
                                .option = "web3-password-file"},
                               options.file);
}

Result<ExitCode> report_new(const CommandContext& context, const node::Keystore& keys,
                            const std::string& name) {
    COVENANT_TRY(const node::KeyFile key, keys.describe(name));
    context.output.data(key_json(keys, key));
    context.output.text(fmt::format("{} {}  {}", node::to_string(key.kind), key.name,
                                    crypto::to_checksum_address(key.address)));
    context.output.note("stored in " + keys.path_of(name).string() +
                        "; without its password nobody opens it, so keep both");
    return ExitCode::kOk;
}

Result<ExitCode> new_key(const CommandContext& context, const WalletOptions& options,
                         KeyKind kind) {
    const std::string name =
        options.name.empty() ? std::string(node::to_string(kind)) : options.name;
    COVENANT_TRY(node::Keystore keys, open_keystore(context.global, options.keys));
    COVENANT_TRY(const crypto::SecretBytes password,
                 password_of(context, options.password_file, "the new key", true));
    COVENANT_TRY(const Address address, keys.create(name, kind, password));
    static_cast<void>(address);
    return report_new(context, keys, name);
}

Result<ExitCode> list(const CommandContext& context, const WalletOptions& options) {
    COVENANT_TRY(const node::Keystore keys, open_keystore(context.global, options.keys));
    COVENANT_TRY(const node::KeyFolder folder, keys.scan());
    Json rows = Json::array();
    node::Table table({"name", "kind", "address"});
    for (const node::KeyFile& key : folder.keys) {
        rows.push(key_json(keys, key));
        table.add({key.name, std::string(node::to_string(key.kind)),
                   crypto::to_checksum_address(key.address)});
    }
    context.output.data(std::move(rows));
    for (const node::KeyFolder::Other& other : folder.others) {
        context.output.warn(
            fmt::format("{} is no key of ours: {}", other.file.string(), other.why.context));
    }
    if (folder.keys.empty()) {
        context.output.note("no keys in " + keys.directory().string());
    } else {
        context.output.table(table);
    }
    return ExitCode::kOk;
}

Result<ExitCode> show(const CommandContext& context, const WalletOptions& options) {
    COVENANT_TRY(const node::Keystore keys, open_keystore(context.global, options.keys));
    COVENANT_TRY(const node::KeyFile key, keys.describe(options.name));
    context.output.data(key_json(keys, key));
    context.output.text(fmt::format("{} {}", node::to_string(key.kind), key.name));
    context.output.text("address " + crypto::to_checksum_address(key.address));
    context.output.text("file    " + keys.path_of(key.name).string());
    return ExitCode::kOk;
}

Result<ExitCode> import(const CommandContext& context, const WalletOptions& options) {
    COVENANT_TRY(const KeyKind kind, node::parse_key_kind(options.kind));
    COVENANT_TRY(node::Keystore keys, open_keystore(context.global, options.keys));
    COVENANT_TRY(const std::string json,
                 read_text_file(options.file, node::Keystore::kMaxFileBytes));
    COVENANT_TRY(const crypto::SecretBytes theirs, foreign_password(context, options));
    COVENANT_TRY(const crypto::SecretBytes ours,
                 password_of(context, options.password_file, "our copy", true));
    COVENANT_TRY(const Address address, keys.import_web3(options.name, kind, json, theirs, ours));
    static_cast<void>(address);
    return report_new(context, keys, options.name);
}

Result<ExitCode> export_key(const CommandContext& context, const WalletOptions& options) {
    COVENANT_TRY(const node::Keystore keys, open_keystore(context.global, options.keys));
    COVENANT_TRY(const node::KeyFile key, keys.describe(options.name));
    // Before passwords are asked for and derived.
    COVENANT_CHECK(require_writable_name(options.file, Overwrite::kNo));
    COVENANT_TRY(const crypto::SecretBytes ours,
                 password_of(context, options.password_file, "key '" + key.name + "'", false));
    COVENANT_TRY(const crypto::SecretBytes theirs, web3_password(context, options));
    COVENANT_TRY(const std::string json, keys.export_web3(key.name, ours, theirs));
    COVENANT_CHECK(write_file_durably(options.file, as_bytes(json), {.access = Access::kPrivate}));
    Json out = key_json(keys, key);
    context.output.data(out.set("exported", options.file));
    context.output.text(fmt::format("{} is in {}: geth and cast open it", key.name, options.file));
    return ExitCode::kOk;
}

// An address, or a key's name.
Result<Address> account_of(const CommandContext& context, const WalletOptions& options) {
    if (options.account.starts_with("0x")) {
        return crypto::parse_address(options.account);
    }
    COVENANT_TRY(const node::Keystore keys,
                 open_keystore(context.global, options.transaction.keys));
    COVENANT_TRY(
        const node::KeyFile key,
        keys.describe(options.account.empty() ? options.transaction.coldkey : options.account));
    return key.address;
}

Result<ExitCode> balance(const CommandContext& context, const WalletOptions& options,
                         Clock& clock) {
    COVENANT_TRY(const Address account, account_of(context, options));
    COVENANT_TRY(const auto connection, Connection::open(context.global, clock));
    COVENANT_TRY(const Amount tokens, connection->reader().balance(account));
    COVENANT_TRY(const Uint128 ether, connection->reader().ether(account));
    Json json = Json::object();
    json.set("address", crypto::to_checksum_address(account))
        .set("balance", to_tokens(tokens))
        .set("ether", to_tokens(Amount{ether}));
    context.output.data(std::move(json));
    context.output.text(fmt::format("{}  {} COV  {} ether", crypto::to_checksum_address(account),
                                    to_tokens(tokens), to_tokens(Amount{ether})));
    return ExitCode::kOk;
}

Result<ExitCode> claim(const CommandContext& context, const WalletOptions& options, Clock& clock) {
    COVENANT_TRY(const node::Keystore keys,
                 open_keystore(context.global, options.transaction.keys));
    COVENANT_TRY(const node::KeyFile coldkey,
                 describe_key(keys, options.transaction.coldkey, KeyKind::kColdkey));
    COVENANT_TRY(const auto connection, Connection::open(context.global, clock));
    COVENANT_TRY(const protocol::Uid uid, connection->uid_of(context.global, options.account));
    COVENANT_TRY(const Amount due, connection->reader().claimable(uid));
    COVENANT_TRY(const Amount balance, connection->reader().balance(coldkey.address));
    if (due.units == 0) {
        Json json = Json::object();
        context.output.data(json.set("uid", uid.value).set("claimed", "0").set("sent", false));
        context.output.text(fmt::format("uid {} has nothing to claim", uid.value));
        return ExitCode::kOk;
    }
    Intent intent;
    intent.action = fmt::format("claim {} COV credited to uid {}", to_tokens(due), uid.value);
    intent.from = coldkey.address;
    intent.call = chain::CallRequest{.from = coldkey.address,
                                     .to = connection->network().contracts.emissions,
                                     .data = chain::call_data(protocol::ClaimEmission{uid})};
    intent.facts = {{"uid", std::to_string(uid.value)},
                    {"pays", "the coldkey that registered the hotkey"}};
    intent.balance = balance;
    intent.balance_after = balance + due;
    COVENANT_TRY(const bool go, approve(context, *connection, options.transaction, intent));
    if (!go) {
        return not_sent(context, options.transaction);
    }
    COVENANT_TRY(const crypto::SecretBytes password,
                 password_of(context, options.transaction.password_file,
                             "key '" + coldkey.name + "'", false));
    COVENANT_TRY(const crypto::SecretKey key, keys.open(coldkey.name, password));
    chain::Account account(connection->rpc(), key, connection->network().chain_id);
    chain::AdminClient client(account, connection->network());
    COVENANT_TRY(const Amount paid, client.claim(uid));
    Json json = Json::object();
    json.set("uid", uid.value).set("claimed", to_tokens(paid)).set("sent", true);
    context.output.data(std::move(json));
    context.output.text(fmt::format("{} COV were paid for uid {}", to_tokens(paid), uid.value));
    return ExitCode::kOk;
}

void describe_keys(node::OptionTable& table, WalletOptions& options) {
    table.add("keys", options.keys, "folder of the keystore; <datadir>/keys if empty")
        .value_name("DIR")
        .section("wallet");
}

void describe_password(node::OptionTable& table, WalletOptions& options) {
    table
        .add("password-file", options.password_file,
             "the key's password, on the first line; asked on the terminal if empty")
        .value_name("FILE")
        .section("wallet");
}

void describe_web3_password(node::OptionTable& table, WalletOptions& options) {
    table
        .add("web3-password-file", options.web3_password_file,
             "password of the Web3 file; asked on the terminal if empty")
        .value_name("FILE")
        .flag_only();
}

}  // namespace

void add_wallet_commands(node::CommandTree& tree, Clock& clock) {
    const auto options = std::make_shared<WalletOptions>();
    const auto run = [options](auto function) {
        return [options, function](const CommandContext& context) {
            return function(context, *options);
        };
    };
    const auto run_on_chain = [options, &clock](auto function) {
        return [options, &clock, function](const CommandContext& context) {
            return function(context, *options, clock);
        };
    };
    node::Command& wallet = tree.root().add("wallet", "keys, balances and earnings");
    for (const KeyKind kind : {KeyKind::kColdkey, KeyKind::kHotkey}) {
        const std::string word(node::to_string(kind));
        node::Command& fresh =
            wallet.add("new-" + word, kind == KeyKind::kColdkey
                                          ? "a new owner key; keep it off the machine that trains"
                                          : "a new online signing key");
        fresh.positional("NAME", options->name, "its name; '" + word + "' if left out", false);
        describe_keys(fresh.options(), *options);
        describe_password(fresh.options(), *options);
        fresh.example("covenant wallet new-" + word + " --password-file password.txt")
            .handler([options, kind](const CommandContext& context) {
                return new_key(context, *options, kind);
            });
    }
    node::Command& all = wallet.add("list", "names, kinds and addresses; no password needed");
    describe_keys(all.options(), *options);
    all.example("covenant wallet list --datadir ./node --json").handler(run(list));
    node::Command& one = wallet.add("show", "one key's address and file");
    one.positional("NAME", options->name, "the key");
    describe_keys(one.options(), *options);
    one.example("covenant wallet show hotkey").handler(run(show));

    node::Command& importing = wallet.add("import", "take a key of geth or cast (Web3 v3 file)");
    importing.positional("NAME", options->name, "name of our copy");
    importing.positional("FILE", options->file, "the Web3 keystore file");
    importing.options()
        .add("kind", options->kind, "what the key is for")
        .value_name("KIND")
        .choices({"hotkey", "coldkey"})
        .flag_only();
    describe_keys(importing.options(), *options);
    describe_password(importing.options(), *options);
    describe_web3_password(importing.options(), *options);
    importing.example("covenant wallet import coldkey UTC--2026.json --kind coldkey")
        .handler(run(import));
    node::Command& exporting = wallet.add("export", "write a Web3 v3 file that geth and cast open");
    exporting.positional("NAME", options->name, "the key");
    exporting.positional("FILE", options->file, "the file to write; never overwritten");
    describe_keys(exporting.options(), *options);
    describe_password(exporting.options(), *options);
    describe_web3_password(exporting.options(), *options);
    exporting.example("covenant wallet export hotkey hotkey-web3.json").handler(run(export_key));

    node::Command& money = wallet.add("balance", "tokens and ether of an account, on the chain");
    money.positional("ACCOUNT", options->account, "address or key name; the coldkey if left out",
                     false);
    money.options()
        .add("coldkey", options->transaction.coldkey, "name of the coldkey")
        .value_name("NAME")
        .section("wallet");
    money.options()
        .add("keys", options->transaction.keys, "folder of its keystore; <datadir>/keys if empty")
        .value_name("DIR")
        .section("wallet");
    money.example("covenant wallet balance coldkey --network network.json --json")
        .handler(run_on_chain(balance));
    node::Command& claiming = wallet.add("claim", "have a hotkey's credited emission paid out");
    claiming.positional("HOTKEY", options->account, "address, uid or devnet name");
    describe(claiming.options(), options->transaction);
    claiming.example("covenant wallet claim 3 --network network.json --dry-run")
        .handler(run_on_chain(claim));
    add_fund(wallet, clock);
}

}  // namespace covenant::commands
