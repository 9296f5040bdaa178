// The fold of the chain's events, and what follows from it.
#include "common/protocol/run_state.hpp"

#include "common/codec/writer.hpp"
#include "common/crypto/sha256.hpp"
#include "common/protocol/electorate.hpp"

#include <algorithm>
#include <bit>
#include <utility>

namespace covenant::protocol {
namespace {

// Rounds before it have no record.
Round oldest_record(const RunState& state) {
    return Round(state.first.value - std::min(state.first.value, kFactReach));
}

class Fold {
  public:
    Fold(RunState& state, const Event& event) : state_(state), event_(event) {}

    void operator()(const HotkeyRegistered& e) {
        if (e.uid.value >= kMaxUids) return;
        state_.roster.neurons.try_emplace(e.uid, Neuron{.uid = e.uid,
                                                        .coldkey = e.coldkey,
                                                        .hotkey = e.hotkey,
                                                        .role = e.role,
                                                        .network_key = e.network_key,
                                                        .registered_at = event_.time,
                                                        .stake = {}});
    }
    void operator()(const StakeChanged& e) {
        const auto neuron = state_.roster.neurons.find(e.uid);
        if (neuron == state_.roster.neurons.end()) return;
        auto& stake = neuron->second.stake;
        if (!stake.empty() && stake.back().since == event_.time) stake.pop_back();
        stake.push_back({.since = event_.time, .total = e.total});
    }
    void operator()(const RunCreated& e) {
        if (state_.run.is_zero()) state_.run = e.run;
        if (e.run != state_.run || state_.spec) return;
        auto spec = decode_run_spec(e.spec);
        if (!spec) {
            state_.spec_verdict = spec.error();
        } else if (run_id(e.spec) != e.run || terms_of(*spec) != e.terms) {
            state_.spec_verdict = Verdict::kTermsMismatch;
        } else {
            state_.spec_verdict = Verdict::kAccept;
            state_.spec = std::move(*spec);
        }
    }
    void operator()(const ArtifactCommitted& e) {
        const Commitment& c = e.commitment.commitment;
        if (!ours(c.run) || c.uid.value >= kMaxUids) return;
        RoundRecord* record = of(c.round);
        if (record == nullptr) return;
        auto& commitments = record->commitments;
        const bool first =
            commitments
                .try_emplace(
                    c.uid,
                    RecordedCommitment{.signed_commitment = e.commitment,
                                       .time = event_.time,
                                       .order = static_cast<std::uint32_t>(commitments.size())})
                .second;
        if (first) took_part(c.uid, c.round);
    }
    void operator()(const KeysShown& e) {
        RoundRecord* record = of(e.run, e.round);
        if (record == nullptr) return;
        for (const ShownKey& shown : e.keys) {
            if (record->commitments.contains(shown.uid)) {
                record->keys.try_emplace(shown.uid, shown.key);
            }
        }
    }
    void operator()(const Jailed& e) {
        if (!ours(e.run)) return;
        JailRecord& record = state_.jail[e.uid];
        record.changes.push_back({.since = event_.time, .jailed = true});
        ++record.times;
    }
    void operator()(const Returned& e) {
        if (ours(e.run)) {
            state_.jail[e.uid].changes.push_back({.since = e.free_at, .jailed = false});
        }
    }
    void operator()(const BeaconProven& e) {
        if (ours(e.run)) state_.beacons.try_emplace(e.slot, e);
    }
    void operator()(const InclusionVoted& e) {
        RoundRecord* record = of(e.run, e.round);
        if (record != nullptr && record->inclusion_votes.try_emplace(e.validator, e).second) {
            took_part(e.validator, e.round);
        }
    }
    void operator()(const ParametersVoted& e) {
        if (RoundRecord* record = of(e.run, e.round)) {
            record->parameters_votes.try_emplace(e.validator, e);
        }
    }
    void operator()(const ParametersAccepted& e) {
        RoundRecord* record = of(e.run, e.round);
        if (record != nullptr && !record->accepted) {
            record->accepted = Accepted{.root = e.root, .loss_bits = e.loss_bits};
        }
    }
    void operator()(const ScoresCommitted& e) {
        if (RoundRecord* record = of(e.run, e.round)) {
            record->score_commitments.try_emplace(e.validator, e.hash);
        }
    }
    void operator()(const ScoresRevealed& e) {
        if (RoundRecord* record = of(e.run, e.round)) {
            record->reveals.try_emplace(e.scores.validator, e.scores);
        }
    }
    // A round can be settled long after its end: what is said about one that has left still counts.
    void operator()(const MinerFailed& e) {
        if (!ours(e.run)) return;
        RoundRecord* record = of(e.round);
        if (record == nullptr) {
            state_.late_failures.push_back({.uid = e.uid, .settled = event_.time});
        } else if (!record->failed.try_emplace(e.uid, event_.time).second) {
            return;
        }
        ++state_.tallies[e.uid].fails;
    }
    void operator()(const Credited& e) {
        if (!ours(e.run)) return;
        state_.tallies[e.uid].credited += e.amount;
        if (RoundRecord* record = of(e.round)) record->credits[e.uid] += e.amount;
    }
    void operator()(const RoundSettled& e) {
        if (RoundRecord* record = of(e.run, e.round)) record->settled = e;
    }
    void operator()(const Claimed& e) { state_.tallies[e.uid].claimed += e.amount; }

