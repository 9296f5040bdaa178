// What of a round came too late, from what the chain shows: whether the run's deadlines are long
// enough for this machine.
#pragma once

#include "common/protocol/transition.hpp"
#include "tools/covenant/devnet/record/record.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace covenant::devnet {

// Miners that do not cheat and have no commitment in the round. Final from T1 on.
std::vector<std::string> late_miners(const Record& record, const protocol::RunState& state,
                                     protocol::Round round);

// Validators whose vote is missing where a round that somebody committed in has no agreed result:
// on inclusion, or, when all voted on that, on the parameters. Final from T3 on.
std::vector<std::string> late_voters(const Record& record, const protocol::RunState& state,
                                     protocol::Round round);

// Every validator owes a finding about every commitment: a devnet draws all for audit.
struct Audits {
    std::size_t owed = 0;
    std::size_t done = 0;
};
// Final once the reveals are closed.
Audits audits(const Record& record, const protocol::RunState& state, protocol::Round round);

// What `factor` becomes after a start in which deadlines were missed. A clock that goes slower by
// `block_seconds` stretches deadlines as well.
double longer(double factor, std::uint64_t block_seconds);
// Wall seconds a block of a resumed chain takes. The run's deadlines stand on the chain and cannot
// change; on a chain whose clock goes slower the same deadlines last longer.
std::uint64_t block_seconds(const Record& record);

// Why, in the node's own words: the last warning about that round in its log, without its time;
// "" when there is none.
std::string last_warning(const std::filesystem::path& log, protocol::Round round);
// `text`, and after it the last warning of each node that has one.
std::string with_reasons(std::string text, const std::vector<std::string>& nodes,
                         const Layout& layout, protocol::Round round);
// What validators did not do in time, a sentence each: votes that a result needed, audits. Final
// once the reveals are closed.
std::vector<std::string> late_duties(const Record& record, const Layout& layout,
                                     const protocol::RunState& state, protocol::Round round);

}  // namespace covenant::devnet
