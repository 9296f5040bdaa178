// What `covenant devnet` shows: the head of the table, a line for each round, the closing report.
#pragma once

#include "common/node/output.hpp"
#include "common/protocol/run_state.hpp"
#include "tools/covenant/devnet/bring_up.hpp"
#include "tools/covenant/devnet/record/record.hpp"

#include <map>
#include <string>

namespace covenant::devnet {

// Lines of at most 80 columns, but for paths and commands.
void print_header(node::Output& output, const Record& record, const Layout& layout);

// One line; a round of which nothing reached the chain is said to be null. Its counts are of the
// miners that were active, whoever started them.
void print_round(node::Output& output, const Record& record, const protocol::RunState& state,
                 protocol::Round round);

// The losses, what the token contract paid (`balances`, by name, one for each participant), who was
// caught, the commands that check it, and the same as JSON. `elapsed` is since the start, "12.3 s".
void print_closing(node::Output& output, const Record& record, const protocol::RunState& state,
                   const Layout& layout, const Programs& programs,
                   const std::map<std::string, Amount>& balances, const std::string& elapsed);

}  // namespace covenant::devnet
