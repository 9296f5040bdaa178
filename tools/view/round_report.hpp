// Rounds as JSON, rendered from their RoundView: what `covenant rounds`, `covenant devnet` and the
// explorer all show, so that they cannot differ.
#pragma once

#include "common/codec/json.hpp"
#include "common/protocol/round_view.hpp"

#include <cstdint>

namespace covenant::view {

// index, t0, beacon, rho, heldout_loss, parameters_root, base_root, commitments, artifacts,
// included, audits, weights, emission, not_counted, settled. Amounts are decimal strings in tokens;
// hashes and addresses 0x hex; missing facts are null. The state gives who the hotkeys are. What
// can still be counted at `now` is not among what was not.
codec::Json round_json(const protocol::RunState& state, const protocol::RoundView& round,
                       protocol::ChainTime now);
// Rounds [0, end) that have begun by `now`.
codec::Json rounds_json(const protocol::RunState& state, protocol::ChainTime now,
                        protocol::Round end);
// Sums over the rounds given: emission by hotkey, held-out loss at the end, verdict counts.
codec::Json totals_json(const protocol::RunState& state, protocol::Round end);

// 4 bytes a parameter over the bytes on the wire.
double compression_ratio(const protocol::RunSpec& spec, std::uint64_t artifact_bytes);

}  // namespace covenant::view
