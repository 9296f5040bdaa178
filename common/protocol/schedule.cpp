#include "common/protocol/schedule.hpp"

#include "common/base/assert.hpp"
#include "common/base/safe_math.hpp"
#include "common/crypto/sha256.hpp"

#include <algorithm>
#include <array>
#include <limits>

namespace covenant::protocol {
namespace {

constexpr std::uint64_t kNever = std::numeric_limits<std::uint64_t>::max();

// Round numbers come from strangers: a time beyond 64 bits is one that never comes.
ChainTime later(ChainTime time, std::uint64_t seconds) {
    return ChainTime(checked_add(time.value, seconds).value_or(kNever));
}

ChainTime start_of(const TimingSpec& timing, Round round) {
    const auto offset = checked_mul(round.value, std::uint64_t{timing.round_seconds});
    if (!offset) return ChainTime(kNever);
    return later(ChainTime(timing.start_time), *offset);
}

Hash256 beacon_hash(std::string_view label, const Hash256& value, std::uint64_t number) {
    std::array<std::uint8_t, 8> big_endian{};
    store_be(number, big_endian.data());
    return crypto::Sha256()
        .update(as_bytes(label))
        .update(value.view())
        .update(big_endian)
        .finish();
}

}  // namespace

std::string_view to_string(Phase phase) {
    switch (phase) {
        case Phase::kBeforeStart:
            return "before_start";
        case Phase::kTrain:
            return "train";
        case Phase::kKeys:
            return "keys";
        case Phase::kBeacon:
            return "beacon";
        case Phase::kInclusion:
            return "inclusion";
        case Phase::kParameters:
            return "parameters";
    }
    return "unknown_phase";
}

RoundTimes round_times(const TimingSpec& timing, Round round) {
    const ChainTime t0 = start_of(timing, round);
    return {.t0 = t0,
            .snapshot = snapshot_time(timing, round),
            .t1 = later(t0, timing.commit_seconds),
            .keys = later(t0, timing.key_seconds),
            .beacon = later(t0, timing.beacon_seconds),
            .t2 = later(t0, timing.inclusion_seconds),
            .t3 = later(t0, timing.round_seconds),
            .openings = later(t0, timing.opening_seconds),
            .score_commit = later(t0, timing.score_commit_seconds),
            .score_reveal = later(t0, timing.score_reveal_seconds)};
}

std::optional<Round> round_at(const TimingSpec& timing, ChainTime now) {
    COVENANT_ASSERT(timing.round_seconds > 0, "a validated spec has rounds of at least a second");
    if (now.value < timing.start_time) return std::nullopt;
    return Round((now.value - timing.start_time) / timing.round_seconds);
}

Phase phase_at(const TimingSpec& timing, ChainTime now) {
    const auto round = round_at(timing, now);
    if (!round) return Phase::kBeforeStart;
    const RoundTimes times = round_times(timing, *round);
    if (now < times.t1) return Phase::kTrain;
    if (now < times.keys) return Phase::kKeys;
    if (now < times.beacon) return Phase::kBeacon;
    if (now < times.t2) return Phase::kInclusion;
    return Phase::kParameters;
}

ChainTime beacon_target(const TimingSpec& timing, BeaconSlot slot) {
    if (slot.value == 0) {
        return ChainTime(
            checked_sub(timing.start_time, std::uint64_t{timing.genesis_lead_seconds}).value_or(0));
    }
    return round_times(timing, Round(slot.value - 1)).beacon;
}

ChainTime beacon_deadline(const TimingSpec& timing, BeaconSlot slot) {
    if (slot.value == 0) return round_times(timing, Round(0)).t1;
    return round_times(timing, Round(slot.value - 1)).t2;
}

ChainTime snapshot_time(const TimingSpec& timing, Round round) {
    if (round.value == 0) {
        const ChainTime target = beacon_target(timing, BeaconSlot(0));
        return ChainTime(target.value - std::min<std::uint64_t>(target.value, 1));
    }
    return later(start_of(timing, Round(round.value - 1)), timing.commit_seconds);
}

Hash256 beacon_sigma(const Hash256& prevrandao, BeaconSlot slot) {
    return beacon_hash("aud", prevrandao, slot.value);
}

Hash256 beacon_rho(const Hash256& sigma, Round round) {
    return beacon_hash("rho", sigma, round.value);
}

}  // namespace covenant::protocol
