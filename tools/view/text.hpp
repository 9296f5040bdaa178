// A run, its rounds and its hotkeys as people read them in a terminal. A table is cut to the
// terminal where it is shown; lines of text and the tables of rounds fit into 80 columns.
#pragma once

#include "common/node/output.hpp"
#include "tools/view/tables.hpp"

#include <span>
#include <string>
#include <vector>

namespace covenant::view {

std::vector<std::string> status_lines(const Scene& scene);

// Every round that has begun.
node::Table rounds_table(const Scene& scene);
// One round: its facts, and a row for each commitment.
std::vector<std::string> round_lines(const protocol::RoundView& round);
node::Table round_table(const Scene& scene, const protocol::RoundView& round);

node::Table neurons_table(const Scene& scene);
// One hotkey, round by round.
node::Table hotkey_table(const Scene& scene, protocol::Uid uid);
node::Table audits_table(const Scene& scene, std::span<const AuditRow> rows);

}  // namespace covenant::view
