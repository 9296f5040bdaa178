#include "tools/covenant/commands/transaction.hpp"

#include "chain/abi/revert.hpp"
#include "common/base/hex.hpp"
#include "common/node/prompt.hpp"

#include <fmt/format.h>

namespace covenant::commands {
namespace {

using codec::Json;

struct Cost {
    std::uint64_t gas = 0;
    Amount most;  // of ether
};

// Nothing when the node cannot say; kRejected when the contract refuses.
Result<std::optional<Cost>> estimate(chain::RpcClient& rpc, const chain::CallRequest& call) {
    COVENANT_TRY(const chain::GasEstimate estimate, chain::estimate_gas(rpc, call));
    if (estimate.error) {
        if (estimate.error->failure == chain::RpcFailure::kReverted) {
            return fail(Errc::kRejected, chain::describe_revert(estimate.error->data));
        }
        return std::nullopt;
    }
    COVENANT_TRY(const chain::Fees fees, chain::suggest_fees(rpc, {}));
    Cost cost;
    cost.gas = estimate.gas;
    cost.most = Amount{fees.max_fee * chain::gas_limit_for(estimate.gas)};
    return cost;
}

}  // namespace

void describe(node::OptionTable& table, TransactionOptions& options) {
    constexpr const char* kGroup = "Transaction";
    table.add("dry-run", options.dry_run, "say what would be sent, its cost, the balance after")
        .group(kGroup)
        .flag_only();
    table.add("coldkey", options.coldkey, "name of the coldkey that signs and pays")
        .group(kGroup)
        .value_name("NAME")
        .section("wallet");
    table.add("keys", options.keys, "folder of its keystore; <datadir>/keys if empty")
        .group(kGroup)
        .value_name("DIR")
        .section("wallet");
    table.add("password-file", options.password_file, "its password, on the first line")
        .group(kGroup)
        .value_name("FILE")
        .section("wallet");
}

Result<node::Keystore> open_keystore(const node::GlobalOptions& global, const std::string& folder) {
    if (!folder.empty()) {
        return node::Keystore(folder);
    }
    COVENANT_TRY(const std::filesystem::path data, data_folder(global));
    return node::Keystore(data / "keys");
}

Result<node::KeyFile> describe_key(const node::Keystore& keys, const std::string& name,
                                   node::KeyKind kind) {
    auto file = keys.describe(name);
    const std::string word(node::to_string(kind));
    if (!file && file.error().code == Errc::kNotFound) {
        return fail(Errc::kPrecondition, file.error().context +
                                             ": make one with `covenant wallet new-" + word +
                                             "`, or bring one with `covenant wallet import`");
    }
    if (!file) {
        return fail(std::move(file).error());
    }
    if (file->kind != kind) {
        return fail(Errc::kInvalidArgument,
                    "key '" + name + "' in " + keys.directory().string() + " is a " +
                        std::string(node::to_string(file->kind)) + ", a " + word + " is needed");
    }
    return file;
}

Result<bool> approve(const node::CommandContext& context, Connection& connection,
                     const TransactionOptions& options, const Intent& intent) {
    node::Output& out = context.output;
    Json json = Json::object();
    json.set("action", intent.action).set("from", to_0x(intent.from));
    json.set("chain_id", connection.network().chain_id).set("dry_run", options.dry_run);
    out.text(fmt::format("about to   {}", intent.action));
    out.text(fmt::format("chain      {} at {}", connection.network().chain_id,
                         connection.rpc().endpoint()));
    out.text("from       " + to_0x(intent.from));
    for (const auto& [name, value] : intent.facts) {
        json.set(name, value);
        out.text(fmt::format("{:<10} {}", name, value));
    }
    COVENANT_TRY(const Uint128 ether, connection.reader().ether(intent.from));
    json.set("ether", to_tokens(Amount{ether}));
    if (intent.call) {
        COVENANT_TRY(const auto cost, estimate(connection.rpc(), *intent.call));
        json.set("gas", cost ? Json(cost->gas) : Json());
        json.set("cost_at_most", cost ? Json(to_tokens(cost->most)) : Json());
        out.text(cost ? fmt::format("cost       at most {} ether ({} gas); {} ether there",
                                    to_tokens(cost->most), cost->gas, to_tokens(Amount{ether}))
                      : "cost       the node gives no estimate");
    }
    if (intent.balance && intent.balance_after) {
        json.set("balance", to_tokens(*intent.balance));
        json.set("balance_after", to_tokens(*intent.balance_after));
        out.text(fmt::format("balance    {} COV now, {} COV after", to_tokens(*intent.balance),
                             to_tokens(*intent.balance_after)));
    }
    json.set("sent", false);
    out.data(std::move(json));
    if (options.dry_run) {
        out.text("dry run: nothing was sent");
        return false;
    }
    return node::confirm("send it?", context.global.yes, context.global.json);
}

node::ExitCode not_sent(const node::CommandContext& context, const TransactionOptions& options) {
    if (options.dry_run) {
        return node::ExitCode::kOk;
    }
    context.output.note("nothing was sent");
    return node::ExitCode::kFailed;
}

}  // namespace covenant::commands
