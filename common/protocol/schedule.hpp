// The phase clock (R3): rounds are arithmetic on chain time, nobody opens them.
//
//   T0 ........ T1 ........ TK ...... beacon ........... T2 .............. T3 = next T0
//   train,      keys                  proven,            parameters votes
//   commit      shown                 inclusion votes
//
//   Openings of what the beacon drew are due at TO. Scores of the round: commitments [beacon,
//   T0+score_commit), reveals [.., T0+score_reveal), then settlement. These offsets may reach into
//   later rounds.
//
//   Roster and stake of a round are those of its snapshot, which is over before the block that
//   gives the round's beacon: nobody joins after seeing the draw.
#pragma once

#include "common/protocol/ids.hpp"
#include "common/protocol/run_spec.hpp"

#include <optional>
#include <string_view>

namespace covenant::protocol {

struct RoundTimes {
    ChainTime t0;            // round opens
    ChainTime snapshot;      // whose roster and stake count
    ChainTime t1;            // commits close, keys are shown
    ChainTime keys;          // TK: keys close
    ChainTime beacon;        // the first block at or after it gives sigma
    ChainTime t2;            // inclusion votes close
    ChainTime t3;            // parameters votes close; T0 of the next round
    ChainTime openings;      // TO: openings are due
    ChainTime score_commit;  // score commitments close
    ChainTime score_reveal;  // reveals close; settlement opens
};

enum class Phase : std::uint8_t { kBeforeStart, kTrain, kKeys, kBeacon, kInclusion, kParameters };
std::string_view to_string(Phase phase);

RoundTimes round_times(const TimingSpec& timing, Round round);
// The round whose [T0, T3) holds `now`; nothing before the start.
std::optional<Round> round_at(const TimingSpec& timing, ChainTime now);
Phase phase_at(const TimingSpec& timing, ChainTime now);
// The time at or after which a block gives the beacon of `slot`.
ChainTime beacon_target(const TimingSpec& timing, BeaconSlot slot);
// The slot can be proven before this time only: T2 of the round it closes, so that no rho changes
// after its round's T0; slot 0 has until T1 of round 0.
ChainTime beacon_deadline(const TimingSpec& timing, BeaconSlot slot);

// Roster and stake of the round are those at this time: T1 of the round before; of round 0, the
// second before its beacon's block can come (R3.2).
ChainTime snapshot_time(const TimingSpec& timing, Round round);

// sigma[slot] = SHA256("aud" ‖ prevrandao ‖ u64_be(slot)); rho_r = SHA256("rho" ‖ sigma ‖
// u64_be(r)) (R3.4).
Hash256 beacon_sigma(const Hash256& prevrandao, BeaconSlot slot);
Hash256 beacon_rho(const Hash256& sigma, Round round);

}  // namespace covenant::protocol
