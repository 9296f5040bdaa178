#include "common/base/hex.hpp"
#include "tools/covenant/commands/commands.hpp"
#include "tools/covenant/commands/transaction.hpp"

#include <memory>

#include <fmt/format.h>

namespace covenant::commands {
namespace {

using codec::Json;
using node::CommandContext;
using node::ExitCode;
using protocol::Uid;

struct StakeOptions {
    TransactionOptions transaction;
    std::string role;
    std::string hotkey_name = "hotkey";
    std::string hotkey_keys;
    std::string hotkey_password_file;
    std::string hotkey;
    std::string amount;
    bool withdraw = false;
};

Result<crypto::SecretKey> open_key(const CommandContext& context, const node::Keystore& keys,
                                   const std::string& name, const std::string& password_file) {
    COVENANT_TRY(const crypto::SecretBytes password,
                 node::read_password({.file = password_file, .json = context.global.json},
                                     "key '" + name + "'"));
    return keys.open(name, password);
}

// The coldkey's side of a transaction, without a password so far.
struct Sender {
    node::Keystore keys;
    node::KeyFile key;
};

Result<Sender> sender_of(const CommandContext& context, const TransactionOptions& options) {
    COVENANT_TRY(node::Keystore keys, open_keystore(context.global, options.keys));
    COVENANT_TRY(node::KeyFile key, describe_key(keys, options.coldkey, node::KeyKind::kColdkey));
    return Sender{std::move(keys), std::move(key)};
}

// Runs `send` with a client that signs as the coldkey.
template <typename Send>
Status with_coldkey(const CommandContext& context, Connection& connection, const Sender& sender,
                    const TransactionOptions& options, Send&& send) {
    COVENANT_TRY(const crypto::SecretKey key,
                 open_key(context, sender.keys, sender.key.name, options.password_file));
    chain::Account account(connection.rpc(), key, connection.network().chain_id);
    chain::AdminClient client(account, connection.network());
    return send(client);
}

Result<ExitCode> register_hotkey(const CommandContext& context, const StakeOptions& options,
                                 Clock& clock) {
    const protocol::Role role =
        options.role == "validator" ? protocol::Role::kValidator : protocol::Role::kMiner;
    COVENANT_TRY(const Sender sender, sender_of(context, options.transaction));
    COVENANT_TRY(const node::Keystore keys, open_keystore(context.global, options.hotkey_keys));
    COVENANT_TRY(const node::KeyFile hotkey,
                 describe_key(keys, options.hotkey_name, node::KeyKind::kHotkey));
    COVENANT_TRY(const auto connection, Connection::open(context.global, clock));
    if (const auto uid = connection->uid_of(context.global, to_0x(hotkey.address))) {
        return fail(Errc::kAlreadyExists, "hotkey " + to_0x(hotkey.address) +
                                              " is registered as uid " +
                                              std::to_string(uid->value) + ": nothing to do");
    } else if (uid.error().code != Errc::kNotFound) {
        return fail(uid.error());
    }
    Intent intent;
    intent.action = "register hotkey " + to_0x(hotkey.address) + " as a " + options.role;
    intent.from = sender.key.address;
    intent.facts = {{"hotkey", to_0x(hotkey.address)}, {"role", options.role}};
    COVENANT_TRY(intent.balance, connection->reader().balance(sender.key.address));
    intent.balance_after = intent.balance;  // registration itself takes no tokens
    COVENANT_TRY(const bool go, approve(context, *connection, options.transaction, intent));
    if (!go) {
        return not_sent(context, options.transaction);
    }
    const std::string& password_file = options.hotkey_password_file.empty()
                                           ? options.transaction.password_file
                                           : options.hotkey_password_file;
    COVENANT_TRY(const crypto::SecretKey key,
                 open_key(context, keys, options.hotkey_name, password_file));
    Uid uid;
    COVENANT_CHECK(with_coldkey(context, *connection, sender, options.transaction,
                                [&](chain::AdminClient& client) -> Status {
                                    COVENANT_TRY(uid,
                                                 client.register_hotkey(key, role, PublicKey{}));
                                    return {};
                                }));
    Json json = Json::object();
    json.set("uid", uid.value).set("hotkey", to_0x(hotkey.address)).set("role", options.role);
    context.output.data(json.set("sent", true));
    context.output.text(fmt::format("registered as uid {}", uid.value));
    context.output.note(fmt::format("next: covenant stake add {} AMOUNT", uid.value));
    return ExitCode::kOk;
}

Result<Amount> positive_amount(const std::string& text) {
    auto amount = amount_from_tokens(text);
    if (!amount || amount->units == 0) {
        return fail(Errc::kInvalidArgument,
                    "'" + text + "' is no positive number of tokens, as 12.5");
    }
    return amount;
}

// The transaction was mined: that its effect cannot be read is no failure of the command.
ExitCode report_stake(const CommandContext& context, Connection& connection, Uid uid) {
    const auto stake = connection.reader().stake(uid);
    Json json = Json::object();
    json.set("uid", uid.value).set("stake", stake ? Json(to_tokens(*stake)) : Json());
    context.output.data(json.set("sent", true));
    if (stake) {
        context.output.text(
            fmt::format("uid {} has {} COV at stake", uid.value, to_tokens(*stake)));
    } else {
        context.output.warn("it was sent and mined, but the stake of now cannot be read: " +
                            stake.error().context);
    }
    return ExitCode::kOk;
}

Result<ExitCode> add(const CommandContext& context, const StakeOptions& options, Clock& clock) {
    COVENANT_TRY(const Amount amount, positive_amount(options.amount));
    COVENANT_TRY(const Sender sender, sender_of(context, options.transaction));
    COVENANT_TRY(const auto connection, Connection::open(context.global, clock));
    COVENANT_TRY(const Uid uid, connection->uid_of(context.global, options.hotkey));
    COVENANT_TRY(const Amount balance, connection->reader().balance(sender.key.address));
    if (balance < amount) {
        return fail(Errc::kPrecondition,
                    fmt::format("{} COV are to be staked, {} has {} COV: send it tokens first",
                                to_tokens(amount), to_0x(sender.key.address), to_tokens(balance)));
    }
    COVENANT_TRY(const Amount stake, connection->reader().stake(uid));
    Intent intent;
    intent.action = fmt::format("stake {} COV behind uid {}", to_tokens(amount), uid.value);
    intent.from = sender.key.address;
    // The stake itself can be estimated only once its allowance is there; this is its first half.
    intent.call = chain::CallRequest{
        .from = sender.key.address,
        .to = connection->network().contracts.token,
        .data = chain::calls::approve(connection->network().contracts.registry, amount)};
    intent.facts = {
        {"uid", std::to_string(uid.value)},
        {"stake", to_tokens(stake) + " COV now, " + to_tokens(stake + amount) + " COV after"}};
    intent.balance = balance;
    intent.balance_after = Amount{balance.units - amount.units};
    COVENANT_TRY(const bool go, approve(context, *connection, options.transaction, intent));
    if (!go) {
        return not_sent(context, options.transaction);
    }
    COVENANT_CHECK(
        with_coldkey(context, *connection, sender, options.transaction,
                     [&](chain::AdminClient& client) { return client.add_stake(uid, amount); }));
    return report_stake(context, *connection, uid);
}

Result<ExitCode> remove(const CommandContext& context, const StakeOptions& options, Clock& clock) {
    if (options.amount.empty() != options.withdraw) {
        return fail(Errc::kInvalidArgument,
                    "name an AMOUNT to unbond, or --withdraw for what has unbonded");
    }
    Amount amount;
    if (!options.withdraw) {
        COVENANT_TRY(amount, positive_amount(options.amount));
    }
    COVENANT_TRY(const Sender sender, sender_of(context, options.transaction));
    COVENANT_TRY(const auto connection, Connection::open(context.global, clock));
    COVENANT_TRY(const Uid uid, connection->uid_of(context.global, options.hotkey));
    COVENANT_TRY(const Amount stake, connection->reader().stake(uid));
    Intent intent;
    intent.from = sender.key.address;
    intent.facts = {{"uid", std::to_string(uid.value)}, {"stake", to_tokens(stake) + " COV now"}};
    const Address& registry = connection->network().contracts.registry;
    if (options.withdraw) {
        intent.action = fmt::format("withdraw what uid {} has unbonded", uid.value);
        intent.call = chain::CallRequest{
            .from = sender.key.address, .to = registry, .data = chain::calls::withdraw_stake(uid)};
    } else {
        if (stake < amount) {
            return fail(Errc::kPrecondition,
                        fmt::format("uid {} has {} COV at stake, less than {}", uid.value,
                                    to_tokens(stake), to_tokens(amount)));
        }
        intent.action = fmt::format("unbond {} COV of uid {}", to_tokens(amount), uid.value);
        intent.call = chain::CallRequest{.from = sender.key.address,
                                         .to = registry,
                                         .data = chain::calls::request_unstake(uid, amount)};
    }
    COVENANT_TRY(const bool go, approve(context, *connection, options.transaction, intent));
    if (!go) {
        return not_sent(context, options.transaction);
    }
    COVENANT_CHECK(with_coldkey(context, *connection, sender, options.transaction,
                                [&](chain::AdminClient& client) {
                                    return options.withdraw ? client.withdraw_stake(uid)
                                                            : client.request_unstake(uid, amount);
                                }));
    return report_stake(context, *connection, uid);
}

Result<ExitCode> show(const CommandContext& context, const StakeOptions& options, Clock& clock) {
    COVENANT_TRY(const auto connection, Connection::open(context.global, clock));
    COVENANT_TRY(const Uid uid, connection->uid_of(context.global, options.hotkey));
    COVENANT_TRY(const Amount stake, connection->reader().stake(uid));
    COVENANT_TRY(const Amount claimable, connection->reader().claimable(uid));
    Json json = Json::object();
    json.set("uid", uid.value).set("stake", to_tokens(stake));
    context.output.data(json.set("claimable", to_tokens(claimable)));
    context.output.text(fmt::format("uid {}: {} COV at stake, {} COV to claim", uid.value,
                                    to_tokens(stake), to_tokens(claimable)));
    return ExitCode::kOk;
}

}  // namespace

void add_stake_commands(node::CommandTree& tree, Clock& clock) {
    const auto options = std::make_shared<StakeOptions>();
    const auto run = [options, &clock](auto function) {
        return [options, &clock, function](const CommandContext& context) {
            return function(context, *options, clock);
        };
    };
    constexpr const char* kHotkey = "address, uid or devnet name";
    node::Command& enroll =
        tree.root().add("register", "put a hotkey on the roster, with its consent");
    enroll.options()
        .add("role", options->role, "what the hotkey will do")
        .value_name("ROLE")
        .choices({"miner", "validator"})
        .required()
        .flag_only();
    enroll.options()
        .add("hotkey", options->hotkey_name, "name of the hotkey")
        .value_name("NAME")
        .flag_only();
    enroll.options()
        .add("hotkey-keys", options->hotkey_keys, "folder of its keystore; <datadir>/keys if empty")
        .value_name("DIR")
        .flag_only();
    enroll.options()
        .add("hotkey-password-file", options->hotkey_password_file,
             "its password; that of --password-file if empty")
        .value_name("FILE")
        .flag_only();
    describe(enroll.options(), options->transaction);
    enroll.example("covenant register --role miner --network network.json --dry-run")
        .handler(run(register_hotkey));

    node::Command& stake = tree.root().add("stake", "tokens locked behind a hotkey");
    node::Command& adding = stake.add("add", "lock tokens of the coldkey behind a hotkey");
    adding.positional("HOTKEY", options->hotkey, kHotkey);
    adding.positional("AMOUNT", options->amount, "tokens, as 12.5");
    describe(adding.options(), options->transaction);
    adding.example("covenant stake add 3 100 --network network.json --dry-run").handler(run(add));
    node::Command& removing = stake.add("remove", "unbond tokens, and withdraw them later");
    removing.positional("HOTKEY", options->hotkey, kHotkey);
    removing.positional("AMOUNT", options->amount, "tokens to unbond", false);
    removing.options()
        .add("withdraw", options->withdraw, "send what has unbonded to the coldkey")
        .flag_only();
    describe(removing.options(), options->transaction);
    removing.detail("Unbonded tokens can be withdrawn after the run's unbonding time.")
        .example("covenant stake remove 3 100 --network network.json --dry-run")
        .example("covenant stake remove 3 --withdraw --network network.json --dry-run")
        .handler(run(remove));
    stake.add("show", "stake and claimable emission of a hotkey")
        .positional("HOTKEY", options->hotkey, kHotkey)
        .example("covenant stake show alice --datadir ./devnet-7")
        .handler(run(show));
}

}  // namespace covenant::commands
