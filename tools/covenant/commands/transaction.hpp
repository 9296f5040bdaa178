// What every command that changes the chain shares: it shows what it is about to do, asks, and only
// then opens a key.
#pragma once

#include "chain/tx/gas.hpp"
#include "common/node/keystore.hpp"
#include "tools/covenant/commands/session.hpp"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace covenant::commands {

struct TransactionOptions {
    bool dry_run = false;
    std::string coldkey = "coldkey";  // name in the keystore
    std::string keys;                 // folder of the coldkey's keystore; "" = <datadir>/keys
    std::string password_file;
};
void describe(node::OptionTable& table, TransactionOptions& options);

// The keystore of `folder`, or <datadir>/keys.
Result<node::Keystore> open_keystore(const node::GlobalOptions& global, const std::string& folder);
// kPrecondition with what to do when there is no such key; kInvalidArgument when it is of another
// kind. Asks for no password.
Result<node::KeyFile> describe_key(const node::Keystore& keys, const std::string& name,
                                   node::KeyKind kind);

// What is about to happen.
struct Intent {
    std::string action;  // "stake 5 COV behind uid 3"
    Address from;
    std::optional<chain::CallRequest> call;  // its gas is estimated; nothing when it cannot be yet
    std::vector<std::pair<std::string, std::string>> facts;
    std::optional<Amount> balance;        // of `from`, now
    std::optional<Amount> balance_after;  // in tokens; fees are paid in ether
};

// Prints the intent, with a cost estimate where the node gives one. True: go on. False: it was a
// dry run, or the answer was no. kPrecondition without a terminal and without --yes; kRejected when
// the contract would refuse.
Result<bool> approve(const node::CommandContext& context, Connection& connection,
                     const TransactionOptions& options, const Intent& intent);
// After approve said no: done for a dry run, failed for an answer of no.
node::ExitCode not_sent(const node::CommandContext& context, const TransactionOptions& options);

}  // namespace covenant::commands
