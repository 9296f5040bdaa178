// The protocol's identifiers. Distinct types, so that a round is never passed as a uid.
#pragma once

#include "common/base/bytes.hpp"
#include "common/base/strong_id.hpp"
#include "common/protocol/verdict.hpp"

#include <bitset>
#include <cstdint>

namespace covenant::protocol {

using RunId = Hash256;  // hash of the run's RunSpec (R2.1)
using Round = StrongId<struct RoundTag, std::uint64_t>;
using Uid = StrongId<struct UidTag, std::uint16_t>;  // slot in the roster, below kMaxUids
using Segment =
    StrongId<struct SegmentTag, std::uint16_t>;  // K inner steps between two state digests
using BeaconSlot =
    StrongId<struct BeaconTag, std::uint64_t>;  // 0 = genesis, r + 1 = the beacon of round r
using ChainTime = StrongId<struct ChainTimeTag, std::uint64_t>;  // seconds, a block's timestamp
using BlockNumber = StrongId<struct BlockNumberTag, std::uint64_t>;
using WindowIndex =
    StrongId<struct WindowTag, std::uint64_t>;  // index of a token window in the data set

inline constexpr std::size_t kMaxUids = 256;
inline constexpr std::size_t kMaxValidators = 64;

// A set of uids; bit i is uid i, as in the contracts' uint256.
using UidSet = std::bitset<kMaxUids>;

inline BeaconSlot beacon_slot_of(Round round) {
    return BeaconSlot(round.value + 1);
}

}  // namespace covenant::protocol