  private:
    [[nodiscard]] bool ours(const RunId& run) const { return run == state_.run; }
    // For editing; null for a round that has left.
    [[nodiscard]] RoundRecord* of(Round round) {
        return round < oldest_record(state_) ? nullptr : &state_.rounds[round];
    }
    [[nodiscard]] RoundRecord* of(const RunId& run, Round round) {
        return ours(run) ? of(round) : nullptr;
    }
    void took_part(Uid uid, Round round) {
        Tally& tally = state_.tallies[uid];
        ++tally.rounds;
        tally.last_active = std::max(tally.last_active.value_or(round), round);
    }

    RunState& state_;
    const Event& event_;
};

// The last round before `round` with accepted parameters.
const Accepted* last_accepted(const RunState& state, Round round) {
    for (auto it = state.rounds.lower_bound(round); it != state.rounds.begin();) {
        --it;
        if (it->second.accepted) return &*it->second.accepted;
    }
    return state.accepted_before ? &*state.accepted_before : nullptr;
}

// Makes `first` the oldest round whose facts are known; what later rounds need of those that leave
// stays.
void forget_before(RunState& state, Round first) {
    state.first = first;
    const Round oldest = oldest_record(state);
    const ChainTime since = snapshot_time(state.spec->timing, oldest);
    while (!state.rounds.empty() && state.rounds.begin()->first < oldest) {
        const RoundRecord& record = state.rounds.begin()->second;
        if (record.accepted) {
            state.accepted_before = record.accepted;
            ++state.accepted_rounds_before;
        }
        for (const auto& [uid, settled] : record.failed) {
            state.late_failures.push_back({.uid = uid, .settled = settled});
        }
        state.rounds.erase_first();
    }
    // Continuity asks for failures after the snapshot of a round that is here, rho for that round's
    // own beacon, an electorate for who was jailed at the snapshot.
    std::erase_if(state.late_failures,
                  [&](const LateFailure& failure) { return failure.settled <= since; });
    state.beacons.erase(state.beacons.begin(), state.beacons.lower_bound(BeaconSlot(oldest.value)));
    for (auto& [uid, record] : state.jail) {
        auto& changes = record.changes;
        while (changes.size() > 1 && changes[1].since <= since)
            changes.erase(changes.begin());
    }
}

bool failed_between(const RunState& state, Uid miner, ChainTime after, ChainTime until) {
    const bool late = std::any_of(
        state.late_failures.begin(), state.late_failures.end(), [&](const LateFailure& failure) {
            return failure.uid == miner && failure.settled > after && failure.settled <= until;
        });
    return late || std::any_of(state.rounds.begin(), state.rounds.end(), [&](const auto& item) {
               const auto failed = item.second.failed.find(miner);
               return failed != item.second.failed.end() && failed->second > after &&
                      failed->second <= until;
           });
}

Hash256 slot_draw(const Hash256& rho, Uid uid) {
    codec::Writer out;
    out.fixed(rho).u32(uid.value);
    return crypto::sha256_tagged("slot", out.view());
}

// Rounds before `round` whose snapshot is before `time`. The snapshots of rounds 1, 2, ... are
// round_seconds apart.
std::uint64_t rounds_before(const TimingSpec& timing, Round round, ChainTime time) {
    if (time <= snapshot_time(timing, Round(0))) return 0;
    const ChainTime second = snapshot_time(timing, Round(1));
    std::uint64_t snapshots = 1;
    if (time > second) snapshots += (time.value - second.value - 1) / timing.round_seconds + 1;
    return std::min(round.value, snapshots);
}

// Rounds before `round` in which the miner was active: registered, and with the bond, at the
// snapshot.
std::uint64_t active_rounds(const RunSpec& spec, Round round, const Neuron& miner) {
    std::uint64_t total = 0;
    const auto count = [&](ChainTime from, std::optional<ChainTime> to, Amount stake) {
        if (stake < spec.emission.miner_bond) return;
        const std::uint64_t first =
            rounds_before(spec.timing, round, std::max(from, miner.registered_at));
        const std::uint64_t end = to ? rounds_before(spec.timing, round, *to) : round.value;
        if (end > first) total += end - first;
    };
    const auto& stake = miner.stake;
    const auto since = [&](std::size_t i) {
        return i < stake.size() ? std::optional(stake[i].since) : std::nullopt;
    };
    count(ChainTime(0), since(0), Amount{});
    for (std::size_t i = 0; i < stake.size(); ++i) {
        count(stake[i].since, since(i + 1), stake[i].total);
    }
    return total;
}

}  // namespace

const RoundRecord* RunState::record(Round round) const {
    const auto found = rounds.find(round);
    return found == rounds.end() ? nullptr : &found->second;
}

void apply(RunState& state, const Event& event) {
    if (state.kept_rounds != 0 && state.spec) {
        const auto now = round_at(state.spec->timing, event.time);
        if (now && now->value > state.first.value + state.kept_rounds) {
            forget_before(state, Round(now->value - state.kept_rounds));
        }
    }
    std::visit(Fold(state, event), event.body);
}

std::optional<Hash256> rho(const RunState& state, Round round) {
    const auto beacon = state.beacons.find(BeaconSlot(round.value));
    if (beacon == state.beacons.end()) return std::nullopt;
    return beacon_rho(beacon->second.sigma, round);
}

Hash256 base_root(const RunState& state, Round round) {
    if (const Accepted* accepted = last_accepted(state, round)) return accepted->root;
    return state.spec ? state.spec->genesis_root : Hash256{};
}

std::uint64_t accepted_rounds(const RunState& state, Round round) {
    std::uint64_t out = state.accepted_rounds_before;
    for (auto it = state.rounds.begin(); it != state.rounds.lower_bound(round); ++it) {
        if (it->second.accepted) ++out;
    }
    return out;
}

const RecordedCommitment* recorded_commitment(const RunState& state, Round round, Uid uid) {
    const auto record = state.rounds.find(round);
    if (record == state.rounds.end()) return nullptr;
    const auto commitment = record->second.commitments.find(uid);
    return commitment == record->second.commitments.end() ? nullptr : &commitment->second;
}

const crypto::StreamKey* shown_key(const RunState& state, Round round, Uid uid) {
    const RoundRecord* record = state.record(round);
    if (record == nullptr) return nullptr;
    const auto key = record->keys.find(uid);
    return key == record->keys.end() ? nullptr : &key->second;
}

std::optional<float> base_loss(const RunState& state, Round round) {
    const Accepted* accepted = last_accepted(state, round);
    if (accepted == nullptr) return std::nullopt;
    return std::bit_cast<float>(accepted->loss_bits);
}

bool JailRecord::jailed_at(ChainTime time) const {
    const auto after =
        std::upper_bound(changes.begin(), changes.end(), time,
                         [](ChainTime t, const JailChange& change) { return t < change.since; });
    return after != changes.begin() && std::prev(after)->jailed;
}

std::vector<Uid> aggregated(const RunState& state, Round round) {
    const auto seed = rho(state, round);
    if (!state.spec || !seed) return {};
    const UidSet set = included(state, round);
    std::vector<std::pair<Hash256, Uid>> drawn;
    for (std::size_t i = 0; i < kMaxUids; ++i) {
        const Uid uid(static_cast<std::uint16_t>(i));
        if (set[i]) drawn.emplace_back(slot_draw(*seed, uid), uid);
    }
    if (drawn.size() > state.spec->outer.max_artifacts) {
        std::sort(drawn.begin(), drawn.end());
        drawn.resize(state.spec->outer.max_artifacts);
    }
    std::vector<Uid> out;
    out.reserve(drawn.size());
    for (const auto& [draw, uid] : drawn)
        out.push_back(uid);
    std::sort(out.begin(), out.end());
    return out;
}

std::map<Uid, FindingStake> failures(const RunState& state, Round round) {
    std::map<Uid, FindingStake> out;
    const RoundRecord* record = state.record(round);
    if (record == nullptr) return out;
    std::vector<RevealedScores> revealed;
    for (const ValidatorStake& member : electorate(state, round)) {
        const auto scores = record->reveals.find(member.uid);
        if (scores != record->reveals.end()) revealed.push_back(scores->second);
    }
    for (const auto& [uid, key] : record->keys) {
        const FindingStake stake = finding_stake(revealed, uid);
        if (stake.fail > stake.pass) out.emplace(uid, stake);
    }
    return out;
}

SettlementInput settlement_input(const RunState& state, Round round) {
    SettlementInput out;
    const RoundRecord* record = state.record(round);
    if (!state.spec || record == nullptr) return out;
    out.terms = terms_of(*state.spec);
    out.seated = Amount{total_stake(seated(state, round))};
    for (const ValidatorStake& member : electorate(state, round)) {
        Elector elector{.uid = member.uid, .stake = member.stake};
        const auto scores = record->reveals.find(member.uid);
        if (scores != record->reveals.end()) elector.row = scores->second.weights;
        elector.voted = record->inclusion_votes.contains(member.uid) &&
                        record->parameters_votes.contains(member.uid);
        out.electorate.push_back(std::move(elector));
    }
    for (const auto& [uid, key] : record->keys)
        out.committed.set(uid.value);
    if (record->accepted) out.included = included(state, round);
    for (const auto& [uid, stake] : failures(state, round))
        out.failed.set(uid.value);
    return out;
}

Amount claimable(const RunState& state, Uid uid) {
    const auto found = state.tallies.find(uid);
    if (found == state.tallies.end()) return {};
    const Tally& tally = found->second;
    return Amount{checked_sub(tally.credited.units, tally.claimed.units).value_or(0)};
}

Continuity continuity(const RunState& state, Round round, Uid miner) {
    if (!state.spec) return {};
    for (auto it = state.rounds.lower_bound(round); it != state.rounds.begin();) {
        --it;
        const auto commitment = it->second.commitments.find(miner);
        if (commitment == it->second.commitments.end() || !it->second.keys.contains(miner)) {
            continue;  // nobody can read what was not opened, so nothing continues it
        }
        const Round previous = it->first;
        const TimingSpec& timing = state.spec->timing;
        if (round.value - previous.value > kContinuityGap ||
            failed_between(state, miner, snapshot_time(timing, previous),
                           snapshot_time(timing, round))) {
            return {};
        }
        const std::vector<Uid> slots = aggregated(state, previous);
        return {.fresh = false,
                .previous_round = previous,
                .previous_root = commitment->second.signed_commitment.commitment.root,
                .previous_included = it->second.accepted.has_value() &&
                                     std::binary_search(slots.begin(), slots.end(), miner)};
    }
    return {};
}

std::uint64_t assignment_base(const RunState& state, Round round) {
    if (!state.spec) return 0;
    std::uint64_t blocks = 0;
    for (const auto& [uid, neuron] : state.roster.neurons) {
        if (neuron.role == Role::kMiner) blocks += active_rounds(*state.spec, round, neuron);
    }
    return blocks * state.spec->windows_per_round();
}

}  // namespace covenant::protocol
