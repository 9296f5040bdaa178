// One round as JSON, from the folded chain state: what `covenant rounds`, `covenant devnet` and the
// explorer all show, so that they cannot differ.
#pragma once

#include "common/codec/json.hpp"
#include "common/protocol/not_counted.hpp"
#include "common/protocol/run_state.hpp"

#include <optional>
#include <string>
#include <vector>

namespace covenant::view {

// index, t0, beacon, rho, heldout_loss, parameters_root, base_root, null, commitments, artifacts,
// included, audits, weights, emission, not_counted, settled. Amounts are decimal strings in tokens;
// hashes and addresses 0x hex; missing facts are null. What can still be counted at `now` is not
// among what was not.
codec::Json round_json(const protocol::RunState& state, protocol::Round round,
                       protocol::ChainTime now);
// Rounds [0, end) that have begun by `now`.
codec::Json rounds_json(const protocol::RunState& state, protocol::ChainTime now,
                        protocol::Round end);
// Sums over the rounds given: emission by hotkey, held-out loss at the end, verdict counts.
codec::Json totals_json(const protocol::RunState& state, protocol::Round end);

// One line per failed audit of the round: "uid 2 segment 4".
struct Failure {
    protocol::Uid miner;
    protocol::Segment segment;
    Hash256 evidence;
    std::size_t validators = 0;  // that say so
};
std::vector<Failure> failures(const protocol::RunState& state, protocol::Round round);
// Segments that the beacon drew for a miner; empty when it was not drawn or the beacon is not
// known.
std::vector<protocol::Segment> drawn_segments(const protocol::RunState& state,
                                              protocol::Round round, protocol::Uid miner);

// Why the round's work of a miner, or ballots of a validator, was not counted; as far as the chain
// shows it. Ascending uid.
struct NotCountedRow {
    protocol::Uid uid;
    std::optional<protocol::Ballot> ballot;  // of a validator; nothing for a miner
    protocol::NotCountedBecause why;
};
std::vector<NotCountedRow> not_counted_rows(const protocol::RunState& state, protocol::Round round,
                                            protocol::ChainTime now);

// 4 bytes a parameter over the bytes on the wire.
double compression_ratio(const protocol::RunSpec& spec, std::uint64_t artifact_bytes);

}  // namespace covenant::view
