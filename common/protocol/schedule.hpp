// The phase clock (R3): rounds are arithmetic on chain time, nobody opens them.
//
//   T0 ........ T1 ............. T1+d ............ T2 ................ T3 = next T0
//   train,      keys published   beacon proven,    parameters votes
//   commit                       inclusion votes
//
//   Scores of the round: commitments [T1+d, T0+score_commit), reveals [.., T0+score_reveal), then
//   settlement. Both offsets may reach into later rounds.
#pragma once

#include "common/protocol/ids.hpp"
#include "common/protocol/run_spec.hpp"

#include <optional>
#include <string_view>

namespace covenant::protocol {

struct RoundTimes {
    ChainTime t0;            // round opens
    ChainTime t1;            // commits close, keys are published
    ChainTime beacon;        // T1 + d: the first block at or after it gives sigma
    ChainTime t2;            // inclusion votes close
    ChainTime t3;            // parameters votes close; T0 of the next round
    ChainTime score_commit;  // score commitments close
    ChainTime score_reveal;  // reveals close; settlement opens
};

enum class Phase : std::uint8_t { kBeforeStart, kTrain, kKeys, kInclusion, kParameters };
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

// sigma[slot] = SHA256("aud" ‖ prevrandao ‖ u64_be(slot)); rho_r = SHA256("rho" ‖ sigma ‖
// u64_be(r)) (R3.4).
Hash256 beacon_sigma(const Hash256& prevrandao, BeaconSlot slot);
Hash256 beacon_rho(const Hash256& sigma, Round round);

}  // namespace covenant::protocol
